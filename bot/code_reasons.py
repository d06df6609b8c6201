"""Why a code takes nothing off, and what would make it, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot import talk as talking
from bot.intents import Refused
from bot.model import State
from bot.talk import Talk

Facts = Mapping[str, Any]
Reason = Callable[[State, Facts, Talk], str]


def refused(state: State, no: Refused, talk: Talk) -> str:
    """A reason that is newer than our words for it is told without one."""
    known = REASONS.get(no.code)
    why = known(state, no.facts, talk) if known else talk.say(state, "code.why.other")
    return talk.say(state, "code.refused", code=state.coupon, why=why)


def _plain(key: str) -> Reason:
    return lambda state, facts, talk: talk.say(state, key)


def _from(state: State, facts: Facts, talk: Talk) -> str:
    return talk.say(state, "code.why.not_started", when=talking.moment(state, facts["starts_at"]))


def _worth(state: State, facts: Facts, talk: Talk) -> str:
    missing = talking.price(state, facts["missing_minor"], facts["currency"])
    return talk.say(state, "code.why.minimum_worth", missing=missing)


def _pieces(state: State, facts: Facts, talk: Talk) -> str:
    return talk.say(state, "code.why.minimum_quantity", count=facts["missing"])


def _hour(state: State, facts: Facts, talk: Talk) -> str:
    days = talking.weekdays(state, facts.get("weekdays") or ())
    hours = talking.hours(*facts["minutes"]) if facts.get("minutes") else ""
    return talk.say(state, "code.why.other_hour", when=", ".join(filter(None, (days, hours))))


REASONS: Mapping[str, Reason] = {
    "unknown": _plain("code.why.unknown"),
    "not_started": _from,
    "paused": _plain("code.why.paused"),
    "ended": _plain("code.why.ended"),
    "used_up": _plain("code.why.used_up"),
    "already_used": _plain("code.why.already_used"),
    "other_audience": _plain("code.why.other_audience"),
    "other_session": _plain("code.why.other_session"),
    "other_channel": _plain("code.why.other_channel"),
    "other_hour": _hour,
    "other_segment": _plain("code.why.other_segment"),
    "not_first_purchase": _plain("code.why.not_first_purchase"),
    "wrong_product": _plain("code.why.wrong_product"),
    "bundle_incomplete": _plain("code.why.bundle_incomplete"),
    "minimum_quantity": _pieces,
    "too_few": _pieces,
    "minimum_worth": _worth,
    "tier_not_reached": _plain("code.why.tier_not_reached"),
    "no_amount_in_currency": _plain("code.why.no_amount_in_currency"),
    "better_applies": _plain("code.why.better_applies"),
    "nothing_left": _plain("code.why.floor_reached"),
    "floor_reached": _plain("code.why.floor_reached"),
    "maximum_reached": _plain("code.why.floor_reached"),
}
