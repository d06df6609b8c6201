"""Every row is sealed into one chain, and whatever was done to it past the guards is found."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, text, update

from commerce import ledger
from commerce.kernel import postgresql, sqlite
from commerce.kernel.database import connect
from commerce.ledger import BrokenLink, Posting, Transfer, jobs, sealing
from commerce.ledger.chain import SEALED, START, Link, following
from commerce.ledger.tables import ACCOUNT_BALANCES, SEALS, TRANSFERS, UNSEALED

pytestmark = pytest.mark.usefixtures("clock")
GUARDED = ("transfers", "seals", "unsealed")


def posting(name, *amounts, reason="sale"):
    transfers = tuple(Transfer("clearing:stripe", "sales", "EUR", amount) for amount in amounts)
    return Posting(name, reason, "order-1", transfers)


async def post(database, *postings):
    async def write(tx):
        for one in postings:
            await ledger.post(tx, one)

    await database.unit_of_work(write)


async def rows(database, table):
    order = table.primary_key.columns
    found = await database.read(lambda tx: tx.all(table.select().order_by(*order)))
    return [dict(row) for row in found]


async def verify(database):
    return await database.read(ledger.verify)


async def past_the_guards(url, *statements):
    """What only the owner of the database can do, and only after putting the guards to sleep."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as owner:
            guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (guard,) in owner.execute(guards).fetchall():
                owner.execute(f"DROP TRIGGER {guard}")
            for statement in statements:
                owner.execute(statement.replace("ledger.", ""))
        owner.close()
        return
    owner = await asyncpg.connect(url)
    for table in GUARDED:
        await owner.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
    for statement in statements:
        await owner.execute(statement)
    await owner.close()


async def test_each_row_is_sealed_once_in_one_chain(database):
    await post(database, posting("a", 1, 2), posting("b", 3))
    assert await jobs.seal(database) == 3
    await database.unit_of_work(lambda tx: ledger.pend(tx, posting("c", 4)))
    await database.unit_of_work(lambda tx: ledger.void(tx, "c"))
    assert await jobs.seal(database) == 2
    assert await jobs.seal(database) == 0

    seals = await rows(database, SEALS)
    assert [(seal["seq"], seal["transfer_id"]) for seal in seals] == [
        (1, "a/1"), (2, "a/2"), (3, "b/1"), (4, "c/1"), (5, "c/1/end"),
    ]  # fmt: skip
    assert len({seal["hash"] for seal in seals}) == 5
    assert await rows(database, UNSEALED) == []
    assert await verify(database) == []


async def test_the_same_books_have_the_same_chain_on_every_database(database, clock):
    await post(database, Posting("ñ", "sale", "", (Transfer("bank", "sales", "EUR", 10**15),)))
    await jobs.seal(database)

    assert [seal["hash"] for seal in await rows(database, SEALS)] == [
        "6341d0caaeb3e6c6d5b1d95ccc2c9ea9f3a81b00eb3eedce4f759fd59c50c384"
    ]


async def test_many_sealers_make_one_chain(database):
    for number in range(6):
        await post(database, posting(f"p{number}", *range(1, 6)))

    sealed = await asyncio.gather(*(jobs.seal(database) for _ in range(6)))

    assert sum(sealed) + await jobs.seal(database) == 30
    assert [seal["seq"] for seal in await rows(database, SEALS)] == list(range(1, 31))
    assert await verify(database) == []


async def test_what_commits_late_is_sealed_later(postgresql_url):
    database = await connect(postgresql_url)
    written, sealed = asyncio.Event(), asyncio.Event()

    async def slowly(tx):
        await ledger.post(tx, posting("early", 1))
        written.set()
        await sealed.wait()

    slow = asyncio.create_task(database.unit_of_work(slowly))
    await written.wait()
    await post(database, posting("late", 2))
    assert await jobs.seal(database) == 1
    sealed.set()
    await slow

    assert await database.read(lambda tx: ledger.balance(tx, "sales", "EUR")) == -3
    assert await jobs.seal(database) == 1
    seals = await rows(database, SEALS)
    assert [seal["transfer_id"] for seal in seals] == ["late/1", "early/1"]
    assert await verify(database) == []
    await database.close()


async def test_a_backlog_is_sealed_in_groups(database, monkeypatch):
    monkeypatch.setattr(sealing, "AT_ONCE", 4)
    await post(database, posting("p", *range(1, 11)))

    assert await jobs.seal(database) == 10


async def test_balances_are_exact_before_while_and_after_sealing(database):
    async def balances():
        found = await database.read(ledger.trial_balance)
        return {row.account: (row.balance_minor, row.pending_minor) for row in found}

    await post(database, posting("a", 100))
    await database.unit_of_work(lambda tx: ledger.pend(tx, posting("b", 20)))
    before = await balances()
    await jobs.seal(database)
    assert await balances() == before
    await database.unit_of_work(lambda tx: ledger.settle(tx, "b"))
    await post(database, posting("c", 3))

    expected = {"clearing:stripe": (123, 0), "sales": (-123, 0)}
    assert await balances() == expected
    await jobs.seal(database)
    assert await balances() == expected
    assert await database.read(lambda tx: ledger.balance(tx, "sales", "EUR")) == -123
    await database.unit_of_work(ledger.rebuild)
    assert await balances() == expected


