"""Posting and reading, inside the transaction of whatever moved the money."""

from __future__ import annotations

from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.ledger import accounts, model, store
from commerce.ledger.model import Balance, Entry, Posting


async def post(tx: Tx, posting: Posting) -> None:
    """Write it once. The same again changes nothing; another one under its id is refused."""
    model.check(posting)
    for transfer in posting.transfers:
        accounts.must_exist(transfer.debit)
        accounts.must_exist(transfer.credit)
    if await store.add(tx, posting, clock.now()):
        return
    posted = await store.posting(tx, posting.id)
    assert posted is not None, posting.id
    if field := model.difference(posted, posting):
        raise model.PostingDiffers(posting_id=posting.id, field=field)


async def posting(tx: Tx, posting_id: str) -> Posting | None:
    return await store.posting(tx, posting_id)


async def postings_about(tx: Tx, reference: str) -> list[Posting]:
    """All that was posted about an order, payment or payout, oldest first."""
    return await store.of_reference(tx, reference)


async def balance(tx: Tx, account: str, currency: str) -> int:
    """Debits minus credits in minor units."""
    return await store.balance(tx, accounts.must_exist(account), currency)


async def statement(tx: Tx, account: str, limit: int = 500) -> list[Entry]:
    """The newest entries in the order they happened, each with the balance after it."""
    return await store.statement(tx, accounts.must_exist(account), limit)


async def trial_balance(tx: Tx) -> list[Balance]:
    """Every account with its sums; per currency the balances add up to zero."""
    return await store.trial_balance(tx)
