"""What promotions were seen and bought with; and that those that cannot apply cost nothing."""

import asyncio

import asyncpg
import pytest

from commerce import promotions
from commerce.kernel import jsons, postgresql, sqlite
from commerce.kernel.clock import DAY
from commerce.kernel.errors import Outage
from commerce.kernel.sqlite import open_connection
from commerce.promotions import Kind, Performance, Performed, Seen, Use, performance, store
from commerce.promotions.tables import LIMITS, PROMOTIONS, TARGETS
from tests.conftest import NOON
from tests.promotions.factories import Office

TODAY = NOON // DAY * DAY


@pytest.fixture
async def office(database, clock):
    office = Office(database)
    await office.opens()
    return office


async def bought(office, one, key, *, leader="mara", currency="EUR", revenue=2_000):
    use = Use(rule_id=one.id, amount_minor=5, currency=currency)
    await office.does(
        promotions.reserve, key=key, fan_id=key, uses=[use], leader_id=leader, channel="web"
    )
    await office.does(promotions.confirm, key, revenue_minor=revenue)


async def test_it_is_told_by_day_audience_and_channel_and_per_currency(office, clock):
    one = await office.runs()
    seen = Performance(office.database)
    for _ in range(3):
        seen.note(Seen.IMPRESSION, [one.id, "other"], "mara", "web")
    seen.note(Seen.CLICK, [one.id], "mara", "web")
    assert await seen.flush() == 2
    seen.note(Seen.IMPRESSION, [one.id], "mara", "web")
    await bought(office, one, "a")
    await bought(office, one, "b", currency="USD", revenue=700)
    await bought(office, one, "c", leader="tobi")
    clock.advance(DAY)
    seen.note(Seen.IMPRESSION, [one.id], "tobi", "telegram")
    assert (await seen.flush(), await seen.flush()) == (2, 0)
    await bought(office, one, "d")

    told = await office.sees(performance, one.id, since=NOON)

    assert told == [
        Performed(leader_id="mara", channel="web", day=TODAY, impressions=4, clicks=1,
                  conversions=2, revenue_minor={"EUR": 2_000, "USD": 700}),
        Performed(leader_id="tobi", channel="web", day=TODAY, conversions=1,
                  revenue_minor={"EUR": 2_000}),
        Performed(leader_id="mara", channel="web", day=TODAY + DAY, conversions=1,
                  revenue_minor={"EUR": 2_000}),
        Performed(leader_id="tobi", channel="telegram", day=TODAY + DAY, impressions=1),
    ]  # fmt: skip
    whole = promotions.totals(told)
    assert (whole.impressions, whole.clicks, whole.conversions) == (5, 1, 4)
    assert whole.revenue_minor == {"EUR": 6_000, "USD": 700}
    assert len(await office.sees(performance, one.id, since=NOON + DAY)) == 2


async def test_counters_of_many_processes_add_up(office):
    processes = [Performance(office.database) for _ in range(8)]
    for process in processes:
        for one in ("p1", "p2", "p3"):
            process.note(Seen.IMPRESSION, [one], "mara", "web")

    await asyncio.gather(*(process.flush() for process in processes))

    assert [
        (await office.sees(performance, one, since=NOON))[0].impressions
        for one in ("p1", "p2", "p3")
    ] == [8, 8, 8]


async def test_what_could_not_be_written_waits_for_the_next_time(office, monkeypatch):
    seen = Performance(office.database)
    seen.note(Seen.IMPRESSION, ["p1"], "mara", "web")

    async def down(work):
        raise Outage("no database")

    with monkeypatch.context() as patched:
        patched.setattr(office.database, "unit_of_work", down)
        with pytest.raises(Outage):
            await seen.flush()
    seen.note(Seen.IMPRESSION, ["p1"], "mara", "web")
    await seen.flush()

    assert (await office.sees(performance, "p1", since=NOON))[0].impressions == 2


async def plan_of(url, statement, params):
    """How the database runs it, knowing how many rows there are."""
    if url.startswith("sqlite"):
        connection = open_connection(url.removeprefix("sqlite:///"))
        connection.execute("ANALYZE")
        ready = sqlite.STATEMENTS.prepare(statement, {})
        given = [jsons.dumps(a) if isinstance(a, list) else a for a in ready.arguments(params)]
        rows = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {ready.sql}", given)]
        connection.close()
    else:
        connection = await asyncpg.connect(url)
        await connection.execute("ANALYZE")
        ready = postgresql.STATEMENTS.prepare(statement, {})
        found = await connection.fetch(f"EXPLAIN {ready.sql}", *ready.arguments(params))
        rows = [row[0] for row in found]
        await connection.close()
    return "\n".join(rows)


async def test_rules_are_found_by_index_among_a_thousand_that_cannot_apply(office, database_url):
    one = await office.runs()

    async def many(tx):
        row = (await tx.all(PROMOTIONS.select()))[0]
        same = {name: row[name] for name in row.keys()}  # noqa: SIM118
        names = [f"p{n}" for n in range(1_000)]
        others = [same | {"id": name, "kind": Kind.SINGLE} for name in names]
        await tx.run_many(PROMOTIONS.insert(), others)
        aims = [{"target": f"*|product:{name}", "promotion_id": name} for name in names]
        await tx.run_many(TARGETS.insert(), aims)
        limit = {"code": "", "fan_id": "", "used": 0, "most": 9}
        counted = [limit | {"key": f"total:{name}", "promotion_id": name} for name in names]
        await tx.run_many(LIMITS.insert(), counted)

    await office.does(many)
    sought = promotions.Sought(product_ids=["shirt"], supplier_ids=["sol"], leader_id="mara")

    assert [r.id for r in await office.sees(promotions.rules_for, sought, NOON)] == [one.id]
    plan = await plan_of(database_url, store.APPLICABLE, {"targets": ["*|all"], "at": NOON})
    whole = [line for line in plan.splitlines() if "SCAN promotion" in line or "Seq Scan" in line]
    assert whole == []
