"""The sandbox's connected accounts: any name is one, and money sent on can be taken back."""

from __future__ import annotations

from dataclasses import asdict, fields

from sqlalchemy import bindparam, insert, select, update

from commerce.kernel import ids
from commerce.kernel.database import Database, Tx
from commerce.payments.gateways import sandbox_books
from commerce.payments.gateways.sandbox_model import Transfer
from commerce.payments.gateways.tables import SANDBOX_REVERSALS, SANDBOX_TRANSFERS
from commerce.payments.lives import PayoutStatus, ReportKind
from commerce.payments.refusals import PayoutRefused
from commerce.payments.values import Payout, PayoutReversal, PayoutStanding, ReportLine

NAME = "sandbox"

INSERT = insert(SANDBOX_TRANSFERS)
BY_KEY = select(SANDBOX_TRANSFERS).where(SANDBOX_TRANSFERS.c.key == bindparam("of_key"))
LOCK_BY_KEY = BY_KEY.with_for_update()
REVERSED = (
    update(SANDBOX_TRANSFERS)
    .where(SANDBOX_TRANSFERS.c.id == bindparam("of_id"))
    .values(reversed_minor=SANDBOX_TRANSFERS.c.reversed_minor + bindparam("more_minor"))
)
INSERT_REVERSAL = insert(SANDBOX_REVERSALS)
REVERSAL_BY_KEY = select(SANDBOX_REVERSALS).where(SANDBOX_REVERSALS.c.key == bindparam("of_key"))


class SandboxPayouts:
    """Every transfer succeeds at once, and reversals up to what was sent."""

    _database: Database

    async def transfer(self, payout: Payout) -> PayoutStanding:
        return await self._database.unit_of_work(lambda tx: _send(tx, payout))

    async def ask_transfer(self, payout: Payout) -> PayoutStanding | None:
        found = await self._database.read(lambda tx: _transfer(tx, payout.key))
        return None if found is None else _done(found.id)

    async def reverse(self, payout: Payout, reversal: PayoutReversal) -> PayoutStanding:
        return await self._database.unit_of_work(lambda tx: _take_back(tx, payout, reversal))

    async def ask_reversal(self, payout: Payout, reversal: PayoutReversal) -> PayoutStanding | None:
        ref = await self._database.read(lambda tx: _reversal(tx, reversal.key))
        return None if ref is None else _done(ref)


async def _send(tx: Tx, payout: Payout) -> PayoutStanding:
    known = await _transfer(tx, payout.key, lock=True)
    if known is not None:
        if (known.amount_minor, known.account) != (payout.amount_minor, payout.account):
            raise PayoutRefused(provider=NAME, reason="key_reused")
        return _done(known.id)
    made = Transfer(
        key=payout.key,
        id=f"sbx_tr_{ids.token(96)}",
        account=payout.account,
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        payment_key=payout.reference,
        reversed_minor=0,
        created_at=await tx.now(),
    )
    await tx.run(INSERT, **asdict(made))
    await _book(tx, made, made.id, -made.amount_minor)
    return _done(made.id)


async def _take_back(tx: Tx, payout: Payout, reversal: PayoutReversal) -> PayoutStanding:
    sent = await _transfer(tx, payout.key, lock=True)
    known = await _reversal(tx, reversal.key)
    if known is not None:
        return _done(known)
    if sent is None:
        raise PayoutRefused(provider=NAME, reason="no_such_transfer")
    if sent.reversed_minor + reversal.amount_minor > sent.amount_minor:
        raise PayoutRefused(provider=NAME, reason="amount_too_large")
    reversal_id = f"sbx_trr_{ids.token(96)}"
    await tx.run(REVERSED, of_id=sent.id, more_minor=reversal.amount_minor)
    await tx.run(
        INSERT_REVERSAL,
        key=reversal.key,
        id=reversal_id,
        transfer_id=sent.id,
        amount_minor=reversal.amount_minor,
        created_at=await tx.now(),
    )
    await _book(tx, sent, reversal_id, reversal.amount_minor)
    return _done(reversal_id)


async def _book(tx: Tx, transfer: Transfer, ref: str, amount_minor: int) -> None:
    line = ReportLine(
        kind=ReportKind.PAYOUT,
        ref=ref,
        payment_key=transfer.payment_key,
        charge_ref=None,
        amount_minor=amount_minor,
        fee_minor=sandbox_books.FEE_MINOR,
        currency=transfer.currency,
        at=await tx.now(),
    )
    await sandbox_books.write_line(tx, line)


async def _transfer(tx: Tx, key: str, *, lock: bool = False) -> Transfer | None:
    row = await tx.first(LOCK_BY_KEY if lock else BY_KEY, of_key=key)
    return None if row is None else Transfer(**{f.name: row[f.name] for f in fields(Transfer)})


async def _reversal(tx: Tx, key: str) -> str | None:
    row = await tx.first(REVERSAL_BY_KEY, of_key=key)
    return None if row is None else str(row["id"])


def _done(ref: str) -> PayoutStanding:
    return PayoutStanding(status=PayoutStatus.SUCCEEDED, provider_ref=ref)
