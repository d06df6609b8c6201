"""Where the parcel goes: the known address, or what is missing of a new one, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot import addresses, countries, pasted, paying, questions, words
from bot.addresses import Problem
from bot.intents import CheckDelivery, Served, Spot
from bot.model import NOWHERE, Place, State, Turn
from bot.talk import Talk
from commerce.accounts import Address

PASTED_AT = (Place.COUNTRY, Place.NAME, Place.STREET, Place.KNOWN)
TELLING = (Place.COUNTRY, Place.POSTCODE)  # these may tell that we do not deliver there
MILLION = 1_000_000


def confirm(state: State, value: str, talk: Talk) -> Turn:
    """The known address: taken as it is, or asked anew."""
    if value == "change":
        return change(state, talk)
    assert state.known is not None
    return paying.quote(replace(state, address=state.known))


def write_known(state: State, text: str, talk: Talk) -> Turn:
    folded = words.fold(text)
    if folded in words.OTHER:
        return confirm(state, "change", talk)
    if words.is_yes(folded):
        return confirm(state, "yes", talk)
    found = pasted.read(text, "")
    if found:
        return _forward(state, found, Place.COUNTRY, talk)
    return questions.asked(state, talk, talk.say(state, "notice.not_understood"))


def change(state: State, talk: Talk) -> Turn:
    state = replace(state, place=Place.COUNTRY, address=NOWHERE, quote=None, spot=None)
    return questions.asked(state, talk)


def write(state: State, text: str, talk: Talk) -> Turn:
    """One part of the address; or all of it, when it was pasted."""
    if state.place in PASTED_AT and "\n" in text:
        found = pasted.read(text, state.address.country)
        if found:
            name = found.name or state.address.name
            return _forward(state, replace(found, name=name), Place.COUNTRY, talk)
    checked = addresses.check(state.place, text, state.address)
    if isinstance(checked, Problem):
        return questions.asked(state, talk, _words(state, checked, talk))
    return _forward(state, checked, state.place, talk)


def located(state: State, facts: Mapping[str, Any], talk: Talk) -> Turn | None:
    """A place on the map: it tells which warehouse is close, but is no address."""
    if state.hold is None or "latitude" not in facts:
        return None
    spot = Spot(*(int(Decimal(str(facts[name])) * MILLION) for name in ("latitude", "longitude")))
    state = replace(state, spot=spot)
    if state.place is Place.SUMMARY:
        return paying.quote(state)
    return questions.asked(state, talk, talk.say(state, "notice.location"))


def press(state: State, value: str, talk: Talk) -> Turn:
    """A button stands for what could have been written: a country, the profile name, a region."""
    if state.place is Place.NAME:
        return write(state, state.name, talk)
    if state.place is Place.REGION:
        labels = addresses.rules(state.address.country).region_labels
        return write(state, labels[int(value.partition("-")[2])], talk)
    return write(state, value, talk)


def back(state: State, talk: Talk) -> Turn:
    """The question before, asked again."""
    if state.place is Place.COUNTRY:
        return questions.asked(replace(state, place=Place.KNOWN), talk)
    place = addresses.previous_place(state.address, state.place)
    address = addresses.without(state.address, place)
    return questions.asked(replace(state, place=place, address=address, quote=None), talk)


def back_from_summary(state: State, talk: Talk) -> Turn:
    if state.known is not None and state.address == state.known:
        state = replace(state, place=Place.KNOWN, address=NOWHERE, quote=None)
        return questions.asked(state, talk)
    return back(state, talk)


def _forward(state: State, address: Address, after: Place, talk: Talk) -> Turn:
    state = replace(state, address=address)
    place = addresses.next_place(address, after)
    if place:
        state = replace(state, place=place)
        if after not in TELLING or state.hold is None:
            return questions.asked(state, talk)
        return Turn(state, (), (CheckDelivery(state.hold.hold_id, address, state.spot),))
    problem = addresses.mismatch(address)
    if problem is None:
        return paying.quote(state)
    notice = _words(state, problem, talk)
    address = addresses.without(address, problem.place)
    return questions.asked(replace(state, place=problem.place, address=address), talk, notice)


def served(state: State, outcome: Served, talk: Talk) -> Turn:
    """Worth typing the rest of it."""
    return questions.asked(replace(state, unserved=False), talk)


def _words(state: State, problem: Problem, talk: Talk) -> str:
    if problem.place is Place.COUNTRY:
        return talk.say(state, "problem.country")
    rules = addresses.rules(state.address.country)
    region = talk.say(state, f"region.{rules.region_word}")
    if problem.code in ("letters", "long"):
        field = talk.say(state, f"field.{problem.place}", region=region)
        return talk.say(state, f"problem.{problem.code}", field=field)
    if problem.code in ("postcode_region", "city_region"):
        region = state.address.region
    return talk.say(
        state, f"problem.{problem.code}", region=region,
        postcode=talk.say(state, f"postcode.{rules.postcode_word}"),
        country=countries.name(state.address.country, state.language),
    )  # fmt: skip
