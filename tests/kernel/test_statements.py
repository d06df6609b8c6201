"""Statements mean the same on both databases."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy import bindparam, func, insert, select, update

from commerce.kernel import jsons
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.tables import CONSUMED, IDEMPOTENCY, OUTBOX, OUTGOING, SAGA_STEPS
from tests.kernel.notes import note, notes

BROKEN = (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)
SOME = select(CONSUMED.c.event_id).where(any_of(CONSUMED.c.event_id, "wanted")).order_by("event_id")
STEP = {
    "saga_id": "s",
    "step": 0,
    "direction": "do",
    "name": "n",
    "status": "done",
    "started_at": 1,
}


async def wrote(database, *texts):
    async def write(tx):
        for text in texts:
            await note(tx, text)

    await database.unit_of_work(write)


async def found(database, statement, **params):
    rows = await database.read(lambda tx: tx.all(statement, **params))
    return [row["event_id"] for row in rows]


@pytest.mark.parametrize(
    ("wanted", "expected"), [(["a", "c"], ["a", "c"]), (["b"], ["b"]), ([], []), (["x"], [])]
)
async def test_a_literal_list_is_written_out(database, wanted, expected):
    await wrote(database, "a", "b", "c")
    statement = select(CONSUMED.c.event_id).where(CONSUMED.c.event_id.in_(wanted))

    assert sorted(await found(database, statement)) == expected


async def test_a_literal_list_goes_together_with_a_parameter(database):
    await wrote(database, "a", "b", "c")
    statement = select(CONSUMED.c.event_id).where(
        CONSUMED.c.event_id.not_in(["a"]), CONSUMED.c.event_id < bindparam("below")
    )

    assert await found(database, statement, below="c") == ["b"]
    assert sorted(await found(database, statement, below="d")) == ["b", "c"]


@pytest.mark.parametrize(
    "wanted",
    [[], ["a"], ["a", "b"], ["it's", 'a "quote"', "ü, {brace}", "\\n", "🙂", "NULL"], ["a"] * 1000],
)
async def test_a_list_parameter_may_have_any_length_and_any_text(database, wanted):
    known = {"a", "b", "it's", 'a "quote"', "ü, {brace}", "\\n", "🙂", "NULL", "never asked for"}
    await wrote(database, *known)

    assert await found(database, SOME, wanted=wanted) == sorted(set(wanted))


async def test_insert_once_keeps_the_first_and_says_so(database):
    statement = insert_once(CONSUMED, "consumer", "event_id")

    async def twice(tx):
        first = await tx.run(statement, consumer="c", event_id="e", consumed_at=1)
        second = await tx.run(statement, consumer="c", event_id="e", consumed_at=2)
        kept = await tx.first(select(CONSUMED.c.consumed_at))
        return first, second, kept["consumed_at"]

    assert await database.unit_of_work(twice) == (1, 0, 1)


async def test_an_insert_writes_exactly_the_columns_given(database):
    async def write(tx):
        await tx.run(insert(SAGA_STEPS), **STEP)
        await tx.run(insert(SAGA_STEPS), **STEP | {"step": 1, "error": "e", "ended_at": 2})
        return [dict(row) for row in await tx.all(select(SAGA_STEPS).order_by("step"))]

    rest = {"output": None, "error": None, "ended_at": None}
    assert await database.unit_of_work(write) == [
        STEP | rest,
        STEP | rest | {"step": 1, "error": "e", "ended_at": 2},
    ]


async def test_a_column_that_must_be_given_and_is_not_is_refused(database):
    with pytest.raises(BROKEN):
        await database.unit_of_work(lambda tx: tx.run(insert(CONSUMED), consumer="c", event_id="e"))


async def test_null_as_a_literal_and_as_a_parameter(database):
    clear = update(SAGA_STEPS).values(error=None).where(SAGA_STEPS.c.step == bindparam("number"))
    empty = select(func.count()).select_from(SAGA_STEPS).where(SAGA_STEPS.c.error.is_(None))

    async def write(tx):
        await tx.run(insert(SAGA_STEPS), **STEP, error="e")
        await tx.run(insert(SAGA_STEPS), **STEP | {"step": 1}, error=None)
        before = await tx.scalar(empty)
        changed = await tx.run(clear, number=0)
        return before, changed, await tx.scalar(empty)

    assert await database.unit_of_work(write) == (1, 1, 2)


async def test_a_missing_parameter_is_an_error_and_not_null(database):
    await wrote(database, "a")
    statement = select(CONSUMED).where(CONSUMED.c.event_id == bindparam("wanted"))

    with pytest.raises(KeyError, match="wanted"):
        await database.read(lambda tx: tx.all(statement))
    with pytest.raises(KeyError, match="wanted"):
        await database.read(lambda tx: tx.all(SOME, wanting=["a"]))


async def test_a_missing_parameter_in_one_of_many_rows_is_an_error(database):
    rows = [{"consumer": "note", "event_id": "a", "consumed_at": 1}, {"consumer": "note"}]

    with pytest.raises(KeyError, match="event_id"):
        await database.unit_of_work(lambda tx: tx.run_many(insert(CONSUMED), rows))
    assert await notes(database) == []


async def test_run_tells_how_many_rows_it_changed(database):
    await wrote(database, "a", "b", "c")
    change = update(CONSUMED).where(any_of(CONSUMED.c.event_id, "ids")).values(consumed_at=7)

    async def work(tx):
        return [await tx.run(change, ids=ids) for ids in (["a", "b"], ["x"], [])]

    assert await database.unit_of_work(work) == [2, 0, 0]


async def test_many_rows_may_be_none(database):
    await database.unit_of_work(lambda tx: tx.run_many(insert(CONSUMED), []))

    assert await notes(database) == []


async def test_many_rows_are_written_in_their_order_with_all_they_hold(database):
    texts = ["it's", "", "{a,b}", "NULL", None, "ü🙂"]
    rows = [
        STEP | {"step": n, "output": jsons.dumps({"n": n, "text": text}), "error": text}
        for n, text in enumerate(texts)
    ]

    async def write(tx):
        await tx.run_many(insert(SAGA_STEPS), rows)
        return await tx.all(select(SAGA_STEPS).order_by("step"))

    found = await database.unit_of_work(write)
    assert [row["error"] for row in found] == texts
    assert [jsons.loads(row["output"])["text"] for row in found] == texts
    assert [row["ended_at"] for row in found] == [None] * len(texts)


async def test_many_rows_count_up_in_their_order(database):
    row = {"name": "n", "version": 1, "aggregate_id": "a", "payload": "{}", "correlation_id": ""}
    rows = [row | {"id": str(n), "occurred_at": 0, "status": "waiting"} for n in range(500)]

    await database.unit_of_work(lambda tx: tx.run_many(insert(OUTBOX), rows))

    found = await database.read(lambda tx: tx.all(select(OUTBOX).order_by(OUTBOX.c.seq)))
    assert [row["id"] for row in found] == [row["id"] for row in rows]


async def test_of_many_rows_those_that_exist_are_left_as_they_are(database):
    statement = insert_once(CONSUMED, "consumer", "event_id")
    rows = [{"consumer": "note", "event_id": text, "consumed_at": 1} for text in ("a", "b", "a")]

    for _ in range(2):
        await database.unit_of_work(lambda tx: tx.run_many(statement, rows))

    assert sorted(await notes(database)) == ["a", "b"]


async def test_json_comes_back_as_it_went_in(database):
    body = {"a": [1, "ü🙂", None, {"b": "'\"\\"}], "n": 2**53 - 1}

    async def work(tx):
        await tx.run(
            insert(IDEMPOTENCY),
            scope="s",
            key="k",
            body_hash="h",
            answer=jsons.dumps(body),
            answered_at=0,
        )
        return jsons.loads((await tx.first(select(IDEMPOTENCY)))["answer"])

    assert await database.unit_of_work(work) == body


async def test_first_and_scalar_of_nothing_are_none(database):
    nothing = select(CONSUMED.c.event_id).where(CONSUMED.c.event_id == "x")

    assert await database.read(lambda tx: tx.first(nothing)) is None
    assert await database.read(lambda tx: tx.scalar(nothing)) is None


async def test_a_row_may_be_locked_where_the_database_locks_rows(database):
    await wrote(database, "a")
    locked = select(CONSUMED.c.event_id).with_for_update(skip_locked=True)

    rows = await database.unit_of_work(lambda tx: tx.all(locked))

    assert [row["event_id"] for row in rows] == ["a"]


async def test_a_status_outside_the_machine_is_refused_by_the_database(database):
    row = {
        "conversation_id": "c", "number": 1, "account": "a", "address": "x", "priority": 1,
        "body": "{}", "correlation_id": "", "created_at": 0, "status": "lost",
    }  # fmt: skip

    with pytest.raises(BROKEN):
        await database.unit_of_work(lambda tx: tx.run(insert(OUTGOING), **row))
