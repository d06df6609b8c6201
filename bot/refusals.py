"""When the core says no: our words for each reason, and the next best step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot import countries, delivery, ordering, paying, questions, waiting
from bot import talk as talking
from bot.intents import (
    AddressKnown,
    CancelCheckout,
    CheckDelivery,
    CheckOut,
    FindPlaces,
    Hold,
    Join,
    KnownAddress,
    Leave,
    Look,
    Offer,
    Quote,
    Refused,
    Release,
    Remember,
    Served,
    TakeUp,
)
from bot.messages import Reply
from bot.model import Answer, Place, State, Turn, Wanted, fresh, over
from bot.talk import Talk

Handler = Callable[[State, Answer, Refused, Talk], Turn]


def hear(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    """What was asked decides first, for some questions may go unanswered; then the reason."""
    if isinstance(answer.intent, Release | Remember):
        return Turn(state)
    if isinstance(answer.intent, KnownAddress):
        return ordering.known(state, AddressKnown(None), talk)
    if isinstance(answer.intent, Join | Leave | FindPlaces):
        return _aside(state, refused, talk)
    if isinstance(answer.intent, CheckDelivery) and refused.code != "no_delivery":
        return delivery.served(state, Served(), talk)
    handler = REFUSALS.get(refused.code, _unknown)
    return handler(state, answer, refused, talk)


def _out_of_stock(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    """How many there are, and nothing is held; or what else there is, and the waitlist."""
    intent = answer.intent
    if isinstance(intent, Quote):  # who delivers there has too few
        return _no_delivery(state, answer, Refused(refused.code, {"reason": "none_there"}), talk)
    if not isinstance(intent, Hold) or state.offer is None:
        return _unknown(state, answer, refused, talk)
    wanted = _wanted(state.offer, intent)
    left = int(refused.facts.get("available") or 0)
    return ordering.lost(state, replace(wanted, left=left), talk)


def _suspended(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    intent = answer.intent
    if not isinstance(intent, Hold) or state.offer is None:
        return _unknown(state, answer, refused, talk)
    return ordering.lost(state, replace(_wanted(state.offer, intent), suspended=True), talk)


def _wanted(offer: Offer, intent: Hold) -> Wanted:
    option = talking.option_of(offer, intent.sku)
    label = talking.label_of(offer, option) if option else ""
    return Wanted(intent.sku, intent.session_id, offer.title, label, intent.quantity)


def _turn_lapsed(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    if not isinstance(answer.intent, TakeUp):
        return _unknown(state, answer, refused, talk)
    return waiting.missed(state, answer.intent.entry_id, talk)


def _aside(state: State, refused: Refused, talk: Talk) -> Turn:
    """What concerns the waitlist leaves the purchase beside it alone."""
    state = replace(state, wanted=None)
    if state.place is Place.FEWER:
        state = replace(state, place=Place.SIZE)
    key = "refusal.session_ended" if refused.code in OVER else "refusal.unknown"
    return questions.asked(state, talk, talk.say(state, key))


def _hold_expired(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    if state.hold and state.offer and not state.renewing:
        return paying.renew(state)
    return _look_again(state, talk.say(state, "refusal.hold_expired"), talk)


def _nothing_pinned(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    turn = ordering.look(state, talk)
    release = tuple(i for i in turn.intents if isinstance(i, Release))
    state = fresh(turn.state)
    asked = questions.asked(state, talk, talk.say(state, "refusal.nothing_pinned"))
    return replace(asked, intents=release)


def _unknown_session(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    if isinstance(answer.intent, Look) and answer.intent.session:
        turn = _look_again(
            replace(state, session=""), talk.say(state, "browse.unknown_session"), talk
        )
        return replace(turn, state=replace(turn.state, wanted=state.wanted))
    return _unanswered(state, answer, talk.say(state, "refusal.unknown_session"), talk)


def _quote_expired(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    if not isinstance(answer.intent, CheckOut) or state.hold is None:
        return _unknown(state, answer, refused, talk)
    turn = paying.quote(state)
    return replace(turn, replies=(Reply(text=talk.say(state, "refusal.quote_expired")),))


def _already_paid(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    """The receipt is on its way; nothing of this purchase is left to do."""
    text = talk.say(state, "refusal.order_already_paid")
    if isinstance(answer.intent, CancelCheckout):
        return Turn(state, (Reply(text=text),))
    return questions.asked(fresh(state), talk, text)


def _checkout_closed(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    text = talk.say(state, "refusal.checkout_closed")
    if isinstance(answer.intent, CancelCheckout):
        return questions.asked(over(state, answer.intent.checkout_id), talk, text)
    return questions.asked(fresh(state), talk, text)


def _no_delivery(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    if not isinstance(answer.intent, Quote | CheckOut | CheckDelivery) or state.hold is None:
        return _unknown(state, answer, refused, talk)
    there = answer.intent.address
    key = NOT_THERE.get(refused.facts.get("reason", ""), "refusal.no_delivery")
    name = countries.name(there.country, state.language)
    text = talk.say(state, key, country=name, postcode=there.postcode)
    address = replace(state.address, country="", city="", region="", postcode="")
    state = replace(
        state, place=Place.COUNTRY, address=address, unserved=True, spot=None, quote=None,
        renewing=False,
    )  # fmt: skip
    return questions.asked(state, talk, text)


def _price_gone(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    """What made it cheaper was used up by others, or is over: a new total says what holds now."""
    if not isinstance(answer.intent, CheckOut) or state.hold is None:
        return _unknown(state, answer, refused, talk)
    turn = paying.quote(state)
    return replace(turn, replies=(Reply(text=talk.say(state, "refusal.limit_reached")),))


def _no_price(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    """The list it was shown from is over: what it costs now is seen by looking again."""
    return _look_again(state, talk.say(state, "refusal.quote_expired"), talk)


def _unknown(state: State, answer: Answer, refused: Refused, talk: Talk) -> Turn:
    return _unanswered(state, answer, talk.say(state, "refusal.unknown"), talk)


def _unanswered(state: State, answer: Answer, text: str, talk: Talk) -> Turn:
    """The words, and the question again where the place still stands on something."""
    renewal_failed = isinstance(answer.intent, Hold) and state.place is not Place.SIZE
    if renewal_failed or state.renewing:
        return _look_again(state, text, talk)
    if isinstance(answer.intent, Look):
        state = replace(state, place=Place.BROWSE)
    return questions.asked(state, talk, text)


def _look_again(state: State, text: str, talk: Talk) -> Turn:
    turn = ordering.look(replace(state, renewing=False), talk)
    return replace(turn, replies=(Reply(text=text),))


NOT_THERE = {
    "postcode": "refusal.no_delivery_postcode",
    "too_heavy": "refusal.too_heavy",
    "none_there": "refusal.none_there",
}
OVER = ("session_ended", "nothing_pinned")
REFUSALS: Mapping[str, Handler] = {
    "out_of_stock": _out_of_stock,
    "sku_suspended": _suspended,
    "turn_lapsed": _turn_lapsed,
    "hold_expired": _hold_expired,
    "nothing_pinned": _nothing_pinned,
    "not_for_sale": _nothing_pinned,
    "unknown_sku": _nothing_pinned,
    "unknown_session": _unknown_session,
    "quote_expired": _quote_expired,
    "no_such_quote": _quote_expired,
    "order_already_paid": _already_paid,
    "checkout_closed": _checkout_closed,
    "no_delivery": _no_delivery,
    "no_rate": _no_delivery,  # it goes there, but not for this money
    "limit_reached": _price_gone,
    "no_price": _no_price,
}
