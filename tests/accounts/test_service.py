import asyncio
import sqlite3

import asyncpg
import pytest
from sqlalchemy import delete, text, update

from commerce import accounts
from commerce.accounts import store
from commerce.accounts.tables import CONSENTS, FAN_IDENTITIES, FANS
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from tests.accounts.factories import a_consent, an_address

CHAT = "telegram:platform:42"


async def fan_in(database, conversation_id=CHAT, **said):
    return await database.unit_of_work(lambda tx: accounts.fan_of(tx, conversation_id, **said))


async def count(database, table):
    return len(await database.read(lambda tx: tx.all(table.select())))


async def test_the_first_message_makes_a_fan_and_the_next_finds_them(database, clock):
    made = await fan_in(database, name="Ana", language="es")

    found = await fan_in(database, name="Somebody", language="en")

    assert found == made
    assert (found.name, found.language, found.address) == ("Ana", "es", None)


async def test_fifty_first_messages_at_once_make_one_fan(database, clock):
    fans = await asyncio.gather(*(fan_in(database) for _ in range(50)))

    assert len({fan.id for fan in fans}) == 1
    assert await count(database, FANS) == 1
    assert await count(database, FAN_IDENTITIES) == 1


async def test_two_conversations_are_two_fans(database, clock):
    ana, ben = await fan_in(database), await fan_in(database, "web:platform:7")
    await database.unit_of_work(lambda tx: accounts.save_address(tx, ana.id, an_address()))

    assert ana.id != ben.id
    assert await database.read(lambda tx: accounts.address_of(tx, ben.id)) is None


async def test_a_conversation_nobody_wrote_in_has_no_fan(database):
    assert await database.read(lambda tx: accounts.known_fan(tx, CHAT)) is None
    with pytest.raises(accounts.NoSuchFan):
        await database.read(lambda tx: accounts.fan(tx, "nobody"))


async def test_language_and_address_are_kept(database, clock):
    fan = await fan_in(database)

    await database.unit_of_work(lambda tx: accounts.set_language(tx, fan.id, "es"))
    await database.unit_of_work(lambda tx: accounts.save_address(tx, fan.id, an_address()))

    kept = await database.read(lambda tx: accounts.known_fan(tx, CHAT))
    assert (kept.language, kept.address, kept.version) == ("es", an_address(), 3)


async def test_a_fan_saved_from_an_old_version_is_contended(database, clock):
    old = await fan_in(database)
    await database.unit_of_work(lambda tx: accounts.set_language(tx, old.id, "es"))

    with pytest.raises(Contended):
        await database.unit_of_work(lambda tx: store.save_fan(tx, old))

    assert (await fan_in(database)).language == "es"


async def test_fifty_equal_consents_at_once_are_one(database, clock):
    await asyncio.gather(
        *(
            database.unit_of_work(lambda tx: accounts.record_consent(tx, **a_consent()))
            for _ in range(50)
        )
    )

    assert await count(database, CONSENTS) == 1


@pytest.mark.parametrize(
    "field", ["fan_id", "purpose", "text", "text_version", "channel", "reference"]
)
async def test_a_consent_key_with_other_words_is_refused_and_changes_nothing(
    database, clock, field
):
    first = await database.unit_of_work(lambda tx: accounts.record_consent(tx, **a_consent()))

    with pytest.raises(KeyReused) as refused:
        await database.unit_of_work(
            lambda tx: accounts.record_consent(tx, **a_consent(**{field: "other"}))
        )

    assert refused.value.facts["field"] == field
    assert await database.read(lambda tx: accounts.consents_of(tx, "fan-1")) == [first]


ATTACKS = [
    update(CONSENTS).values(text="I agree to everything."),
    delete(CONSENTS),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=["update", "delete"])
async def test_sql_cannot_change_a_consent(database, clock, attack):
    first = await database.unit_of_work(lambda tx: accounts.record_consent(tx, **a_consent()))

    with pytest.raises(
        (sqlite3.Error, asyncpg.PostgresError), match=r"append-only|permission denied"
    ):
        await database.unit_of_work(lambda tx: tx.run(attack))

    assert await database.read(lambda tx: accounts.consents_of(tx, "fan-1")) == [first]


async def test_sql_cannot_empty_or_replace_the_consents(database, clock):
    first = await database.unit_of_work(lambda tx: accounts.record_consent(tx, **a_consent()))
    attack = {
        "sqlite": "INSERT OR REPLACE INTO consents SELECT key, fan_id, purpose, 'other', "
        "text_version, channel, reference, at FROM consents",
        "postgresql": "TRUNCATE accounts.consents",
    }[database.dialect]

    with pytest.raises(
        (sqlite3.Error, asyncpg.PostgresError), match=r"append-only|permission denied"
    ):
        await database.unit_of_work(lambda tx: tx.run(text(attack)))

    assert await database.read(lambda tx: accounts.consents_of(tx, "fan-1")) == [first]
