"""What a fan may say at any point: help, cancel, back, status, language, menu, waitlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot import codes, delivery, ordering, questions, waiting
from bot import talk as talking
from bot.intents import CancelCheckout, FindOrders, OrdersFound, Release, Remember
from bot.messages import Choice, Reply
from bot.model import ADDRESS_PLACES, Place, State, Turn, fresh
from bot.offering import CHOICES_MAX
from bot.talk import Talk
from bot.words import Command


def run(command: Command, state: State, talk: Talk) -> Turn:
    return COMMANDS[command](state, talk)


def show_help(state: State, talk: Talk) -> Turn:
    """What can be said, the other language as a button, and the question again."""
    turn = questions.asked(state, talk, talk.say(state, "help.text"))
    (reply,) = turn.replies
    if len(reply.choices) < CHOICES_MAX:
        other = _language_buttons(state, talk)[state.language == "en"]
        reply = replace(reply, choices=(*reply.choices, other))
    return replace(turn, replies=(reply,))


def cancel(state: State, talk: Talk) -> Turn:
    """What was begun last goes first: the held goods, then the order still to be paid."""
    if state.hold:
        turn = questions.asked(fresh(state), talk, talk.say(state, "cancel.done"))
        return replace(turn, intents=(Release(state.hold.hold_id),))
    if state.checkout:
        return Turn(state, (), (CancelCheckout(state.checkout.checkout_id),))
    if state.place is Place.TURN:
        return waiting.decline(state, talk)
    if state.place in (Place.SIZE, Place.FEWER):
        return questions.asked(fresh(state), talk, talk.say(state, "cancel.left"))
    if state.paid_code:
        return questions.asked(state, talk, talk.say(state, "cancel.paid", code=state.paid_code))
    return questions.asked(state, talk, talk.say(state, "cancel.nothing"))


def back(state: State, talk: Talk) -> Turn:
    return BACK[state.place](state, talk)


def status(state: State, talk: Talk) -> Turn:
    return Turn(state, (), (FindOrders(),))


def orders_found(state: State, outcome: OrdersFound, talk: Talk) -> Turn:
    if not outcome.orders:
        return questions.asked(state, talk, talk.say(state, "status.none"))
    lines = [talk.say(state, "status.orders")]
    for order in outcome.orders:
        key = f"status.{order.status}"
        words = talk.say(state, key) if talk.texts.has(key) else order.status
        total = talking.price(state, order.total_minor, order.currency)
        facts = {"code": order.code, "title": order.title, "total": total, "status": words}
        lines.append(talk.say(state, "status.order", **facts))
    return questions.asked(state, talk, "\n".join(lines))


def choose_language(state: State, talk: Talk) -> Turn:
    text = talk.say(state, "language.choose")
    return Turn(state, (Reply(text=text, choices=_language_buttons(state, talk)),))


def _language_buttons(state: State, talk: Talk) -> tuple[Choice, Choice]:
    return (
        talking.command_button(state, talk, Command.ENGLISH, "button.english"),
        talking.command_button(state, talk, Command.SPANISH, "button.spanish"),
    )


def _speak(language: str) -> Callable[[State, Talk], Turn]:
    def switch(state: State, talk: Talk) -> Turn:
        state = replace(state, language=language)
        turn = questions.asked(state, talk, talk.say(state, "language.now"))
        return replace(turn, intents=(Remember(language),))

    return switch


def thanks(state: State, talk: Talk) -> Turn:
    return questions.asked(state, talk, talk.say(state, "notice.thanks"))


def _nothing_before(key: str) -> Callable[[State, Talk], Turn]:
    return lambda state, talk: questions.asked(state, talk, talk.say(state, key))


def _back_from_country(state: State, talk: Talk) -> Turn:
    return delivery.back(state, talk) if state.known else ordering.look(state, talk)


COMMANDS: Mapping[Command, Callable[[State, Talk], Turn]] = {
    Command.HELP: show_help,
    Command.CANCEL: cancel,
    Command.BACK: back,
    Command.STATUS: status,
    Command.LANGUAGE: choose_language,
    Command.ENGLISH: _speak("en"),
    Command.SPANISH: _speak("es"),
    Command.MENU: ordering.begin,
    Command.THANKS: thanks,
    Command.WAITLIST: waiting.say,
    Command.LEAVE: waiting.leave,
}
BACK: Mapping[Place, Callable[[State, Talk], Turn]] = {
    **dict.fromkeys(ADDRESS_PLACES, delivery.back),
    Place.BROWSE: _nothing_before("back.first"),
    Place.SIZE: _nothing_before("back.first"),
    **dict.fromkeys((Place.FEWER, Place.TURN, Place.KNOWN), ordering.look),
    Place.COUNTRY: _back_from_country,
    Place.SUMMARY: delivery.back_from_summary,
    Place.CODE: codes.back,
    Place.PREPARING: _nothing_before("back.placed"),
    Place.PAYING: _nothing_before("back.placed"),
}
