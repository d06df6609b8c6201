"""The forms of personal offers and tiers: read into values, or one clear sentence per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backoffice import words_offers as words
from commerce.loyalty import NAME_MAX, Tier
from commerce.offers import Rules

PERCENT = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?\s*%?")
NUMBER = re.compile(r"[0-9]{1,6}")
VERSION = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, with what is wrong with it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def wrong(self, errors: Mapping[str, str]) -> Form:
        return Form(self.fields, {**self.errors, **errors})


def of_rules(rules: Rules) -> Form:
    return Form(
        {
            "held_out_bp": percent(rules.held_out_bp),
            "explore_bp": percent(rules.explore_bp),
            "minutes": str(rules.minutes),
            "version": str(rules.version),
            "on": "on" if rules.on_since is not None else "off",
        }
    )


def checked_rules(form: Form) -> Form:
    """The form with the fields named that are no numbers; limits are the service's."""
    wrong = {name for name in ("held_out_bp", "explore_bp") if bp(form.get(name)) is None}
    wrong |= {"minutes"} - ({"minutes"} if NUMBER.fullmatch(form.get("minutes")) else set())
    return form.wrong({name: words.FIELDS[name] for name in wrong})


def tier_of(form: Form) -> Tier | None:
    """None where a field is no number; `checked_tier` says which."""
    share = bp(form.get("percent_bp"))
    orders = form.get("orders_min").replace(",", "")
    if share is None or not NUMBER.fullmatch(orders):
        return None
    return Tier(
        name=form.get("name"), orders_min=int(orders), percent_bp=share, version=version(form)
    )


def checked_tier(form: Form) -> Form:
    wrong = set() if bp(form.get("percent_bp")) is not None else {"percent_bp"}
    if not NUMBER.fullmatch(form.get("orders_min").replace(",", "")):
        wrong.add("orders_min")
    if not 1 <= len(form.get("name")) <= NAME_MAX:
        wrong.add("name")
    return form.wrong({name: words.FIELDS[name] for name in wrong})


def version(form: Form) -> int:
    """As the person saw it; 0 is nothing yet."""
    given = form.get("version")
    return int(given) if VERSION.fullmatch(given) else 0


def bp(text: str) -> int | None:
    """Basis points of a percentage with at most two digits after the point."""
    found = PERCENT.fullmatch(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None


def percent(share_bp: int) -> str:
    whole, rest = divmod(share_bp, 100)
    return f"{whole}.{rest:02}".rstrip("0") if rest else str(whole)
