"""Zones that suppliers keep, and holds that move to where they are sent from."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from commerce import inventory, shipping
from commerce.inventory import Area, Holds, OutOfStock, Part, Warehouse
from commerce.kernel.clock import DAY
from commerce.shipping import (
    AreaTaken,
    BadZone,
    NoDelivery,
    NotYourZone,
    UnknownZone,
    ZoneChanged,
)
from commerce.shipping.tables import DELIVERY_AREAS
from tests.conftest import NOON
from tests.shipping.factories import SUPPLIER, a_rate, a_zone, goods, steps, to

TAKEN = select(DELIVERY_AREAS.c.country, DELIVERY_AREAS.c.zone_id).order_by(
    DELIVERY_AREAS.c.country
)
HERE = {"supplier_id": SUPPLIER, "origin_country": "DE"}
PLACES = {"berlin": "10115", "hamburg": "20095", "munich": "80331"}


def add(database, zone):
    return database.unit_of_work(lambda tx: shipping.add_zone(tx, zone, by="ann"))


def edit(database, zone, version):
    return database.unit_of_work(
        lambda tx: shipping.edit_zone(tx, zone, expected_version=version, by="ann")
    )


async def areas_taken(database) -> list[tuple[str, str]]:
    rows = await database.read(lambda tx: tx.all(TAKEN))
    return [(row["country"], row["zone_id"]) for row in rows]


async def test_zones_are_kept_as_they_were_said(database):
    rate = a_rate(steps=steps((0, 1_000, 490), (1_000, None, 690)), free_from_minor=5_000)
    express = a_rate(speed="express", cm3_per_kg=5_000)
    near = a_zone("near", "AT", Area("DE", ("80", "81")), rates=(rate, express), origin="DE")
    far = a_zone("far", "WORLD")

    await add(database, near)
    await add(database, far)
    await add(database, far)  # the form sent twice
    kept = await database.read(lambda tx: shipping.zones_of(tx, SUPPLIER))

    assert kept == [far, near]
    assert await database.read(lambda tx: shipping.zones_of(tx, "other")) == []


async def test_an_address_is_never_in_two_zones_of_a_supplier(database):
    await add(database, a_zone("home", "DE", "AT"))

    with pytest.raises(AreaTaken) as refused:
        await add(database, a_zone("again", "CH", "AT"))
    await add(database, a_zone("parts", Area("DE", ("80",))))
    await add(database, a_zone("theirs", "AT", supplier_id="other"))
    await add(database, a_zone("from Spain", "AT", origin="ES"))

    assert refused.value.facts == {"country": "AT", "postcode_prefix": ""}
    zones = await database.read(lambda tx: shipping.zones_of(tx, SUPPLIER))
    assert [zone.name for zone in zones] == ["from Spain", "home", "parts"]
    assert ("CH", "again") not in await areas_taken(database)


async def test_of_two_that_take_an_area_at_once_one_gets_it(database):
    both = [add(database, a_zone(name, "DE")) for name in ("one", "other")]

    ends = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(type(end).__name__ for end in ends) == ["AreaTaken", "Zone"]
    assert len(await database.read(lambda tx: shipping.zones_of(tx, SUPPLIER))) == 1


async def test_who_saw_an_older_zone_changes_nothing(database):
    zone = await add(database, a_zone("home", "DE", "AT"))
    edited = await edit(database, replace(zone, areas=(Area("AT"), Area("CH"))), 1)

    with pytest.raises(ZoneChanged) as refused:
        await edit(database, replace(zone, name="older"), 1)
    with pytest.raises(ZoneChanged):
        await database.unit_of_work(
            lambda tx: shipping.remove_zone(tx, "home", supplier_id=SUPPLIER, expected_version=1)
        )
    with pytest.raises(BadZone):
        await edit(database, replace(edited, name=""), 2)

    assert refused.value.facts == {"zone_id": "home", "version": 2}
    assert await database.read(lambda tx: shipping.zones_of(tx, SUPPLIER)) == [edited]
    assert await areas_taken(database) == [("AT", "home"), ("CH", "home")]


async def test_a_removed_zone_leaves_its_areas_to_others(database):
    await add(database, a_zone("home", "DE"))

    await database.unit_of_work(
        lambda tx: shipping.remove_zone(tx, "home", supplier_id=SUPPLIER, expected_version=1)
    )
    await add(database, a_zone("new", "DE"))

    assert await areas_taken(database) == [("DE", "new")]


async def test_nobody_changes_the_zone_of_another(database):
    zone = await add(database, a_zone("home"))

    with pytest.raises(NotYourZone):
        await edit(database, replace(zone, supplier_id="other"), 1)
    with pytest.raises(NotYourZone):
        await database.unit_of_work(
            lambda tx: shipping.remove_zone(tx, "home", supplier_id="other", expected_version=1)
        )
    with pytest.raises(UnknownZone):
        await edit(database, replace(zone, id="none"), 1)

    assert await database.read(lambda tx: shipping.zones_of(tx, SUPPLIER)) == [zone]


async def stocked(database, **pieces: int) -> None:
    """Warehouses in three cities, with so many pieces; "main" has no address."""

    async def deliver(tx):
        for name, many in pieces.items():
            if name in PLACES:
                await inventory.open_warehouse(tx, a_warehouse(name))
            await inventory.receive(
                tx, "tee", many, reason="delivery", warehouse=name, supplier_id=SUPPLIER
            )

    await database.unit_of_work(deliver)


def a_warehouse(name, **facts) -> Warehouse:
    known = {"id": name, "supplier_id": SUPPLIER, "name": name, "country": "DE"}
    return Warehouse(**known | {"postcode": PLACES.get(name, ""), "timezone": "UTC"} | facts)


def changed(database, warehouse):
    return database.unit_of_work(
        lambda tx: inventory.edit_warehouse(tx, warehouse, supplier_id=SUPPLIER, expected_version=1)
    )


async def held(database, quantity: int, *, key="k", warehouse="") -> str:
    holds = Holds(database)
    hold = await holds.hold(
        key=key, sku="tee", quantity=quantity, owner=key, reference="live", seconds=600
    )
    await holds.close()
    if warehouse:
        part = [Part(warehouse, quantity)]
        await database.unit_of_work(lambda tx: inventory.relocate(tx, hold.id, part))
    return hold.id


def allocate(database, hold_id, address):
    return database.unit_of_work(lambda tx: shipping.allocate(tx, hold_id, address, **HERE))


@pytest.mark.parametrize(
    ("address", "quantity", "parts"),
    [
        (to("DE", "22301"), 2, [("hamburg", 2)]),
        (to("DE", city="Augsburg"), 2, [("munich", 2)]),
        (to("DE", "22301"), 3, [("munich", 3)]),
        (to("DE", "22301"), 6, [("berlin", 1), ("hamburg", 2), ("munich", 3)]),
        (to("DE", latitude_e6=52_400_000, longitude_e6=13_070_000), 1, [("berlin", 1)]),
    ],
)
async def test_a_hold_moves_to_where_its_parcel_is_closest(database, address, quantity, parts):
    await stocked(database, berlin=1, hamburg=2, munich=3)
    hold_id = await held(database, quantity)

    hold = await allocate(database, hold_id, address)
    again = await allocate(database, hold_id, address)

    assert sorted(hold.parts) == [Part(*part) for part in parts]
    assert again == hold


async def test_only_who_serves_the_address_sends(database):
    await stocked(database, main=1, hamburg=1)
    local = a_warehouse("hamburg", areas=(Area("DE", ("20", "22")),))
    await changed(database, local)
    hold_id = await held(database, 1)

    near = await allocate(database, hold_id, to("DE", "22301"))
    far = await allocate(database, hold_id, to("FR", "75001"))
    with pytest.raises(NoDelivery) as refused:
        await allocate(database, hold_id, to("NG"))

    assert [near.parts, far.parts] == [(Part("hamburg", 1),), (Part("main", 1),)]
    assert refused.value.facts == {"country": "NG", "reason": "warehouse"}
    assert await database.read(lambda tx: inventory.hold_of(tx, hold_id)) == far


async def test_pieces_that_cannot_be_sent_there_do_not_count(database):
    await stocked(database, main=1, hamburg=1)
    local = a_warehouse("hamburg", areas=(Area("DE"),))
    await changed(database, local)
    hold_id = await held(database, 2)
    before = await database.read(lambda tx: inventory.hold_of(tx, hold_id))

    with pytest.raises(OutOfStock) as refused:
        await allocate(database, hold_id, to("FR"))

    assert refused.value.facts == {"sku": "tee", "asked": 2, "available": 1}
    assert await database.read(lambda tx: inventory.hold_of(tx, hold_id)) == before


async def test_a_zone_for_parcels_from_elsewhere_serves_nobody_here(database):
    await stocked(database, main=1)
    await add(database, a_zone("from France", "FR", origin="FR"))

    with pytest.raises(NoDelivery) as refused:
        await database.read(lambda tx: shipping.check_served(tx, [goods("tee")], to("FR")))

    assert refused.value.facts == {"country": "FR", "reason": "country"}


async def test_no_is_said_from_the_country_and_then_from_the_postcode(database):
    await stocked(database, main=1)
    await add(database, a_zone("home", Area("DE", ("1", "2")), "AT"))

    def check(address):
        return database.read(lambda tx: shipping.check_served(tx, [goods("tee")], address))

    await check(to("DE"))
    await check(to("DE", "20095"))
    await check(to("AT"))
    with pytest.raises(NoDelivery) as country:
        await check(to("FR"))
    with pytest.raises(NoDelivery) as postcode:
        await check(to("DE", "80331"))
    assert country.value.facts == {"country": "FR", "reason": "country"}
    assert postcode.value.facts == {"country": "DE", "postcode": "80331", "reason": "postcode"}


async def test_another_warehouse_counts_as_long_as_it_has_pieces(database):
    await stocked(database, main=1, hamburg=1)
    await changed(database, a_warehouse("hamburg", areas=(Area("DE"),)))
    there = [goods("tee", warehouse="hamburg")]

    def check():
        return database.read(lambda tx: shipping.check_served(tx, there, to("FR")))

    await check()
    await held(database, 1, warehouse="main")
    with pytest.raises(NoDelivery) as refused:
        await check()

    assert refused.value.facts == {"country": "FR", "reason": "warehouse"}


async def test_of_many_who_want_the_closest_piece_one_gets_it(database):
    await stocked(database, munich=6)
    holds = [await held(database, 1, key=f"fan-{n}") for n in range(6)]
    await stocked(database, berlin=1, hamburg=1)

    moved = await asyncio.gather(
        *(allocate(database, hold_id, to("DE", "22301")) for hold_id in holds)
    )

    assert sorted(hold.parts[0].warehouse for hold in moved) == [
        "berlin", "hamburg", "munich", "munich", "munich", "munich",
    ]  # fmt: skip
    shelves = (await database.read(lambda tx: inventory.stock_of(tx, ["tee"])))["tee"]
    assert {one.warehouse: one.held for one in shelves} == {"berlin": 1, "hamburg": 1, "munich": 4}


async def test_parcels_follow_the_zones_and_the_hours_of_their_warehouses(database):
    await stocked(database, main=1, hamburg=1)
    slow = a_warehouse("hamburg", handling_days=3, cutoff="11:00")
    await changed(database, slow)
    await add(database, a_zone("home", "DE", rates=(a_rate(amount_minor=333),)))
    wanted = [goods(), goods(warehouse="hamburg"), goods("mug", supplier_id="other")]

    plan = await database.read(
        lambda tx: shipping.plan(tx, wanted, to("DE", "10115"), currency="EUR", at=NOON + DAY)
    )

    # Tuesday noon in UTC is 14:00 in Berlin, where "main" stands; Thursday, 4 June is no holiday.
    assert [(p.supplier_id, p.warehouse, p.charge_minor, p.earliest) for p in plan.parcels] == [
        (SUPPLIER, "main", 333, "2026-06-05"),
        (SUPPLIER, "hamburg", 333, "2026-06-09"),
        ("other", "main", 490, "2026-06-05"),
    ]
