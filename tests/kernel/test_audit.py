"""A deed by hand is written down with its reason, once, and nobody edits it afterwards."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, update

from commerce.kernel import audit, ids
from commerce.kernel.audit import Entry, Intervention, ReasonMissing
from commerce.kernel.idempotency import KeyReused
from commerce.kernel.tables import AUDIT_ENTRIES
from tests.kernel.notes import note, notes

pytestmark = pytest.mark.usefixtures("clock")


def a_will(**changes):
    facts = {"key": "form 1", "actor": "ada", "actor_name": "Ada", "reason": "the bank said so"}
    return Intervention(**facts | changes)


async def done(database, will, *, action="thing.mended", subject="thing:1"):
    async def work(tx):
        async def deed():
            await note(tx, f"{will.key} {action} {ids.new_id()}")
            return {"before": "broken"}

        await audit.once(tx, will, action=action, subject=subject, work=deed)

    await database.unit_of_work(work)


async def about(database, subject="thing:1"):
    return await database.read(lambda tx: audit.about(tx, subject))


async def test_a_deed_is_written_down_with_who_when_and_why(database, clock):
    await done(database, a_will(reason="  the bank said so\n"))

    [noted] = await notes(database)
    assert noted.startswith("form 1 thing.mended")
    assert await about(database) == [
        Entry(
            at=clock.at, actor="ada", actor_name="Ada", action="thing.mended", subject="thing:1",
            reason="the bank said so", facts={"before": "broken"},
        )
    ]  # fmt: skip


async def test_a_form_sent_many_times_at_once_is_one_deed(database):
    await asyncio.gather(*(done(database, a_will()) for _ in range(5)))

    assert len(await notes(database)) == len(await about(database)) == 1


@pytest.mark.parametrize("change", ["action", "subject", "reason", "actor"])
async def test_a_key_is_no_permit_for_something_else(database, change):
    await done(database, a_will())
    others = {"action": "thing.sold", "subject": "thing:2"}
    will = a_will(**{change: "another"}) if change not in others else a_will()

    with pytest.raises(KeyReused):
        await done(database, will, **{k: v for k, v in others.items() if k == change})
    assert len(await notes(database)) == 1


@pytest.mark.parametrize("reason", ["", "  ok  ", "x" * 501])
async def test_a_deed_without_a_reason_does_not_happen(database, reason):
    with pytest.raises(ReasonMissing):
        await done(database, a_will(reason=reason))

    assert await notes(database) == []
    assert await about(database) == []


async def test_a_deed_that_fails_leaves_no_entry(database):
    async def work(tx):
        async def deed():
            raise ZeroDivisionError

        await audit.once(tx, a_will(), action="a", subject="thing:1", work=deed)

    with pytest.raises(ZeroDivisionError):
        await database.unit_of_work(work)
    assert await about(database) == []


async def test_the_newest_comes_first_page_by_page(database):
    for number in range(5):
        await done(database, a_will(key=str(number)), subject=f"thing:{number}")

    async def page(number):
        found = await database.read(lambda tx: audit.recent(tx, number, size=2))
        return [entry.subject for entry in found]

    assert [await page(n) for n in (1, 2, 3, 4)] == [
        ["thing:4", "thing:3"], ["thing:2", "thing:1"], ["thing:0"], [],
    ]  # fmt: skip


async def test_what_was_done_to_which_can_be_asked(database):
    for number, action in enumerate(["thing.sold", "thing.mended", "thing.sold"]):
        will = a_will(key=str(number), reason=f"reason {number}")
        await done(database, will, action=action, subject="thing:1")
    await done(database, a_will(key="last"), action="thing.sold", subject="thing:2")

    wanted = ["thing:1", "thing:3"]
    found = await database.read(lambda tx: audit.done_to(tx, "thing.sold", wanted))
    assert {subject: entry.reason for subject, entry in found.items()} == {"thing:1": "reason 2"}


@pytest.mark.parametrize(
    "attack", [update(AUDIT_ENTRIES).values(reason="nicer"), delete(AUDIT_ENTRIES)]
)
async def test_nobody_edits_what_was_done(database, attack):
    await done(database, a_will())
    before = await about(database)

    with pytest.raises(Exception, match=r"append-only|permission denied"):
        await database.unit_of_work(lambda tx: tx.run(attack))
    assert await about(database) == before
