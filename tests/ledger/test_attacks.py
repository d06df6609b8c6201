"""No statement that reaches the database as the application edits, removes or unbalances money."""

from __future__ import annotations

import re
import sqlite3

import asyncpg
import pytest
from sqlalchemy import text

from commerce import ledger
from commerce.kernel.database import connect
from commerce.kernel.postgresql import APP_ROLE
from commerce.ledger import Posting, Transfer, jobs
from commerce.ledger.tables import SEALS, TRANSFERS, UNSEALED
from tests.ledger.logins import as_application

pytestmark = pytest.mark.usefixtures("clock")
REFUSED = (sqlite3.Error, asyncpg.PostgresError)
# By one of our rules, and not for a slip in the attack itself.
BY_A_RULE = (
    r"append-only|violates (check|unique|not-null)|constraint failed|cannot store|out of range"
    r"|ends no transfer|waits for its seal|permission denied|must be owner|not authorized"
    r"|prohibited|may not be modified"
)
SALE = Posting(
    "sold:1",
    "sale",
    "order-1",
    (Transfer("bank", "sales", "EUR", 500), Transfer("bank", "delivery_income", "EUR", 49)),
)
WAITS = Posting("cash:2", "sale", "order-2", (Transfer("receivable:cash", "sales", "EUR", 70),))

COLUMNS = {
    "id": "'x/1'", "posting_id": "'x'", "n": "1", "kind": "'post'", "reason": "'sale'",
    "reference": "''", "debit": "'bank'", "credit": "'sales'", "currency": "'EUR'",
    "amount_minor": "1", "at": "0",
}  # fmt: skip


def row(verb="INSERT", **changes):
    values = COLUMNS | changes
    return f"{verb} INTO transfers ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def ending(kind="'settle'", **changes):
    facts = {"id": "'cash:2/1/end'", "posting_id": "'cash:2'", "kind": kind,
             "debit": "'receivable:cash'", "amount_minor": "70"}  # fmt: skip
    return row(**(facts | changes))


