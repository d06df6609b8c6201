"""Every query of price lists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select, update

from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.pricing.lists import Price
from commerce.pricing.tables import PRICED_SKUS, PRICES

KNOW = insert_once(PRICED_SKUS, "sku")
TAKE = (
    update(PRICED_SKUS)
    .where(PRICED_SKUS.c.sku == bindparam("which"))
    .values(version=PRICED_SKUS.c.version + 1)
)
OF_SKUS = (
    select(PRICES)
    .where(any_of(PRICES.c.sku, "skus"))
    .order_by(PRICES.c.sku, PRICES.c.currency, PRICES.c.warehouse, PRICES.c.valid_from)
)
GET = select(PRICES).where(PRICES.c.id == bindparam("price"))
ADD = insert(PRICES)
END = update(PRICES).where(PRICES.c.id == bindparam("price")).values(valid_until=bindparam("until"))
DROP = delete(PRICES).where(PRICES.c.id == bindparam("price"))


async def take(tx: Tx, sku: str) -> None:
    """One at a time changes the prices of a SKU, until the end of the transaction."""
    await tx.run(KNOW, sku=sku, version=1)
    await tx.run(TAKE, which=sku)


async def of_skus(tx: Tx, skus: Sequence[str]) -> list[Price]:
    return [_price(row) for row in await tx.all(OF_SKUS, skus=list(skus))]


async def get(tx: Tx, price_id: str) -> Price | None:
    row = await tx.first(GET, price=price_id)
    return _price(row) if row else None


async def add(tx: Tx, price: Price) -> None:
    await tx.run(
        ADD,
        id=price.id,
        sku=price.sku,
        currency=price.currency,
        warehouse=price.warehouse,
        amount_minor=price.amount_minor,
        valid_from=price.valid_from,
        valid_until=price.valid_until,
        set_by=price.set_by,
    )


async def end(tx: Tx, price_id: str, until: int) -> None:
    await tx.run(END, price=price_id, until=until)


async def drop(tx: Tx, price_id: str) -> None:
    await tx.run(DROP, price=price_id)


def _price(row: Row) -> Price:
    return Price(
        id=row["id"],
        sku=row["sku"],
        currency=row["currency"],
        warehouse=row["warehouse"],
        amount_minor=row["amount_minor"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        set_by=row["set_by"],
    )
