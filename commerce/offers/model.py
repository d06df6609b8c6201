"""What an offer is decided from, and what it is: values, groups and refusals. Pure.

`Context` and `Cell` are all that the policy knows of a fan; docs/guides/personal-offers.md says
why nothing may be added that tells who the fan is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from commerce.kernel import clock
from commerce.kernel.errors import Refusal
from commerce.kernel.money import exponent

WHOLE_BP = 10_000
MILLI = 1_000
NEW = "new"
HISTORIES = ("returning", "frequent", "lapsed")  # segments of loyalty; who has none of them is new
BOUGHT_IN = "category:"  # the segment of those who bought in a category begins so
BANDS = {"low": 2_000, "middle": 6_000}  # below so many hundredths of the currency; else high
HIGH = "high"
EVENING_FROM, EVENING_UNTIL = 18, 24
HELD_OUT_BP_MIN, HELD_OUT_BP_MAX = 100, 9_000
EXPLORE_BP_MAX = 1_000
MINUTES_MIN, MINUTES_MAX = 5, 1_440
REST = 7 * clock.DAY  # between two offers of a product to a fan: waiting brings nothing
ATTRIBUTED = clock.DAY  # after an offer ran out, its checkout may still be paid
LEARNED_AFTER = 10 * clock.MINUTE  # who bought until then is told from who did not


class Group(StrEnum):
    TREATED = "treated"
    HELD_OUT = "held_out"  # never gets an offer, so that there is something to compare with


class Kind(StrEnum):
    """What may be exempted from offers, beside everything."""

    PRODUCT = "product"
    SUPPLIER = "supplier"


class Reason(StrEnum):
    HELD_OUT = "held_out"
    FULL_PRICE = "full_price"  # no discount drawn, or none that may be tried
    PAYS = "pays"  # the discount is expected to bring at least what full price brings
    EXPLORES = "explores"  # it is expected to bring a little less, and to teach something


class BadOfferRules(Refusal):
    code = "bad_offer_rules"


class OfferRulesChanged(Refusal):
    """Somebody else changed them since they were looked at."""

    code = "offer_rules_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that may be known of a fan who is about to be shown a price: behaviour, no person."""

    segments: frozenset[str] = frozenset()  # of loyalty: what was bought before
    hour: int = 12  # of the shop's day, 0 to 23
    session_id: str = ""  # the live that the fan watches, if any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Fans who are treated as one: the only features there are."""

    history: str
    knows_category: bool
    band: str  # of the product's price
    evening: bool
    live: bool

    @property
    def key(self) -> str:
        flags = (
            "known" if self.knows_category else "strange",
            self.band,
            "evening" if self.evening else "day",
            "live" if self.live else "shop",
        )
        return ":".join((self.history, *flags))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    id: str
    percent_bp: int
    expires_at: int
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided for whom, and all that it was decided from."""

    id: str
    fan_id: str
    product_id: str
    supplier_id: str
    sku: str
    currency: str
    price_minor: int
    floor_minor: int
    cell: str
    group: Group
    percent_bp: int
    propensity_ppm: int  # how likely this answer was, of a million
    cost_milli: int  # what it was expected to bring less than full price
    reason: Reason
    model_version: int
    expected_milli: Mapping[int, int]  # margin by discount
    loss_milli: Mapping[int, int]  # against full price, to a doubtful mind
    seen: Mapping[int, tuple[int, int]]  # of the cell: by discount, how many were asked and bought
    decided_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an admin sets. Without a row of it, everything is off."""

    on_since: int | None = None
    measured_since: int = 0  # when the groups were last drawn
    held_out_bp: int = 500
    explore_bp: int = 100  # of the margin that came in: what may be lost on trying
    minutes: int = 60  # an offer's life
    salt: str = field(default="", repr=False)
    version: int = 0

    def group_of(self, fan_id: str) -> Group:
        """Always the same for a fan, and by nothing that is known of the fan."""
        drawn = hashlib.sha256(f"{self.salt}:{fan_id}".encode()).digest()
        held_out = int.from_bytes(drawn[:8]) % WHOLE_BP < self.held_out_bp
        return Group.HELD_OUT if held_out else Group.TREATED


def check(rules: Rules) -> None:
    """BadOfferRules names the field."""
    limits = {
        "held_out_bp": (HELD_OUT_BP_MIN, HELD_OUT_BP_MAX),
        "explore_bp": (0, EXPLORE_BP_MAX),
        "minutes": (MINUTES_MIN, MINUTES_MAX),
    }
    for name, (least, most) in limits.items():
        if not least <= getattr(rules, name) <= most:
            raise BadOfferRules(field=name, minimum=least, maximum=most)


def cell_of(
    context: Context, *, price_minor: int, currency: str, category_ids: Iterable[str]
) -> Cell:
    history = next((name for name in HISTORIES if name in context.segments), NEW)
    return Cell(
        history=history,
        knows_category=any(f"{BOUGHT_IN}{one}" in context.segments for one in category_ids),
        band=_band(price_minor, currency),
        evening=EVENING_FROM <= context.hour < EVENING_UNTIL,
        live=bool(context.session_id),
    )


def _band(price_minor: int, currency: str) -> str:
    """A currency without a minor unit counts as if its own unit were one."""
    hundredths = price_minor // 10 ** max(exponent(currency) - 2, 0)
    return next((name for name, below in BANDS.items() if hundredths < below), HIGH)


def reduced(price_minor: int, percent_bp: int) -> int:
    """The price after the discount, rounded up."""
    return price_minor - price_minor * percent_bp // WHOLE_BP