async def test_a_wrong_balance_is_found_and_rebuilt(database, database_url):
    await post(database, posting("a", 100))
    await jobs.seal(database)
    right = await rows(database, ACCOUNT_BALANCES)
    await past_the_guards(
        database_url, "UPDATE ledger.account_balances SET credit_minor = 1 WHERE account = 'sales'"
    )

    meaning = "has another balance than its sealed transfers add up to"
    assert await verify(database) == [BrokenLink("sales", meaning)]
    await database.unit_of_work(ledger.rebuild)
    assert await verify(database) == []
    assert await rows(database, ACCOUNT_BALANCES) == right
    await database.unit_of_work(ledger.rebuild)


LOST = {
    "a transfer": ("DELETE FROM ledger.transfers WHERE id = 'b/1'", "b/1"),
    "the last transfer": ("DELETE FROM ledger.transfers WHERE id = 'c/1'", "c/1"),
    "a transfer that waits": ("DELETE FROM ledger.transfers WHERE id = 'd/1'", "d/1"),
    "a seal": ("DELETE FROM ledger.seals WHERE seq = 2", "seal 2"),
    "the first seal": ("DELETE FROM ledger.seals WHERE seq = 1", "seal 1"),
    "the last seal": ("DELETE FROM ledger.seals WHERE seq = 3", "seal 3"),
    "all seals": ("DELETE FROM ledger.seals", "seal 3"),
    "the head": ("DELETE FROM ledger.seal_head", "the head of the seals"),
    "the wait for a seal": ("DELETE FROM ledger.unsealed", "d/1"),
    "a seal moved": ("UPDATE ledger.seals SET seq = 9 WHERE seq = 3", "c/1"),
    "a wait twice": ("INSERT INTO ledger.unsealed (transfer_id) VALUES ('a/1')", "a/1"),
    "an older head": ("UPDATE ledger.seal_head SET seq = 2", "c/1"),
}


@pytest.mark.parametrize("name", LOST)
async def test_what_was_taken_away_or_moved_is_found(database, database_url, name):
    statement, subject = LOST[name]
    await post(database, posting("a", 1), posting("b", 2), posting("c", 3))
    await jobs.seal(database)
    await post(database, posting("d", 4))
    assert await verify(database) == []

    await past_the_guards(database_url, statement)

    assert subject in {link.subject for link in await verify(database)}


async def test_what_was_slipped_in_is_found(database, database_url):
    await post(database, posting("a", 1))
    await jobs.seal(database)

    await past_the_guards(
        database_url,
        "INSERT INTO ledger.transfers (id, posting_id, n, kind, reason, reference, debit, credit,"
        " currency, amount_minor, at) SELECT 'b/1', 'b', 1, kind, reason, reference, debit, credit,"
        " currency, amount_minor, at FROM ledger.transfers",
    )

    meaning = "was added past the guards: it is neither sealed nor waiting for it"
    assert await verify(database) == [BrokenLink("b/1", meaning)]


def flipped(value, place):
    """The value with one bit of it changed."""
    if isinstance(value, int):
        return value ^ (1 << (8 + place))  # no other row has that number
    at = place % len(value)
    return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]


@asynccontextmanager
async def tampering(url):
    """A transaction of the owner that is never committed: to change what cannot be changed, and
    to verify as if it had been."""
    if url.startswith("sqlite"):
        owner = sqlite.open_connection(url.removeprefix("sqlite:///"))
        owner.execute("PRAGMA ignore_check_constraints = ON")
        owner.execute("BEGIN")
        yield sqlite.SqliteTx(owner)
        owner.execute("ROLLBACK")
        owner.close()
        return
    owner = await asyncpg.connect(url)
    for check in await owner.fetch(
        "SELECT conrelid::regclass AS of, conname FROM pg_constraint WHERE contype = 'c'"
        " AND conrelid IN ('ledger.transfers'::regclass, 'ledger.seals'::regclass)"
    ):
        await owner.execute(f"ALTER TABLE {check['of']} DROP CONSTRAINT {check['conname']}")
    async with owner.transaction():
        yield postgresql.PostgresqlTx(owner, postgresql.ServerClock())
    await owner.close()


async def test_one_changed_bit_anywhere_is_found(database, database_url):
    await post(database, posting("a", 1, 2), posting("e", 3))
    await database.unit_of_work(lambda tx: ledger.pend(tx, posting("i", 4)))
    await database.unit_of_work(lambda tx: ledger.settle(tx, "i"))
    await jobs.seal(database)
    await past_the_guards(database_url)
    unseen = []
    async with tampering(database_url) as tx:
        for table in (TRANSFERS, SEALS):
            found = await tx.all(table.select())
            for place, row in enumerate(found):
                for column in table.c:
                    await tx.run(text("SAVEPOINT untouched"))
                    key = next(iter(table.primary_key.columns))
                    change = update(table).where(key == bindparam("the_key"))
                    await tx.run(
                        change.values({column: bindparam("changed")}),
                        the_key=row[key.name],
                        changed=flipped(row[column.name], place),
                    )
                    if not await ledger.verify(tx):
                        unseen.append((table.name, column.name, row[key.name]))
                    await tx.run(text("ROLLBACK TO SAVEPOINT untouched"))
        assert await ledger.verify(tx) == []
    assert unseen == []


facts = st.tuples(
    *(st.integers(0, 10**15) if name in ("n", "amount_minor", "at") else st.text(max_size=9)
      for name in SEALED)
)  # fmt: skip


@settings(max_examples=25)
@given(one=facts, other=facts)
def test_different_transfers_have_different_hashes(one, other):
    first, second = (
        following(START, dict(zip(SEALED, row, strict=True))).hash for row in (one, other)
    )

    assert (first == second) == (one == other)
    assert following(Link(1, first), dict(zip(SEALED, one, strict=True))).hash != first
