"""Every query and lock of the people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from commerce.accounts import tables as t
from commerce.accounts.model import Address, Consent, Credentials, Fan, Role, Staff
from commerce.kernel import clock, jsons
from commerce.kernel.columns import Instant, db_now
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended

FAN = select(t.FANS).where(t.FANS.c.id == bindparam("fan_id"))
FAN_IN_CONVERSATION = (
    select(t.FANS)
    .join(t.FAN_IDENTITIES, t.FAN_IDENTITIES.c.fan_id == t.FANS.c.id)
    .where(t.FAN_IDENTITIES.c.conversation_id == bindparam("conversation"))
)
ADD_IDENTITY = insert_once(t.FAN_IDENTITIES, "conversation_id")
ADD_FAN = insert(t.FANS)
SAVE_FAN = (
    update(t.FANS)
    .where(t.FANS.c.id == bindparam("fan_id"), t.FANS.c.version == bindparam("expected"))
    .values(
        name=bindparam("new_name"),
        language=bindparam("new_language"),
        address=bindparam("new_address"),
        version=t.FANS.c.version + 1,
    )
)

ADD_CONSENT = insert_once(t.CONSENTS, "key")
CONSENT = select(t.CONSENTS).where(t.CONSENTS.c.key == bindparam("consent_key"))
CONSENTS_OF = (
    select(t.CONSENTS)
    .where(t.CONSENTS.c.fan_id == bindparam("fan"))
    .order_by(t.CONSENTS.c.at, t.CONSENTS.c.key)
)

ADD_STAFF = insert_once(t.STAFF, "email")
STAFF = select(t.STAFF).where(t.STAFF.c.id == bindparam("staff"))
STAFF_BY_EMAIL = select(t.STAFF).where(t.STAFF.c.email == bindparam("mail"))
ALL_STAFF = select(t.STAFF).order_by(t.STAFF.c.email)
SET_PASSWORD = (
    update(t.STAFF)
    .where(t.STAFF.c.id == bindparam("staff"))
    .values(password_hash=bindparam("new_hash"), version=t.STAFF.c.version + 1)
)
SET_DISABLED = (
    update(t.STAFF)
    .where(t.STAFF.c.id == bindparam("staff"))
    .values(disabled_at=bindparam("new_disabled_at"), version=t.STAFF.c.version + 1)
)

ADD_SESSION = insert(t.STAFF_SESSIONS)
STAFF_OF_SESSION = (
    select(t.STAFF, t.STAFF_SESSIONS.c.seen_at)
    .join(t.STAFF_SESSIONS, t.STAFF_SESSIONS.c.staff_id == t.STAFF.c.id)
    .where(
        t.STAFF_SESSIONS.c.token_hash == bindparam("token"),
        t.STAFF_SESSIONS.c.ended_at.is_(None),
        t.STAFF_SESSIONS.c.expires_at > db_now(),
        t.STAFF_SESSIONS.c.seen_at > db_now() - bindparam("idle", type_=Instant),
        t.STAFF.c.disabled_at.is_(None),
    )
)
TOUCH_SESSION = (
    update(t.STAFF_SESSIONS)
    .where(
        t.STAFF_SESSIONS.c.token_hash == bindparam("token"),
        t.STAFF_SESSIONS.c.ended_at.is_(None),
    )
    .values(seen_at=db_now())
)
END_SESSION = (
    update(t.STAFF_SESSIONS)
    .where(
        t.STAFF_SESSIONS.c.token_hash == bindparam("token"),
        t.STAFF_SESSIONS.c.ended_at.is_(None),
    )
    .values(ended_at=db_now())
)
END_SESSIONS_OF = (
    update(t.STAFF_SESSIONS)
    .where(
        t.STAFF_SESSIONS.c.staff_id == bindparam("staff"),
        t.STAFF_SESSIONS.c.ended_at.is_(None),
    )
    .values(ended_at=db_now())
)
SIGNED_IN_FROM = (
    select(t.STAFF_SESSIONS.c.created_at)
    .where(
        t.STAFF_SESSIONS.c.staff_id == bindparam("staff"),
        t.STAFF_SESSIONS.c.network_hash == bindparam("network"),
    )
    .limit(1)
)
FORGET_SESSIONS = delete(t.STAFF_SESSIONS).where(
    t.STAFF_SESSIONS.c.expires_at <= db_now() - bindparam("known", type_=Instant)
)

ADD_TRIES = insert_once(t.SIGN_IN_TRIES, "subject")
LOCK_TRIES = (
    select(t.SIGN_IN_TRIES)
    .where(any_of(t.SIGN_IN_TRIES.c.subject, "subjects"))
    .order_by(t.SIGN_IN_TRIES.c.subject)
    .with_for_update()
)
SAVE_TRIES = (
    update(t.SIGN_IN_TRIES)
    .where(t.SIGN_IN_TRIES.c.subject == bindparam("name"))
    .values(full_at=bindparam("new_full_at"))
)
FORGET_TRIES = delete(t.SIGN_IN_TRIES).where(t.SIGN_IN_TRIES.c.full_at <= db_now())


def _fan(row: Row) -> Fan:
    address = row["address"]
    return Fan(
        id=row["id"],
        name=row["name"],
        language=row["language"],
        address=None if address is None else Address.from_json(jsons.loads(address)),
        version=row["version"],
    )


def _staff(row: Row, seen_at: int = 0) -> Staff:
    return Staff(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        roles=frozenset(Role(role) for role in jsons.loads(row["roles"])),
        supplier_id=row["supplier_id"],
        enabled=row["disabled_at"] is None,
        seen_at=seen_at,
    )


def _consent(row: Row) -> Consent:
    return Consent(**{name: row[name] for name in row.keys()})  # noqa: SIM118 (not a Mapping)


async def fan(tx: Tx, fan_id: str) -> Fan | None:
    row = await tx.first(FAN, fan_id=fan_id)
    return _fan(row) if row else None


async def fan_in_conversation(tx: Tx, conversation_id: str) -> Fan | None:
    row = await tx.first(FAN_IN_CONVERSATION, conversation=conversation_id)
    return _fan(row) if row else None


async def add_fan(tx: Tx, fan: Fan, conversation_id: str) -> bool:
    """False where somebody else added this conversation first."""
    now = clock.now()
    added = await tx.run(ADD_IDENTITY, conversation_id=conversation_id, fan_id=fan.id, added_at=now)
    if added:
        await tx.run(ADD_FAN, created_at=now, version=fan.version, **_fan_columns(fan))
    return bool(added)


def _fan_columns(fan: Fan) -> dict[str, Any]:
    return {
        "id": fan.id,
        "name": fan.name,
        "language": fan.language,
        "address": jsons.dumps(fan.address.to_json()) if fan.address else None,
    }


async def save_fan(tx: Tx, fan: Fan) -> None:
    new = {f"new_{name}": value for name, value in _fan_columns(fan).items() if name != "id"}
    if not await tx.run(SAVE_FAN, fan_id=fan.id, expected=fan.version, **new):
        raise Contended(f"fan {fan.id} changed meanwhile")


async def add_consent(tx: Tx, consent: Consent) -> bool:
    """False where the key exists."""
    columns = {name: getattr(consent, name) for name in Consent.__dataclass_fields__}
    return bool(await tx.run(ADD_CONSENT, **columns))


async def consent(tx: Tx, key: str) -> Consent:
    row = await tx.first(CONSENT, consent_key=key)
    assert row is not None, key
    return _consent(row)


async def consents_of(tx: Tx, fan_id: str) -> list[Consent]:
    return [_consent(row) for row in await tx.all(CONSENTS_OF, fan=fan_id)]


async def add_staff(tx: Tx, staff: Staff, password_hash: str) -> bool:
    """False where the e-mail is taken."""
    added = await tx.run(
        ADD_STAFF,
        id=staff.id,
        email=staff.email,
        name=staff.name,
        password_hash=password_hash,
        roles=jsons.dumps(sorted(staff.roles)),
        supplier_id=staff.supplier_id,
        created_at=clock.now(),
        version=1,
    )
    return bool(added)


async def staff(tx: Tx, staff_id: str) -> Staff | None:
    row = await tx.first(STAFF, staff=staff_id)
    return _staff(row) if row else None


async def all_staff(tx: Tx) -> list[Staff]:
    return [_staff(row) for row in await tx.all(ALL_STAFF)]


async def credentials(tx: Tx, email: str) -> Credentials:
    row = await tx.first(STAFF_BY_EMAIL, mail=email)
    if row is None or row["disabled_at"] is not None:
        return Credentials(None, None)
    return Credentials(row["id"], row["password_hash"])


async def set_password(tx: Tx, staff_id: str, password_hash: str) -> bool:
    return bool(await tx.run(SET_PASSWORD, staff=staff_id, new_hash=password_hash))


async def set_disabled(tx: Tx, staff_id: str, disabled_at: int | None) -> bool:
    return bool(await tx.run(SET_DISABLED, staff=staff_id, new_disabled_at=disabled_at))


async def add_session(tx: Tx, token_hash: str, staff_id: str, network_hash: str, life: int) -> None:
    now = await tx.now()
    await tx.run(
        ADD_SESSION,
        token_hash=token_hash,
        staff_id=staff_id,
        network_hash=network_hash,
        created_at=now,
        seen_at=now,
        expires_at=now + life,
    )


async def staff_of_session(tx: Tx, token_hash: str, idle: int) -> Staff | None:
    row = await tx.first(STAFF_OF_SESSION, token=token_hash, idle=idle)
    return _staff(row, row["seen_at"]) if row else None


async def touch_session(tx: Tx, token_hash: str) -> None:
    await tx.run(TOUCH_SESSION, token=token_hash)


async def end_session(tx: Tx, token_hash: str) -> None:
    await tx.run(END_SESSION, token=token_hash)


async def end_sessions_of(tx: Tx, staff_id: str) -> None:
    await tx.run(END_SESSIONS_OF, staff=staff_id)


async def signed_in_from(tx: Tx, staff_id: str, network_hash: str) -> bool:
    return await tx.scalar(SIGNED_IN_FROM, staff=staff_id, network=network_hash) is not None


async def lock_tries(tx: Tx, subjects: Sequence[str]) -> dict[str, int]:
    """The instant each bucket is full again; rows are made and locked in one order."""
    for subject in sorted(subjects):
        await tx.run(ADD_TRIES, subject=subject, full_at=0)
    rows = await tx.all(LOCK_TRIES, subjects=list(subjects))
    return {row["subject"]: row["full_at"] for row in rows}


async def save_tries(tx: Tx, full_at: dict[str, int]) -> None:
    for subject in sorted(full_at):
        await tx.run(SAVE_TRIES, name=subject, new_full_at=full_at[subject])


async def forget_old_sign_ins(tx: Tx, known: int) -> int:
    return await tx.run(FORGET_TRIES) + await tx.run(FORGET_SESSIONS, known=known)
