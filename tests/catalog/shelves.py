"""A small shop to search: products in several languages, fed to the search as a till feeds it."""

from __future__ import annotations

from typing import Any

from commerce import catalog, inventory, suppliers
from commerce.catalog import Facet, Product, Query, Variant, search_handlers
from commerce.catalog.search_tables import SEARCH_ENTRIES
from commerce.kernel.database import Database
from commerce.kernel.outbox import Dispatcher, Relay
from tests.catalog.factories import a_draft, a_product

ENTRIES = SEARCH_ENTRIES.select().order_by(SEARCH_ENTRIES.c.product_id)


def thing(
    product_id: str, title: str, colours: str = "", price_minor: int = 2_500, **more
) -> Product:
    """One variant of each colour in size M; the SKUs are the id and the colour."""
    variants = tuple(
        Variant(
            sku=f"{product_id}-{colour or 'one'}".upper(),
            label=colour,
            attributes={"colour": colour, "size": "m"} if colour else {},
            price_minor=price_minor,
        )
        for colour in colours.split(",")
    )
    return a_product(id=product_id, title=title, variants=variants, **more)


SHOP = (
    thing("hoodie", "Cosy Hoodie", "Blue,Red", 4_900, description="Soft cotton for winter."),
    thing("sudadera", "Sudadera con capucha", "Azul,Negro", 5_900),
    thing("dress", "Linen Dresses", "Green", 7_900, supplier_id="mar"),
    thing("mug", "Café mug", "", 900, supplier_id="mar"),
    thing("ring", "Señorita ring", "Gold", 12_900),
    thing("shirt", "青いシャツ", "Blue", 1_900),
)


async def open_shop(database: Database, *products: Product) -> None:
    """Published, a piece of each variant on the shelf, and found."""

    async def stock(tx: Any) -> None:
        for product in products:
            await suppliers.create(
                tx, supplier_id=product.supplier_id, name="T", country="ES", currency="EUR"
            )
            await a_draft(tx, product)
            for variant in product.variants:
                await inventory.receive(tx, variant.sku, 1, reason="delivery")
            await catalog.publish(tx, product.id)

    await database.unit_of_work(stock)
    await feed(database)


async def feed(database: Database) -> None:
    """What is announced and not yet heard reaches the search."""
    relay = Relay(database, Dispatcher(database, [search_handlers.HANDLERS]).deliver, proven=True)
    while await relay.relay_due():
        continue


async def found(database: Database, text: str = "", **more: Any) -> catalog.Found:
    query = Query(text=text, **more)
    return await database.read(lambda tx: catalog.search(tx, query))


async def ids(database: Database, text: str = "", **more: Any) -> list[str]:
    return [product.id for product in (await found(database, text, **more)).hits]


def counts(answer: catalog.Found, facet: Facet) -> dict[str, int]:
    return dict(answer.facets.get(facet, ()))


async def entries(database: Database) -> list[dict[str, Any]]:
    rows = await database.read(lambda tx: tx.all(ENTRIES))
    return [{name: row[name] for name in row.keys() if name != "doc"} for row in rows]  # noqa: SIM118
