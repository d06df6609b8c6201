"""Flash prices: offered by a supplier, started by a leader, ended by whoever comes first.

Pieces at the price belong to holds: a hold that goes gives them back, one that is paid keeps them.
A claim is moved before its flash is touched, and a flash is locked before its fans.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from commerce import catalog, inventory, suppliers
from commerce.inventory import PROMISED
from commerce.kernel.database import Tx
from commerce.kernel.errors import Contended
from commerce.promotions import flash_events, flash_model, flash_store
from commerce.promotions.flash_model import (
    FLASH_LIFE,
    TAKEN,
    ClaimAction,
    ClaimStatus,
    Flash,
    FlashAction,
    FlashClaim,
    FlashEnding,
    FlashSale,
    FlashStatus,
    FlashTerms,
)


async def offer_flash(
    tx: Tx,
    *,
    flash_id: str,
    supplier_id: str,
    leader_id: str,
    sku: str,
    terms: FlashTerms,
    per_fan: int,
) -> Flash:
    """A supplier's terms to one leader. The same id again answers with the first one."""
    if known := await flash_store.find(tx, flash_id):
        return _offered_before(known, supplier_id)
    product = await _product(tx, sku)
    if product.supplier_id != supplier_id:
        raise flash_model.NotYourFlash(sku=sku)
    flash = Flash(
        id=flash_id,
        supplier_id=supplier_id,
        leader_id=leader_id,
        product_id=product.id,
        sku=sku,
        currency=product.currency,
        terms=terms,
        per_fan=per_fan,
        created_at=await tx.now(),
    )
    await _check(tx, product, flash)
    if await flash_store.add(tx, flash):
        return flash
    return _offered_before(await flash_store.get(tx, flash_id), supplier_id)


def _offered_before(known: Flash, supplier_id: str) -> Flash:
    if known.supplier_id != supplier_id:
        raise flash_model.NotYourFlash(flash_id=known.id)
    return known


async def start_flash(
    tx: Tx,
    flash_id: str,
    *,
    leader_id: str,
    session_id: str,
    terms: FlashTerms,
    expected_version: int,
) -> Flash:
    """Run it in the leader's session, from now on. Whether that is live, the caller knows."""
    flash = await flash_store.get_locked(tx, flash_id)
    if flash.leader_id != leader_id:
        raise flash_model.NotYourFlash(flash_id=flash_id)
    if flash.status is FlashStatus.RUNNING and flash.session_id == session_id:
        return flash  # the same button twice
    _check_version(flash, expected_version)
    flash_model.check_within(terms, flash.terms)
    await _make_room(tx, session_id, flash.sku)
    now = await tx.now()
    started = replace(
        flash,
        status=FLASH_LIFE.after(flash.status, FlashAction.START),
        version=flash.version + 1,
        session_id=session_id,
        terms=terms,
        per_fan=min(flash.per_fan, terms.quantity),
        started_at=now,
        ends_at=now + terms.duration,
    )
    await _check(tx, await _product(tx, flash.sku), started)
    await flash_store.save(tx, started)
    tx.wake(f"session:{session_id}")
    await tx.emit(flash_events.started(started))
    return started


async def end_flash(tx: Tx, flash_id: str, *, leader_id: str) -> Flash:
    """The leader stops it; one that is over already stays as it is."""
    flash = await flash_store.get_locked(tx, flash_id)
    if flash.leader_id != leader_id:
        raise flash_model.NotYourFlash(flash_id=flash_id)
    return await _end(tx, flash, FlashEnding.LEADER)


async def withdraw_flash(
    tx: Tx, flash_id: str, *, supplier_id: str, expected_version: int
) -> Flash:
    """The supplier takes it back, also while it runs."""
    flash = await flash_store.get_locked(tx, flash_id)
    if flash.supplier_id != supplier_id:
        raise flash_model.NotYourFlash(flash_id=flash_id)
    if flash.status is FlashStatus.WITHDRAWN:
        return flash
    _check_version(flash, expected_version)
    return await _over(tx, flash, FlashAction.WITHDRAW, FlashEnding.SUPPLIER)


