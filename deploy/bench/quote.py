"""Quotes of one line with no, ten and a thousand promotions about, of which at most ten can count.

Beside the pure quote of what was found, the whole price is measured: loaded, counted, frozen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count

import psutil

from commerce import catalog, inventory, pricing, promotions, suppliers
from commerce.accounts import Address, Role, Staff
from commerce.kernel import clock, ids
from commerce.kernel.audit import Intervention
from commerce.kernel.database import Database, Tx, connect
from commerce.promotions import Draft, Funder, Percent, Rule, Visibility
from deploy import migrations
from deploy.bench import Kind, loads, report, till
from deploy.bench.loads import Limits
from deploy.bench.report import Load, Row

COUNTING = 10  # of however many promotions are about
OTHERS = 33  # products that the rest of the promotions are about
AT_ONCE = 30  # promotions drawn up in one transaction
PURE_BATCH = 200  # quotes between two looks at the clock
SUPPLIER = "bench"
BOSS = Staff(
    id="boss", email="boss@bench.example", name="Boss", supplier_id=SUPPLIER,
    roles=frozenset({Role.ADMIN, Role.SUPPLIER}),
)  # fmt: skip
ADDRESS = Address(
    name="Ada Fan", line1="Calle Mayor 1", city="Madrid", postcode="28013", country="ES"
)


async def measure(kind: Kind, limits: Limits, promotions_most: int) -> list[Row]:
    with till.database_server(kind) as url:
        await asyncio.to_thread(migrations.migrate, url)
        database = await connect(url)
        try:
            await database.unit_of_work(_open_shop)
            return await _rows(database, kind, limits, (0, COUNTING, promotions_most))
        finally:
            await database.close()


async def _rows(
    database: Database, kind: Kind, limits: Limits, numbers: Sequence[int]
) -> list[Row]:
    pure: list[Load] = []
    whole: list[Load] = []
    there = 0
    for about in numbers:
        await _promote(database, there, about)
        there = about
        keys = count()

        async def price(about: int = about, keys: count[int] = keys) -> pricing.Quote:
            return await _price(database, f"{about}:{next(keys)}")

        found = await price()
        if len(found.discounts) != min(about, COUNTING):
            raise AssertionError(f"{len(found.discounts)} of {about} promotions counted")
        pure.append(_pure(found.basis, limits.seconds))
        whole.append(await _whole(price, limits))
    return [
        _row(name, kind, limits, about, load, measured[0])
        for name, measured in (("quote", pure), ("price", whole))
        for about, load in zip(numbers, measured, strict=True)
    ]


def _row(name: str, kind: Kind, limits: Limits, about: int, load: Load, without: Load) -> Row:
    rss_mb = float(psutil.Process().memory_info().rss) / 2**20
    at_once = 1 if name == "quote" else limits.concurrency
    baseline = len(without.took) / without.seconds
    return report.row(
        f"{name}, {about} promotions", kind, at_once, load, baseline=baseline, rss_mb=rss_mb
    )


def _pure(basis: pricing.Basis, seconds: float) -> Load:
    took: list[float] = []
    cpu, started = _own_cpu_seconds(), clock.monotonic()
    while clock.monotonic() < started + seconds:
        for _ in range(PURE_BATCH):
            begun = clock.monotonic()
            pricing.quote(basis)
            took.append(clock.monotonic() - begun)
    return Load(clock.monotonic() - started, took, _own_cpu_seconds() - cpu)


async def _whole(price: Callable[[], Awaitable[pricing.Quote]], limits: Limits) -> Load:
    async def operation() -> None:
        await price()

    cpu = _own_cpu_seconds()
    load = await loads.run(operation, limits)
    return Load(load.seconds, load.took, load.cpu_seconds + _own_cpu_seconds() - cpu)


def _own_cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


async def _price(database: Database, key: str) -> pricing.Quote:
    return await database.unit_of_work(
        lambda tx: pricing.price(
            tx, key=key, items=[pricing.Wanted("hot", 1)], address=ADDRESS, language="en"
        )
    )


async def _open_shop(tx: Tx) -> None:
    await suppliers.create(tx, supplier_id=SUPPLIER, name="Bench", country="ES", currency="EUR")
    for name in ("hot", *(f"other-{n}" for n in range(OTHERS))):
        variant = catalog.Variant(sku=name, label="", price_minor=10_000)
        await catalog.create_product(
            tx,
            product_id=name,
            supplier_id=SUPPLIER,
            title=name,
            currency="EUR",
            image="/media/bench.webp",
            variants=[variant],
        )
        await inventory.receive(tx, name, 1, reason="for measuring")
        await catalog.publish(tx, name)


async def _promote(database: Database, since: int, until: int) -> None:
    for first in range(since, until, AT_ONCE):
        last = min(first + AT_ONCE, until)
        await database.unit_of_work(partial(_promotions, since=first, until=last))


async def _promotions(tx: Tx, *, since: int, until: int) -> None:
    for number in range(since, until):
        product = "hot" if number < COUNTING else f"other-{number % OTHERS}"
        rule = Rule(
            id="",
            title={"en": f"Promotion {number}"},
            effect=Percent(bp=10),
            conditions=promotions.Conditions(product_ids=(product,)),
            funder=Funder.SUPPLIER,
        )
        draft = Draft(kind=promotions.Kind.SINGLE, visibility=Visibility.GLOBAL, rule=rule)
        drawn = await promotions.draw_up(tx, BOSS, draft)
        await promotions.submit(tx, BOSS, drawn.id, _will())
        if (await promotions.promotion(tx, drawn.id)).status is promotions.Status.PENDING:
            await promotions.approve(tx, BOSS, drawn.id, _will())


def _will() -> Intervention:
    return Intervention(key=ids.new_id(), actor=BOSS.id, actor_name=BOSS.name, reason="measured")
