"""An order from two warehouses is bought, paid late, and given back like any other."""

from __future__ import annotations

from commerce import catalog, inventory
from commerce.kernel.database import Tx
from tests.checkout.shop import HOLD_SECONDS, SKU, Shop
from tests.inventory.factories import a_warehouse


async def receives_in_the_east(shop: Shop, pieces: int) -> None:
    """Besides the ten in the main warehouse."""

    async def deliver(tx: Tx) -> None:
        seller = (await catalog.products_of_skus(tx, [SKU]))[SKU].supplier_id
        await inventory.open_warehouse(tx, a_warehouse("east", supplier_id=seller))
        await inventory.receive(
            tx, SKU, pieces, reason="delivery", warehouse="east", supplier_id=seller
        )

    await shop.database.unit_of_work(deliver)


async def sold(shop: Shop) -> dict[str, int]:
    found = await shop.database.read(lambda tx: inventory.stock_of(tx, [SKU]))
    return {one.warehouse: one.sold for one in found[SKU]}


async def test_an_order_from_two_warehouses_is_sold_and_comes_back_there(shop):
    await receives_in_the_east(shop, 3)

    purchase = await shop.bought(quantity=12)
    assert await shop.ends(purchase) == ("paid", "claimed", "completed")
    assert await sold(shop) == {"east": 2, "main": 10}
    order = await shop.order(purchase)
    moved = await shop.database.read(lambda tx: inventory.movements_about(tx, order.id))
    assert [(m.kind, m.warehouse, m.quantity) for m in moved] == [
        ("sold", "east", 2), ("sold", "main", 10),
    ]  # fmt: skip

    await shop.refunds(purchase, order.total_minor, restock=True)
    await shop.settles()
    assert (await shop.ends(purchase))[1] == "returned"
    assert await sold(shop) == {"east": 0, "main": 0}


async def test_late_money_gets_every_part_again_or_goes_back(shop):
    await receives_in_the_east(shop, 3)
    first, second = await shop.buys("1", quantity=11), await shop.buys("2", quantity=2)
    await shop.settles()
    await shop.waits(HOLD_SECONDS)

    await shop.is_paid(first)
    await shop.settles()
    assert (await shop.ends(first))[:2] == ("paid", "claimed")
    await shop.holds("3", quantity=1)
    await shop.is_paid(second)
    await shop.settles()
    assert (await shop.ends(second))[:2] == ("cancelled", "released")
    assert sum((await sold(shop)).values()) == 11
