"""Loads what a parcel depends on and lets the model decide, inside the caller's transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from commerce import inventory
from commerce.inventory import Hold, OutOfStock, Part
from commerce.kernel.database import Tx
from commerce.shipping import defaults, places, planning, store
from commerce.shipping.calendars import calendars, timezone_of
from commerce.shipping.choosing import Candidate, choose
from commerce.shipping.days import Dispatch
from commerce.shipping.model import STANDARD, Destination, NoDelivery, Plan, Shipped
from commerce.shipping.planning import Place, Sender, Wish
from commerce.shipping.points import distance_m
from commerce.shipping.zones import Zone

HANDLING_DAYS, CUTOFF = 1, "12:00"  # of a warehouse of which nothing else is said
TELLING = ("postcode", "warehouse", "country")  # of several refusals the first says most
TRIES = 2  # the first one locks the stock, so that the second finds nobody in between


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
    senders = await _senders(tx, {_place(one): one.origin_country for one in goods})
    countries = {to.country, *(sender.stands.country for sender in senders.values())}
    wish = Wish(to=to, currency=currency, speed=speed, at=at)
    return planning.planned(goods, wish, senders, await calendars(countries, at))


async def check_served(tx: Tx, goods: Sequence[Shipped], to: Destination) -> None:
    """Refuses no_delivery as soon as the known part of the address is enough for it.

    Pieces may still move, so it is enough that some warehouse with any of them delivers there.
    """
    shelves = await inventory.stock_of(tx, [one.sku for one in goods])
    for one in goods:
        stocked = {shelf.warehouse for shelf in shelves.get(one.sku, ()) if shelf.available > 0}
        there = stocked | {one.warehouse}
        origin = {(one.supplier_id, warehouse): one.origin_country for warehouse in there}
        _serving(await _senders(tx, origin), to)


async def allocate(
    tx: Tx, hold_id: str, to: Destination, *, supplier_id: str, origin_country: str
) -> Hold:
    """The hold from where its pieces get there in the fewest parcels, and of those the closest.

    Refuses no_delivery, and out_of_stock where those who deliver there have too few.
    """
    for attempt in range(1, TRIES + 1):
        hold = await inventory.hold_of(tx, hold_id)
        reach = await inventory.within_reach(tx, hold_id)
        parts = await _chosen(tx, reach, hold.sku, hold.quantity, to, supplier_id, origin_country)
        try:
            return await inventory.relocate(tx, hold_id, parts)
        except OutOfStock:
            if attempt == TRIES:
                raise
    raise AssertionError("unreachable")


async def propose(
    tx: Tx, sku: str, quantity: int, to: Destination, *, supplier_id: str, origin_country: str
) -> list[Part]:
    """From where so many pieces would be sent now; refuses as `allocate`."""
    shelves = (await inventory.stock_of(tx, [sku])).get(sku, ())
    free = {shelf.warehouse: 0 if shelf.suspended else shelf.available for shelf in shelves}
    return await _chosen(tx, free, sku, quantity, to, supplier_id, origin_country)


async def _chosen(
    tx: Tx,
    free: Mapping[str, int],
    sku: str,
    quantity: int,
    to: Destination,
    supplier_id: str,
    origin_country: str,
) -> list[Part]:
    origins = {(supplier_id, warehouse): origin_country for warehouse in free}
    serving = _serving(await _senders(tx, origins), to)
    candidates = [
        Candidate(warehouse=place[1], distance_m=distance, free=free[place[1]])
        for place, distance in (await _distances(serving, to)).items()
    ]
    parts = choose(candidates, quantity)
    if not parts:
        available = sum(max(one.free, 0) for one in candidates)
        raise OutOfStock(sku=sku, asked=quantity, available=available)
    return [Part(warehouse, pieces) for warehouse, pieces in parts]


def _serving(senders: Mapping[Place, Sender], to: Destination) -> dict[Place, Sender]:
    refusals = {place: sender.refusal(to) for place, sender in senders.items()}
    serving = {place: senders[place] for place, refused in refusals.items() if refused is None}
    if not serving:
        known = [refused for refused in refusals.values() if refused is not None]
        raise min(known, key=_telling, default=NoDelivery(country=to.country, reason="country"))
    return serving


def _telling(refused: NoDelivery) -> int:
    return TELLING.index(refused.facts["reason"])


async def _distances(senders: Mapping[Place, Sender], to: Destination) -> dict[Place, int]:
    """In metres; where there is no choice nobody looks for places."""
    if len(senders) == 1:
        return dict.fromkeys(senders, 0)

    def measure() -> dict[Place, int]:
        there = places.locate(to)
        return {
            place: distance_m(places.locate(sender.stands), there)
            for place, sender in senders.items()
        }

    return await asyncio.to_thread(measure)


def _place(one: Shipped) -> Place:
    return one.supplier_id, one.warehouse


async def _senders(tx: Tx, origins: Mapping[Place, str]) -> dict[Place, Sender]:
    """With the country of the supplier for a warehouse that has no address of its own."""
    zones: dict[str, list[Zone]] = {}
    for zone in await store.of_suppliers(tx, {supplier for supplier, _ in origins}):
        zones.setdefault(zone.supplier_id, []).append(zone)
    named = {warehouse for _, warehouse in origins} - {inventory.MAIN}
    warehouses = await inventory.warehouses(tx, named) if named else {}
    return {
        place: _sender(warehouses.get(place[1]), origin, zones.get(place[0], ()))
        for place, origin in origins.items()
    }


def _sender(warehouse: inventory.Warehouse | None, origin: str, zones: Iterable[Zone]) -> Sender:
    if warehouse is None:
        dispatch = Dispatch(
            handling_days=HANDLING_DAYS, cutoff=CUTOFF, timezone=timezone_of(origin)
        )
        own = tuple(zones) or defaults.zones_from(origin)
        return Sender(stands=Destination(country=origin), zones=own, dispatch=dispatch)
    stands = Destination(
        country=warehouse.country,
        region=warehouse.region,
        city=warehouse.city,
        postcode=warehouse.postcode,
        latitude_e6=warehouse.latitude_e6,
        longitude_e6=warehouse.longitude_e6,
    )
    return Sender(
        stands=stands,
        areas=warehouse.areas,
        zones=tuple(zones) or defaults.zones_from(warehouse.country),
        dispatch=Dispatch(
            handling_days=warehouse.handling_days,
            cutoff=warehouse.cutoff,
            timezone=warehouse.timezone,
        ),
    )
