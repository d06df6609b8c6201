import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from commerce import ledger
from commerce.kernel.database import connect
from commerce.ledger import Balance, Posting, PostingDiffers, Transfer
from commerce.ledger.tables import TRANSFERS
from tests.kernel.notes import until

SALE = Posting(
    id="order-1:sale",
    reason="sale",
    reference="order-1",
    transfers=(
        Transfer("clearing:stripe", "sales", "EUR", 5_000),
        Transfer("clearing:stripe", "delivery_income", "EUR", 490),
    ),
)
WAITS = text(
    "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE datname = current_database() AND NOT granted"
)
REFUND = Posting(
    id="order-1:refund",
    reason="refund",
    reference="order-1",
    transfers=(Transfer("refunds", "clearing:stripe", "EUR", 5_490),),
)


async def post(database, posting):
    await database.unit_of_work(lambda tx: ledger.post(tx, posting))


async def balance(database, account, currency="EUR"):
    return await database.read(lambda tx: ledger.balance(tx, account, currency))


async def transfers(database):
    rows = await database.read(lambda tx: tx.all(TRANSFERS.select().order_by(TRANSFERS.c.id)))
    return [dict(row) for row in rows]


async def test_a_sale_moves_money_from_income_to_the_provider(database, clock):
    await post(database, SALE)

    assert await balance(database, "clearing:stripe") == 5_490
    assert await balance(database, "sales") == -5_000
    assert await balance(database, "delivery_income") == -490
    assert await balance(database, "sales", "USD") == 0
    assert await database.read(lambda tx: ledger.posting(tx, SALE.id)) == SALE
    assert await database.read(lambda tx: ledger.posting(tx, "nothing")) is None


async def test_fifty_equal_postings_at_once_are_posted_once(database, clock):
    await asyncio.gather(*(post(database, SALE) for _ in range(50)))

    assert [row["id"] for row in await transfers(database)] == ["order-1:sale/1", "order-1:sale/2"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": "other"}, "reason"),
        ({"reference": "order-2"}, "reference"),
        ({"transfers": SALE.transfers[:1]}, "transfers"),
        ({"transfers": (Transfer("clearing:stripe", "sales", "EUR", 1), *SALE.transfers[1:])},
         "amount_minor"),
    ],
)  # fmt: skip
async def test_another_posting_under_the_same_id_is_refused(database, clock, changed, field):
    await post(database, SALE)
    before = await transfers(database)
    facts = {"id": SALE.id, "reason": SALE.reason, "reference": SALE.reference,
             "transfers": SALE.transfers} | changed  # fmt: skip

    with pytest.raises(PostingDiffers) as refused:
        await post(database, Posting(**facts))

    assert refused.value.facts == {"posting_id": SALE.id, "field": field}
    assert await transfers(database) == before


async def test_of_different_postings_under_one_id_exactly_one_is_posted(database, clock):
    rivals = [
        Posting("p", "sale", "order-1", (Transfer("bank", "sales", "EUR", n),) * (1 + n % 2))
        for n in range(1, 21)
    ]

    outcomes = await asyncio.gather(
        *(post(database, rival) for rival in rivals), return_exceptions=True
    )

    assert Counter(map(type, outcomes)) == {type(None): 1, PostingDiffers: 19}
    won = rivals[[type(outcome) for outcome in outcomes].index(type(None))]
    assert await database.read(lambda tx: ledger.posting(tx, "p")) == won


async def test_a_longer_posting_adds_nothing_to_one_that_was_first(postgresql_url, clock):
    database = await connect(postgresql_url)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(tx):
        await ledger.post(tx, Posting(SALE.id, "sale", "order-1", SALE.transfers[:1]))
        written.set()
        await go_on.wait()

    first = asyncio.create_task(database.unit_of_work(slowly))
    await written.wait()
    longer = asyncio.create_task(post(database, SALE))
    await until(lambda: database.read(lambda tx: tx.scalar(WAITS)), "the longer one waits")
    go_on.set()
    await first

    with pytest.raises(PostingDiffers) as refused:
        await longer
    assert refused.value.facts["field"] == "transfers"
    assert [row["id"] for row in await transfers(database)] == ["order-1:sale/1"]
    await database.close()


async def test_a_posting_is_written_whole_or_not_at_all(database, clock):
    half = Posting("p", "sale", "o", (*SALE.transfers, Transfer("bank", "nowhere", "EUR", 1)))

    with pytest.raises(ledger.UnknownAccount):
        await post(database, half)

    assert await transfers(database) == []


async def test_a_statement_shows_each_entry_with_the_balance_after_it(database, clock):
    await post(database, SALE)
    clock.advance(60_000_000)
    await post(database, REFUND)

    entries = await database.read(lambda tx: ledger.statement(tx, "clearing:stripe"))

    assert [(e.other, e.amount_minor, e.balance_minor, e.reason) for e in entries] == [
        ("sales", 5_000, 5_000, "sale"),
        ("delivery_income", 490, 5_490, "sale"),
        ("refunds", -5_490, 0, "refund"),
    ]
    assert entries[2].at == entries[0].at + 60_000_000
    newest = await database.read(lambda tx: ledger.statement(tx, "clearing:stripe", 1))
    assert newest == entries[2:]


async def test_a_statement_is_read_page_by_page_backwards(database, clock):
    for number in range(1, 8):
        move = Transfer("bank", "clearing:stripe", "EUR", number)
        await post(database, Posting(f"p{number}", "payout", "", (move, move)))
        clock.advance(number % 2)
    whole = await database.read(lambda tx: ledger.statement(tx, "bank"))

    pages, place = [], None
    while page := await database.read(lambda tx, at=place: ledger.statement(tx, "bank", 3, at)):
        pages, place = page + pages, page[0]

    assert pages == whole
    assert [entry.amount_minor for entry in whole] == [n for n in range(1, 8) for _ in "12"]
    assert whole[-1].balance_minor == await balance(database, "bank") == 56


async def test_everything_about_an_order_is_found_in_order(database, clock):
    await post(database, SALE)
    clock.advance(1)
    await post(database, REFUND)

    assert await database.read(lambda tx: ledger.postings_about(tx, "order-1")) == [SALE, REFUND]


async def test_a_trial_balance_lists_every_account(database, clock):
    await post(database, SALE)
    await post(database, REFUND)

    assert await database.read(ledger.trial_balance) == [
        Balance("clearing:stripe", "EUR", 5_490, 5_490),
        Balance("delivery_income", "EUR", 0, 490),
        Balance("refunds", "EUR", 5_490, 0),
        Balance("sales", "EUR", 0, 5_000),
    ]