EVERYWHERE = {
    "update": "UPDATE transfers SET amount_minor = 1",
    "update of one column": "UPDATE transfers SET reason = 'x' WHERE id = 'sold:1/1'",
    "update that changes nothing": "UPDATE transfers SET id = id",
    "delete": "DELETE FROM transfers",
    "delete of one": "DELETE FROM transfers WHERE id = 'sold:1/1'",
    "delete where it is read": "DELETE FROM transfers RETURNING amount_minor",
    "upsert": row(id="'sold:1/1'", posting_id="'sold:1'")
    + " ON CONFLICT (id) DO UPDATE SET amount_minor = 1",
    "the same row again": row(id="'sold:1/1'", posting_id="'sold:1'"),
    "a number twice": row(posting_id="'sold:1'", n="2"),
    "an id out of place": row(id="'sold:1/9'"),
    "number zero": row(id="'x/0'", n="0"),
    "zero": row(amount_minor="0"),
    "negative": row(amount_minor="-1"),
    "a fraction": row(amount_minor="0.4"),
    "huge": row(amount_minor="1000000000000001"),
    "larger than 64 bits": row(amount_minor="9223372036854775808"),
    "no amount": row(amount_minor="NULL"),
    "to itself": row(credit="'bank'"),
    "no account": row(debit="''"),
    "an account in capitals": row(debit="'BANK'"),
    "an account without its detail": row(credit="'clearing:'"),
    "an account without its head": row(credit="':stripe'"),
    "an account of blanks": row(credit="' sales'"),
    "no currency": row(currency="''"),
    "a currency in small letters": row(currency="'eur'"),
    "two currencies": row(currency="'EUR,USD'"),
    "a currency of digits": row(currency="'978'"),
    "a currency of other letters": row(currency="'ÄÖÜ'"),
    "an unknown kind": row(kind="'paid'"),
    "the kind of one that waits": "UPDATE transfers SET kind = 'post' WHERE kind = 'pend'",
    "more than what waits": ending(amount_minor="71"),
    "to another account": ending(credit="'refunds'"),
    "in another currency": ending(currency="'USD'"),
    "an ending of nothing": ending(id="'no/1/end'", posting_id="'no'"),
    "an ending of what never waited": ending(id="'sold:1/1/end'", posting_id="'sold:1'"),
    "an ending in a place of its own": ending(id="'cash:2/2/end'", n="2"),
    "a seal changed": "UPDATE seals SET hash = 'x'",
    "a seal removed": "DELETE FROM seals",
    "a seal twice": "INSERT INTO seals (seq, transfer_id, hash) VALUES (9, 'sold:1/1', 'x')",
    "no seal for what waits": "DELETE FROM unsealed",
    "another one sealed in its place": "UPDATE unsealed SET transfer_id = 'sold:1/1'",
    "no table": "DROP TABLE transfers",
    "another table of its name": "ALTER TABLE transfers RENAME TO gone",
    "another column": "ALTER TABLE transfers ADD COLUMN x INTEGER",
    "one column less": "ALTER TABLE transfers DROP COLUMN amount_minor",
}
SQLITE = {
    "replace": row("REPLACE", id="'sold:1/1'", posting_id="'sold:1'"),
    "insert or replace": row("INSERT OR REPLACE", id="'sold:1/1'", posting_id="'sold:1'"),
    "insert or ignore of a wrong amount": row("INSERT OR FAIL", amount_minor="-1"),
    "update or ignore": "UPDATE OR IGNORE transfers SET amount_minor = 1",
    "update or replace": "UPDATE OR REPLACE transfers SET n = 1",
    "replace of a seal": "REPLACE INTO seals (seq, transfer_id, hash) VALUES (1, 'x', 'x')",
    "replace of what waits": "REPLACE INTO unsealed (seq, transfer_id)"
    " SELECT seq, 'x' FROM unsealed",
    "a text as amount": row(amount_minor="'many'"),
    "a blob as account": row(debit="x'62616e6b'"),
    "no guard": "DROP TRIGGER transfers_no_update",
    "a guard of its own": "CREATE TEMP TRIGGER t BEFORE INSERT ON transfers BEGIN SELECT 1; END",
    "a table before it": "CREATE TEMP TABLE transfers (id TEXT)",
    "a view before it": "CREATE TEMP VIEW transfers AS SELECT 1",
    "no recursive triggers": "PRAGMA recursive_triggers = OFF",
    "no checks": "PRAGMA ignore_check_constraints = ON",
    "a writable schema": "PRAGMA writable_schema = ON",
    "the schema itself": "UPDATE sqlite_master SET sql = '' WHERE name = 'transfers_no_update'",
    "less durable": "PRAGMA synchronous = OFF",
    "another database": "ATTACH DATABASE '{path}' AS other",
}
POSTGRESQL = {
    "truncate": "TRUNCATE ledger.transfers",
    "truncate with all": "TRUNCATE ledger.transfers, ledger.seals CASCADE",
    "a delete within a query": "WITH gone AS (DELETE FROM ledger.transfers RETURNING *)"
    " SELECT count(*) FROM gone",
    "an update within a query": "WITH new AS (UPDATE ledger.transfers SET amount_minor = 1"
    " RETURNING *) SELECT count(*) FROM new",
    "merge": "MERGE INTO ledger.transfers t USING ledger.transfers s ON t.id = s.id"
    " WHEN MATCHED THEN DELETE",
    "merge that updates": "MERGE INTO ledger.transfers t USING ledger.transfers s ON t.id = s.id"
    " WHEN MATCHED THEN UPDATE SET amount_minor = 1",
    "a fraction that rounds to none": row(amount_minor="0.4::numeric"),
    "no guard": "DROP TRIGGER transfers_no_change ON ledger.transfers",
    "a sleeping guard": "ALTER TABLE ledger.transfers DISABLE TRIGGER ALL",
    "as a replica": "SET session_replication_role = replica",
    "other guards": "CREATE OR REPLACE FUNCTION kernel.refuse_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "no check": "ALTER TABLE ledger.transfers DROP CONSTRAINT transfers_amount_positive",
    "a rule in its place": "CREATE RULE r AS ON INSERT TO ledger.transfers DO INSTEAD NOTHING",
    "a trigger of its own": "CREATE TRIGGER t BEFORE INSERT ON ledger.transfers FOR EACH ROW"
    " EXECUTE FUNCTION kernel.refuse_change()",
    "a child": "CREATE TABLE ledger.x () INHERITS (ledger.transfers)",
    "another owner": f"ALTER TABLE ledger.transfers OWNER TO {APP_ROLE}",
    "a role of its own": "CREATE ROLE mine SUPERUSER",
    "an old version": "ALTER TABLE ledger.transfers ENABLE ROW LEVEL SECURITY",
    "from a program": "COPY ledger.transfers FROM PROGRAM 'cat /dev/null'",
    "from a file": "COPY ledger.transfers FROM '/dev/null'",
    "the catalog": "UPDATE pg_trigger SET tgenabled = 'D'",
    "no schema": "DROP SCHEMA ledger CASCADE",
    "a schema of its own": "CREATE SCHEMA mine",
    "what waits, forged": "INSERT INTO ledger.unsealed (transfer_id) VALUES ('sold:1/1')",
    "another role": "SET ROLE postgres",
    "the role it had": "RESET ROLE; DELETE FROM ledger.transfers",
    "more than one": "SELECT 1; DELETE FROM ledger.transfers",
}


