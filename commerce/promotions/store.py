"""Every query of promotions, who agreed to them, and the policy they all obey."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import (
    Integer,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from commerce.kernel import clock, jsons
from commerce.kernel.columns import Count, Instant, Text
from commerce.kernel.database import Row, Tx, any_of, insert_once
from commerce.kernel.errors import Contended
from commerce.promotions import model
from commerce.promotions.basket import Funder
from commerce.promotions.model import Kind, Promotion, Side, Status, Visibility
from commerce.promotions.rules import Policy, Rule, policy_from_json, rule_from_json
from commerce.promotions.tables import APPROVALS, LIMITS, POLICIES, PROMOTIONS, TARGETS

BATCH = 200
P = PROMOTIONS.c

ADD = insert_once(PROMOTIONS, "id")
SOME = select(PROMOTIONS).where(any_of(P.id, "ids"))
LOCKED = select(PROMOTIONS).where(P.id == bindparam("promotion")).with_for_update()
SAVE = (
    update(PROMOTIONS)
    .where(P.id == bindparam("promotion"), P.version == bindparam("expected"))
    .values(
        kind=bindparam("new_kind"),
        visibility=bindparam("new_visibility"),
        status=bindparam("new_status"),
        leader_id=bindparam("new_leader_id"),
        by_code=bindparam("new_by_code"),
        rule=bindparam("new_rule"),
        total_limit=bindparam("new_total_limit", type_=Count),
        starts_at=bindparam("new_starts_at"),
        ends_at=bindparam("new_ends_at", type_=Instant),
        first_activated_at=bindparam("new_first", type_=Instant),
        updated_at=bindparam("now"),
        version=P.version + 1,
    )
)
APPROVALS_OF = select(APPROVALS).where(any_of(APPROVALS.c.promotion_id, "ids"))
AGREE = insert(APPROVALS)
_status = bindparam("status", type_=Text)
LISTED = (
    select(PROMOTIONS)
    .where(or_(_status == "", P.status == _status))
    .order_by(P.updated_at.desc(), P.id)
    .limit(bindparam("most", type_=Integer))
    .offset(bindparam("skip", type_=Integer))
)
LISTED_OF_SUPPLIER = LISTED.where(P.supplier_id == bindparam("supplier"))
LISTED_OF_LEADER = LISTED.where(
    P.leader_id == bindparam("leader"),
    or_(P.funder == Funder.LEADER, P.status != Status.DRAFT),
)
TO_AGREE = select(PROMOTIONS).where(P.status == Status.PENDING).order_by(P.updated_at, P.id)
DUE_TO_START = (
    select(PROMOTIONS)
    .where(P.status == Status.SCHEDULED, P.starts_at <= bindparam("now", type_=Instant))
    .order_by(P.id)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
DUE_TO_END = (
    select(PROMOTIONS)
    .where(
        P.status.in_([Status.ACTIVE, Status.PAUSED]),
        P.ends_at <= bindparam("now", type_=Instant),
    )
    .order_by(P.id)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
AIM = insert(TARGETS)
FORGET_TARGETS = delete(TARGETS).where(TARGETS.c.promotion_id == bindparam("promotion"))
_used_up = exists().where(
    LIMITS.c.key == literal("total:", Text) + P.id, LIMITS.c.used >= LIMITS.c.most
)
_at = bindparam("at", type_=Instant)
APPLICABLE = select(P.rule, P.version).where(
    P.id.in_(select(TARGETS.c.promotion_id).where(any_of(TARGETS.c.target, "targets"))),
    P.status.in_(sorted(model.COUNTING)),
    P.starts_at <= _at,
    or_(P.ends_at.is_(None), P.ends_at > _at),
    ~_used_up,
)
POLICY = select(POLICIES.c.policy).order_by(POLICIES.c.version.desc()).limit(1)
ADD_POLICY = insert_once(POLICIES, "version")


@lru_cache(maxsize=4096)
def _rule(written: str) -> Rule:
    return rule_from_json(jsons.loads(written))


def _promotion(row: Row, approved: frozenset[Side]) -> Promotion:
    return Promotion(
        id=row["id"],
        status=Status(row["status"]),
        kind=Kind(row["kind"]),
        visibility=Visibility(row["visibility"]),
        funder=Funder(row["funder"]),
        supplier_id=row["supplier_id"],
        leader_id=row["leader_id"],
        rule=_rule(row["rule"]),
        by_code=bool(row["by_code"]),
        total_limit=row["total_limit"],
        approved=approved,
        first_activated_at=row["first_activated_at"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        version=row["version"],
    )


async def _with_approvals(tx: Tx, rows: Sequence[Row]) -> list[Promotion]:
    agreed = await tx.all(APPROVALS_OF, ids=[row["id"] for row in rows]) if rows else []
    return [
        _promotion(
            row, frozenset(Side(a["side"]) for a in agreed if a["promotion_id"] == row["id"])
        )
        for row in rows
    ]


async def some(tx: Tx, promotion_ids: Sequence[str]) -> dict[str, Promotion]:
    found = await _with_approvals(tx, await tx.all(SOME, ids=list(promotion_ids)))
    return {promotion.id: promotion for promotion in found}


async def locked(tx: Tx, promotion_id: str) -> Promotion:
    """Whoever moves it waits here for who was first."""
    rows = await tx.all(LOCKED, promotion=promotion_id)
    if not rows:
        raise model.NoSuchPromotion(promotion_id=promotion_id)
    return (await _with_approvals(tx, rows))[0]


async def listed(
    tx: Tx, *, status: str, supplier: str | None, leader: str | None, most: int, skip: int
) -> list[Promotion]:
    """The last changed first."""
    page = {"status": status, "most": most, "skip": skip}
    if supplier is not None:
        rows = await tx.all(LISTED_OF_SUPPLIER, supplier=supplier, **page)
    elif leader is not None:
        rows = await tx.all(LISTED_OF_LEADER, leader=leader, **page)
    else:
        rows = await tx.all(LISTED, **page)
    return await _with_approvals(tx, rows)


async def to_agree(tx: Tx) -> list[Promotion]:
    return await _with_approvals(tx, await tx.all(TO_AGREE))


async def due(tx: Tx, now: int) -> tuple[list[Promotion], list[Promotion]]:
    """Those that start, and those that end."""
    starting = await tx.all(DUE_TO_START, now=now)
    ending = await tx.all(DUE_TO_END, now=now)
    return await _with_approvals(tx, starting), await _with_approvals(tx, ending)


async def add(tx: Tx, promotion: Promotion) -> bool:
    """False where the id exists."""
    added = await tx.run(
        ADD,
        id=promotion.id,
        kind=promotion.kind,
        visibility=promotion.visibility,
        status=promotion.status,
        funder=promotion.funder,
        supplier_id=promotion.supplier_id,
        leader_id=promotion.leader_id,
        by_code=int(promotion.by_code),
        rule=jsons.dumps(promotion.rule.to_json()),
        total_limit=promotion.total_limit,
        starts_at=promotion.starts_at,
        ends_at=promotion.ends_at,
        first_activated_at=promotion.first_activated_at,
        created_by=promotion.created_by,
        created_at=promotion.created_at,
        updated_at=promotion.created_at,
        version=promotion.version,
    )
    return bool(added)


async def save(tx: Tx, promotion: Promotion) -> None:
    """The row as it now is, and where baskets find it; lost if another save was before."""
    saved = await tx.run(
        SAVE,
        promotion=promotion.id,
        expected=promotion.version - 1,
        new_kind=promotion.kind,
        new_visibility=promotion.visibility,
        new_status=promotion.status,
        new_leader_id=promotion.leader_id,
        new_by_code=int(promotion.by_code),
        new_rule=jsons.dumps(promotion.rule.to_json()),
        new_total_limit=promotion.total_limit,
        new_starts_at=promotion.starts_at,
        new_ends_at=promotion.ends_at,
        new_first=promotion.first_activated_at,
        now=clock.now(),
    )
    if not saved:
        raise Contended(f"promotion {promotion.id} changed meanwhile")
    await tx.run(FORGET_TARGETS, promotion=promotion.id)
    if promotion.counts and not promotion.by_code:
        rows = [{"target": t, "promotion_id": promotion.id} for t in model.targets(promotion)]
        await tx.run_many(AIM, rows)


async def agree(tx: Tx, promotion_id: str, side: Side, by: str) -> None:
    await tx.run(AGREE, promotion_id=promotion_id, side=side, by=by, at=clock.now())


async def applicable(tx: Tx, targets: Sequence[str], at: int) -> list[tuple[Rule, int]]:
    """The rules that these targets find, with the versions of their promotions."""
    rows = await tx.all(APPLICABLE, targets=list(targets), at=at)
    return [(_rule(row["rule"]), row["version"]) for row in rows]


async def policy(tx: Tx) -> Policy:
    row = await tx.first(POLICY)
    return Policy() if row is None else policy_from_json(jsons.loads(row["policy"]))


async def add_policy(tx: Tx, given: Policy, by: str) -> bool:
    """False where another took this version."""
    added = await tx.run(
        ADD_POLICY,
        version=given.version,
        policy=jsons.dumps(given.to_json()),
        set_by=by,
        set_at=clock.now(),
    )
    return bool(added)
