"""The use cases of live sessions: going live, pinning, and what a room shows and says."""

from __future__ import annotations

from commerce import catalog, promotions
from commerce.kernel import clock, ids, masking
from commerce.kernel.database import Tx
from live import events, model, store, streams
from live.model import Pin, RoomMessage, Session, Status

ROOM_HISTORY = 60
SLUG_TRIES = 5


async def plan_session(
    tx: Tx,
    *,
    leader_id: str,
    leader_name: str,
    title: str,
    stream: str,
    stream_kind: str = "",
    slug: str = "",
    session_id: str = "",
) -> Session:
    """A session that is not live yet. The same `session_id` again answers with the first one."""
    if session_id and (known := await store.find(tx, session_id)):
        model.check_owner(known, leader_id)
        return known
    understood = streams.understand_stream(stream_kind, stream)
    planned = Session(
        id=session_id or ids.new_id(),
        slug="",
        leader_id=leader_id,
        leader_name=leader_name,
        title=model.session_title(title),
        stream_kind=understood.kind,
        stream_ref=understood.ref,
        status=model.LIFE.start,
        version=1,
        created_at=clock.now(),
    )
    return await _add_with_free_slug(tx, planned, slug or planned.title)


async def _add_with_free_slug(tx: Tx, session: Session, wish: str) -> Session:
    slug = stem = model.slug_from(wish)
    for _ in range(SLUG_TRIES):
        named = model.named(session, slug)
        if await store.add(tx, named):
            return named
        known = await store.find(tx, session.id)
        if known is not None:  # the same form, sent at the same time
            model.check_owner(known, session.leader_id)
            return known
        slug = f"{stem}-{ids.short_code().lower()}"
    raise AssertionError("five random suffixes were all taken")


async def go_live(tx: Tx, session_id: str, *, leader_id: str) -> Session:
    """Start a planned session; one that is live already stays as it is."""
    session = await store.get_locked(tx, session_id)
    model.check_owner(session, leader_id)
    if session.status is Status.LIVE:
        return session
    started = model.start(session, now=clock.now())
    await store.save(tx, started)
    tx.wake(f"session:{started.id}")
    await tx.emit(
        events.SessionStarted(
            session_id=started.id,
            slug=started.slug,
            leader_id=started.leader_id,
            title=started.title,
        )
    )
    return started


async def start_session(
    tx: Tx,
    *,
    leader_id: str,
    leader_name: str,
    title: str,
    stream: str,
    stream_kind: str = "",
    slug: str = "",
    session_id: str = "",
) -> Session:
    """Plan a session and go live at once. `stream` is whatever the leader pasted."""
    planned = await plan_session(
        tx,
        leader_id=leader_id,
        leader_name=leader_name,
        title=title,
        stream=stream,
        stream_kind=stream_kind,
        slug=slug,
        session_id=session_id,
    )
    return await go_live(tx, planned.id, leader_id=leader_id)


async def end_session(tx: Tx, session_id: str, *, leader_id: str) -> Session:
    """Take down what is pinned and close the session for good."""
    session = await store.get_locked(tx, session_id)
    model.check_owner(session, leader_id)
    ended = model.end(session, now=clock.now())
    await _take_down(tx, await store.open_pin(tx, session_id))
    await store.save(tx, ended)
    tx.wake(f"session:{ended.id}")
    await tx.emit(events.SessionEnded(session_id=ended.id, leader_id=ended.leader_id))
    return ended


async def pin(
    tx: Tx, session_id: str, product_id: str, ends_at: int | None = None, *, leader_id: str
) -> Pin:
    """Put a product on offer in place of the one before; the same offer again changes nothing."""
    now = clock.now()
    session = await store.get_locked(tx, session_id)
    model.check_owner(session, leader_id)
    model.check_live(session)
    model.check_ends_at(ends_at, now=now)
    await _check_for_sale(tx, product_id)
    before = await store.open_pin(tx, session_id)
    if before and (before.product_id, before.offer_ends_at) == (product_id, ends_at):
        return before
    await _take_down(tx, before)
    return await _put_up(tx, session_id, product_id, ends_at)