async def end_flashes_of(tx: Tx, session_id: str) -> None:
    """The live is over, and with it what ran in it."""
    for flash in await flash_store.of_session(tx, session_id):
        if flash.status is FlashStatus.RUNNING:
            await _end(tx, await flash_store.get_locked(tx, flash.id), FlashEnding.SESSION)


async def end_flash_in_time(tx: Tx, flash_id: str) -> None:
    flash = await flash_store.get_locked(tx, flash_id)
    if not flash.runs(await tx.now()):
        await _end(tx, flash, FlashEnding.TIME)


async def flash_of(tx: Tx, session_id: str, skus: Iterable[str], at: int) -> dict[str, FlashSale]:
    """What runs in this session and has pieces left, by SKU."""
    found = await flash_store.running(tx, session_id, skus)
    return {one.sku: flash_model.sale(one) for one in found if one.runs(at) and one.left}


async def flashes_in(tx: Tx, session_id: str) -> list[Flash]:
    """Whatever was started in this session, in that order."""
    return await flash_store.of_session(tx, session_id)


async def flashes_offered_to(tx: Tx, leader_id: str) -> list[Flash]:
    """What this leader may start, the earliest first."""
    return await flash_store.offered_to(tx, leader_id)


async def flashes_by(tx: Tx, supplier_id: str | None) -> list[Flash]:
    """What a supplier offered, or all of them, newest first."""
    return await flash_store.newest(tx, supplier_id)


async def claim_flash(
    tx: Tx, *, hold_id: str, session_id: str, sku: str, owner: str, quantity: int
) -> FlashClaim | None:
    """Give the hold's pieces the price, as many as are left and allowed; None where none is.

    Idempotent on the hold, which must still be this owner's.
    """
    flash = await flash_store.running_locked(tx, session_id, sku)
    # With the lock: the same claim, made at the same time in another process, is seen.
    known = await flash_store.claim(tx, hold_id)
    if known is not None:
        return known if known.status in TAKEN else None
    if flash is None:
        return None
    hold = await inventory.hold_of(tx, hold_id)
    if hold.status not in PROMISED or (hold.owner, hold.sku) != (owner, sku):
        return None
    has = await flash_store.pieces_of(tx, flash.id, owner)
    asked = min(quantity, hold.quantity)
    pieces = flash_model.granted(flash, asked=asked, has=has, at=await tx.now())
    if not pieces:
        return None
    await flash_store.take(tx, flash, owner, pieces)
    claim = FlashClaim(
        flash_id=flash.id,
        hold_id=hold_id,
        owner=owner,
        pieces=pieces,
        price_minor=flash.terms.price_minor,
        currency=flash.currency,
    )
    await flash_store.add_claim(tx, claim)
    tx.wake(f"session:{session_id}")
    return claim


async def flash_claim(tx: Tx, hold_id: str) -> FlashClaim | None:
    """What this hold has at the price, however the flash itself went on since."""
    claim = await flash_store.claim(tx, hold_id)
    return claim if claim is not None and claim.status in TAKEN else None


async def release_flash(tx: Tx, hold_id: str) -> None:
    """The hold is gone: its pieces are there for others at the price, while it runs."""
    claim = await flash_store.move_claim(tx, hold_id, ClaimStatus.HELD, ClaimAction.GIVE_BACK)
    if claim is not None:
        tx.wake(f"session:{await flash_store.give_back(tx, claim)}")


