"""The waitlist in the conversation: joining, leaving, and going on when it is the fan's turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot import offering, questions, words
from bot import talk as talking
from bot.intents import (
    FindPlaces,
    Join,
    Joined,
    KnownAddress,
    Leave,
    Left,
    PlacesFound,
    TakenUp,
    TakeUp,
)
from bot.messages import Priority, Reply
from bot.model import Place, State, Turn, WaitTurn, Wanted, fresh
from bot.talk import Talk
from bot.wishes import buyable

Facts = Mapping[str, Any]
TURNS_MAX = 8
IDLE = (Place.BROWSE, Place.SIZE, Place.FEWER)  # nothing is held or to be paid here
PAYING = (Place.PREPARING, Place.PAYING)


def say(state: State, talk: Talk) -> Turn:
    """By word: go on with what is held, join for what was just lost, or hear where one waits."""
    if state.turns and state.place in (*IDLE, Place.TURN):
        return questions.asked(replace(state, place=Place.TURN), talk)
    wanted = state.wanted or _the_one_gone(state)
    if wanted and not wanted.left:
        return join(replace(state, wanted=wanted))
    return Turn(state, (), (FindPlaces(),))


def leave(state: State, talk: Talk) -> Turn:
    return Turn(state, (), (Leave(),))


def join(state: State) -> Turn:
    assert state.wanted is not None
    wanted = state.wanted
    return Turn(state, (), (Join(wanted.sku, wanted.quantity, wanted.session_id),))


def joined(state: State, outcome: Joined, talk: Talk) -> Turn:
    if state.wanted is None:
        return Turn(state)
    goods = talking.goods_name(state, talk, state.wanted.title, state.wanted.label)
    key = "waitlist.joined" if outcome.position else "waitlist.at_once"
    notice = talk.say(state, key, goods=goods, position=outcome.position)
    state = replace(state, wanted=None)
    if state.place is Place.SIZE and not (state.offer and buyable(state.offer)):
        state = fresh(state)
    if state.place not in (Place.BROWSE, Place.SIZE):
        return questions.asked(state, talk, notice)
    return Turn(state, (Reply(text=notice, choices=questions.choices(state, talk)),))


def places_found(state: State, outcome: PlacesFound, talk: Talk) -> Turn:
    if not outcome.places:
        return questions.asked(state, talk, talk.say(state, "waitlist.none"))
    lines = [talk.say(state, "waitlist.places")]
    for place in outcome.places:
        key = "waitlist.place" if place.position else "waitlist.place_held"
        goods = talking.goods_name(state, talk, place.title, place.label)
        lines.append(talk.say(state, key, goods=goods, position=place.position))
    return questions.asked(state, talk, "\n".join(lines))


def left(state: State, outcome: Left, talk: Talk) -> Turn:
    state = _without(state, *outcome.entry_ids)
    key = "waitlist.left" if outcome.entry_ids else "waitlist.none"
    return questions.asked(state, talk, talk.say(state, key))


def press(state: State, value: str, talk: Talk) -> Turn:
    """At the question whether to go on with what is held."""
    turn = state.turns[0]
    if value == "leave":
        return decline(state, talk)
    return _take(state, turn, talk)


def write(state: State, text: str, talk: Talk) -> Turn:
    folded = words.fold(text)
    if words.is_yes(folded):
        return press(state, "take", talk)
    if folded in words.DECLINED:
        return decline(state, talk)
    return questions.asked(state, talk, talk.say(state, "notice.not_understood"))


def decline(state: State, talk: Talk) -> Turn:
    return Turn(state, (), (Leave(state.turns[0].entry_id),))


def take_up(state: State, value: str, talk: Talk) -> Turn:
    """By the button that is right at every step, for as long as the turn lasts."""
    tail = value.removeprefix(talking.TURN)
    turn = next((t for t in state.turns if tail and t.entry_id.endswith(tail)), None)
    if turn is None:
        return questions.asked(state, talk, talk.say(state, "notice.stale"))
    return _take(state, turn, talk)


def _take(state: State, turn: WaitTurn, talk: Talk) -> Turn:
    if state.hold:
        busy = talk.say(state, "held.busy", goods=talking.goods(state, talk))
        return questions.asked(state, talk, busy)
    replies: tuple[Reply, ...] = ()
    if state.place in PAYING and state.checkout:
        text = talk.say(state, "checkout.still_open", code=state.checkout.order_code)
        replies = (Reply(text=text),)
    return Turn(state, replies, (TakeUp(turn.entry_id),))


def taken_up(state: State, outcome: TakenUp, talk: Talk) -> Turn:
    """From here on it is a purchase like any other."""
    turns = tuple(turn for turn in state.turns if turn.hold_id != outcome.held.hold_id)
    state = replace(
        fresh(replace(state, turns=turns)), place=Place.BROWSE, offer=outcome.offer,
        hold=outcome.held, session=outcome.offer.session_slug,
    )  # fmt: skip
    return Turn(state, (), (KnownAddress(),))


def missed(state: State, entry_id: str, talk: Talk) -> Turn:
    """Asked to go on with a turn that is over."""
    gone = next((turn for turn in state.turns if turn.entry_id == entry_id), None)
    if gone is None:
        return questions.asked(state, talk, talk.say(state, "notice.stale"))
    return _lapsed(state, gone, talk)


def turn_comes(state: State, facts: Facts, talk: Talk) -> Turn:
    """Held for the fan, who is asked at once, or told beside what they are busy with."""
    if any(turn.entry_id == facts["entry_id"] for turn in state.turns):
        return Turn(state)
    names = WaitTurn.__dataclass_fields__
    turn = WaitTurn(**{name: facts[name] for name in names})
    state = replace(state, turns=(*state.turns, turn)[-TURNS_MAX:])
    fewer = ""
    if facts["quantity"] < facts["asked"]:
        fewer = talk.say(state, "turn.fewer", asked=facts["asked"])
    if state.place not in IDLE:
        notice = questions.turn_words(state, talk, turn, "turn.aside")
        told = questions.asked(state, talk, notice, fewer)
        (reply,) = told.replies
        return replace(told, replies=(replace(reply, priority=Priority.PAYMENT),))
    return questions.asked(replace(state, place=Place.TURN, wanted=None), talk, fewer)


def turn_lapses(state: State, facts: Facts, talk: Talk) -> Turn:
    gone = next((turn for turn in state.turns if turn.entry_id == facts["entry_id"]), None)
    return _lapsed(state, gone, talk) if gone else Turn(state)


def closed(state: State, facts: Facts, talk: Talk) -> Turn:
    goods = talking.goods_name(state, talk, facts["title"], facts["label"])
    return Turn(state, (Reply(text=talk.say(state, "waitlist.closed", goods=goods)),))


def _lapsed(state: State, gone: WaitTurn, talk: Talk) -> Turn:
    """The next in line has it; the fan may stand in line again."""
    goods = talking.named_goods(state, talk, gone.title, gone.label, gone.quantity)
    notice = talk.say(state, "turn.lapsed", goods=goods)
    asks_again = state.place in (Place.TURN, Place.BROWSE)
    state = _without(state, gone.entry_id)
    if not asks_again:
        return Turn(state, (Reply(text=notice),))
    if state.place is Place.BROWSE:
        wanted = Wanted(gone.sku, gone.session_id, gone.title, gone.label, gone.quantity)
        state = replace(state, wanted=wanted)
    return questions.asked(state, talk, notice)


def _without(state: State, *entry_ids: str) -> State:
    """These turns are over; who stood before the first of them goes on from there."""
    turns = tuple(turn for turn in state.turns if turn.entry_id not in entry_ids)
    state = replace(state, turns=turns)
    return fresh(state) if state.place is Place.TURN and not turns else state


def _the_one_gone(state: State) -> Wanted | None:
    """The only thing of the offer shown that is sold out."""
    if state.place is not Place.SIZE or state.offer is None:
        return None
    gone = [option for option in state.offer.options if option.available <= 0]
    return offering.wanted_of(state.offer, gone[0]) if len(gone) == 1 else None
