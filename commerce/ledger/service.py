"""Posting and reading, inside the transaction of whatever moved the money."""

from __future__ import annotations

from commerce.kernel import clock
from commerce.kernel.database import Tx
from commerce.ledger import accounts, books, model, sealing, store
from commerce.ledger.chain import BrokenLink
from commerce.ledger.model import Balance, Ending, Entry, Kind, Posting, Recorded, Status


async def post(tx: Tx, posting: Posting) -> None:
    """Write it once. The same again changes nothing; another one under its id is refused."""
    await _write(tx, posting, Kind.POST)


async def pend(tx: Tx, posting: Posting) -> None:
    """Write down what may come to be: it counts in no balance until it is settled."""
    await _write(tx, posting, Kind.PEND)


async def settle(tx: Tx, posting_id: str) -> None:
    """What was pending is posted; again, or where it never waited, nothing changes."""
    await _end(tx, posting_id, Ending.SETTLE)


async def void(tx: Tx, posting_id: str) -> None:
    """What was pending came to nothing; again, nothing changes."""
    await _end(tx, posting_id, Ending.VOID)


async def correct(tx: Tx, posting_id: str, *, reason: str) -> Posting:
    """Post the mirror image of what was posted, once; under which id, the answer says."""
    correction = model.mirror(await _recorded(tx, posting_id), reason)
    await post(tx, correction)
    return correction


async def _write(tx: Tx, posting: Posting, kind: Kind) -> None:
    model.check(posting)
    for transfer in posting.transfers:
        accounts.must_exist(transfer.debit)
        accounts.must_exist(transfer.credit)
    if await store.add(tx, posting, kind, clock.now()):
        return
    recorded = await _recorded(tx, posting.id)
    if field := model.difference(recorded, posting, kind):
        raise model.PostingDiffers(posting_id=posting.id, field=field)


async def _end(tx: Tx, posting_id: str, ending: Ending) -> None:
    if not await store.end(tx, posting_id, ending, clock.now()):
        model.must_have_ended(await _recorded(tx, posting_id), ending)


async def _recorded(tx: Tx, posting_id: str) -> Recorded:
    recorded = await store.recorded(tx, posting_id)
    if recorded is None:
        raise model.PostingUnknown(posting_id=posting_id)
    return recorded


async def posting(tx: Tx, posting_id: str) -> Posting | None:
    recorded = await store.recorded(tx, posting_id)
    return recorded.posting if recorded else None


async def status(tx: Tx, posting_id: str) -> Status | None:
    recorded = await store.recorded(tx, posting_id)
    return recorded.status if recorded else None


async def postings_about(tx: Tx, reference: str) -> list[Posting]:
    """All that was written about an order, payment or payout, oldest first."""
    return await store.of_reference(tx, reference)


async def balance(tx: Tx, account: str, currency: str) -> int:
    """Debits minus credits in minor units, of what is posted."""
    return (await sums(tx, account, currency)).balance_minor


async def sums(tx: Tx, account: str, currency: str) -> Balance:
    """What is posted to an account, and what waits."""
    return await books.sums(tx, accounts.must_exist(account), currency)


async def statement(
    tx: Tx, account: str, limit: int = 500, before: Entry | None = None
) -> list[Entry]:
    """The newest posted entries in the order they happened, each with the balance after it;
    with `before`, those that lead up to that entry."""
    return await books.statement(tx, accounts.must_exist(account), limit, before)


async def pending(tx: Tx, account: str, limit: int = 500) -> list[Entry]:
    """The newest entries that wait, in the order they came, each with the sum that waits then."""
    return await books.pending(tx, accounts.must_exist(account), limit)


async def trial_balance(tx: Tx) -> list[Balance]:
    """Every account with its sums; per currency they add up to zero, posted and pending."""
    return await books.trial_balance(tx)


async def verify(tx: Tx) -> list[BrokenLink]:
    """Whatever is not as it was sealed, or does not add up: empty where the books are right."""
    return await sealing.verify(tx)


async def rebuild(tx: Tx) -> None:
    """Sum up the balances of all that is sealed anew."""
    await sealing.rebuild(tx)
