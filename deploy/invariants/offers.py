"""What offers learned is what happened, and what fans are thanked for was paid."""

from __future__ import annotations

from sqlalchemy import and_, func, literal, not_, or_, select

from commerce.kernel.columns import db_now
from commerce.loyalty.tables import PURCHASES
from commerce.offers import Status
from commerce.offers.tables import BUDGETS, DECISIONS, DEMAND, OFFERS
from commerce.orders import Status as OrderStatus
from commerce.orders.tables import ORDERS
from deploy.invariants.rule import STUCK_AFTER, Invariant, Part, quiet, total, word

F, D, M, B, P = OFFERS.c, DECISIONS.c, DEMAND.c, BUDGETS.c, PURCHASES.c
_its_decision = (
    select(D.id)
    .where(D.id == F.id, D.percent_bp == F.percent_bp, D.grouped == F.grouped, D.cell == F.cell)
    .exists()
)
_counted = and_(F.cell == M.cell, F.percent_bp == M.percent_bp, F.learned != literal(""))
_trials = select(func.count()).select_from(OFFERS).where(_counted).scalar_subquery()
_bought = (
    select(func.count())
    .select_from(OFFERS)
    .where(_counted, F.learned == word(Status.BOUGHT))
    .scalar_subquery()
)
_spent = select(total(D.cost_milli)).where(D.currency == B.currency).scalar_subquery()
_is_paid = (
    select(ORDERS.c.id)
    .where(
        ORDERS.c.id == P.order_id,
        or_(
            ORDERS.c.status == word(OrderStatus.PAID),
            ORDERS.c.status == word(OrderStatus.CONFIRMED),
        ),
    )
    .exists()
)

INVARIANTS = (
    Invariant(
        "offer_is_as_decided",
        "a fan has an offer that was not decided so",
        select(F.id, F.fan_id, F.percent_bp).where(~_its_decision),
        Part.REST,
    ),
    Invariant(
        "demand_is_what_happened",
        "the counts of who was asked and bought are not those of the offers",
        select(M.cell, M.percent_bp, M.trials, M.bought).where(
            not_(and_(M.trials == _trials, M.bought == _bought))
        ),
        Part.REST,
    ),
    Invariant(
        "trials_cost_what_was_decided",
        "the money spent on trials is not what the decisions took",
        select(B.currency, B.spent_milli).where(B.spent_milli != _spent),
        Part.REST,
    ),
    Invariant(
        "loyalty_counts_what_was_paid",
        "an order counts for a fan's standing and is not paid",
        select(P.order_id, P.fan_id).where(P.taken_back_at.is_(None), ~_is_paid, quiet(P.order_id)),
        Part.REST,
    ),
)

# Only of a till that runs.
CHORES = (
    Invariant(
        "no_offer_overdue",
        "an offer is open long after its time",
        select(F.id, F.fan_id, F.expires_at).where(
            F.status == word(Status.OPEN), F.expires_at < db_now() - literal(STUCK_AFTER)
        ),
    ),
)
