"""Every query of flash prices. Counters move by conditional updates and are kept by CHECKs."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql

from commerce.kernel.columns import any_of, db_now
from commerce.kernel.database import Row, Tx, insert_once
from commerce.kernel.errors import Contended
from commerce.promotions.flash_model import (
    CLAIM_LIFE,
    ClaimAction,
    ClaimStatus,
    Flash,
    FlashClaim,
    FlashStatus,
    FlashTerms,
    NoSuchFlash,
)
from commerce.promotions.flash_tables import FLASH_CLAIMS, FLASH_FANS, FLASHES

LIST_MAX = 200
F, C = FLASHES.c, FLASH_CLAIMS.c

ADD = insert_once(FLASHES, "id")
GET = select(FLASHES).where(F.id == bindparam("flash"))
GET_LOCKED = GET.with_for_update()
_running = select(FLASHES).where(
    F.session_id == bindparam("session"), F.status == FlashStatus.RUNNING
)
RUNNING_OF = _running.where(any_of(F.sku, "skus"))
RUNNING_LOCKED = _running.where(F.sku == bindparam("which")).with_for_update()
OF_SESSION = select(FLASHES).where(F.session_id == bindparam("session")).order_by(F.started_at)
OF_LEADER = (
    select(FLASHES)
    .where(F.leader_id == bindparam("leader"), F.status == FlashStatus.OFFERED)
    .order_by(F.created_at, F.id)
    .limit(LIST_MAX)
)
_newest = select(FLASHES).order_by(F.created_at.desc(), F.id.desc()).limit(LIST_MAX)
OF_SUPPLIER = _newest.where(F.supplier_id == bindparam("supplier"))
ALL = _newest
DUE = (
    select(F.id)
    .where(F.status == FlashStatus.RUNNING, F.ends_at <= db_now())
    .order_by(F.ends_at)
    .limit(LIST_MAX)
)
SAVE = (
    update(FLASHES)
    .where(F.id == bindparam("flash"), F.version == bindparam("before"))
    .values(
        price_minor=bindparam("new_price"),
        quantity=bindparam("new_quantity"),
        duration=bindparam("new_duration"),
        per_fan=bindparam("new_per_fan"),
        status=bindparam("new_status"),
        session_id=bindparam("new_session"),
        started_at=bindparam("new_start"),
        ends_at=bindparam("new_end"),
        ended_at=bindparam("over_at"),
        ending=bindparam("why"),
        version=F.version + 1,
    )
)
TAKE = (
    update(FLASHES)
    .where(F.id == bindparam("flash"), F.taken + bindparam("more") <= F.quantity)
    .values(taken=F.taken + bindparam("more"))
)
SELL = (
    update(FLASHES)
    .where(F.id == bindparam("flash"))
    .values(sold=F.sold + bindparam("sold_more"), late=F.late + bindparam("late_more"))
)
GIVE_BACK = (
    update(FLASHES)
    .where(F.id == bindparam("flash"))
    .values(taken=F.taken - bindparam("less"))
    .returning(F.session_id)
)
HAS = select(FLASH_FANS.c.pieces).where(
    FLASH_FANS.c.flash_id == bindparam("flash"), FLASH_FANS.c.owner == bindparam("who")
)
HAND_OUT = postgresql.insert(FLASH_FANS).on_conflict_do_update(
    index_elements=["flash_id", "owner"],
    set_={"pieces": FLASH_FANS.c.pieces + bindparam("more")},
    where=FLASH_FANS.c.pieces + bindparam("more") <= FLASH_FANS.c.per_fan,
)
HAND_BACK = (
    update(FLASH_FANS)
    .where(FLASH_FANS.c.flash_id == bindparam("flash"), FLASH_FANS.c.owner == bindparam("who"))
    .values(pieces=FLASH_FANS.c.pieces - bindparam("less"))
)
CLAIM = insert(FLASH_CLAIMS)
CLAIM_OF = select(FLASH_CLAIMS).where(C.hold_id == bindparam("hold"))
MOVE_CLAIM = (
    update(FLASH_CLAIMS)
    .where(C.hold_id == bindparam("hold"), C.status == bindparam("before"))
    .values(status=bindparam("after"), changed_at=bindparam("now"))
    .returning(FLASH_CLAIMS)
)
HELD_SINCE = (
    select(C.hold_id)
    .where(C.status == ClaimStatus.HELD, C.claimed_at < bindparam("before"))
    .order_by(C.claimed_at)
    .limit(LIST_MAX)
)


async def add(tx: Tx, flash: Flash) -> bool:
    """False where the id exists."""
    added = await tx.run(
        ADD,
        id=flash.id,
        supplier_id=flash.supplier_id,
        leader_id=flash.leader_id,
        product_id=flash.product_id,
        sku=flash.sku,
        currency=flash.currency,
        price_minor=flash.terms.price_minor,
        quantity=flash.terms.quantity,
        duration=flash.terms.duration,
        per_fan=flash.per_fan,
        status=flash.status,
        version=flash.version,
        session_id=flash.session_id,
        taken=0,
        sold=0,
        late=0,
        ending="",
        created_at=flash.created_at,
    )
    return bool(added)


async def find(tx: Tx, flash_id: str) -> Flash | None:
    row = await tx.first(GET, flash=flash_id)
    return None if row is None else _flash(row)


async def get(tx: Tx, flash_id: str) -> Flash:
    return _found(await tx.first(GET, flash=flash_id), flash_id)


async def get_locked(tx: Tx, flash_id: str) -> Flash:
    return _found(await tx.first(GET_LOCKED, flash=flash_id), flash_id)


async def running(tx: Tx, session_id: str, skus: Iterable[str]) -> list[Flash]:
    rows = await tx.all(RUNNING_OF, session=session_id, skus=list(skus))
    return [_flash(row) for row in rows]


async def running_locked(tx: Tx, session_id: str, sku: str) -> Flash | None:
    row = await tx.first(RUNNING_LOCKED, session=session_id, which=sku)
    return None if row is None else _flash(row)


async def of_session(tx: Tx, session_id: str) -> list[Flash]:
    return [_flash(row) for row in await tx.all(OF_SESSION, session=session_id)]


async def offered_to(tx: Tx, leader_id: str) -> list[Flash]:
    return [_flash(row) for row in await tx.all(OF_LEADER, leader=leader_id)]


async def newest(tx: Tx, supplier_id: str | None) -> list[Flash]:
    if supplier_id is None:
        return [_flash(row) for row in await tx.all(ALL)]
    return [_flash(row) for row in await tx.all(OF_SUPPLIER, supplier=supplier_id)]


async def due(tx: Tx) -> list[str]:
    return [row["id"] for row in await tx.all(DUE)]


async def save(tx: Tx, flash: Flash) -> None:
    """`flash` is one version ahead of what is stored; its counters are left alone."""
    saved = await tx.run(
        SAVE,
        flash=flash.id,
        before=flash.version - 1,
        new_price=flash.terms.price_minor,
        new_quantity=flash.terms.quantity,
        new_duration=flash.terms.duration,
        new_per_fan=flash.per_fan,
        new_status=flash.status,
        new_session=flash.session_id,
        new_start=flash.started_at,
        new_end=flash.ends_at,
        over_at=flash.ended_at,
        why=flash.ending,
    )
    if not saved:
        raise Contended(f"flash {flash.id} changed meanwhile")


async def pieces_of(tx: Tx, flash_id: str, owner: str) -> int:
    return int(await tx.scalar(HAS, flash=flash_id, who=owner) or 0)


async def take(tx: Tx, flash: Flash, owner: str, pieces: int) -> None:
    """Count them to the flash and to the fan, within both limits."""
    taken = await tx.run(TAKE, flash=flash.id, more=pieces)
    handed = taken and await tx.run(
        HAND_OUT,
        flash_id=flash.id,
        owner=owner,
        pieces=pieces,
        per_fan=flash.per_fan,
        more=pieces,
    )
    if not handed:
        raise Contended(f"pieces of flash {flash.id} were taken meanwhile")


async def give_back(tx: Tx, claim: FlashClaim) -> str:
    """Count them for others; the session they can be had in."""
    session_id = await tx.scalar(GIVE_BACK, flash=claim.flash_id, less=claim.pieces)
    await tx.run(HAND_BACK, flash=claim.flash_id, who=claim.owner, less=claim.pieces)
    return str(session_id)


async def sell(tx: Tx, flash_id: str, *, sold: int = 0, late: int = 0) -> None:
    await tx.run(SELL, flash=flash_id, sold_more=sold, late_more=late)


async def add_claim(tx: Tx, claim: FlashClaim) -> None:
    now = await tx.now()
    await tx.run(
        CLAIM,
        hold_id=claim.hold_id,
        flash_id=claim.flash_id,
        owner=claim.owner,
        pieces=claim.pieces,
        price_minor=claim.price_minor,
        currency=claim.currency,
        status=claim.status,
        claimed_at=now,
        changed_at=now,
    )


async def claim(tx: Tx, hold_id: str) -> FlashClaim | None:
    row = await tx.first(CLAIM_OF, hold=hold_id)
    return None if row is None else _claim(row)


async def move_claim(
    tx: Tx, hold_id: str, before: ClaimStatus, action: ClaimAction
) -> FlashClaim | None:
    """The claim as it is now; None where it was not there before."""
    after = CLAIM_LIFE.after(before, action)
    found = await tx.all(MOVE_CLAIM, hold=hold_id, before=before, after=after, now=await tx.now())
    return _claim(found[0]) if found else None


async def held_since(tx: Tx, before: int) -> list[str]:
    return [row["hold_id"] for row in await tx.all(HELD_SINCE, before=before)]


def _found(row: Row | None, flash_id: str) -> Flash:
    if row is None:
        raise NoSuchFlash(flash_id=flash_id)
    return _flash(row)


def _flash(row: Row) -> Flash:
    return Flash(
        id=row["id"],
        supplier_id=row["supplier_id"],
        leader_id=row["leader_id"],
        product_id=row["product_id"],
        sku=row["sku"],
        currency=row["currency"],
        terms=FlashTerms(
            price_minor=row["price_minor"], quantity=row["quantity"], duration=row["duration"]
        ),
        per_fan=row["per_fan"],
        status=FlashStatus(row["status"]),
        version=row["version"],
        session_id=row["session_id"],
        taken=row["taken"],
        sold=row["sold"],
        late=row["late"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
        ending=row["ending"],
        created_at=row["created_at"],
    )


def _claim(row: Row) -> FlashClaim:
    return FlashClaim(
        flash_id=row["flash_id"],
        hold_id=row["hold_id"],
        owner=row["owner"],
        pieces=row["pieces"],
        price_minor=row["price_minor"],
        currency=row["currency"],
        status=ClaimStatus(row["status"]),
    )
