"""Money that may come: written down when it is promised, counted when it is there."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from commerce import ledger
from commerce.ledger import (
    Balance,
    Posting,
    PostingDiffers,
    PostingSettled,
    PostingUnknown,
    PostingVoided,
    Status,
    Transfer,
)
from commerce.ledger.tables import TRANSFERS

pytestmark = pytest.mark.usefixtures("clock")
DELIVERY = Posting(
    id="order-1:cash",
    reason="sale",
    reference="order-1",
    transfers=(
        Transfer("receivable:cash", "sales", "EUR", 5_000),
        Transfer("receivable:cash", "delivery_income", "EUR", 490),
    ),
)


async def do(database, act, *arguments, **named):
    return await database.unit_of_work(lambda tx: act(tx, *arguments, **named))


async def read(database, ask, *arguments):
    return await database.read(lambda tx: ask(tx, *arguments))


async def rows(database):
    return [dict(row) for row in await read(database, all_transfers)]


async def all_transfers(tx):
    return await tx.all(TRANSFERS.select().order_by(TRANSFERS.c.id))


async def test_what_is_pending_counts_in_no_balance(database):
    await do(database, ledger.pend, DELIVERY)

    assert await read(database, ledger.balance, "receivable:cash", "EUR") == 0
    assert await read(database, ledger.statement, "receivable:cash") == []
    assert await read(database, ledger.sums, "receivable:cash", "EUR") == Balance(
        "receivable:cash", "EUR", 0, 0, 5_490, 0
    )
    assert await read(database, ledger.trial_balance) == [
        Balance("delivery_income", "EUR", 0, 0, 0, 490),
        Balance("receivable:cash", "EUR", 0, 0, 5_490, 0),
        Balance("sales", "EUR", 0, 0, 0, 5_000),
    ]
    assert await read(database, ledger.status, DELIVERY.id) is Status.PENDING
    assert await read(database, ledger.posting, DELIVERY.id) == DELIVERY


async def test_settled_it_is_posted_at_the_time_of_its_settling(database, clock):
    await do(database, ledger.pend, DELIVERY)
    before = await rows(database)
    clock.advance(60_000_000)

    await do(database, ledger.settle, DELIVERY.id)

    assert await read(database, ledger.sums, "receivable:cash", "EUR") == Balance(
        "receivable:cash", "EUR", 5_490, 0, 0, 0
    )
    entries = await read(database, ledger.statement, "receivable:cash")
    assert [(e.other, e.amount_minor, e.balance_minor) for e in entries] == [
        ("sales", 5_000, 5_000),
        ("delivery_income", 490, 5_490),
    ]
    assert {e.at for e in entries} == {before[0]["at"] + 60_000_000}
    assert await read(database, ledger.pending, "receivable:cash") == []
    assert await read(database, ledger.status, DELIVERY.id) is Status.POSTED
    assert [row for row in await rows(database) if row["kind"] == "pend"] == before


async def test_voided_it_is_gone_from_every_sum_and_stays_in_the_books(database):
    await do(database, ledger.pend, DELIVERY)

    await do(database, ledger.void, DELIVERY.id)

    assert [b.pending_minor for b in await read(database, ledger.trial_balance)] == [0, 0, 0]
    assert [b.balance_minor for b in await read(database, ledger.trial_balance)] == [0, 0, 0]
    assert await read(database, ledger.status, DELIVERY.id) is Status.VOIDED
    assert await read(database, ledger.postings_about, "order-1") == [DELIVERY]


async def test_what_waits_is_listed_apart(database, clock):
    other = Posting("order-2:cash", "sale", "order-2", DELIVERY.transfers[:1])
    for posting in (DELIVERY, other):
        await do(database, ledger.pend, posting)
        clock.advance(1)
    await do(database, ledger.post, Posting("p", "sale", "o", DELIVERY.transfers[:1]))
    await do(database, ledger.void, DELIVERY.id)

    waiting = await read(database, ledger.pending, "receivable:cash")

    assert [(e.posting_id, e.amount_minor, e.balance_minor) for e in waiting] == [
        ("order-2:cash", 5_000, 5_000)
    ]


@pytest.mark.parametrize(
    ("before", "again", "refusal"),
    [
        ([ledger.pend], ledger.pend, None),
        ([ledger.pend, ledger.settle], ledger.pend, None),
        ([ledger.pend, ledger.settle], ledger.settle, None),
        ([ledger.pend, ledger.void], ledger.void, None),
        ([ledger.post], ledger.settle, None),
        ([ledger.post], ledger.pend, PostingDiffers),
        ([ledger.pend], ledger.post, PostingDiffers),
        ([ledger.post], ledger.void, PostingSettled),
        ([ledger.pend, ledger.settle], ledger.void, PostingSettled),
        ([ledger.pend, ledger.void], ledger.settle, PostingVoided),
        ([], ledger.settle, PostingUnknown),
        ([], ledger.void, PostingUnknown),
    ],
)
async def test_said_again_changes_nothing_and_said_otherwise_is_refused(
    database, before, again, refusal
):
    subjects = {ledger.post: DELIVERY, ledger.pend: DELIVERY}
    for act in before:
        await do(database, act, subjects.get(act, DELIVERY.id))
    written = await rows(database)

    if refusal is None:
        await do(database, again, subjects.get(again, DELIVERY.id))
    else:
        with pytest.raises(refusal) as refused:
            await do(database, again, subjects.get(again, DELIVERY.id))
        assert refused.value.facts["posting_id"] == DELIVERY.id

    assert await rows(database) == written


async def test_of_settling_and_voiding_at_once_exactly_one_happens(database):
    await do(database, ledger.pend, DELIVERY)
    acts = [ledger.settle, ledger.void] * 10

    outcomes = await asyncio.gather(
        *(do(database, act, DELIVERY.id) for act in acts), return_exceptions=True
    )

    settled = await read(database, ledger.status, DELIVERY.id) is Status.POSTED
    refusal = PostingSettled if settled else PostingVoided
    assert Counter(map(type, outcomes)) == {type(None): 10, refusal: 10}
    kinds = [row["kind"] for row in await rows(database)]
    assert Counter(kinds) == {"pend": 2, ("settle" if settled else "void"): 2}
    receivable = await read(database, ledger.sums, "receivable:cash", "EUR")
    assert (receivable.balance_minor, receivable.pending_minor) == (5_490 if settled else 0, 0)


async def test_a_correction_takes_back_what_was_posted_once(database):
    await do(database, ledger.post, DELIVERY)

    many = await asyncio.gather(
        *(do(database, ledger.correct, DELIVERY.id, reason="wrong price") for _ in range(8))
    )

    assert {correction.id for correction in many} == {"correction:order-1:cash"}
    assert len(await rows(database)) == 4
    assert [b.balance_minor for b in await read(database, ledger.trial_balance)] == [0, 0, 0]
    with pytest.raises(PostingDiffers):
        await do(database, ledger.correct, DELIVERY.id, reason="another reason")
    with pytest.raises(PostingUnknown):
        await do(database, ledger.correct, "nothing", reason="wrong price")
    assert len(await rows(database)) == 4
