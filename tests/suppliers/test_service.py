import asyncio

import pytest

from commerce import suppliers
from commerce.kernel.errors import Contended
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.machine import IllegalMove
from commerce.kernel.tables import OUTBOX
from commerce.suppliers import Action, Status, store
from commerce.suppliers.tables import SUPPLIERS

FACTS = {"name": "Taller Sol", "country": "ES", "currency": "EUR", "supplier_id": "sol"}


async def create(database, **changes):
    facts = FACTS | changes
    return await database.unit_of_work(lambda tx: suppliers.create(tx, **facts))


async def move(database, action):
    return await database.unit_of_work(lambda tx: suppliers.move(tx, "sol", action))


async def count(database, table):
    return len(await database.read(lambda tx: tx.all(table.select())))


async def test_fifty_equal_creations_at_once_make_one_supplier(database, clock):
    made = await asyncio.gather(*(create(database) for _ in range(50)))

    assert set(made) == {made[0]}
    assert await count(database, SUPPLIERS) == 1


@pytest.mark.parametrize("field", ["name", "country", "currency"])
async def test_the_same_id_with_other_facts_is_refused(database, clock, field):
    first = await create(database)

    with pytest.raises(KeyReused) as refused:
        await create(database, **{field: {"country": "FR", "currency": "USD"}.get(field, "Else")})

    assert refused.value.facts["field"] == field
    assert await database.read(lambda tx: suppliers.get(tx, "sol")) == first


async def test_without_an_id_each_creation_is_another_supplier(database, clock):
    first, second = [await create(database, supplier_id="") for _ in range(2)]

    assert first.id != second.id
    assert await database.read(lambda tx: suppliers.suppliers(tx)) == [first, second]
    assert await database.read(lambda tx: suppliers.suppliers(tx, [second.id, "x"])) == [second]


async def test_suspending_and_restoring_is_announced_and_counted(database, clock):
    await create(database)

    suspended = await move(database, Action.SUSPEND)
    restored = await move(database, Action.RESTORE)

    assert (suspended.status, suspended.version) == (Status.SUSPENDED, 2)
    assert (restored.status, restored.version) == (Status.ACTIVE, 3)
    assert await count(database, OUTBOX) == 2


async def test_what_is_suspended_is_not_suspended_again(database, clock):
    await create(database)
    suspended = await move(database, Action.SUSPEND)

    with pytest.raises(IllegalMove):
        await move(database, Action.SUSPEND)

    assert await database.read(lambda tx: suppliers.get(tx, "sol")) == suspended
    assert await count(database, OUTBOX) == 1


async def test_a_save_from_an_old_version_is_contended(database, clock):
    old = await create(database)
    await move(database, Action.SUSPEND)

    with pytest.raises(Contended):
        await database.unit_of_work(lambda tx: store.save_status(tx, old, Status.ACTIVE))


async def test_an_unknown_supplier_is_refused(database):
    with pytest.raises(suppliers.NoSuchSupplier):
        await database.read(lambda tx: suppliers.get(tx, "nobody"))
