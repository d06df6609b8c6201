"""The application works as a role that cannot edit the books, and says so where it can."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg
import pytest

from commerce.kernel.database import connect
from commerce.kernel.postgresql import APP_ROLE
from commerce.ledger.tables import TRANSFERS
from deploy import migrations
from tests.ledger.logins import as_application

OWNER = "livetill_test_owner"
MAY_EDIT = "may edit the ledger"
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
KEPT = {"ledger.transfers", "ledger.seals", "orders.order_history", "accounts.consents"}


async def rights(url):
    """Of every table the application's rights, as their first letters."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT c.oid::regclass::text AS name, array(SELECT r FROM unnest($2::text[]) r"
        " WHERE has_table_privilege($1, c.oid, r)) AS rights FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind = 'r' AND nspname = ANY ($3)",
        APP_ROLE,
        RIGHTS,
        migrations.contexts(),
    )
    await connection.close()
    return {row["name"]: set(row["rights"]) for row in rows}


async def test_the_application_has_the_rights_it_needs_and_no_other(postgresql_url):
    found = await rights(postgresql_url)

    assert found.keys() >= KEPT
    for table in KEPT:
        assert found[table] == {"SELECT", "INSERT"}, table
    assert found["ledger.unsealed"] == {"SELECT", "DELETE"}
    assert found["orders.orders"] == {"SELECT", "INSERT", "UPDATE"}
    assert found["kernel.outbox"] == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert all(table <= {"SELECT", "INSERT", "UPDATE", "DELETE"} for table in found.values())
    assert all("SELECT" in table for table in found.values())


async def test_a_login_that_could_do_more_works_as_the_application(postgresql_url):
    database = await connect(postgresql_url)
    try:
        assert not [weak for weak in await database.weaknesses() if MAY_EDIT in weak]
    finally:
        await database.close()


async def test_the_application_may_ask_whether_there_is_anything_to_migrate(postgresql_url):
    before = await rights(postgresql_url)

    await asyncio.to_thread(migrations.migrate, await as_application(postgresql_url))

    assert await rights(postgresql_url) == before


@pytest.fixture
async def owned(postgresql_url):
    """A database whose owner may neither make roles nor is in that of the application."""
    server = await asyncpg.connect(postgresql_url)
    with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await server.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD 'x'")
    url = urlsplit(postgresql_url)
    name = f"{url.path.lstrip('/')}_owned"
    await server.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0")
    host = url.netloc.rpartition("@")[2]
    yield url._replace(netloc=f"{OWNER}:x@{host}", path=f"/{name}").geturl()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_an_owner_who_is_not_the_application_is_told(owned):
    await asyncio.to_thread(migrations.migrate, owned)
    assert (await rights(owned))["ledger.transfers"] == {"SELECT", "INSERT"}

    database = await connect(owned)
    try:
        await database.read(lambda tx: tx.all(TRANSFERS.select()))
        weak = await database.weaknesses()
    finally:
        await database.close()

    assert f"the role {OWNER} {MAY_EDIT}, log in as a member of {APP_ROLE}" in weak
