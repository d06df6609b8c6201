"""Loads what a parcel depends on and lets the model decide, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.kernel.database import Tx
from commerce.shipping import defaults, planning
from commerce.shipping.days import Calendar, Dispatch
from commerce.shipping.model import STANDARD, Destination, Plan, Shipped
from commerce.shipping.planning import Place, Sender

HANDLING = Dispatch(handling_days=1, cutoff="14:00", timezone="UTC")


async def plan(
    tx: Tx,
    goods: Sequence[Shipped],
    to: Destination,
    *,
    currency: str,
    speed: str = STANDARD,
    at: int,
) -> Plan:
    """How the goods get there. Refuses no_delivery and no_rate."""
    senders = await _senders(tx, goods)
    countries = {to.country, *(sender.country for sender in senders.values())}
    return planning.planned(
        goods,
        to,
        senders=senders,
        calendars={country: Calendar() for country in countries},
        currency=currency,
        speed=speed,
        at=at,
    )


async def check_served(tx: Tx, goods: Sequence[Shipped], to: Destination) -> None:
    """Refuses no_delivery as soon as the known part of the address is enough for it."""
    for sender in (await _senders(tx, goods)).values():
        sender.check(to)


async def _senders(tx: Tx, goods: Sequence[Shipped]) -> dict[Place, Sender]:
    return {
        (one.supplier_id, one.warehouse): Sender(
            country=one.origin_country,
            zones=defaults.zones_from(one.origin_country),
            dispatch=HANDLING,
        )
        for one in goods
    }
