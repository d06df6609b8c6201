"""A rule as data: what it takes off, when, beside what, and who pays for it; kept for years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from commerce.promotions.basket import Funder, Source
from commerce.promotions.conditions import Conditions
from commerce.promotions.effects import EFFECTS, WHOLE_BP, Effect

UNSAID: Sequence[Any] = ((), {}, None, "", False)
FORMAT = 1  # of the JSON; what was written under an older number stays readable


class Combining(StrEnum):
    """How a rule stands beside others."""

    COMBINE = "combine"  # with everything that combines
    BEST_OF_GROUP = "best_of_group"  # of those with the same group, the one that takes off most
    EXCLUSIVE = "exclusive"  # alone, or not at all


class Mode(StrEnum):
    """How the shop adds up what combines."""

    PARALLEL = "parallel"  # each counts from the full price: no order changes the total
    SEQUENTIAL = "sequential"  # each from what those before it left, by priority and id
    BEST = "best"  # only the one that takes off most


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    combining: Combining = Combining.COMBINE
    group: str = ""


EVERYTHING = Conditions()
COMBINED = Stacking()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    id: str
    source: Source = Source.PROMOTION
    title: Mapping[str, str]  # language -> words for the fan
    code: str = ""  # of the coupon
    effect: Effect
    conditions: Conditions = EVERYTHING
    stacking: Stacking = COMBINED
    priority: int = 0  # the higher comes first
    maximum_minor: Mapping[str, int] = field(default_factory=dict)  # most it takes off, by currency
    per_fan: int | None = None  # how often one fan may use it
    starts_at: int = 0
    ends_at: int | None = None
    funder: Funder
    version: int = 1

    def to_json(self) -> dict[str, Any]:
        return {
            **_fields(self),
            "format": FORMAT,
            "title": dict(self.title),
            "maximum_minor": dict(self.maximum_minor),
            "effect": {"kind": self.effect.kind, **_fields(self.effect)},
            "conditions": _said(self.conditions),
            "stacking": _said(self.stacking),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What no promotion decides for itself."""

    mode: Mode = Mode.PARALLEL
    maximum_bp: int = 7_000  # most that everything together takes off the goods
    margin_bp: int = 0  # what the platform earns at least, on top of the supplier's minimum
    timezone: str = "UTC"  # the shop's: when its Sunday begins
    version: int = 1

    def floor_minor(self, supplier_minimum_minor: int) -> int:
        """What one piece never undercuts, whatever combines; rounded up."""
        return -(-supplier_minimum_minor * (WHOLE_BP + self.margin_bp) // WHOLE_BP)

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **_fields(self)}


def rule_from_json(given: Mapping[str, Any]) -> Rule:
    """The same rule that `to_json` wrote."""
    known = _readable(given)
    effect = dict(known.pop("effect"))
    return Rule(
        **{
            **known,
            "source": Source(known["source"]),
            "funder": Funder(known["funder"]),
            "effect": EFFECTS[effect.pop("kind")](**_frozen(effect)),
            "conditions": Conditions(**_frozen(known["conditions"])),
            "stacking": stacking_from_json(known["stacking"]),
        }
    )


def stacking_from_json(given: Mapping[str, Any]) -> Stacking:
    said = dict(given)
    return Stacking(
        combining=Combining(said.get("combining", Combining.COMBINE)), group=said.get("group", "")
    )


def policy_from_json(given: Mapping[str, Any]) -> Policy:
    known = _readable(given)
    return Policy(**{**known, "mode": Mode(known["mode"])})


def _readable(given: Mapping[str, Any]) -> dict[str, Any]:
    known = dict(given)
    if known.pop("format") != FORMAT:
        raise ValueError(f"written in a format this version does not know: {given['format']}")
    return known


def _fields(value: Rule | Policy | Effect | Conditions | Stacking) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _said(value: Conditions | Stacking) -> dict[str, Any]:
    """The fields that say something."""
    return {name: said for name, said in _fields(value).items() if said not in UNSAID}


def _frozen(value: Any) -> Any:
    """Lists of JSON as the tuples they were."""
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    if isinstance(value, dict):
        return {name: _frozen(one) for name, one in value.items()}
    return value
