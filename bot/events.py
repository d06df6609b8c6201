"""What we hear from inside: the pay link is ready, an order was paid, closed or refunded.

Events come late, twice and out of order, and may belong to an earlier purchase than the one the
fan is busy with; that one then goes on undisturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot import addresses, questions, waiting
from bot import talk as talking
from bot.messages import Priority, Reply
from bot.model import Checkout, Place, State, Turn, address_from, over
from bot.talk import Talk

Facts = Mapping[str, Any]
PAID = "paid:"  # told: a receipt is given even for a checkout whose end was told before


def hear(state: State, name: str, facts: Facts, talk: Talk) -> Turn:
    """An event we have no words for changes nothing."""
    handler = EVENTS.get(name)
    return handler(state, facts, talk) if handler else Turn(state)


def payment_ready(state: State, facts: Facts, talk: Talk) -> Turn:
    if _is_told(state, facts):
        return Turn(state)
    checkout = _current(state, facts)
    if checkout:
        checkout = replace(checkout, url=facts["url"], expires_at=facts.get("expires_at") or 0)
        place = Place.PAYING if state.place is Place.PREPARING else state.place
        state = replace(state, place=place, checkout=checkout)
    lines = [talk.say(state, "checkout.ready", code=facts["order_code"])]
    if facts.get("expires_at"):
        lines.append(talk.say(state, "checkout.until", clock=talking.clock(facts["expires_at"])))
    link = questions.pay_link(state, talk, checkout or Checkout("", "", facts["url"]))
    reply = Reply(text="\n".join(lines), link=link, priority=Priority.PAYMENT)
    return Turn(state, (reply,))


def payment_declined(state: State, facts: Facts, talk: Talk) -> Turn:
    if _is_told(state, facts):
        return Turn(state)
    checkout = _current(state, facts)
    link = questions.pay_link(state, talk, checkout) if checkout and checkout.url else None
    text = talk.say(state, "checkout.declined", code=facts["order_code"])
    return Turn(state, (Reply(text=text, link=link, priority=Priority.PAYMENT),))


def order_confirmed(state: State, facts: Facts, talk: Talk) -> Turn:
    """Nothing is to be clicked: it is paid at the door, and the receipt comes after that."""
    if _is_told(state, facts):
        return Turn(state)
    summary = _summary(state, facts, talk, "confirmed.title")
    state = over(state, facts["checkout_id"])
    asks = (questions.ask(state, talk),) if state.place is Place.TURN else ()
    return Turn(state, (summary, *asks))


def order_paid(state: State, facts: Facts, talk: Talk) -> Turn:
    """The receipt, once, whatever was told of this checkout before."""
    told = PAID + facts["checkout_id"]
    if told in state.told:
        return Turn(state)
    receipt = _summary(state, facts, talk, "receipt.title")
    state = replace(over(state, facts["checkout_id"]), paid_code=facts["order_code"])
    state = over(state, told)
    asks = (questions.ask(state, talk),) if state.place is Place.TURN else ()
    return Turn(state, (receipt, *asks))


def _closed(key: str) -> Callable[[State, Facts, Talk], Turn]:
    def closed(state: State, facts: Facts, talk: Talk) -> Turn:
        if _is_told(state, facts):
            return Turn(state)
        was_current = state.place in (Place.PREPARING, Place.PAYING) and _current(state, facts)
        state = over(state, facts["checkout_id"])
        text = talk.say(state, key, code=facts["order_code"])
        if was_current:
            return questions.asked(state, talk, text)
        return Turn(state, (Reply(text=text),))

    return closed


def order_refunded(state: State, facts: Facts, talk: Talk) -> Turn:
    total = talking.price(state, facts["total_minor"], facts["currency"])
    text = talk.say(state, "checkout.refunded", code=facts["order_code"], total=total)
    paid_code = "" if state.paid_code == facts["order_code"] else state.paid_code
    state = replace(state, paid_code=paid_code)
    return Turn(state, (Reply(text=text, priority=Priority.RECEIPT),))


def hold_expired(state: State, facts: Facts, talk: Talk) -> Turn:
    """What was typed is kept, and the goods are held again with the next total."""
    if state.hold is None or state.hold.hold_id != facts["hold_id"]:
        return Turn(state)
    goods = talking.goods(state, talk)
    return questions.asked(state, talk, talk.say(state, "held.over", goods=goods))


def _summary(state: State, facts: Facts, talk: Talk, title: str) -> Reply:
    code = facts["order_code"]
    total = talking.price(state, facts["total_minor"], facts["currency"])
    goods = talking.named_goods(
        state, talk, facts["title"], facts.get("label") or "", facts.get("quantity") or 1
    )
    address = _delivery(state, facts)
    lines = [
        talk.say(state, title),
        "",
        talk.say(state, "receipt.order", code=code),
        talk.say(state, "receipt.goods", goods=goods),
        talk.say(state, "receipt.total", total=total),
        *([talk.say(state, "receipt.address", address=address)] if address else []),
        "",
        talk.say(state, "receipt.keep", code=code),
    ]
    return Reply(text="\n".join(lines), priority=Priority.RECEIPT)


def _delivery(state: State, facts: Facts) -> str:
    """The address on the receipt: of the order itself, or else as this conversation knows it."""
    told = facts.get("address")
    if isinstance(told, str) and told:
        return told
    if isinstance(told, Mapping):
        return ", ".join(addresses.lines(address_from(told), state.language))
    checkout = _current(state, facts)
    if checkout and checkout.address:
        return ", ".join(addresses.lines(checkout.address, state.language))
    return ""


def _current(state: State, facts: Facts) -> Checkout | None:
    checkout = state.checkout
    return checkout if checkout and checkout.checkout_id == facts["checkout_id"] else None


def _is_told(state: State, facts: Facts) -> bool:
    return facts["checkout_id"] in state.told


EVENTS: Mapping[str, Callable[[State, Facts, Talk], Turn]] = {
    "payment_ready": payment_ready,
    "payment_declined": payment_declined,
    "order_confirmed": order_confirmed,
    "order_paid": order_paid,
    "checkout_expired": _closed("checkout.expired"),
    "order_cancelled": _closed("checkout.cancelled"),
    "order_refunded": order_refunded,
    "hold_expired": hold_expired,
    "turn_comes": waiting.turn_comes,
    "turn_lapses": waiting.turn_lapses,
    "waitlist_closed": waiting.closed,
}
