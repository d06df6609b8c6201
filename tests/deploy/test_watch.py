"""A broken book raises an alert and stops the sale of what it is about; nothing is repaired."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from commerce import inventory
from commerce.inventory.tables import STOCK
from commerce.kernel import alerts
from commerce.kernel.clock import MINUTE
from deploy import invariants, watch
from tests.checkout.shop import SKU, TAX, TOTAL, Shop
from tests.deploy.rows import order, payment, received, sale, shelf, sold, write
from tests.deploy.test_invariants import BROKEN, found_in

pytestmark = pytest.mark.usefixtures("clock")


async def opened(database):
    return {(one.name, one.subject): one for one in await database.read(alerts.open_alerts)}


async def suspended(database):
    return [one.sku for one in await database.read(inventory.suspended)]


async def buys(database, sku="shirt"):
    return await inventory.Holds(database).hold(
        key="k", sku=sku, quantity=1, owner="fan", reference="session", seconds=600
    )


async def test_a_broken_shelf_alerts_and_is_not_sold_until_a_person_says_so(database, clock):
    await write(database, shelf(held=2))

    assert await watch.watch(database) == 1
    (alert,) = (await opened(database)).values()
    assert (alert.name, alert.subject, alert.count) == ("stock_held_is_holds", "shirt", 1)
    assert alert.facts == {"sku": "shirt", "warehouse": "main", "held": 2}
    with pytest.raises(inventory.SkuSuspended):
        await buys(database)
    (row,) = (await database.read(lambda tx: inventory.stock_of(tx, ["shirt"])))["shirt"]
    assert row.held == 2  # nothing is repaired


async def test_what_lasts_is_counted_and_what_holds_again_is_resolved_but_not_sold(database, clock):
    await write(database, shelf(held=2))
    for _ in range(3):
        await watch.watch(database)
        clock.advance(MINUTE)
    assert [one.count for one in (await opened(database)).values()] == [3]

    await database.unit_of_work(lambda tx: tx.run(update(STOCK).values(held=0)))
    assert await watch.watch(database) == 0

    assert await opened(database) == {}
    assert await suspended(database) == ["shirt"]
    await database.unit_of_work(
        lambda tx: inventory.resume(tx, "shirt", by="ada", reason="counted it")
    )
    assert (await buys(database)).status == "held"


async def test_a_person_who_lets_the_sale_go_on_is_not_overruled(database):
    await write(database, shelf(held=2))
    await watch.watch(database)
    await database.unit_of_work(
        lambda tx: inventory.resume(tx, "shirt", by="ada", reason="I know why")
    )

    await watch.watch(database)

    assert await suspended(database) == []
    assert len(await opened(database)) == 1


async def test_an_order_that_is_wrong_stops_its_skus(database):
    rows = [*shelf(), order(status="paid"), payment(), received(), sold(), sale(499)]
    await write(database, rows)

    await watch.watch(database)

    assert ("paid_order_is_posted", "o") in await opened(database)
    assert await suspended(database) == ["shirt"]


async def test_a_till_that_sells_raises_nothing(database, clock):
    shop = Shop(database, clock)
    await shop.opens()
    purchase = await shop.bought()
    await shop.refunds(purchase, 490)
    await shop.buys("2")
    await shop.settles()
    before = await shop.books()

    assert await watch.watch(database) == 0

    assert await opened(database) == {}
    assert await suspended(database) == []
    assert await shop.books() == before == {
        "clearing:sandbox": TOTAL - 490, "sales": TAX - 5_000, "delivery_income": -490,
        "refunds": 490 - 85, "tax_payable:ES": 85 - TAX,
    }  # fmt: skip
    assert (await buys(database, SKU)).status == "held"


async def test_every_invariant_alerts_and_stops_the_sale_of_what_it_is_about(database):
    for names, rows in BROKEN:
        told, about, stopped = await found_in(database, rows, one_beat)

        assert told - watch.CHORES == set(names.split()), names
        has_order = any(table.name == "orders" for table, _ in rows)
        sells = "shirt" in about or ("o" in about and has_order)
        assert stopped == (["shirt"] if sells else []), names


async def one_beat(tx):
    """The alerts, the SKUs and orders they are about, and the SKUs that are not sold any more."""
    beat = await watch._begin(tx, watch.NEWEST, watch.ROUND)
    found = {
        one.name: await invariants.asked(tx, one, beat.keys.get(one.part)) for one in beat.asked
    }
    await watch._tell(tx, beat, found)
    told = await alerts.open_alerts(tx)
    about = {alert.facts.get("sku", alert.facts.get("order_id")) for alert in told}
    return {alert.name for alert in told}, about, [s.sku for s in await inventory.suspended(tx)]


async def test_a_chore_left_undone_alerts_and_goes_on_selling(database, clock):
    await buys_after(database)
    clock.advance(601 * 1_000_000 + 10 * MINUTE)

    await watch.watch(database)

    assert {name for name, _ in await opened(database)} == {"no_hold_overdue"}
    assert await suspended(database) == []


async def buys_after(database):
    await write(database, shelf())
    return await buys(database)


async def test_old_rows_are_found_when_their_turn_comes(database):
    rows = [
        order(id=f"o{n:02}", key=f"o{n:02}", code=f"C{n:02}", status="cancelled") for n in range(20)
    ]
    await write(database, [*rows, sold(reference="o03")])

    beats = 0
    while not await watch.watch(database, newest=2, following=3):
        beats += 1
        assert beats < 7
    assert list(await opened(database)) == [("unpaid_order_sold_nothing", "o03")]
    # What is alerted is looked at in every beat, wherever the round stands.
    for _ in range(3):
        assert await watch.watch(database, newest=2, following=3) == 1
    assert beats == 1


async def test_a_beat_that_runs_twice_at_once_alerts_once(database):

    await write(database, shelf(held=2))

    await asyncio.gather(*[watch.watch(database) for _ in range(3)])

    assert [one.count for one in (await opened(database)).values()] == [3]
    assert await suspended(database) == ["shirt"]
