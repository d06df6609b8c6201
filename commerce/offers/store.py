"""Every query of offers: the rules, decisions, and how they ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql

from commerce.kernel import jsons
from commerce.kernel.columns import Count
from commerce.kernel.database import Row, Tx, insert_once
from commerce.offers import demand
from commerce.offers.demand import Population, Trials
from commerce.offers.life import Status
from commerce.offers.model import LEARNED_AFTER, Decision, Kind, Reason, Rules
from commerce.offers.tables import BARRED, BUDGETS, DECISIONS, DEMAND, LEARNING, OFFERS, RULES

ONE = "platform"

GET_RULES = select(RULES)
ADD_RULES = insert_once(RULES, "id")
EDIT_RULES = (
    update(RULES)
    .where(RULES.c.version == bindparam("seen"))
    .values(
        on_since=bindparam("new_on_since", type_=Count),
        measured_since=bindparam("new_measured_since"),
        held_out_bp=bindparam("new_held_out"),
        explore_bp=bindparam("new_explore"),
        minutes=bindparam("new_minutes"),
        version=RULES.c.version + 1,
    )
)
BAR = insert_once(BARRED, "kind", "about")
UNBAR = delete(BARRED).where(
    BARRED.c.kind == bindparam("which_kind"), BARRED.c.about == bindparam("which")
)
ALL_BARRED = select(BARRED).order_by(BARRED.c.at.desc())
IS_BARRED = select(BARRED.c.about).where(
    or_(
        (BARRED.c.kind == Kind.PRODUCT) & (BARRED.c.about == bindparam("product")),
        (BARRED.c.kind == Kind.SUPPLIER) & (BARRED.c.about == bindparam("supplier")),
    )
)
_decided = select(OFFERS, DECISIONS.c.reason).join(DECISIONS, DECISIONS.c.id == OFFERS.c.id)
BY_KEY = _decided.where(OFFERS.c.key == bindparam("offer_key"))
LAST = (
    _decided.where(OFFERS.c.fan_id == bindparam("fan"), OFFERS.c.product_id == bindparam("product"))
    .order_by(OFFERS.c.decided_at.desc(), OFFERS.c.id.desc())
    .limit(1)
)
# A key that exists, and an open one of the same fan and product, are told by 0 rows.
ADD = postgresql.insert(OFFERS).on_conflict_do_nothing()
LOG = insert(DECISIONS)
BUY = (
    update(OFFERS)
    .where(OFFERS.c.id == bindparam("which"), OFFERS.c.status.in_([Status.OPEN, Status.LOST]))
    .values(
        status=Status.BOUGHT,
        margin_minor=bindparam("margin"),
        order_id=bindparam("order"),
        closed_at=bindparam("now"),
    )
)
OF_ORDER = (
    update(OFFERS)
    .where(OFFERS.c.id == bindparam("which"), OFFERS.c.order_id == "")
    .values(order_id=bindparam("order"))
)
RETURN = (
    update(OFFERS)
    .where(OFFERS.c.order_id == bindparam("order"), OFFERS.c.status == Status.BOUGHT)
    .values(status=Status.RETURNED, margin_minor=0, closed_at=bindparam("now"))
)
RUN_OUT_ONE = (
    update(OFFERS)
    .where(OFFERS.c.id == bindparam("which"), OFFERS.c.status == Status.OPEN)
    .values(status=Status.LOST, closed_at=bindparam("now"))
)
RUN_OUT = (
    update(OFFERS)
    .where(
        OFFERS.c.id.in_(
            select(OFFERS.c.id)
            .where(OFFERS.c.status == Status.OPEN, OFFERS.c.expires_at <= bindparam("now"))
            .order_by(OFFERS.c.expires_at)
            .limit(bindparam("most", type_=Count))
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
    )
    .values(status=Status.LOST, closed_at=bindparam("now"))
)
OF_CELL = select(DEMAND).where(DEMAND.c.cell == bindparam("which_cell"))
KNOWN = select(LEARNING)
BUDGET = select(BUDGETS).where(BUDGETS.c.currency == bindparam("which_currency"))
SPEND = (
    update(BUDGETS)
    .where(
        BUDGETS.c.currency == bindparam("which_currency"),
        BUDGETS.c.spent_milli + bindparam("cost") <= BUDGETS.c.allowed_milli,
    )
    .values(spent_milli=BUDGETS.c.spent_milli + bindparam("cost"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A decision as it stands: also that no discount was given."""

    id: str
    percent_bp: int
    piece_minor: int
    status: Status
    expires_at: int
    reason: Reason
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the model has to say about a cell, and what may still be spent on trying."""

    version: int
    trials: Trials
    population: Population
    left_milli: int


async def rules(tx: Tx) -> Rules:
    row = await tx.first(GET_RULES)
    if row is None:
        return Rules()
    return Rules(
        on_since=row["on_since"],
        measured_since=row["measured_since"],
        held_out_bp=row["held_out_bp"],
        explore_bp=row["explore_bp"],
        minutes=row["minutes"],
        salt=row["salt"],
        version=row["version"],
    )


async def put_rules(tx: Tx, rules: Rules) -> bool:
    """False where they no longer have the version that `rules` says."""
    if not rules.version:
        added = await tx.run(
            ADD_RULES,
            id=ONE,
            on_since=rules.on_since,
            measured_since=rules.measured_since,
            held_out_bp=rules.held_out_bp,
            explore_bp=rules.explore_bp,
            minutes=rules.minutes,
            salt=rules.salt,
            version=1,
        )
        return bool(added)
    edited = await tx.run(
        EDIT_RULES,
        seen=rules.version,
        new_on_since=rules.on_since,
        new_measured_since=rules.measured_since,
        new_held_out=rules.held_out_bp,
        new_explore=rules.explore_bp,
        new_minutes=rules.minutes,
    )
    return bool(edited)


async def bar(tx: Tx, kind: Kind, about: str, *, by: str, at: int) -> None:
    await tx.run(BAR, kind=kind, about=about, by=by, at=at)


async def unbar(tx: Tx, kind: Kind, about: str) -> None:
    await tx.run(UNBAR, which_kind=kind, which=about)


async def barred(tx: Tx) -> list[tuple[Kind, str]]:
    """What is exempted, the newest first."""
    return [(Kind(row["kind"]), row["about"]) for row in await tx.all(ALL_BARRED)]


async def is_barred(tx: Tx, product_id: str, supplier_id: str) -> bool:
    return await tx.first(IS_BARRED, product=product_id, supplier=supplier_id) is not None


async def by_key(tx: Tx, key: str) -> Proposal | None:
    row = await tx.first(BY_KEY, offer_key=key)
    return _proposal(row) if row else None


async def last(tx: Tx, fan_id: str, product_id: str) -> Proposal | None:
    row = await tx.first(LAST, fan=fan_id, product=product_id)
    return _proposal(row) if row else None


def _proposal(row: Row) -> Proposal:
    return Proposal(
        id=row["id"],
        percent_bp=row["percent_bp"],
        piece_minor=row["piece_minor"],
        status=Status(row["status"]),
        expires_at=row["expires_at"],
        reason=Reason(row["reason"]),
        order_id=row["order_id"],
    )


async def add(tx: Tx, decision: Decision, *, key: str, piece_minor: int) -> bool:
    """The decision and its life; False, and neither, where there is an open one or the key is."""
    added = await tx.run(
        ADD,
        id=decision.id,
        key=key,
        fan_id=decision.fan_id,
        product_id=decision.product_id,
        currency=decision.currency,
        cell=decision.cell,
        grouped=decision.group,
        percent_bp=decision.percent_bp,
        piece_minor=piece_minor,
        status=Status.OPEN,
        learned="",
        order_id="",
        margin_minor=0,
        decided_at=decision.decided_at,
        learn_at=decision.decided_at + LEARNED_AFTER,
        expires_at=decision.expires_at,
    )
    if added:
        await tx.run(LOG, **_logged(decision))
    return bool(added)


def _logged(decision: Decision) -> dict[str, Any]:
    columns = asdict(decision)
    facts = {
        name: {str(arm): value for arm, value in columns.pop(name).items()}
        for name in ("expected_milli", "loss_milli", "seen")
    }
    del columns["expires_at"]
    return {**columns, "grouped": columns.pop("group"), "facts": jsons.dumps(facts)}


async def buy(tx: Tx, offer_id: str, *, margin_minor: int, order_id: str, now: int) -> bool:
    """False where it was bought before, or is not known."""
    return bool(await tx.run(BUY, which=offer_id, margin=margin_minor, order=order_id, now=now))


async def note_order(tx: Tx, offer_id: str, order_id: str) -> None:
    await tx.run(OF_ORDER, which=offer_id, order=order_id)


async def give_back(tx: Tx, order_id: str, now: int) -> int:
    return await tx.run(RETURN, order=order_id, now=now)


async def run_out_one(tx: Tx, offer_id: str, now: int) -> None:
    await tx.run(RUN_OUT_ONE, which=offer_id, now=now)


async def run_out(tx: Tx, now: int, most: int) -> int:
    return await tx.run(RUN_OUT, now=now, most=most)


async def known(tx: Tx, *, cell: str, history: str, currency: str) -> Known:
    learned = await tx.first(KNOWN)
    populations = jsons.loads(learned["populations"]) if learned else {}
    budget = await tx.first(BUDGET, which_currency=currency)
    return Known(
        version=learned["version"] if learned else 0,
        trials={
            row["percent_bp"]: (row["trials"], row["bought"])
            for row in await tx.all(OF_CELL, which_cell=cell)
        },
        population=Population(*populations.get(history, demand.NOTHING_KNOWN)),
        left_milli=budget["allowed_milli"] - budget["spent_milli"] if budget else 0,
    )


async def spend(tx: Tx, currency: str, cost_milli: int) -> bool:
    """False where that much is not left."""
    return bool(await tx.run(SPEND, which_currency=currency, cost=cost_milli))
