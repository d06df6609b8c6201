"""What a promotion is before it is a rule: its life, who has to agree, and what it may not say."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from commerce.kernel.errors import Refusal
from commerce.kernel.machine import IllegalMove, Machine
from commerce.promotions.basket import Funder, Source
from commerce.promotions.rules import Rule


class Status(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"  # waits for those who have to agree
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Action(StrEnum):
    SUBMIT = "submit"
    APPROVE = "approve"  # the last who had to agree did
    REJECT = "reject"
    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    CANCEL = "cancel"


LIFE: Machine[Status, Action] = Machine(
    start=Status.DRAFT,
    moves={
        (Status.DRAFT, Action.SUBMIT): Status.PENDING,
        (Status.DRAFT, Action.CANCEL): Status.CANCELLED,
        (Status.PENDING, Action.APPROVE): Status.SCHEDULED,
        (Status.PENDING, Action.REJECT): Status.REJECTED,
        (Status.PENDING, Action.CANCEL): Status.CANCELLED,
        (Status.SCHEDULED, Action.ACTIVATE): Status.ACTIVE,
        (Status.SCHEDULED, Action.CANCEL): Status.CANCELLED,
        (Status.ACTIVE, Action.PAUSE): Status.PAUSED,
        (Status.ACTIVE, Action.END): Status.ENDED,
        (Status.ACTIVE, Action.CANCEL): Status.CANCELLED,
        (Status.PAUSED, Action.RESUME): Status.ACTIVE,
        (Status.PAUSED, Action.END): Status.ENDED,
        (Status.PAUSED, Action.CANCEL): Status.CANCELLED,
    },
)
# Whether it counts at an instant is decided by its times; a late clock changes no price.
COUNTING = frozenset({Status.SCHEDULED, Status.ACTIVE})
BY_CLOCK = frozenset({Action.ACTIVATE, Action.END})


class UseStatus(StrEnum):
    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    HONOURED = "honoured"  # paid late, when the limit was full: the fan's price stands, uncounted


class UseAction(StrEnum):
    CONFIRM = "confirm"
    RELEASE = "release"
    HONOUR = "honour"


USE: Machine[UseStatus, UseAction] = Machine(
    start=UseStatus.RESERVED,
    moves={
        (UseStatus.RESERVED, UseAction.CONFIRM): UseStatus.CONFIRMED,
        (UseStatus.RESERVED, UseAction.RELEASE): UseStatus.RELEASED,
        (UseStatus.RELEASED, UseAction.CONFIRM): UseStatus.CONFIRMED,
        (UseStatus.RELEASED, UseAction.HONOUR): UseStatus.HONOURED,
    },
)
COUNTED = frozenset({UseStatus.RESERVED, UseStatus.CONFIRMED})


class Kind(StrEnum):
    CAMPAIGN = "campaign"  # of two or three products
    SINGLE = "single"  # of one
    DEFAULT = "default"  # of everything its owner may promote


class Visibility(StrEnum):
    GLOBAL = "global"
    LEADER = "leader"  # the audience of one leader
    BOTH = "both"  # everybody, and a leader stands by it


class Side(StrEnum):
    """Whose agreement it is."""

    PLATFORM = "platform"
    LEADER = "leader"


NEEDED: Mapping[Visibility, frozenset[Side]] = {
    Visibility.GLOBAL: frozenset({Side.PLATFORM}),
    Visibility.LEADER: frozenset({Side.LEADER}),
    Visibility.BOTH: frozenset(Side),
}


class NoSuchPromotion(Refusal):
    code = "no_such_promotion"


class NotYourPromotion(Refusal):
    code = "not_your_promotion"


class NotYourProduct(Refusal):
    code = "not_your_product"


class SupplierNotActive(Refusal):
    """Nobody verified them, or they are suspended."""

    code = "supplier_not_active"


class StalePromotion(Refusal):
    """Somebody else saved it since the editor loaded it."""

    code = "stale_promotion"


class BadPromotion(Refusal):
    """`field` cannot be so, for a `reason`."""

    code = "bad_promotion"


class BadPolicy(Refusal):
    code = "bad_policy"


class BadCode(Refusal):
    code = "bad_code"


class CodeTaken(Refusal):
    code = "code_taken"


class CouponRefused(Refusal):
    """Why a code does not count, and what would make it."""

    code = "coupon_refused"


class LimitReached(Refusal):
    """It was used as often as it may be."""

    code = "limit_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person draws up. `rule` says everything that counts for a basket."""

    kind: Kind
    visibility: Visibility
    leader_id: str = ""
    rule: Rule
    by_code: bool = False  # counts only for fans who know a code
    total_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    id: str
    status: Status = Status.DRAFT
    kind: Kind
    visibility: Visibility
    funder: Funder
    supplier_id: str = ""
    leader_id: str = ""
    rule: Rule
    by_code: bool = False
    total_limit: int | None = None
    approved: frozenset[Side] = field(default_factory=frozenset)
    first_activated_at: int | None = None
    created_by: str
    created_at: int = 0
    version: int = 1

    @property
    def starts_at(self) -> int:
        return self.rule.starts_at

    @property
    def ends_at(self) -> int | None:
        return self.rule.ends_at

    @property
    def awaited(self) -> frozenset[Side]:
        """Who has not agreed yet."""
        return NEEDED[self.visibility] - self.approved

    @property
    def counts(self) -> bool:
        return self.status in COUNTING


def revised(promotion: Promotion, draft: Draft) -> Promotion:
    """Only what nobody was asked about yet may be changed."""
    if promotion.status is not Status.DRAFT:
        raise IllegalMove(status=promotion.status.value, action="edit")
    return replace(
        promotion,
        kind=draft.kind,
        visibility=draft.visibility,
        leader_id=draft.leader_id,
        rule=draft.rule,
        by_code=draft.by_code,
        total_limit=draft.total_limit,
        version=promotion.version + 1,
    )


def moved(promotion: Promotion, action: Action, *, now: int) -> Promotion:
    """The first activation is remembered for ever."""
    status = LIFE.after(promotion.status, action)
    first = promotion.first_activated_at
    if action is Action.ACTIVATE and first is None:
        first = now
    return replace(
        promotion, status=status, first_activated_at=first, version=promotion.version + 1
    )


def agreed(promotion: Promotion, side: Side) -> Promotion:
    """One more agreed; who was not asked, or did already, is refused."""
    if promotion.status is not Status.PENDING or side not in promotion.awaited:
        raise IllegalMove(status=promotion.status.value, action="approve")
    return replace(promotion, approved=promotion.approved | {side})


def as_rule(promotion: Promotion, code: str = "") -> Rule:
    """As it counts: the coupon's where there is a code."""
    source = Source.COUPON if code else Source.PROMOTION
    return replace(promotion.rule, source=source, code=code, version=promotion.version)


def targets(promotion: Promotion) -> tuple[str, ...]:
    """By what a basket finds it: the rarest thing it asks for, and whose audience."""
    asked = promotion.rule.conditions
    places = asked.leader_ids or ("*",)
    for kind, ids in (
        ("session", asked.session_ids),
        ("product", asked.product_ids),
        ("category", asked.category_ids),
        ("supplier", asked.supplier_ids),
    ):
        if ids:
            return tuple(f"{leader}|{kind}:{one}" for leader in places for one in ids)
    return tuple(f"{leader}|all" for leader in places)


def normal(code: str) -> str:
    """A code as it is kept: however wide, spaced and cased it was typed."""
    plain = unicodedata.normalize("NFKC", code).upper()
    return "".join(char for char in plain if char.isalnum())
