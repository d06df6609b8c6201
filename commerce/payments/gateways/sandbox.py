"""The sandbox as a gateway: a provider in our own database, asked like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commerce.kernel import clock, ids, jsons
from commerce.kernel.database import Database, Tx
from commerce.payments.gateways import sandbox_bank, sandbox_books, sandbox_store, signatures
from commerce.payments.gateways.sandbox_bank import NAME
from commerce.payments.gateways.sandbox_model import (
    SESSION_LIFE,
    RefundMode,
    SandboxRefund,
    Session,
    SessionStatus,
    as_of,
)
from commerce.payments.gateways.sandbox_payouts import SandboxPayouts
from commerce.payments.model import (
    Capture,
    DisputeStatus,
    EventKind,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    RefundStatus,
    ReportLine,
    Standing,
    Stands,
)
from commerce.payments.refusals import (
    CaptureRefused,
    MalformedEvent,
    PaymentRefused,
    RefundRefused,
)

SIGNATURE_HEADER = "Sandbox-Signature"

KINDS = {
    "session.authorised": EventKind.AUTHORISED,
    "session.paid": EventKind.PAID,
    "session.declined": EventKind.DECLINED,
    "session.expired": EventKind.EXPIRED,
    "session.voided": EventKind.VOIDED,
    "refund.pending": EventKind.REFUND,
    "refund.succeeded": EventKind.REFUND,
    "refund.failed": EventKind.REFUND,
    "dispute.opened": EventKind.DISPUTE,
    "dispute.won": EventKind.DISPUTE,
    "dispute.lost": EventKind.DISPUTE,
}
STANDS = {
    SessionStatus.OPEN: Stands.OPEN,
    SessionStatus.AUTHORISED: Stands.AUTHORISED,
    SessionStatus.PAID: Stands.PAID,
    SessionStatus.EXPIRED: Stands.EXPIRED,
    SessionStatus.VOIDED: Stands.VOIDED,
}


class SandboxGateway(SandboxPayouts):
    """`public_url` is where the pay page is; `secrets` sign webhooks, the newest first."""

    name = NAME
    manual_capture = True
    captures_later = False

    def __init__(
        self, database: Database, *, public_url: str, secrets: Sequence[str], return_url: str
    ) -> None:
        self._database = database
        self._public_url = public_url.rstrip("/")
        self._secrets = tuple(secrets)
        self._return_url = return_url

    async def open(self, payment: Payment) -> Opened:
        session = await self._database.unit_of_work(lambda tx: self._open(tx, payment))
        return Opened(provider_ref=session.id, pay_url=self._url(session))

    async def close(self, payment: Payment) -> Standing:
        return self._standing(await self._database.unit_of_work(lambda tx: _close(tx, payment)))

    async def ask(self, payment: Payment) -> Standing:
        return self._standing(await self._database.read(lambda tx: _look(tx, payment.key)))

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        return self._standing(
            await self._database.unit_of_work(lambda tx: _capture(tx, payment, capture))
        )

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        made = await self._database.unit_of_work(lambda tx: _refund(tx, payment, refund))
        return _refund_standing(made)

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        made = await self._database.read(lambda tx: sandbox_store.refund_by_key(tx, refund.key))
        return None if made is None else _refund_standing(made)

    async def report(self, since: int, until: int) -> Sequence[ReportLine]:
        return await self._database.read(lambda tx: sandbox_books.between(tx, since, until))

    def read_report(self, text: str) -> Sequence[ReportLine]:
        return sandbox_books.from_file(NAME, text)

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent:
        header = headers.get(SIGNATURE_HEADER)
        signatures.verify(header, body, self._secrets, now=clock.now())
        try:
            return _event(jsons.loads(body))
        except (jsons.BadJson, KeyError, TypeError, AttributeError, ValueError) as error:
            raise MalformedEvent(provider=NAME) from error

    async def _open(self, tx: Tx, payment: Payment) -> Session:
        await sandbox_store.add(tx, _new_session(payment, self._return_url, await tx.now()))
        session = await sandbox_store.by_key(tx, payment.key)
        assert session is not None, payment.key
        if (session.amount_minor, session.currency) != (payment.amount_minor, payment.currency):
            raise PaymentRefused(provider=NAME, reason="key_reused")
        return session

    def _url(self, session: Session) -> str:
        return f"{self._public_url}/pay/{session.token}"

    def _standing(self, session: Session | None) -> Standing:
        if session is None:
            return Standing(status=Stands.ABSENT)
        return Standing(
            status=STANDS[session.status],
            provider_ref=session.id,
            charge_ref=session.charge_ref,
            amount_minor=session.money_minor,
            currency=session.currency,
            pay_url=self._url(session),
            capture_before=session.capture_before,
        )


async def _look(tx: Tx, key: str) -> Session | None:
    session = await sandbox_store.by_key(tx, key)
    return None if session is None else as_of(session, await tx.now())


async def _close(tx: Tx, payment: Payment) -> Session | None:
    session = await sandbox_bank.locked(tx, payment.key)
    return None if session is None else await sandbox_bank.close(tx, session)


async def _capture(tx: Tx, payment: Payment, capture: Capture) -> Session:
    session = await sandbox_bank.locked(tx, payment.key)
    if session is None:
        raise CaptureRefused(provider=NAME, reason="no_such_session")
    return await sandbox_bank.capture(tx, session, capture)


async def _refund(tx: Tx, payment: Payment, refund: Refund) -> SandboxRefund:
    session = await sandbox_bank.locked(tx, payment.key)
    known = await sandbox_store.refund_by_key(tx, refund.key)
    if known is not None:
        return known
    if session is None:
        raise RefundRefused(provider=NAME, reason="no_such_session")
    return await sandbox_bank.give_back(tx, session, refund)


def _refund_standing(refund: SandboxRefund) -> RefundStanding:
    failed = refund.status is RefundStatus.FAILED
    return RefundStanding(
        status=refund.status,
        provider_ref=refund.id,
        reason="account_closed" if failed else "",
    )


def _new_session(payment: Payment, return_url: str, now: int) -> Session:
    return Session(
        id=f"sbx_cs_{ids.token(96)}",
        key=payment.key,
        token=ids.token(),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        return_url=return_url,
        capture=payment.capture,
        status=SESSION_LIFE.start,
        declines=0,
        charge_ref=None,
        capture_before=None,
        captured_minor=0,
        refunded_minor=0,
        refunds=RefundMode.AT_ONCE,
        settles_at=None,
        expires_at=payment.expires_at,
        created_at=now,
    )


def _event(body: dict[str, Any]) -> ProviderEvent:
    kind = KINDS.get(body["type"], EventKind.OTHER)
    word = str(body["type"]).rpartition(".")[2]
    return ProviderEvent(
        event_id=str(body["id"]),
        kind=kind,
        type=str(body["type"]),
        payment_key=str(body["reference"]),
        provider_ref=str(body["session"]),
        charge_ref=body["charge"],
        amount_minor=int(body["amount"]),
        currency=str(body["currency"]),
        reason=str(body.get("reason", "")),
        capture_before=body.get("capture_before"),
        refund_key=body.get("refund_key"),
        refund_ref=body.get("refund_id"),
        refund_status=RefundStatus(word) if kind is EventKind.REFUND else None,
        dispute_ref=body["dispute_id"] if kind is EventKind.DISPUTE else None,
        dispute_status=DisputeStatus(word) if kind is EventKind.DISPUTE else None,
        payload=body,
    )
