"""Codes that make it cheaper: how a fan writes one, uses it and takes it off again."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import paying, questions, words
from bot.model import Place, State, Turn
from bot.talk import Talk

CODE_LENGTH_MAX = 40
_AROUND = "\"'“”«».,;:!?()"
_SAID = re.compile(
    r"^\W*(?:(?:i|have|use|my|the|a|this|tengo|usa|usar|mi|el|un|este|promo|discount|coupon"
    r"|codigo|código)\s+){0,4}(?:code|coupon|voucher|cup[oó]n|c[oó]digo)(?:\s+is|\s+es)?"
    r"\s*[:=#]?\s+(\S{2,40})\s*$",
    re.IGNORECASE,
)
_OFF = words.listed(
    "no code, without code, without a code, remove code, remove the code, remove my code, "
    "take the code off, no coupon, remove coupon, remove the coupon, sin codigo, quitar codigo, "
    "quitar el codigo, quita el codigo, sin cupon, quitar cupon, quitar el cupon, quita el cupon"
)
SUMMED = (Place.SUMMARY, Place.CODE)
PLACED = (Place.PREPARING, Place.PAYING)


def said(text: str) -> str | None:
    """The code, where the text brings one: "code SUNDAY10"; empty where it takes one off."""
    if words.fold(text) in _OFF:
        return ""
    found = _SAID.match(text)
    return clean(found[1]) or None if found else None


def clean(written: str) -> str:
    return "".join(written.split()).strip(_AROUND)[:CODE_LENGTH_MAX].upper()


def use(state: State, code: str, talk: Talk) -> Turn:
    """With the total at hand a new one is asked for; before that the code is kept for it."""
    if state.place in PLACED:
        return questions.asked(state, talk, talk.say(state, "code.placed"))
    state = replace(state, coupon=code)
    if state.place in SUMMED:
        return paying.quote(state)
    notice = talk.say(state, "code.kept", code=code) if code else talk.say(state, "code.off")
    return questions.asked(state, talk, notice)


def ask(state: State, talk: Talk) -> Turn:
    return questions.asked(replace(state, place=Place.CODE), talk)


def press(state: State, value: str, talk: Talk) -> Turn:
    """After all there is none."""
    return back(state, talk)


def back(state: State, talk: Talk) -> Turn:
    return questions.asked(replace(state, place=Place.SUMMARY), talk)


def write(state: State, text: str, talk: Talk) -> Turn:
    """Asked for the code, whatever is written is one, but for a plain no."""
    if words.fold(text) in words.DECLINED | words.SKIPPED:
        return back(state, talk)
    code = clean(text)
    if not code:
        return questions.asked(state, talk, talk.say(state, "notice.not_understood"))
    return use(state, code, talk)
