"""The demo shop: people, products, stock and sessions, made through the doors like anybody's.

Every key is fixed, so seeding again changes nothing: what was renamed, sold or ended in between
stays so. Only the demo's own offer is put up again when its time ran out, so that there is always
something to buy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import live
from commerce import accounts, catalog, inventory, suppliers
from commerce.accounts import Role
from commerce.catalog import Variant
from commerce.kernel import clock
from commerce.kernel.database import Database, Tx
from commerce.promotions import jobs as promotions_jobs
from deploy import seed_catalog, seed_delivery, seed_pictures, seed_promotions

PASSWORD = "livetill-demo"  # for a till that sells nothing real; never seeded in production
CURRENCY = "EUR"
OFFER = 90 * clock.MINUTE


_id = seed_catalog.key


@dataclass(frozen=True, slots=True)
class Login:
    name: str
    email: str
    role: str
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class SeedResult:
    session_slug: str  # of the session that is live
    logins: tuple[Login, ...]


@dataclass(frozen=True, slots=True)
class _Product:
    number: int
    supplier: int
    title: str
    description: str
    picture: str
    prices: Mapping[str, int]  # by what the fan chooses; "" where there is nothing to choose
    pieces: int  # of each
    attribute: str = field(default="size")


NORTHLIGHT, CLAY = 11, 12
SNEAKERS = 22
SUPPLIERS = {NORTHLIGHT: "Northlight Goods", CLAY: "Clay & Current"}
MARA = Login("Mara Quill", "mara@livetill.example", "leader")
TOBI = Login("Tobi Ferrow", "tobi@livetill.example", "leader")
LOGINS = (
    MARA,
    TOBI,
    Login("Nell Harbin", "northlight@livetill.example", "supplier"),
    Login("Ivo Tarn", "clay@livetill.example", "supplier"),
    Login("Ada Windell", "admin@livetill.example", "admin"),
)
EMPLOYERS = {"northlight@livetill.example": NORTHLIGHT, "clay@livetill.example": CLAY}

HOODIE = _Product(
    21,
    NORTHLIGHT,
    "Harbour Hoodie",
    "Heavy organic cotton, brushed inside, with a pocket that holds a whole paperback.",
    "hoodie.webp",
    {"S": 4900, "M": 4900, "L": 4900, "XL": 5200},
    12,
)
PRODUCTS = (
    HOODIE,
    _Product(
        SNEAKERS,
        NORTHLIGHT,
        "Runaround Sneakers",
        "Canvas, recycled rubber and a soft insole. They like long walks home.",
        "sneakers.webp",
        {"38": 7900, "39": 7900, "40": 7900, "41": 7900, "42": 7900, "43": 7900},
        6,
    ),
    _Product(
        23,
        NORTHLIGHT,
        "Meadow Tote",
        "Unbleached canvas with a sunrise printed by hand. Carries the whole market.",
        "tote.webp",
        {"": 2200},
        40,
    ),
    _Product(
        24,
        CLAY,
        "Slow Morning Mug",
        "Thrown and glazed one by one; no two waves are alike. Holds 350 ml.",
        "mug.webp",
        {"": 1800},
        25,
    ),
    _Product(
        25,
        CLAY,
        "Firefly Lamp",
        "A warm dimmable glow for the corner that never had one.",
        "lamp.webp",
        {"Small": 6400, "Large": 8900},
        8,
    ),
    _Product(
        26,
        CLAY,
        "Windowsill Planter",
        "Terracotta with a hand-cut zigzag and a saucer. The plant is up to you.",
        "planter.webp",
        {"12 cm": 2400, "18 cm": 3600},
        10,
    ),
)
HAMBURG = inventory.Warehouse(
    id=_id(41),
    supplier_id=_id(NORTHLIGHT),
    name="Hamburg",
    country="DE",
    city="Hamburg",
    postcode="20457",
    latitude_e6=53_541_000,
    longitude_e6=9_993_000,
    areas=tuple(inventory.Area(country) for country in ("AT", "DE", "DK", "NL", "PL")),
    handling_days=1,
    cutoff="14:00",
    timezone="Europe/Berlin",
)
THERE = 6  # pieces of each thing of its supplier
LIVE, PLANNED = _id(31), _id(32)


async def seed(database: Database, media_dir: Path, *, now: int) -> SeedResult:
    await asyncio.to_thread(seed_pictures.draw, media_dir)
    await database.unit_of_work(_goods)
    await database.unit_of_work(lambda tx: seed_delivery.zones(tx, _id(CLAY)))
    for login in LOGINS:
        await _person(database, login)
    slug = await database.unit_of_work(lambda tx: _sessions(tx, now))
    await database.unit_of_work(lambda tx: _promotions(tx, now))
    await promotions_jobs.move_promotions(database)
    return SeedResult(slug, LOGINS)


async def _goods(tx: Tx) -> None:
    for number, name in SUPPLIERS.items():
        await suppliers.create(
            tx, name=name, country="PT", currency=CURRENCY, supplier_id=_id(number)
        )
    present = {p.id for p in await catalog.products(tx, [_id(p.number) for p in PRODUCTS])}
    if not present:
        await seed_catalog.sort(tx)
    for product in PRODUCTS:
        if _id(product.number) not in present:
            await _product(tx, product)
    if HAMBURG.id not in await inventory.warehouses(tx, [HAMBURG.id]):
        await _second_warehouse(tx)


async def _second_warehouse(tx: Tx) -> None:
    await inventory.open_warehouse(tx, HAMBURG)
    for product in await catalog.products_of_supplier(tx, HAMBURG.supplier_id):
        for variant in product.variants:
            await inventory.receive(
                tx,
                variant.sku,
                THERE,
                reason="first delivery",
                warehouse=HAMBURG.id,
                supplier_id=HAMBURG.supplier_id,
            )


async def _product(tx: Tx, product: _Product) -> None:
    stem = product.picture.removesuffix(".webp").upper()
    variants = [
        Variant(
            sku="-".join(filter(None, (stem, label.replace(" ", "").upper()))),
            label=label,
            attributes={product.attribute: label} if label else {},
            price_minor=price,
            price_min_minor=seed_catalog.limits(price)[0],
            price_max_minor=seed_catalog.limits(price)[1],
        )
        for label, price in product.prices.items()
    ]
    await catalog.create_product(
        tx,
        product_id=_id(product.number),
        supplier_id=_id(product.supplier),
        title=product.title,
        description=product.description,
        image=f"/media/{product.picture}",
        currency=CURRENCY,
        category_id=_id(seed_catalog.CATEGORY_OF[product.number]),
        brand_id=_id(seed_catalog.BRAND_OF[product.supplier]),
        share_max_bp=seed_catalog.SHARE_MAX_BP,
        variants=variants,
    )
    for variant in variants:
        await inventory.receive(tx, variant.sku, product.pieces, reason="first delivery")
    await catalog.publish(tx, _id(product.number))


async def _person(database: Database, login: Login) -> None:
    people = await database.read(accounts.all_staff)
    if any(person.email == login.email for person in people):
        return
    employer = EMPLOYERS.get(login.email)
    await accounts.add_staff(
        database,
        email=login.email,
        name=login.name,
        password=login.password,
        roles=[Role(login.role)],
        supplier_id=_id(employer) if employer else "",
    )


async def _sessions(tx: Tx, now: int) -> str:
    people = {person.email: person for person in await accounts.all_staff(tx)}
    mara, tobi = people[MARA.email], people[TOBI.email]
    known = {session.id for session in await live.sessions_of(tx, mara.id)}
    started = await live.plan_session(
        tx,
        session_id=LIVE,
        leader_id=mara.id,
        leader_name=mara.name,
        title="Friday Night Drop",
        stream=f"/media/{seed_pictures.STILL}",
        stream_kind=live.StreamKind.STILL,
        slug="friday-night-drop",
    )
    if LIVE not in known:
        await seed_catalog.list_mug(tx, mara.id)
        await live.go_live(tx, LIVE, leader_id=mara.id)
        await _put_up(tx, mara.id, now)
    elif await _ran_out(tx, now):
        await _put_up(tx, mara.id, now)
    await live.plan_session(
        tx,
        session_id=PLANNED,
        leader_id=tobi.id,
        leader_name=tobi.name,
        title="Sunday Studio Tour",
        stream=f"/media/{seed_pictures.STILL}",
        stream_kind=live.StreamKind.STILL,
        slug="sunday-studio-tour",
    )
    return started.slug


async def _promotions(tx: Tx, now: int) -> None:
    people = {person.email: person for person in await accounts.all_staff(tx)}
    await seed_promotions.put_up(
        tx,
        leader=people[TOBI.email],
        supplier=people["northlight@livetill.example"],
        admin=people["admin@livetill.example"],
        pair=(_id(HOODIE.number), _id(SNEAKERS)),
        now=now,
    )
    await seed_promotions.offer_flash(
        tx,
        leader=people[MARA.email],
        supplier=people["northlight@livetill.example"],
        product_id=_id(HOODIE.number),
    )


async def _put_up(tx: Tx, leader_id: str, now: int) -> None:
    await live.pin(tx, LIVE, _id(HOODIE.number), now + OFFER, leader_id=leader_id)


async def _ran_out(tx: Tx, now: int) -> bool:
    """Whether the seed's own offer is still up, but over."""
    pin = await live.pinned(tx, LIVE)
    ours = pin is not None and pin.product_id == _id(HOODIE.number)
    return ours and pin is not None and live.is_over(pin.offer_ends_at, now=now)
