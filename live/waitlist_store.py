"""Every query and every lock of the waitlists: the queue first, then its entries in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Integer, bindparam, func, insert, select, update

from commerce.kernel.database import Row, Tx, insert_once
from commerce.kernel.errors import Contended
from live.model import WAIT_ACTIVE, Status, WaitlistEntry, WaitStatus
from live.tables import SESSIONS, WAITLIST_ENTRIES, WAITLIST_QUEUES

_E = WAITLIST_ENTRIES.c
_waits = _E.status == WaitStatus.WAITING
# Written out, because SQLite takes a partial index only for literals.
_active = _E.status.in_(bindparam("active", WAIT_ACTIVE, expanding=True, literal_execute=True))
_mine = _E.owner == bindparam("owner")
# An entry that was written while its session ended is inert until it is closed.
_in_live_session = _E.session_id.in_(select(SESSIONS.c.id).where(SESSIONS.c.status == Status.LIVE))

_OPEN_QUEUE = insert_once(WAITLIST_QUEUES, "sku")
_QUEUE_LOCKED = (
    select(WAITLIST_QUEUES.c.last_seq)
    .where(WAITLIST_QUEUES.c.sku == bindparam("sku"))
    .with_for_update()
)
_SET_LAST = (
    update(WAITLIST_QUEUES)
    .where(WAITLIST_QUEUES.c.sku == bindparam("which"))
    .values(last_seq=bindparam("last_seq"))
)
_ADD = insert(WAITLIST_ENTRIES)
_ENTRY = select(WAITLIST_ENTRIES)
_BY_KEY = _ENTRY.where(_E.key == bindparam("key"))
_BY_ID = _ENTRY.where(_E.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_BY_HOLD_LOCKED = _ENTRY.where(_E.hold_id == bindparam("hold_id")).with_for_update()
_PLACE = _ENTRY.where(
    _mine, _E.sku == bindparam("sku"), _E.session_id == bindparam("session_id"), _active
)
_OF_OWNER = _ENTRY.where(_mine, _active).order_by(_E.sku, _E.seq)
_OF_OWNER_LOCKED = _OF_OWNER.with_for_update()
_WAITING_LOCKED = (
    _ENTRY.where(_E.sku == bindparam("sku"), _waits, _in_live_session)
    .order_by(_E.seq)
    .limit(bindparam("most", type_=Integer))
    .with_for_update()
)
_AHEAD = select(func.count()).where(
    _E.sku == bindparam("sku"), _waits, _in_live_session, _E.seq < bindparam("seq")
)
_FIRST = (
    select(_E.owner)
    .where(_E.sku == bindparam("sku"), _waits, _in_live_session)
    .order_by(_E.seq)
    .limit(1)
)
_COUNTS = (
    select(_E.sku, func.count().label("fans"))
    .where(_E.session_id == bindparam("session_id"), _waits)
    .group_by(_E.sku)
)
_SKUS = select(_E.sku).where(_waits, _in_live_session).distinct()
_OVER = select(_E.session_id).where(_waits, ~_in_live_session).distinct()
_SAVE = (
    update(WAITLIST_ENTRIES)
    .where(_E.id == bindparam("b_id"), _E.status == bindparam("b_before"))
    .values(
        quantity=bindparam("quantity"),
        status=bindparam("status"),
        hold_id=bindparam("hold_id"),
        held=bindparam("held"),
        expires_at=bindparam("expires_at"),
        changed_at=bindparam("changed_at"),
    )
)
_CLOSE = (
    update(WAITLIST_ENTRIES)
    .where(_E.session_id == bindparam("b_session_id"), _waits)
    .values(status=WaitStatus.LAPSED, changed_at=bindparam("now"))
    .returning(WAITLIST_ENTRIES)
)


async def lock_queue(tx: Tx, sku: str) -> int:
    """The last number given out; whoever holds it joins or serves alone until the commit."""
    await tx.run(_OPEN_QUEUE, sku=sku, last_seq=0)
    last: int = await tx.scalar(_QUEUE_LOCKED, sku=sku)
    return last


async def add(tx: Tx, entry: WaitlistEntry) -> None:
    await tx.run(_SET_LAST, which=entry.sku, last_seq=entry.seq)
    await tx.run(_ADD, **asdict(entry))


async def by_key(tx: Tx, key: str) -> WaitlistEntry | None:
    return _entry(await tx.first(_BY_KEY, key=key))


async def get(tx: Tx, entry_id: str) -> WaitlistEntry | None:
    return _entry(await tx.first(_BY_ID, id=entry_id))


async def get_locked(tx: Tx, entry_id: str) -> WaitlistEntry | None:
    return _entry(await tx.first(_BY_ID_LOCKED, id=entry_id))


async def by_hold_locked(tx: Tx, hold_id: str) -> WaitlistEntry | None:
    return _entry(await tx.first(_BY_HOLD_LOCKED, hold_id=hold_id))


async def place(tx: Tx, owner: str, sku: str, session_id: str) -> WaitlistEntry | None:
    """The fan's active entry for this variant."""
    return _entry(await tx.first(_PLACE, owner=owner, sku=sku, session_id=session_id))


async def of_owner(tx: Tx, owner: str) -> list[WaitlistEntry]:
    return [_an_entry(row) for row in await tx.all(_OF_OWNER, owner=owner)]


async def of_owner_locked(tx: Tx, owner: str) -> list[WaitlistEntry]:
    return [_an_entry(row) for row in await tx.all(_OF_OWNER_LOCKED, owner=owner)]


async def waiting_locked(tx: Tx, sku: str, most: int) -> list[WaitlistEntry]:
    """Those who wait longest, in the order they joined."""
    return [_an_entry(row) for row in await tx.all(_WAITING_LOCKED, sku=sku, most=most)]


async def ahead_of(tx: Tx, entry: WaitlistEntry) -> int:
    ahead: int = await tx.scalar(_AHEAD, sku=entry.sku, seq=entry.seq)
    return ahead


async def first_owner(tx: Tx, sku: str) -> str | None:
    owner: str | None = await tx.scalar(_FIRST, sku=sku)
    return owner


async def counts(tx: Tx, session_id: str) -> dict[str, int]:
    return {row["sku"]: row["fans"] for row in await tx.all(_COUNTS, session_id=session_id)}


async def skus(tx: Tx) -> list[str]:
    """The variants somebody waits for."""
    return [row["sku"] for row in await tx.all(_SKUS)]


async def sessions_over(tx: Tx) -> list[str]:
    """The sessions that ended while somebody joined."""
    return [row["session_id"] for row in await tx.all(_OVER)]


async def save(tx: Tx, before: WaitlistEntry, after: WaitlistEntry) -> None:
    changed = await tx.run(
        _SAVE,
        b_id=after.id,
        b_before=before.status,
        quantity=after.quantity,
        status=after.status,
        hold_id=after.hold_id,
        held=after.held,
        expires_at=after.expires_at,
        changed_at=after.changed_at,
    )
    if not changed:
        raise Contended(f"waitlist entry {after.id} moved meanwhile")


async def close(tx: Tx, session_id: str, now: int) -> Sequence[WaitlistEntry]:
    """Everybody who waits in this session waits no more; who they were."""
    return [_an_entry(row) for row in await tx.all(_CLOSE, b_session_id=session_id, now=now)]


def _entry(row: Row | None) -> WaitlistEntry | None:
    return None if row is None else _an_entry(row)


def _an_entry(row: Row) -> WaitlistEntry:
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(WaitlistEntry)}
    values["status"] = WaitStatus(row["status"])
    return WaitlistEntry(**values)
