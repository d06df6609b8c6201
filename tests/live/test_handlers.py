from __future__ import annotations

import pytest

from commerce.kernel.events import Envelope
from live.handlers import HANDLERS, HEARD, nudge_room, nudge_rooms_showing
from tests.live.factories import a_session, pinned_session


def an_event(name: str, payload: dict) -> Envelope:
    return Envelope(
        id="e1",
        name=name,
        version=1,
        aggregate_id="x",
        payload=payload,
        correlation_id="",
        occurred_at=0,
    )


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize("key", ["session_id", "reference"])
async def test_what_changes_a_room_makes_it_look_again(database, name, key):
    nudged: list[str] = []
    database.on_wake("session:", nudged.append)

    assert HANDLERS[name][0] is nudge_room
    await database.unit_of_work(lambda tx: nudge_room(tx, an_event(name, {key: "s1"})))

    assert nudged == ["s1"]


async def test_an_event_of_no_session_moves_nobody(database):
    nudged: list[str] = []
    database.on_wake("session:", nudged.append)
    event = an_event("order.paid", {"session_id": ""})

    await database.unit_of_work(lambda tx: nudge_room(tx, event))

    assert nudged == []


@pytest.mark.parametrize("name", ["stock.freed", "stock.resumed", "stock.suspended"])
async def test_stock_that_changes_wakes_the_rooms_that_show_it(database, clock, name):
    shown, _ = await pinned_session(database)
    await a_session(database, title="Elsewhere")
    nudged: list[str] = []
    database.on_wake("session:", nudged.append)

    assert HANDLERS[name][0] is nudge_rooms_showing
    for sku in ("linen-dress-m", "unknown"):
        event = an_event(name, {"sku": sku})
        await database.unit_of_work(lambda tx, event=event: nudge_rooms_showing(tx, event))

    assert nudged == [shown.id]