async def confirm_flash(tx: Tx, hold_id: str) -> None:
    """The hold is paid, at the frozen price. When the pieces went to others meanwhile, they are
    told apart: the quantity never counts more than there were.
    """
    claim = await flash_store.move_claim(tx, hold_id, ClaimStatus.HELD, ClaimAction.CONFIRM)
    if claim is None:
        claim = await flash_store.claim(tx, hold_id)
        if claim is None or claim.status is not ClaimStatus.RETURNED:
            return
        await _confirm_late(tx, claim)
    else:
        await flash_store.sell(tx, claim.flash_id, sold=claim.pieces)
    flash = await flash_store.get_locked(tx, claim.flash_id)
    if flash.sold == flash.terms.quantity:
        await _end(tx, flash, FlashEnding.SOLD)


async def release_lapsed(tx: Tx, hold_id: str) -> bool:
    """As `release_flash`, where nobody heard of the end of the hold."""
    hold = await inventory.hold_of(tx, hold_id)
    gone = hold.status in (inventory.HoldStatus.RELEASED, inventory.HoldStatus.EXPIRED)
    if gone:
        await release_flash(tx, hold_id)
    return gone


async def _confirm_late(tx: Tx, claim: FlashClaim) -> None:
    flash = await flash_store.get_locked(tx, claim.flash_id)
    has = await flash_store.pieces_of(tx, flash.id, claim.owner)
    again = min(flash.left, flash.per_fan - has) >= claim.pieces
    action = ClaimAction.TAKE_AGAIN if again else ClaimAction.HONOUR
    if not await flash_store.move_claim(tx, claim.hold_id, claim.status, action):
        raise Contended(f"flash pieces of hold {claim.hold_id} moved meanwhile")
    if again:
        await flash_store.take(tx, flash, claim.owner, claim.pieces)
        await flash_store.sell(tx, flash.id, sold=claim.pieces)
    else:
        await flash_store.sell(tx, flash.id, late=claim.pieces)


async def _product(tx: Tx, sku: str) -> catalog.Product:
    product = (await catalog.products_of_skus(tx, [sku])).get(sku)
    if product is None:
        raise flash_model.FlashNotForSale(sku=sku)
    return product


async def _check(tx: Tx, product: catalog.Product, flash: Flash) -> None:
    seller = await suppliers.get(tx, product.supplier_id)
    if not product.sellable or seller.status is not suppliers.Status.ACTIVE:
        raise flash_model.FlashNotForSale(sku=flash.sku)
    variant = product.variant(flash.sku)
    flash_model.check_terms(
        flash.terms,
        sku=flash.sku,
        floor_minor=variant.price_min_minor or 0,
        list_minor=variant.price_minor,
        free=(await inventory.available(tx, [flash.sku]))[flash.sku],
    )
    flash_model.check_per_fan(flash.per_fan, flash.terms.quantity)


def _check_version(flash: Flash, expected: int) -> None:
    if flash.version != expected:
        raise flash_model.FlashChanged(flash_id=flash.id, version=flash.version)


async def _make_room(tx: Tx, session_id: str, sku: str) -> None:
    """One at a time for a variant; one whose time is over makes way before anybody notes it."""
    running = await flash_store.running_locked(tx, session_id, sku)
    if running is None:
        return
    if running.runs(await tx.now()):
        raise flash_model.FlashRuns(sku=sku, flash_id=running.id)
    await _end(tx, running, FlashEnding.TIME)


async def _end(tx: Tx, flash: Flash, why: FlashEnding) -> Flash:
    if flash.status in FLASH_LIFE.final:
        return flash
    return await _over(tx, flash, FlashAction.END, why)


async def _over(tx: Tx, flash: Flash, action: FlashAction, why: FlashEnding) -> Flash:
    over = replace(
        flash,
        status=FLASH_LIFE.after(flash.status, action),
        version=flash.version + 1,
        ended_at=await tx.now(),
        ending=why,
    )
    await flash_store.save(tx, over)
    if over.session_id:
        tx.wake(f"session:{over.session_id}")
        await tx.emit(flash_events.ended(over))
    return over