def attacks(dialect, own):
    """On PostgreSQL the tables lie in their schema."""
    if dialect == "sqlite":
        return EVERYWHERE | own
    places = ("INTO", "FROM", "UPDATE", "TABLE")
    found = {}
    for name, attack in EVERYWHERE.items():
        for table in ("transfers", "seals", "unsealed"):
            for place in places:
                attack = attack.replace(f"{place} {table}", f"{place} ledger.{table}")
        found[name] = attack
    return found | {
        name: attack.replace("INTO transfers", "INTO ledger.transfers")
        for name, attack in own.items()
    }


async def everything(tx):
    found = []
    for table in (TRANSFERS, SEALS, UNSEALED):
        rows = await tx.all(table.select().order_by(*table.primary_key.columns))
        found.append([dict(one) for one in rows])
    return found


async def with_books(database):
    async def write(tx):
        await ledger.post(tx, SALE)
        await ledger.pend(tx, WAITS)

    await database.unit_of_work(write)
    await jobs.seal(database)
    another = Posting("sold:3", "sale", "order-3", SALE.transfers)
    await database.unit_of_work(lambda tx: ledger.post(tx, another))
    return await database.read(everything)


@pytest.fixture
async def attacker(database, database_url):
    """The application, on PostgreSQL logged in as an operator should: with no more rights."""
    if database.dialect == "sqlite":
        yield database
        return
    attacker = await connect(await as_application(database_url))
    yield attacker
    await attacker.close()


async def said_to(attacker, attack):
    """Nothing where a rule refused it."""
    statement = text(attack.replace(":", r"\:"))
    try:
        await attacker.unit_of_work(lambda tx: tx.run(statement))
    except REFUSED as error:
        return "" if re.search(BY_A_RULE, str(error)) else str(error)
    return "as you wish"


async def test_no_statement_edits_removes_or_unbalances_what_was_written(
    database, database_url, attacker
):
    own = SQLITE if database.dialect == "sqlite" else POSTGRESQL
    before = await with_books(database)
    harm = {}
    for name, attack in attacks(database.dialect, own).items():
        said = await said_to(attacker, attack.replace("{path}", database_url.rpartition("/")[2]))
        if said or await database.read(everything) != before:
            harm[name] = said
    assert harm == {}
    assert await database.read(ledger.verify) == []
