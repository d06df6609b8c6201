"""The sandbox as a gateway: a provider in our own database, asked like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from commerce.kernel import clock, ids, jsons
from commerce.kernel.database import Database, Tx
from commerce.payments.gateways import sandbox_store, signatures
from commerce.payments.gateways.sandbox_model import (
    SESSION_LIFE,
    Session,
    SessionAct,
    SessionStatus,
    as_of,
)
from commerce.payments.model import (
    Capture,
    EventKind,
    Opened,
    Payment,
    ProviderEvent,
    Refund,
    RefundStanding,
    RefundStatus,
    Standing,
    Stands,
)
from commerce.payments.refusals import CaptureRefused, MalformedEvent, PaymentRefused, RefundRefused

NAME = "sandbox"
SIGNATURE_HEADER = "Sandbox-Signature"

KINDS = {
    "session.paid": EventKind.PAID,
    "session.declined": EventKind.DECLINED,
    "session.expired": EventKind.EXPIRED,
    "refund.succeeded": EventKind.REFUND,
}
STANDS = {
    SessionStatus.OPEN: Stands.OPEN,
    SessionStatus.PAID: Stands.PAID,
    SessionStatus.EXPIRED: Stands.EXPIRED,
}


class SandboxGateway:
    """`public_url` is where the pay page is; `secrets` sign webhooks, the newest first."""

    name = NAME
    manual_capture = False
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
        session = await self._database.unit_of_work(lambda tx: expire(tx, payment.key))
        return self._standing(session)

    async def ask(self, payment: Payment) -> Standing:
        return self._standing(await self._database.read(lambda tx: _look(tx, payment.key)))

    async def capture(self, payment: Payment, capture: Capture) -> Standing:
        raise CaptureRefused(provider=NAME, reason="not_supported")

    async def refund(self, payment: Payment, refund: Refund) -> RefundStanding:
        ref = await self._database.unit_of_work(lambda tx: give_back(tx, payment.key, refund))
        return RefundStanding(status=RefundStatus.SUCCEEDED, provider_ref=ref)

    async def ask_refund(self, payment: Payment, refund: Refund) -> RefundStanding | None:
        row = await self._database.read(lambda tx: sandbox_store.refund_by_key(tx, refund.key))
        if row is None:
            return None
        return RefundStanding(status=RefundStatus.SUCCEEDED, provider_ref=row["id"])

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
            amount_minor=session.amount_minor,
            currency=session.currency,
            pay_url=self._url(session),
        )


async def _look(tx: Tx, key: str) -> Session | None:
    session = await sandbox_store.by_key(tx, key)
    return None if session is None else as_of(session, await tx.now())


async def expire(tx: Tx, key: str) -> Session | None:
    """Make the pay page worthless, unless it was paid."""
    session = await sandbox_store.by_key(tx, key, lock=True)
    if session is None or not SESSION_LIFE.allows(session.status, SessionAct.EXPIRE):
        return session
    session = replace(session, status=SESSION_LIFE.after(session.status, SessionAct.EXPIRE))
    await sandbox_store.save(tx, session)
    await announce(tx, "session.expired", session)
    return session


async def give_back(tx: Tx, payment_key: str, refund: Refund) -> str:
    """Refund once per key, and never more than was paid; returns the refund's id."""
    session = await sandbox_store.by_key(tx, payment_key, lock=True)
    known = await sandbox_store.refund_by_key(tx, refund.key)
    if known is not None:
        return str(known["id"])
    if session is None or session.status is not SessionStatus.PAID:
        raise RefundRefused(provider=NAME, reason="not_paid")
    refunded = session.refunded_minor + refund.amount_minor
    if refunded > session.amount_minor:
        raise RefundRefused(provider=NAME, reason="amount_too_large")
    refund_id = f"sbx_re_{ids.token(96)}"
    await sandbox_store.save(tx, replace(session, refunded_minor=refunded))
    await sandbox_store.add_refund(
        tx,
        key=refund.key,
        refund_id=refund_id,
        session_id=session.id,
        amount_minor=refund.amount_minor,
    )
    await announce(
        tx,
        "refund.succeeded",
        session,
        refund_id=refund_id,
        refund_key=refund.key,
        amount=refund.amount_minor,
    )
    return refund_id


async def announce(
    tx: Tx, event_type: str, session: Session, *, after: int = 0, times: int = 1, **facts: Any
) -> None:
    """Queue the webhook in the transaction of its cause: it is sent at least once."""
    now = await tx.now()
    body = {
        "id": f"sbx_evt_{ids.token(96)}",
        "type": event_type,
        "created_at": now,
        "session": session.id,
        "reference": session.key,
        "charge": session.charge_ref,
        "amount": session.amount_minor,
        "currency": session.currency,
        **facts,
    }
    for _ in range(times):
        await sandbox_store.add_delivery(tx, jsons.dumps(body), at=now + after)


def _new_session(payment: Payment, return_url: str, now: int) -> Session:
    return Session(
        id=f"sbx_cs_{ids.token(96)}",
        key=payment.key,
        token=ids.token(),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        return_url=return_url,
        status=SESSION_LIFE.start,
        declines=0,
        charge_ref=None,
        refunded_minor=0,
        expires_at=payment.expires_at,
        created_at=now,
    )


def _event(body: dict[str, Any]) -> ProviderEvent:
    kind = KINDS.get(body["type"], EventKind.OTHER)
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
        refund_key=body.get("refund_key"),
        refund_ref=body.get("refund_id"),
        refund_status=RefundStatus.SUCCEEDED if kind is EventKind.REFUND else None,
        payload=body,
    )