async def unpin(tx: Tx, session_id: str, *, leader_id: str) -> Pin:
    session = await store.get_locked(tx, session_id)
    model.check_owner(session, leader_id)
    before = await store.open_pin(tx, session_id)
    if before is None:
        raise model.NothingPinned(session_id=session_id)
    await _take_down(tx, before)
    return before


async def start_flash(
    tx: Tx,
    flash_id: str,
    *,
    session_id: str,
    leader_id: str,
    terms: promotions.FlashTerms,
    expected_version: int,
) -> promotions.Flash:
    """Run in this live what a supplier offered its leader."""
    session = await store.get_locked(tx, session_id)
    model.check_owner(session, leader_id)
    model.check_live(session)
    return await promotions.start_flash(
        tx,
        flash_id,
        leader_id=leader_id,
        session_id=session_id,
        terms=terms,
        expected_version=expected_version,
    )


async def _check_for_sale(tx: Tx, product_id: str) -> None:
    product = await catalog.product(tx, product_id)
    if not product.sellable:
        raise model.ProductNotForSale(product_id=product_id)


async def _put_up(tx: Tx, session_id: str, product_id: str, ends_at: int | None) -> Pin:
    fresh = Pin(
        id=ids.new_id(),
        session_id=session_id,
        product_id=product_id,
        pinned_at=clock.now(),
        offer_ends_at=ends_at,
    )
    await store.add_pin(tx, fresh)
    tx.wake(f"session:{session_id}")
    await tx.emit(
        events.ProductPinned(
            session_id=session_id, product_id=product_id, pin_id=fresh.id, offer_ends_at=ends_at
        )
    )
    return fresh


async def _take_down(tx: Tx, before: Pin | None) -> None:
    if before is None:
        return
    # Clocks of two processes differ; a pin never ends before it began.
    await store.close_pin(tx, before.id, max(clock.now(), before.pinned_at))
    tx.wake(f"session:{before.session_id}")
    await tx.emit(
        events.ProductUnpinned(
            session_id=before.session_id, product_id=before.product_id, pin_id=before.id
        )
    )


async def session(tx: Tx, session_id: str) -> Session:
    return await store.get(tx, session_id)


async def find_session(tx: Tx, slug_or_id: str) -> Session | None:
    return await store.find_by_slug(tx, slug_or_id) or await store.find(tx, slug_or_id)


async def live_sessions(tx: Tx) -> list[Session]:
    """What is live now, newest first."""
    return await store.live(tx)


async def sessions_of(tx: Tx, leader_id: str) -> list[Session]:
    return await store.of_leader(tx, leader_id)


async def pinned(tx: Tx, session_id: str) -> Pin | None:
    return await store.open_pin(tx, session_id)


async def pins_of(tx: Tx, session_id: str) -> list[Pin]:
    """The whole pin timeline, oldest first."""
    return await store.timeline(tx, session_id)


async def wake_rooms_showing(tx: Tx, sku: str) -> None:
    """What is left of this changed: the rooms that show it read their state again."""
    sold = await catalog.products_of_skus(tx, [sku])
    if sku in sold:
        for session_id in await store.sessions_showing(tx, sold[sku].id):
            tx.wake(f"session:{session_id}")


async def say(
    tx: Tx, session_id: str, *, fan_id: str, name: str, text: str, key: str
) -> tuple[RoomMessage, bool]:
    """Say something in the public chat; False beside the message where `key` was said before."""
    seq = await store.last_seq_locked(tx, session_id)
    known = await store.said_before(tx, session_id, fan_id, key)
    if known:
        return known, False
    model.check_live(await store.get(tx, session_id))
    said = model.room_text(masking.mask_cards(text)[0])
    now = clock.now()
    lately = await store.said_lately(tx, session_id, fan_id, now - model.FLOOD_WINDOW)
    if lately >= model.FLOOD_MESSAGES:
        raise model.TooFast(retry_after_seconds=model.FLOOD_WINDOW // clock.SECOND)
    message = RoomMessage(session_id=session_id, seq=seq + 1, name=name, text=said, said_at=now)
    await store.add_message(tx, message, fan_id=fan_id, key=key)
    return message, True


async def chat_since(
    tx: Tx, session_id: str, seq: int = 0, most: int = ROOM_HISTORY
) -> list[RoomMessage]:
    """The newest messages after `seq`, oldest first."""
    return await store.chat_since(tx, session_id, seq, most)
