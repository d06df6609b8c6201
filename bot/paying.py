"""From the full address to the receipt: total, consent, checkout, and what became of it."""

from __future__ import annotations

from dataclasses import replace

from bot import code_reasons, questions, words
from bot import talk as talking
from bot.intents import (
    CancelTaken,
    CheckOut,
    CheckoutOpened,
    Hold,
    Intent,
    Quote,
    Quoted,
    Release,
)  # fmt: skip
from bot.messages import Reply
from bot.model import NOWHERE, Checkout, Place, State, Turn, over
from bot.talk import Talk


def quote(state: State) -> Turn:
    """Ask for the total; whether the goods are still held is for the core to say."""
    assert state.hold is not None
    intent = Quote(
        state.hold.hold_id, state.address, state.language, state.coupon, state.spot,
        state.offer.currency if state.offer else "",
    )  # fmt: skip
    return Turn(state, (), (intent,))


def renew(state: State) -> Turn:
    """Hold the same goods again, so that a slow fan keeps what was typed."""
    assert state.hold is not None
    assert state.offer is not None
    old, offer = state.hold, state.offer
    intents: tuple[Intent, ...] = (
        Release(old.hold_id),
        Hold(old.sku, old.quantity, offer.session_id, currency=offer.currency),
    )  # fmt: skip
    return Turn(replace(state, hold=None, renewing=True), (), intents)


def quoted(state: State, outcome: Quoted, talk: Talk) -> Turn:
    assert state.hold is not None
    until = talking.clock(state.hold.expires_at)
    notice = talk.say(state, "held.renewed", clock=until) if state.renewing else ""
    code = _became_of_code(state, outcome, talk)
    state = replace(
        state, place=Place.SUMMARY, quote=replace(outcome, no_code=None), renewing=False,
        coupon="" if outcome.no_code else state.coupon,
    )  # fmt: skip
    return questions.asked(state, talk, notice, code)


def _became_of_code(state: State, outcome: Quoted, talk: Talk) -> str:
    """What is new about the code of this total, in words."""
    if state.coupon and outcome.no_code:
        return code_reasons.refused(state, outcome.no_code, talk)
    known = {line.code for line in state.quote.lines} if state.quote else set()
    now = {line.code for line in outcome.lines}
    if now - known - {""}:
        return talk.say(state, "code.counts", code=state.coupon)
    return talk.say(state, "code.off") if known - now - {""} else ""


def write(state: State, text: str, talk: Talk) -> Turn:
    """Only clear words are consent; a plain "ok" is not."""
    if words.fold(text) in words.AGREED:
        return agree(state, talk)
    return questions.asked(state, talk, talk.say(state, "summary.explicit"))


def agree(state: State, talk: Talk) -> Turn:
    assert state.hold is not None
    assert state.quote is not None
    intent = CheckOut(
        hold_id=state.hold.hold_id, quote_id=state.quote.quote_id, address=state.address,
        language=state.language, consent_text=questions.consent_text(state, talk),
        consent_version=questions.CONSENT_VERSION,
    )  # fmt: skip
    return Turn(state, (), (intent,))


def opened(state: State, outcome: CheckoutOpened, talk: Talk) -> Turn:
    assert state.quote is not None
    checkout = Checkout(
        outcome.checkout_id, outcome.order_code, total_minor=state.quote.total_minor,
        currency=state.quote.currency, address=state.address,
    )  # fmt: skip
    state = replace(
        state, place=Place.PREPARING, checkout=checkout,
        offer=None, hold=None, quote=None, address=NOWHERE, known=None,
        coupon="", spot=None, unserved=False,
    )  # fmt: skip
    text = talk.say(state, "checkout.opened", code=checkout.order_code)
    return Turn(state, (Reply(text=text),))


def cancel_taken(state: State, outcome: CancelTaken, talk: Talk) -> Turn:
    """The core decides whether it was in time; the fan may have paid a second ago."""
    if state.checkout is None:
        return Turn(state)
    code = state.checkout.order_code
    if not outcome.stopped:
        return Turn(state, (Reply(text=talk.say(state, "cancel.too_late", code=code)),))
    state = over(state, state.checkout.checkout_id)
    return questions.asked(state, talk, talk.say(state, "checkout.cancelled", code=code))
