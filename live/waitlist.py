"""The waitlist of a sold-out variant: who joins, whose turn it is, and how it ends.

First come, first served: what comes free is held for whoever waits longest, in one transaction with
telling them. A place that was given never passes to a later one, so nobody waits behind a wish for
more pieces than there are: the first gets what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from commerce import catalog, inventory
from commerce.inventory import HoldRequest, HoldStatus, OutOfStock
from commerce.kernel import clock, ids
from commerce.kernel.database import Tx
from live import events, model, store, waitlist_store
from live.model import (
    WAIT_LIFE,
    NothingPinned,
    TurnLapsed,
    WaitAction,
    WaitlistEntry,
    WaitStatus,
)

SERVED_TOGETHER = 100  # fans whose turn comes with one statement


@dataclass(frozen=True, slots=True)
class Place:
    entry: WaitlistEntry
    position: int  # 1 = the next; 0 = pieces are held for this fan now


async def join(
    tx: Tx,
    *,
    key: str,
    session_id: str,
    sku: str,
    quantity: int,
    owner: str,
    hold_seconds: int,
) -> Place:
    """A place at the end of the queue. Who has one keeps it, and takes the new quantity.

    Pieces that are free already are held at once, as for everybody whose turn it is.
    """
    known = await waitlist_store.by_key(tx, key)
    if known is None:
        await _check_sold_here(tx, session_id, sku)
        last = await waitlist_store.lock_queue(tx, sku)
        known = await waitlist_store.place(tx, owner, sku, session_id)
        if known is None:
            known = _new(key, session_id, sku, last + 1, quantity, owner, hold_seconds)
            await waitlist_store.add(tx, known)
        elif known.status is WaitStatus.WAITING and known.quantity != quantity:
            after = replace(known, quantity=quantity, changed_at=clock.now())
            await waitlist_store.save(tx, known, after)
        # Looked at without a lock: what comes free from now on is served after us.
        if (await inventory.available(tx, [sku]))[sku]:
            await serve(tx, sku)
        tx.wake(f"session:{session_id}")
    return await _place(tx, await waitlist_store.get(tx, known.id) or known)


async def places_of(tx: Tx, owner: str) -> list[Place]:
    """Where this fan waits, and what is held for them."""
    return [await _place(tx, entry) for entry in await waitlist_store.of_owner(tx, owner)]


async def check_turn(tx: Tx, sku: str, owner: str, asked: int) -> None:
    """Nobody is served before those who wait: for the others it is sold out until then."""
    if await waitlist_store.first_owner(tx, sku) not in (None, owner):
        raise OutOfStock(sku=sku, asked=asked, available=0)


async def serve(tx: Tx, sku: str) -> list[WaitlistEntry]:
    """Hold what is free for those who wait longest, and tell them; who they were."""
    await waitlist_store.lock_queue(tx, sku)
    served: list[WaitlistEntry] = []
    while waiting := await waitlist_store.waiting_locked(tx, sku, SERVED_TOGETHER):
        free = await inventory.lock_available(tx, sku)
        if not free:
            break
        served += await _offer(tx, model.shares(waiting, free))
    return served


async def take_up(tx: Tx, entry_id: str, owner: str) -> WaitlistEntry:
    """The fan goes on to buy what is held for them. TurnLapsed where it is held no more."""
    entry = await waitlist_store.get_locked(tx, entry_id)
    if entry is None or entry.owner != owner or entry.hold_id is None:
        raise TurnLapsed(entry_id=entry_id)
    hold = await inventory.hold_of(tx, entry.hold_id)
    if hold.status is not HoldStatus.HELD:
        raise TurnLapsed(entry_id=entry_id, sku=entry.sku)
    if entry.status is WaitStatus.TAKEN:
        return entry
    return await _move(tx, entry, WaitAction.TAKE)


async def leave(tx: Tx, owner: str, entry_id: str = "") -> list[WaitlistEntry]:
    """Give up one place, or all; what is held for this fan is free for the next."""
    mine = await waitlist_store.of_owner_locked(tx, owner)
    return [await _leave(tx, entry) for entry in mine if entry_id in ("", entry.id)]


async def bought(tx: Tx, owner: str, session_id: str, sku: str, at: int) -> None:
    """The fan bought it otherwise; a place taken after that is another wish, and stays."""
    for entry in await waitlist_store.of_owner_locked(tx, owner):
        same = (entry.session_id, entry.sku) == (session_id, sku)
        if same and entry.joined_at <= at:
            await _leave(tx, entry)


async def lapse(tx: Tx, hold_id: str) -> None:
    """The time for a hold is over; a fan who has not gone on to buy is told so."""
    entry = await waitlist_store.by_hold_locked(tx, hold_id)
    if entry is None or entry.status is not WaitStatus.OFFERED:
        return
    gone = await _move(tx, entry, WaitAction.LAPSE)
    lapsed = events.WaitlistLapsed(
        entry_id=gone.id,
        session_id=gone.session_id,
        sku=gone.sku,
        owner=gone.owner,
        quantity=gone.held,
    )
    await tx.emit(lapsed)


async def close(tx: Tx, session_id: str) -> None:
    """The live is over: nobody waits any more; what is held may still be bought."""
    gone = await waitlist_store.close(tx, session_id, clock.now())
    closed = [
        events.WaitlistClosed(
            entry_id=entry.id, session_id=session_id, sku=entry.sku, owner=entry.owner
        )
        for entry in gone
    ]
    if closed:
        await tx.emit(*closed)


async def waiting_in(tx: Tx, session_id: str) -> dict[str, int]:
    """How many fans wait for each variant in this session."""
    return await waitlist_store.counts(tx, session_id)


async def _check_sold_here(tx: Tx, session_id: str, sku: str) -> None:
    session = await store.get(tx, session_id)
    model.check_live(session)
    sold = (await catalog.products_of_skus(tx, [sku])).get(sku)
    shown = {pin.product_id for pin in await store.timeline(tx, session_id)}
    if sold is None or sold.id not in shown:
        raise NothingPinned(session_id=session_id)


def _new(
    key: str,
    session_id: str,
    sku: str,
    seq: int,
    quantity: int,
    owner: str,
    hold_seconds: int,
) -> WaitlistEntry:
    now = clock.now()
    return WaitlistEntry(
        id=ids.new_id(),
        key=key,
        session_id=session_id,
        sku=sku,
        owner=owner,
        seq=seq,
        quantity=quantity,
        hold_seconds=hold_seconds,
        status=WAIT_LIFE.start,
        joined_at=now,
        changed_at=now,
    )


async def _place(tx: Tx, entry: WaitlistEntry) -> Place:
    waits = entry.status is WaitStatus.WAITING
    return Place(entry, 1 + await waitlist_store.ahead_of(tx, entry) if waits else 0)


async def _offer(tx: Tx, shares: list[tuple[WaitlistEntry, int]]) -> list[WaitlistEntry]:
    answers = await inventory.hold_within(tx, [_wish(entry, n) for entry, n in shares])
    offered = []
    for (entry, pieces), answer in zip(shares, answers, strict=True):
        assert isinstance(answer, inventory.Hold), answer  # the stock is locked
        after = replace(
            entry,
            status=WAIT_LIFE.after(entry.status, WaitAction.OFFER),
            hold_id=answer.id,
            held=pieces,
            expires_at=answer.expires_at,
            changed_at=clock.now(),
        )
        await waitlist_store.save(tx, entry, after)
        await tx.emit(_told(after, answer))
        offered.append(after)
    return offered


def _wish(entry: WaitlistEntry, pieces: int) -> HoldRequest:
    return HoldRequest(
        key=entry.hold_key,
        sku=entry.sku,
        quantity=pieces,
        owner=entry.owner,
        reference=entry.session_id,
        seconds=entry.hold_seconds,
    )


def _told(entry: WaitlistEntry, hold: inventory.Hold) -> events.WaitlistOffered:
    return events.WaitlistOffered(
        entry_id=entry.id,
        session_id=entry.session_id,
        sku=entry.sku,
        owner=entry.owner,
        hold_id=hold.id,
        quantity=hold.quantity,
        asked=entry.quantity,
        expires_at=hold.expires_at,
    )


async def _leave(tx: Tx, entry: WaitlistEntry) -> WaitlistEntry:
    gone = await _move(tx, entry, WaitAction.LEAVE)
    if entry.hold_id is not None:
        await inventory.release(tx, entry.hold_id)
    return gone


async def _move(tx: Tx, entry: WaitlistEntry, action: WaitAction) -> WaitlistEntry:
    status = WaitStatus(WAIT_LIFE.after(entry.status, action))
    after = replace(entry, status=status, changed_at=clock.now())
    await waitlist_store.save(tx, entry, after)
    tx.wake(f"session:{entry.session_id}")
    return after
