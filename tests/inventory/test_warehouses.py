"""Warehouses: who opens and changes them, whom they serve, and what goes in and out of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from commerce import inventory
from commerce.inventory import (
    Area,
    BadQuantity,
    BadWarehouse,
    NotYourWarehouse,
    SameWarehouse,
    StockPromised,
    UnknownSku,
    UnknownWarehouse,
    Warehouse,
    WarehouseChanged,
    WarehouseClosed,
    WarehouseNotEmpty,
)
from commerce.inventory.tables import WAREHOUSES
from commerce.kernel.idempotency import KeyReused
from tests.inventory.factories import (
    SKU,
    SUPPLIER,
    a_warehouse,
    announced,
    claimed,
    found,
    free,
    given_back,
    held,
    movements,
    received,
    shelf,
    stock,
)

BERLIN = Warehouse(
    id="berlin", supplier_id=SUPPLIER, name="Berlin", country="DE", region="Berlin",
    city="Berlin", postcode="10115", latitude_e6=52_520_000, longitude_e6=13_405_000,
    areas=(Area("AT"), Area("DE", ("10", "12"))), handling_days=2, cutoff="14:30",
    timezone="Europe/Berlin",
)  # fmt: skip


async def opened(database, warehouse=BERLIN):
    return await database.unit_of_work(lambda tx: inventory.open_warehouse(tx, warehouse))


async def edited(database, warehouse, version=1, supplier=SUPPLIER):
    return await database.unit_of_work(
        lambda tx: inventory.edit_warehouse(
            tx, warehouse, supplier_id=supplier, expected_version=version
        )
    )


async def closed(database, warehouse_id="berlin", version=1, supplier=SUPPLIER):
    return await database.unit_of_work(
        lambda tx: inventory.close_warehouse(
            tx, warehouse_id, supplier_id=supplier, expected_version=version
        )
    )


async def known(database, warehouse_id="berlin"):
    return (await database.read(lambda tx: inventory.warehouses(tx, [warehouse_id])))[warehouse_id]


async def transferred(database, key="t", pieces=3, **changes):
    facts = {"origin": "main", "to": "berlin", "supplier_id": SUPPLIER, "reason": "nearer"}
    await database.unit_of_work(
        lambda tx: inventory.transfer(tx, key, SKU, pieces, by="nell", **facts | changes)
    )


async def test_a_warehouse_is_kept_as_it_was_said(database):
    assert await opened(database) == BERLIN

    assert await known(database) == BERLIN
    assert await database.read(lambda tx: inventory.warehouses_of(tx, SUPPLIER)) == [BERLIN]
    assert await database.read(lambda tx: inventory.warehouses_of(tx, "another")) == []


async def test_it_is_opened_once_and_its_id_means_nothing_else(database):
    for _ in range(2):
        await opened(database)

    with pytest.raises(KeyReused):
        await opened(database, replace(BERLIN, name="Potsdam"))
    assert len(await database.read(lambda tx: tx.all(select(WAREHOUSES)))) == 1


async def test_what_is_said_untidily_is_kept_tidily(database):
    said = replace(
        BERLIN, name="  Berlin ", country="de", postcode=" sw1a 1aa",
        areas=(Area("de", ("sw 1", "10")), Area("at", ("1",)), Area("DE", ("10",)), Area("AT")),
    )  # fmt: skip

    assert await opened(database, said) == replace(
        BERLIN, postcode="SW1A 1AA", areas=(Area("AT"), Area("DE", ("10", "SW1")))
    )


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("name", {"name": " "}), ("name", {"name": "x" * 61}), ("country", {"country": "XX"}),
        ("country", {"country": "EU"}), ("region", {"region": "x" * 81}),
        ("city", {"city": "x" * 81}), ("postcode", {"postcode": "<b>"}),
        ("coordinates", {"latitude_e6": 90_000_001}), ("coordinates", {"longitude_e6": None}),
        ("coordinates", {"longitude_e6": -180_000_001}), ("areas", {"areas": (Area("XX"),)}),
        ("areas", {"areas": (Area("DE", ("1*",)),)}), ("areas", {"areas": (Area("DE", ("",)),)}),
        ("areas", {"areas": (Area("DE", tuple(map(str, range(3_001)))),)}),
        ("handling_days", {"handling_days": -1}), ("handling_days", {"handling_days": 61}),
        ("cutoff", {"cutoff": "24:00"}), ("cutoff", {"cutoff": "9:00"}),
        ("timezone", {"timezone": "Mars/Olympus"}), ("timezone", {"timezone": "../etc"}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field, facts):
    with pytest.raises(BadWarehouse) as refused:
        inventory.tidy(replace(BERLIN, **facts))
    assert refused.value.facts == {"field": field}


async def test_nothing_of_a_refused_change_is_kept(database):
    await opened(database)

    with pytest.raises(BadWarehouse):
        await edited(database, replace(BERLIN, name="Potsdam", timezone="Mars/Olympus"))
    assert await known(database) == BERLIN


async def test_a_change_makes_a_new_version_and_the_same_again_does_not(database):
    await opened(database)
    moved = replace(BERLIN, city="Potsdam", handling_days=3)

    for _ in range(2):
        assert await edited(database, moved) == replace(moved, version=2)
    assert await known(database) == replace(moved, version=2)


async def test_who_looked_before_others_is_told_to_look_again(database):
    await opened(database)
    await edited(database, replace(BERLIN, name="Mitte"))

    with pytest.raises(WarehouseChanged) as refused:
        await edited(database, replace(BERLIN, name="Wedding"))
    assert refused.value.facts == {"warehouse": "berlin", "version": 2}
    assert (await known(database)).name == "Mitte"


@pytest.mark.parametrize("act", [closed, lambda d, **who: edited(d, BERLIN, **who)])
async def test_only_its_supplier_changes_or_closes_it(database, act):
    await opened(database)

    with pytest.raises(NotYourWarehouse):
        await act(database, supplier="another")
    assert await known(database) == BERLIN


async def test_goods_come_in_only_where_their_supplier_has_a_warehouse(database):
    await received(database, 5)
    await opened(database, a_warehouse("theirs", supplier_id="another"))

    for warehouse, refusal in (("theirs", NotYourWarehouse), ("nowhere", UnknownWarehouse)):
        place = {"warehouse": warehouse, "supplier_id": SUPPLIER}
        with pytest.raises(refusal):
            await database.unit_of_work(
                lambda tx, p=place: inventory.receive(tx, SKU, 1, reason="delivery", **p)
            )
        with pytest.raises(refusal):
            await database.unit_of_work(lambda tx, p=place: inventory.open_shelf(tx, SKU, **p))
        with pytest.raises(refusal):
            await transferred(database, to=warehouse)
    assert await shelf(database) == (5, 0, 0)


async def test_a_shelf_is_opened_with_nothing_and_stays_as_it_is(database):
    for _ in range(2):
        await database.unit_of_work(lambda tx: inventory.open_shelf(tx, SKU))
    assert await shelf(database) == (0, 0, 0)

    await received(database, 5)
    await database.unit_of_work(lambda tx: inventory.open_shelf(tx, SKU))
    assert await shelf(database) == (5, 0, 0)


async def test_pieces_move_once_however_often_it_is_said(database, clock):
    await received(database, 5)
    await opened(database)
    said = await announced(database)

    for _ in range(2):
        await transferred(database)
    assert [(await stock(database, place)).on_hand for place in ("main", "berlin")] == [2, 3]
    assert sorted(await movements(database)) == [
        ("moved_in", 3, "nearer", "t"), ("moved_out", 3, "nearer", "t"),
    ]  # fmt: skip
    assert (await free(database), await shelf(database)) == (5, (5, 0, 0))
    assert await announced(database) == said
    with pytest.raises(KeyReused):
        await transferred(database, pieces=1)


async def test_a_move_is_told_again_even_where_it_could_not_be_done_again(database, clock):
    await received(database, 3)
    await opened(database)
    await transferred(database)
    await transferred(database, "back", origin="berlin", to="main")
    await closed(database)

    await transferred(database)
    assert (await stock(database)).on_hand == 3


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"pieces": 4}, StockPromised), ({"pieces": 0}, BadQuantity), ({"pieces": -1}, BadQuantity),
        ({"to": "main"}, SameWarehouse), ({"origin": "moon"}, UnknownSku),
    ],
)  # fmt: skip
async def test_a_move_that_cannot_be_moves_nothing(database, clock, facts, refusal):
    await received(database, 6)
    await held(database, quantity=2)
    await claimed(database, await held(database, "sold"))
    await opened(database)

    with pytest.raises(refusal) as refused:
        await transferred(database, **facts)
    if refusal is StockPromised:
        assert refused.value.facts == {
            "sku": SKU, "warehouse": "main", "promised": 3, "available": 3,
        }  # fmt: skip
    assert await shelf(database) == (6, 2, 1)
    assert [kind for kind, *_ in await movements(database)] == ["sold"]


async def test_a_warehouse_closes_only_when_nothing_is_there(database, clock):
    await received(database, 3, warehouse="east")
    hold = await held(database, quantity=2)

    with pytest.raises(WarehouseNotEmpty) as refused:
        await closed(database, "east")
    assert refused.value.facts == {"warehouse": "east", "skus": 1, "pieces": 3}
    assert (await known(database, "east")).active

    await claimed(database, hold)
    await transferred(database, pieces=1, origin="east", to="main")
    assert await closed(database, "east") == a_warehouse("east", active=False, version=2)
    with pytest.raises(WarehouseClosed):
        await edited(database, a_warehouse("east", name="Far east"), version=2)
    with pytest.raises(WarehouseClosed):
        await transferred(database, "again", pieces=1, to="east")
    (version,) = [
        one.version
        for one in (await database.read(lambda tx: inventory.stock_of(tx, [SKU])))[SKU]
        if one.warehouse == "east"
    ]
    for deed, number in ((inventory.adjust, 1), (inventory.count, 9)):
        with pytest.raises(WarehouseClosed):
            await database.unit_of_work(
                lambda tx, deed=deed, number=number: deed(
                    tx, "key", SKU, "east", number, "found some", "nell", version
                )
            )


async def test_what_comes_back_to_a_closed_warehouse_goes_on_to_the_main_one(database, clock):
    for warehouse in ("east", "west"):
        await received(database, 2, warehouse=warehouse)
    hold = await held(database, quantity=4)
    await claimed(database, hold)
    await closed(database, "east")

    for _ in range(2):
        await given_back(database, hold)
    stood = [await stock(database, place) for place in ("east", "main", "west")]
    assert [(one.on_hand, one.sold) for one in stood] == [(0, 0), (2, 0), (2, 0)]
    assert (await found(database, hold)).parts == (("east", 2), ("west", 2))
    assert await free(database) == 4
    pieces = await database.read(lambda tx: inventory.pieces_by_warehouse(tx, [SKU]))
    assert pieces == {"east": 0, "main": 2, "west": 2}


@pytest.mark.parametrize(
    ("areas", "country", "postcode", "served"),
    [
        ((), "BR", "", True),
        ((Area("DE"),), "DE", "99999", True),
        ((Area("DE"),), "AT", "1010", False),
        ((Area("DE", ("10", "12")),), "DE", "12345", True),
        ((Area("DE", ("10", "12")),), "DE", "13345", False),
        ((Area("GB", ("SW1",)),), "GB", "sw1a 1aa", True),
        ((Area("DE", ("10",)), Area("AT")), "AT", "", True),
        ((Area("DE", ("10",)),), "DE", "", False),
    ],
)
def test_a_warehouse_serves_its_areas_and_without_any_everybody(areas, country, postcode, served):
    assert replace(BERLIN, areas=areas).serves(country, postcode) is served
