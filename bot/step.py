"""One step of the conversation, pure: from the state and what came in to what goes out.

The time only colours the words and decides nothing: a message that is answered again after a crash
must ask the core for the same things in the same order, however much later that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from bot import (
    codes,
    commands,
    delivery,
    events,
    finding,
    offering,
    ordering,
    paying,
    questions,
    refusals,
    waiting,
    words,
)
from bot import talk as talking
from bot.intents import (
    AddressKnown,
    CancelTaken,
    CheckoutOpened,
    GoodsFound,
    Held,
    Joined,
    Leave,
    Left,
    Looked,
    OrdersFound,
    PlacesFound,
    Quoted,
    Refused,
    Release,
    Released,
    Remembered,
    Served,
    TakenUp,
)
from bot.messages import Incoming, Kind
from bot.model import ADDRESS_PLACES, Answer, Given, Place, State, Turn, fresh
from bot.talk import Talk
from bot.texts import Texts, language_of

INTENTS_MAX = 8  # of one message, answers included; more would be a loop of ours
TEXT_LENGTH_MAX = 1000
NAME_LENGTH_MAX = 60
SLUG_LENGTH_MAX = 100

Handler = Callable[[State, str, Talk], Turn]


@dataclass(frozen=True, slots=True)
class Accepts:
    press: Handler  # gets the value of a button that is offered here
    write: Handler  # gets free text that is no command and names no button


def step(state: State, given: Given, *, texts: Texts, now: int) -> Turn:
    talk = Talk(texts, now)
    if isinstance(given, Answer):
        return _answered(state, given, talk)
    state = _greeted(state, given)
    return KINDS[given.kind](state, given, talk)


def _greeted(state: State, given: Incoming) -> State:
    """Who speaks: the language of the first message, the name of the latest."""
    changed: dict[str, Any] = {}
    if not state.language:
        changed = {"language": language_of(given.language), "territory": _territory(given.language)}
    if state.renewing:
        changed["renewing"] = False
    name = words.clean(given.name, NAME_LENGTH_MAX).replace("\n", " ") if given.name else ""
    if name and name != state.name:
        changed["name"] = name
    return replace(state, **changed) if changed else state


def _territory(code: str) -> str:
    last = code.replace("_", "-").rpartition("-")[2]
    return last.upper() if "-" in code.replace("_", "-") and len(last) == 2 else ""


def _text(state: State, given: Incoming, talk: Talk) -> Turn:
    if given.facts.get("card_masked"):
        return questions.asked(state, talk, talk.say(state, "notice.card"))
    text = words.clean(given.text, TEXT_LENGTH_MAX)
    command = words.command_in(text)
    if command:
        return commands.run(command, state, talk)
    if not text:
        return _unreadable(state, talk, "notice.empty")
    code = codes.said(text)
    if code is not None:
        return codes.use(state, code, talk)
    if value := _named_choice(state, text, talk):
        return _press(state, value, talk)
    if state.place in finding.PLACES and (wish := finding.asked(text)):
        return finding.find(state, wish)
    return FLOW[state.place].write(state, text, talk)


def _press(state: State, value: str, talk: Talk) -> Turn:
    if value.startswith(talking.TURN):
        return waiting.take_up(state, value, talk)
    return FLOW[state.place].press(state, value, talk)


def _named_choice(state: State, text: str, talk: Talk) -> str:
    """The button that was meant by its label or, of the choices last offered, by its number."""
    offered = questions.choices(state, talk)
    folded = words.fold(text) if offered else ""
    for choice in offered:
        if choice.label == text or (folded and _folded_label(choice.label) == folded):
            return _value(choice.id)
    if folded.isdecimal() and len(folded) <= 2 and 1 <= int(folded) <= len(offered):
        return _value(offered[int(folded) - 1].id)
    return ""


_folded_label = lru_cache(maxsize=1024)(words.fold)  # the same few labels all evening


def _value(button: str) -> str:
    return button.split(":", 2)[2]


def _choice(state: State, given: Incoming, talk: Talk) -> Turn:
    """A button; one of an earlier step or purchase only brings the current question again."""
    _, place, value = ([*given.choice.split(":", 2), "", ""])[:3]
    if place == talking.ANYWHERE and value in words.Command.__members__.values():
        return commands.run(words.Command(value), state, talk)
    if place == talking.ANYWHERE and value.startswith(talking.TURN):
        return waiting.take_up(state, value, talk)
    if any(given.choice == choice.id for choice in questions.choices(state, talk)):
        return _press(state, value, talk)
    if state.place is Place.BROWSE:
        return ordering.look(state, talk)
    return questions.asked(state, talk, talk.say(state, "notice.stale"))


def _start(state: State, given: Incoming, talk: Talk) -> Turn:
    return ordering.enter(state, words.clean(given.text, SLUG_LENGTH_MAX), talk)


def _location(state: State, given: Incoming, talk: Talk) -> Turn:
    return delivery.located(state, given.facts, talk) or _unreadable(state, talk, "notice.media")


def _media(state: State, given: Incoming, talk: Talk) -> Turn:
    return _unreadable(state, talk, "notice.media")


def _unreadable(state: State, talk: Talk, key: str) -> Turn:
    if state.place is Place.BROWSE:
        return ordering.look(state, talk)
    return questions.asked(state, talk, talk.say(state, key))


def _left(state: State, given: Incoming, talk: Talk) -> Turn:
    """Nobody reads an answer; an order already placed may still be paid and stays."""
    state = replace(state, turns=())
    if state.hold is None:
        state = fresh(state) if state.place is Place.TURN else state
        return Turn(state, (), (Leave(quietly=True),))
    return Turn(fresh(state), (), (Release(state.hold.hold_id), Leave(quietly=True)))


def _event(state: State, given: Incoming, talk: Talk) -> Turn:
    return events.hear(state, given.text, given.facts, talk)


def _answered(state: State, given: Answer, talk: Talk) -> Turn:
    if isinstance(given.intent, Leave) and given.intent.quietly:
        return Turn(state)
    if isinstance(given.outcome, Refused):
        return refusals.hear(state, given, given.outcome, talk)
    return ANSWERS[type(given.outcome)](state, given.outcome, talk)


def _browse(state: State, value: str, talk: Talk) -> Turn:
    if value == offering.WAIT and state.wanted:
        return waiting.join(state)
    return ordering.look(state, talk)


def _browse_written(state: State, text: str, talk: Talk) -> Turn:
    return ordering.look(state, talk)


def _summary_pressed(state: State, value: str, talk: Talk) -> Turn:
    if value == "change":
        return delivery.change(state, talk)
    if value == "cancel":
        return commands.cancel(state, talk)
    if value == "code":
        return codes.ask(state, talk)
    if value == "uncode":
        return codes.use(state, "", talk)
    return paying.agree(state, talk)


def _country_pressed(state: State, value: str, talk: Talk) -> Turn:
    if value == "cancel":
        return commands.cancel(state, talk)
    return delivery.press(state, value, talk)


def _cancel_pressed(state: State, value: str, talk: Talk) -> Turn:
    return commands.cancel(state, talk)


def _wait(state: State, text: str, talk: Talk) -> Turn:
    return questions.asked(state, talk)


FLOW: Mapping[Place, Accepts] = {
    Place.BROWSE: Accepts(press=_browse, write=_browse_written),
    Place.SIZE: Accepts(press=ordering.press, write=ordering.write),
    Place.FEWER: Accepts(press=ordering.press_fewer, write=ordering.write_fewer),
    Place.TURN: Accepts(press=waiting.press, write=waiting.write),
    Place.KNOWN: Accepts(press=delivery.confirm, write=delivery.write_known),
    **dict.fromkeys(ADDRESS_PLACES, Accepts(press=delivery.press, write=delivery.write)),
    Place.COUNTRY: Accepts(press=_country_pressed, write=delivery.write),
    Place.SUMMARY: Accepts(press=_summary_pressed, write=paying.write),
    Place.CODE: Accepts(press=codes.press, write=codes.write),
    Place.PREPARING: Accepts(press=_wait, write=_wait),
    Place.PAYING: Accepts(press=_cancel_pressed, write=_wait),
}
KINDS: Mapping[Kind, Callable[[State, Incoming, Talk], Turn]] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.START: _start,
    Kind.LOCATION: _location,
    Kind.MEDIA: _media,
    Kind.LEFT: _left,
    Kind.EVENT: _event,
}


def _nothing(state: State, outcome: Any, talk: Talk) -> Turn:
    return Turn(state)


ANSWERS: Mapping[type, Callable[[State, Any, Talk], Turn]] = {
    Looked: ordering.looked,
    Held: ordering.held,
    AddressKnown: ordering.known,
    Served: delivery.served,
    Quoted: paying.quoted,
    CheckoutOpened: paying.opened,
    CancelTaken: paying.cancel_taken,
    OrdersFound: commands.orders_found,
    Released: _nothing,
    Remembered: _nothing,
    Joined: waiting.joined,
    Left: waiting.left,
    TakenUp: waiting.taken_up,
    PlacesFound: waiting.places_found,
    GoodsFound: finding.found,
}
