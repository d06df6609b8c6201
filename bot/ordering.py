"""Seeing the offer and choosing of it, until the goods are held or there are not enough of them."""

from __future__ import annotations

from dataclasses import replace

from bot import addresses, offering, paying, questions, waiting, wishes, words
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
    Release,
)  # fmt: skip
from bot.messages import Reply
from bot.model import NOWHERE, Place, State, Turn, Wanted, fresh
from bot.talk import Talk


def look(state: State, talk: Talk) -> Turn:
    """Back to the beginning of this purchase; what was held is let go."""
    held = state.hold
    state = replace(
        state, place=Place.BROWSE, wanted=None, hold=None, quote=None, address=NOWHERE, known=None
    )  # fmt: skip
    release: tuple[Intent, ...] = (Release(held.hold_id),) if held else ()
    return Turn(state, (), (*release, Look(state.session, state.territory)))


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
    """What is on; where the fan has just lost something, what is left beside it."""
    offer, wanted = outcome.offer, state.wanted
    notice = offering.sorry(state, talk, wanted) if wanted else ""
    if offer is None:
        state = replace(state, place=Place.BROWSE, offer=None)
        text = "\n\n".join(filter(None, (notice, talk.say(state, "browse.nothing"))))
        return Turn(state, (Reply(text=text, choices=questions.choices(state, talk)),))
    state = replace(showing(state, offer), wanted=wanted)
    if wanted and talking.option_of(offer, wanted.sku):
        return questions.asked(state, talk, notice)
    state = replace(state, wanted=None)
    text = "\n\n".join(filter(None, (notice, offering.card(state, talk, offer))))
    choices = questions.choices(state, talk)
    return Turn(state, (Reply(text=text, choices=choices, image_url=offer.image_url),))


def showing(state: State, offer: Offer) -> State:
    """The fan chooses of this; buttons of other goods mean nothing any more."""
    if not _same_goods(state.offer, offer):
        state = replace(state, purchase=state.purchase + 1)
    return replace(state, place=Place.SIZE, offer=offer, session=offer.session_slug, wanted=None)


def lost(state: State, wanted: Wanted, talk: Talk) -> Turn:
    """Fewer are left than were asked for: ask how many. None at all: see what else there is."""
    turn = look(replace(state, renewing=False), talk)
    state = replace(turn.state, wanted=wanted)
    if wanted.left > 0:
        release = tuple(intent for intent in turn.intents if isinstance(intent, Release))
        return replace(questions.asked(replace(state, place=Place.FEWER), talk), intents=release)
    return replace(turn, state=state)


def press(state: State, value: str, talk: Talk) -> Turn:
    assert state.offer is not None
    if value == "look":
        return look(state, talk)
    what, _, index = value.rpartition("-")
    if offering.WAIT not in (what, value):
        return _hold(state, state.offer.options[int(value)].sku, 1)
    if what:
        wanted = offering.wanted_of(state.offer, state.offer.options[int(index)])
        state = replace(state, wanted=wanted)
    return waiting.join(state)


def write(state: State, text: str, talk: Talk) -> Turn:
    assert state.offer is not None
    wish = wishes.read(text, state.offer)
    if isinstance(wish, wishes.Unclear):
        return _unclear(state, wish, talk)
    return _hold_some(state, wish.option.sku, wish.quantity, talk)


def press_fewer(state: State, value: str, talk: Talk) -> Turn:
    assert state.wanted is not None
    return _hold(state, state.wanted.sku, int(value))


def write_fewer(state: State, text: str, talk: Talk) -> Turn:
    """A number is how many of them, a yes is all of them; a size is another wish."""
    assert state.wanted is not None
    folded = words.fold(text)
    if words.is_yes(folded):
        return _hold(state, state.wanted.sku, min(state.wanted.left, wishes.QUANTITY_MAX))
    quantity = wishes.number_in(folded)
    if quantity is None:
        return write(state, text, talk)
    return _hold_some(state, state.wanted.sku, quantity, talk)


def held(state: State, outcome: Held, talk: Talk) -> Turn:
    state = replace(state, hold=outcome, wanted=None)
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
    return questions.asked(state, talk, f"{notice}{_at_flash_price(state, state.hold, talk)}")


def _at_flash_price(state: State, hold: Held, talk: Talk) -> str:
    """How many of what is held have the price of this live, which stays theirs."""
    if not hold.flash_pieces or state.offer is None:
        return ""
    price = talking.price(state, hold.flash_price_minor, state.offer.currency)
    return " " + talk.say(state, "held.flash", count=hold.flash_pieces, price=price)


def _hold_some(state: State, sku: str, quantity: int, talk: Talk) -> Turn:
    if quantity < 1:
        return questions.asked(state, talk, talk.say(state, "offer.quantity_zero"))
    if quantity > wishes.QUANTITY_MAX:
        most = talk.say(state, "offer.quantity_max", max=wishes.QUANTITY_MAX)
        return questions.asked(state, talk, most)
    return _hold(state, sku, quantity)


def _hold(state: State, sku: str, quantity: int) -> Turn:
    assert state.offer is not None
    shown = talking.option_of(state.offer, sku)
    rule_ids = shown.rule_ids if shown else ()
    offer = state.offer
    return Turn(state, (), (Hold(sku, quantity, offer.session_id, rule_ids, offer.currency),))


def _unclear(state: State, wish: wishes.Unclear, talk: Talk) -> Turn:
    if not wish.among:
        return questions.asked(state, talk, talk.say(state, "offer.not_understood"))
    sizes = ", ".join(option.label for option in wish.among[: offering.CHOICES_MAX])
    return questions.asked(state, talk, talk.say(state, "offer.which", sizes=sizes))


def _same_goods(before: Offer | None, now: Offer) -> bool:
    """Whether buttons shown for the one still mean the same for the other."""
    if before is None or before.session_id != now.session_id:
        return False
    return [option.sku for option in before.options] == [option.sku for option in now.options]
