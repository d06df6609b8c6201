"""Every query and every lock of the live context."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Integer, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql

from commerce.kernel.database import Row, Tx
from commerce.kernel.errors import Contended
from live.model import Pin, RoomMessage, Session, Status, UnknownSession
from live.streams import StreamKind
from live.tables import PINS, ROOM_COUNTERS, ROOM_MESSAGES, SESSIONS

LIST_MAX = 200

_SESSION = select(SESSIONS)
_BY_ID = _SESSION.where(SESSIONS.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_BY_SLUG = _SESSION.where(SESSIONS.c.slug == bindparam("slug"))
_LIVE = (
    _SESSION.where(SESSIONS.c.status == Status.LIVE)
    .order_by(SESSIONS.c.started_at.desc(), SESSIONS.c.id.desc())
    .limit(LIST_MAX)
)
_OF_LEADER = (
    _SESSION.where(SESSIONS.c.leader_id == bindparam("leader_id"))
    .order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.id.desc())
    .limit(LIST_MAX)
)
# Either the id or the slug may be taken; which one, the caller finds out.
_ADD_SESSION = postgresql.insert(SESSIONS).on_conflict_do_nothing()
_SAVE_SESSION = (
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("b_id"), SESSIONS.c.version == bindparam("b_version"))
    .values(
        status=bindparam("status"),
        version=bindparam("version"),
        started_at=bindparam("started_at"),
        ended_at=bindparam("ended_at"),
    )
)
_OPEN_PIN = select(PINS).where(
    PINS.c.session_id == bindparam("session_id"), PINS.c.unpinned_at.is_(None)
)
_SHOWING = select(PINS.c.session_id).where(
    PINS.c.product_id == bindparam("product_id"), PINS.c.unpinned_at.is_(None)
)
_TIMELINE = (
    select(PINS)
    .where(PINS.c.session_id == bindparam("session_id"))
    .order_by(PINS.c.pinned_at, PINS.c.id)
)
_ADD_PIN = insert(PINS)
_CLOSE_PIN = (
    update(PINS)
    .where(PINS.c.id == bindparam("b_id"), PINS.c.unpinned_at.is_(None))
    .values(unpinned_at=bindparam("unpinned_at"))
)
_ADD_COUNTER = insert(ROOM_COUNTERS)
_LAST_SEQ_LOCKED = (
    select(ROOM_COUNTERS.c.last_seq)
    .where(ROOM_COUNTERS.c.session_id == bindparam("session_id"))
    .with_for_update()
)
_SET_SEQ = (
    update(ROOM_COUNTERS)
    .where(ROOM_COUNTERS.c.session_id == bindparam("b_session_id"))
    .values(last_seq=bindparam("last_seq"))
)
_ADD_MESSAGE = insert(ROOM_MESSAGES)
_MESSAGE = select(
    ROOM_MESSAGES.c.session_id,
    ROOM_MESSAGES.c.seq,
    ROOM_MESSAGES.c.name,
    ROOM_MESSAGES.c.text,
    ROOM_MESSAGES.c.said_at,
)
_SAID_BEFORE = _MESSAGE.where(
    ROOM_MESSAGES.c.session_id == bindparam("session_id"),
    ROOM_MESSAGES.c.fan_id == bindparam("fan_id"),
    ROOM_MESSAGES.c.key == bindparam("key"),
)
_SAID_LATELY = select(func.count()).where(
    ROOM_MESSAGES.c.session_id == bindparam("session_id"),
    ROOM_MESSAGES.c.fan_id == bindparam("fan_id"),
    ROOM_MESSAGES.c.said_at > bindparam("since"),
)
_SINCE = (
    _MESSAGE.where(
        ROOM_MESSAGES.c.session_id == bindparam("session_id"),
        ROOM_MESSAGES.c.seq > bindparam("seq"),
    )
    .order_by(ROOM_MESSAGES.c.seq.desc())
    .limit(bindparam("most", type_=Integer))
)


async def add(tx: Tx, session: Session) -> bool:
    """False where its id or its slug is taken."""
    if not await tx.run(_ADD_SESSION, **asdict(session)):
        return False
    await tx.run(_ADD_COUNTER, session_id=session.id, last_seq=0)
    return True


async def find(tx: Tx, session_id: str) -> Session | None:
    return _session(await tx.first(_BY_ID, id=session_id))


async def get(tx: Tx, session_id: str) -> Session:
    return _found(await find(tx, session_id), session_id)


async def get_locked(tx: Tx, session_id: str) -> Session:
    """The session, and nobody else changes it or its pins until the commit."""
    return _found(_session(await tx.first(_BY_ID_LOCKED, id=session_id)), session_id)


async def find_by_slug(tx: Tx, slug: str) -> Session | None:
    return _session(await tx.first(_BY_SLUG, slug=slug))


async def live(tx: Tx) -> list[Session]:
    return [_a_session(row) for row in await tx.all(_LIVE)]


async def of_leader(tx: Tx, leader_id: str) -> list[Session]:
    return [_a_session(row) for row in await tx.all(_OF_LEADER, leader_id=leader_id)]


async def save(tx: Tx, session: Session) -> None:
    changed = await tx.run(
        _SAVE_SESSION,
        b_id=session.id,
        b_version=session.version - 1,
        status=session.status,
        version=session.version,
        started_at=session.started_at,
        ended_at=session.ended_at,
    )
    if not changed:
        raise Contended(f"session {session.id} was changed by somebody else")


async def open_pin(tx: Tx, session_id: str) -> Pin | None:
    row = await tx.first(_OPEN_PIN, session_id=session_id)
    return None if row is None else _pin(row)


async def sessions_showing(tx: Tx, product_id: str) -> list[str]:
    return [row["session_id"] for row in await tx.all(_SHOWING, product_id=product_id)]


async def timeline(tx: Tx, session_id: str) -> list[Pin]:
    return [_pin(row) for row in await tx.all(_TIMELINE, session_id=session_id)]


async def add_pin(tx: Tx, pin: Pin) -> None:
    await tx.run(_ADD_PIN, **asdict(pin))


async def close_pin(tx: Tx, pin_id: str, unpinned_at: int) -> None:
    if not await tx.run(_CLOSE_PIN, b_id=pin_id, unpinned_at=unpinned_at):
        raise Contended(f"pin {pin_id} was closed by somebody else")


async def last_seq_locked(tx: Tx, session_id: str) -> int:
    """The last number of the public chat; whoever holds it speaks alone until the commit."""
    seq: int | None = await tx.scalar(_LAST_SEQ_LOCKED, session_id=session_id)
    if seq is None:
        raise UnknownSession(session=session_id)
    return seq


async def add_message(tx: Tx, message: RoomMessage, *, fan_id: str, key: str) -> None:
    await tx.run(_SET_SEQ, b_session_id=message.session_id, last_seq=message.seq)
    await tx.run(_ADD_MESSAGE, **asdict(message), fan_id=fan_id, key=key)


async def said_before(tx: Tx, session_id: str, fan_id: str, key: str) -> RoomMessage | None:
    row = await tx.first(_SAID_BEFORE, session_id=session_id, fan_id=fan_id, key=key)
    return None if row is None else _message(row)


async def said_lately(tx: Tx, session_id: str, fan_id: str, since: int) -> int:
    count: int = await tx.scalar(_SAID_LATELY, session_id=session_id, fan_id=fan_id, since=since)
    return count


async def chat_since(tx: Tx, session_id: str, seq: int, most: int) -> list[RoomMessage]:
    rows = await tx.all(_SINCE, session_id=session_id, seq=seq, most=most)
    return [_message(row) for row in reversed(rows)]


def _found(session: Session | None, session_id: str) -> Session:
    if session is None:
        raise UnknownSession(session=session_id)
    return session


def _session(row: Row | None) -> Session | None:
    return None if row is None else _a_session(row)


def _a_session(row: Row) -> Session:
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(Session)}
    values["status"] = Status(row["status"])
    values["stream_kind"] = StreamKind(row["stream_kind"])
    return Session(**values)


def _pin(row: Row) -> Pin:
    return Pin(**{field.name: row[field.name] for field in fields(Pin)})


def _message(row: Row) -> RoomMessage:
    return RoomMessage(**{field.name: row[field.name] for field in fields(RoomMessage)})
