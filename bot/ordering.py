"""Seeing the offer and choosing of it, until the goods are held."""

from __future__ import annotations

from dataclasses import replace

from bot import addresses, paying, questions, wishes
from bot import talk as talking
from bot.intents import (
    AddressKnown,
    Held,
    Hold,
    Intent,
    KnownAddress,
    Look,
    Looked,
    Offer,
    Option,
    Release,
)  # fmt: skip
from bot.messages import Reply
from bot.model import NOWHERE, Place, State, Turn, fresh
from bot.talk import Talk


def look(state: State, talk: Talk) -> Turn:
    """Back to the beginning of this purchase; what was held is let go."""
    held = state.hold
    state = replace(
        state, place=Place.BROWSE, hold=None, quote=None, address=NOWHERE, known=None
    )  # fmt: skip
    release: tuple[Intent, ...] = (Release(held.hold_id),) if held else ()
    return Turn(state, (), (*release, Look(state.session)))


def enter(state: State, slug: str, talk: Talk) -> Turn:
    """By a deep link; one pressed again in the middle of a purchase changes nothing."""
    same = slug in ("", state.session)
    if state.hold and same:
        busy = talk.say(state, "held.busy", goods=talking.goods(state, talk))
        return questions.asked(state, talk, busy)
    if state.place in (Place.PREPARING, Place.PAYING) and same:
        return questions.asked(state, talk)
    return begin(replace(state, session=slug or state.session), talk)


def begin(state: State, talk: Talk) -> Turn:
    """Show what is on now; an order still to be paid stays open beside it."""
    if state.place not in (Place.PREPARING, Place.PAYING) or state.checkout is None:
        return look(state, talk)
    text = talk.say(state, "checkout.still_open", code=state.checkout.order_code)
    turn = look(fresh(state), talk)
    return replace(turn, replies=(Reply(text=text),))


def looked(state: State, outcome: Looked, talk: Talk) -> Turn:
    offer = outcome.offer
    if offer is None:
        state = replace(state, place=Place.BROWSE, offer=None)
        text = talk.say(state, "browse.nothing")
        return Turn(state, (Reply(text=text, choices=questions.choices(state, talk)),))
    if not _same_goods(state.offer, offer):
        state = replace(state, purchase=state.purchase + 1)
    state = replace(state, place=Place.SIZE, offer=offer, session=offer.session_slug)
    return Turn(state, (questions.offer_card(state, talk, offer),))


def press(state: State, value: str, talk: Talk) -> Turn:
    assert state.offer is not None
    if value == "look":
        return look(state, talk)
    return _hold(state, state.offer.options[int(value)], 1)


def write(state: State, text: str, talk: Talk) -> Turn:
    assert state.offer is not None
    wish = wishes.read(text, state.offer)
    if isinstance(wish, wishes.Unclear):
        return _unclear(state, wish, talk)
    if wish.quantity < 1:
        return questions.asked(state, talk, talk.say(state, "offer.quantity_zero"))
    if wish.quantity > wishes.QUANTITY_MAX:
        most = talk.say(state, "offer.quantity_max", max=wishes.QUANTITY_MAX)
        return questions.asked(state, talk, most)
    return _hold(state, wish.option, wish.quantity)


def held(state: State, outcome: Held, talk: Talk) -> Turn:
    state = replace(state, hold=outcome)
    if state.renewing:
        return paying.quote(state)
    return Turn(state, (), (KnownAddress(),))


def known(state: State, outcome: AddressKnown, talk: Talk) -> Turn:
    """Held; what is asked next depends on whether this fan has an address already."""
    if state.hold is None:
        return Turn(state)
    found = outcome.address
    usable = found is not None and addresses.is_complete(found)
    place = Place.KNOWN if usable else Place.COUNTRY
    state = replace(state, place=place, known=found if usable else None, address=NOWHERE)
    assert state.hold is not None
    notice = talk.say(
        state, "held.now", goods=talking.goods(state, talk),
        count=max(1, talk.minutes_until(state.hold.expires_at)),
        clock=talking.clock(state.hold.expires_at),
    )  # fmt: skip
    return questions.asked(state, talk, notice)


def _hold(state: State, option: Option, quantity: int) -> Turn:
    assert state.offer is not None
    return Turn(state, (), (Hold(option.sku, quantity, state.offer.session_id),))


def _unclear(state: State, wish: wishes.Unclear, talk: Talk) -> Turn:
    if not wish.among:
        return questions.asked(state, talk, talk.say(state, "offer.not_understood"))
    sizes = ", ".join(option.label for option in wish.among[: questions.CHOICES_MAX])
    return questions.asked(state, talk, talk.say(state, "offer.which", sizes=sizes))


def _same_goods(before: Offer | None, now: Offer) -> bool:
    """Whether buttons shown for the one still mean the same for the other."""
    if before is None or before.session_id != now.session_id:
        return False
    return [option.sku for option in before.options] == [option.sku for option in now.options]
