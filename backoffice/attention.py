"""What waits for a person, counted: for the overview and for the mark in the menu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice import cases
from backoffice.cases import Kind
from backoffice.pages import OPERATIONS
from commerce import checkout, inventory
from commerce.kernel import alerts, attention
from commerce.kernel.alerts import Alert
from commerce.kernel.database import Tx

# Alerts about what has a list of its own here.
SHOWN_ANYWAY = frozenset(
    {"nothing_parked", "nothing_stuck", "no_event_parked", "no_message_parked"}
)


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    count: int
    path: str


async def tiles(tx: Tx) -> Sequence[Tile]:
    kernel = await attention.counts(tx)
    money = await cases.count_open(tx)
    cases_page = f"{OPERATIONS}/payments"
    return (
        Tile("Stopped, need a decision", kernel.sagas_parked, "#parked"),
        Tile("Stuck", kernel.sagas_stuck, "#stuck"),
        Tile("Events nobody could hear", kernel.events_parked, "#events"),
        Tile("Messages nobody could answer", kernel.messages_parked, "#messages"),
        Tile("Wrong money", money[Kind.MISMATCHED], cases_page),
        Tile("News of unknown payments", money[Kind.UNKNOWN], cases_page),
        Tile("Refunds that failed", money[Kind.REFUND], cases_page),
        Tile("Open disputes", money[Kind.DISPUTE], cases_page),
        Tile("Books that differ", len(await checkout.open_differences(tx)), f"{OPERATIONS}/books"),
        Tile("Stock not sold", len(await inventory.suspended(tx)), "#suspended"),
        Tile("Alerts", len(await open_alerts(tx)), "#alerts"),
    )


async def open_alerts(tx: Tx) -> list[Alert]:
    """Those that say something that these pages do not show by themselves."""
    return [one for one in await alerts.open_alerts(tx) if one.name not in SHOWN_ANYWAY]


async def total(tx: Tx) -> int:
    return sum(tile.count for tile in await tiles(tx))
