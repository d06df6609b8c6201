"""A leader's live session with a product to pin, made through the doors."""

from __future__ import annotations

import live
from commerce import catalog, inventory, suppliers
from commerce.kernel.database import Database, Tx

LEADER = "leader-1"


async def a_session(database: Database, **changes) -> live.Session:
    values = {
        "leader_id": LEADER,
        "leader_name": "Mara",
        "title": "Summer drop",
        "stream": "/static/still.png",
    }
    return await database.unit_of_work(lambda tx: live.start_session(tx, **(values | changes)))


async def a_product(database: Database, name: str = "Linen dress", left: int = 12) -> str:
    """Published, in sizes S and M, with stock in M only."""
    stem = name.lower().replace(" ", "-")

    async def make(tx: Tx) -> str:
        product = await catalog.create_product(
            tx,
            supplier_id="supplier-1",
            title=name,
            description="Light and cool.",
            image="/static/seed/dress.png",
            currency="EUR",
            variants=[
                catalog.Variant(sku=f"{stem}-s", label="S", price_minor=4900),
                catalog.Variant(sku=f"{stem}-m", label="M", price_minor=5900),
            ],
        )
        await suppliers.create(
            tx, supplier_id="supplier-1", name="Taller Sol", country="ES", currency="EUR"
        )
        await inventory.receive(tx, f"{stem}-m", left, reason="delivery")
        await catalog.publish(tx, product.id)
        return product.id

    return await database.unit_of_work(make)


async def pinned_session(database: Database) -> tuple[live.Session, str]:
    session = await a_session(database)
    product_id = await a_product(database)
    await pin(database, session, product_id)
    return session, product_id


async def pin(
    database: Database, session: live.Session, product_id: str, ends_at: int | None = None
) -> live.Pin:
    return await database.unit_of_work(
        lambda tx: live.pin(tx, session.id, product_id, ends_at, leader_id=session.leader_id)
    )
