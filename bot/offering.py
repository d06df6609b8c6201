"""The offer in words: what it is, what is left of it, and what a fan can choose of it."""

from __future__ import annotations

from bot import talk as talking
from bot.intents import Offer, Option
from bot.messages import Choice, Reply
from bot.model import State, Wanted
from bot.talk import Talk
from bot.wishes import QUANTITY_MAX, buyable, is_single

CHOICES_MAX = 10
DESCRIPTION_LENGTH_MAX = 300
BLANK_LINE = "\0"  # stays where empty lines are left out
WAIT = "wait"  # the value of the button that joins the waitlist of what was wanted


def card(state: State, talk: Talk, offer: Offer) -> str:
    """The product as it is shown once: price, stock, countdown, and the first question."""
    available = sum(option.available for option in buyable(offer))
    lines = [
        talk.say(state, "offer.title", title=offer.title, leader=offer.leader_name),
        offer.description[:DESCRIPTION_LENGTH_MAX],
        f"{_price(state, talk, offer)} · {talking.stock(state, talk, available)}",
        *_cheaper(state, talk, offer),
        _sizes_gone(state, talk, offer) if available else "",
        _countdown(state, talk, offer),
        BLANK_LINE,
        _first_question(state, talk, offer, ""),
        talk.say(state, "offer.help"),
    ]
    return "\n".join(filter(None, lines)).replace(BLANK_LINE, "")


def size(state: State, talk: Talk) -> Reply:
    assert state.offer is not None
    if state.wanted:
        return Reply(text=_lost(state, talk, state.offer, state.wanted))
    return Reply(text=_first_question(state, talk, state.offer, "_again"))


def fewer(state: State, talk: Talk) -> Reply:
    """Exactly how many there are; nothing is held until the fan says how many of them."""
    assert state.wanted is not None
    wanted = state.wanted
    goods = talking.goods_name(state, talk, wanted.title, wanted.label)
    facts = {"count": wanted.left, "asked": wanted.quantity, "goods": goods}
    return Reply(text=talk.say(state, "refusal.out_of_stock", **facts))


def sorry(state: State, talk: Talk, wanted: Wanted) -> str:
    """Why there is none of what the fan wanted."""
    key = "refusal.sku_suspended" if wanted.suspended else "refusal.sold_out"
    goods = talking.goods_name(state, talk, wanted.title, wanted.label)
    return talk.say(state, key, goods=goods)


def wanted_of(offer: Offer, option: Option, quantity: int = 1) -> Wanted:
    label = talking.label_of(offer, option)
    return Wanted(option.sku, offer.session_id, offer.title, label, quantity)


def size_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    assert state.offer is not None
    offer = state.offer
    if state.wanted:
        others = [o for o in buyable(offer) if o.sku != state.wanted.sku]
        sizes = _sizes(state, talk, offer, others)[: CHOICES_MAX - 1]
        return (*sizes, *wait_choices(state, talk))
    if not buyable(offer):
        return _gone_choices(state, talk, offer)
    if is_single(offer):
        return (talk.button(state, "0", "button.take"),)
    return _sizes(state, talk, offer, buyable(offer))[:CHOICES_MAX]


def fewer_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    """Each count that there is, so that its number among the choices is the count itself."""
    assert state.wanted is not None
    return tuple(
        Choice(talking.button_id(state, str(n)), talk.say(state, "button.some", count=n))
        for n in range(1, min(state.wanted.left, QUANTITY_MAX) + 1)
    )


def wait_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    """Where something was wanted and is gone."""
    return (talk.button(state, WAIT, "button.wait"),) if state.wanted else ()


def _lost(state: State, talk: Talk, offer: Offer, wanted: Wanted) -> str:
    goods = talking.goods_name(state, talk, wanted.title, wanted.label)
    others = ", ".join(option.label for option in buyable(offer) if option.sku != wanted.sku)
    if others:
        return talk.say(state, "lost.others", sizes=others, goods=goods)
    return talk.say(state, "lost.all", goods=goods)


def _first_question(state: State, talk: Talk, offer: Offer, form: str) -> str:
    available = buyable(offer)
    facts = {"title": offer.title, "price": _price(state, talk, offer)} if form else {}
    if not available:
        facts.pop("price", None)
        key = "offer.gone" if is_single(offer) else "offer.gone_sizes"
        return talk.say(state, f"{key}{form}", **facts)
    if is_single(offer):
        return talk.say(state, f"offer.take{form}", **facts)
    return talk.say(state, f"offer.choose{form}", example=available[0].label, **facts)


def _price(state: State, talk: Talk, offer: Offer) -> str:
    prices = {option.price_minor for option in offer.options} or {0}
    key = "offer.price" if len(prices) == 1 else "offer.price_from"
    now = talk.say(state, key, price=talking.price(state, min(prices), offer.currency))
    former = {option.former_minor for option in offer.options}
    if len(prices) > 1 or len(former) > 1 or former <= {0}:
        return now
    was = talking.price(state, former.pop(), offer.currency)
    return talk.say(state, "offer.former", price=now, former=was)


def _cheaper(state: State, talk: Talk, offer: Offer) -> list[str]:
    """Why it costs less than usual, for how long, and for how many."""
    found = [_flash(state, talk, offer, option) for option in offer.options if option.flash_left]
    reasons = (_reason(state, option) for option in offer.options if not option.flash_left)
    found += [talk.say(state, "offer.cheaper", reason=one) for one in dict.fromkeys(reasons) if one]
    if offer.personal_bp and offer.personal_until > talk.now:
        off = talking.percent(state, offer.personal_bp)
        until = talking.clock(offer.personal_until)
        found.append(talk.say(state, "offer.personal", off=off, clock=until))
    return found


def _flash(state: State, talk: Talk, offer: Offer, option: Option) -> str:
    goods = talking.label_of(offer, option)
    words = talk.say(
        state, "offer.flash", count=option.flash_left, clock=talking.clock(option.flash_ends_at),
        price=talking.price(state, option.price_minor, offer.currency),
        most=option.flash_per_fan,
    )  # fmt: skip
    return f"{goods}: {words}" if goods else words


def _reason(state: State, option: Option) -> str:
    """In the fan's language, or as it was written."""
    words = option.cheaper
    return words.get(state.language) or next(iter(words.values()), "")


def _sizes_gone(state: State, talk: Talk, offer: Offer) -> str:
    gone = [option.label for option in offer.options if option.available <= 0]
    return talk.say(state, "offer.sizes_gone", sizes=", ".join(gone)) if gone else ""


def _countdown(state: State, talk: Talk, offer: Offer) -> str:
    if offer.ends_at is None:
        return ""
    if offer.ends_at <= talk.now:
        return talk.say(state, "offer.ended")
    minutes = talk.minutes_until(offer.ends_at)
    return talk.say(state, "offer.ends" if minutes else "offer.ends_soon", count=minutes)


def _sizes(
    state: State, talk: Talk, offer: Offer, options: list[Option] | tuple[Option, ...]
) -> tuple[Choice, ...]:
    same_price = len({option.price_minor for option in offer.options}) == 1
    found = []
    for index, option in enumerate(offer.options):
        if option in options:
            words = talking.stock(state, talk, option.available)
            if not same_price:
                words = f"{talking.price(state, option.price_minor, offer.currency)} · {words}"
            found.append(Choice(talking.button_id(state, str(index)), option.label, words))
    return tuple(found)


def _gone_choices(state: State, talk: Talk, offer: Offer) -> tuple[Choice, ...]:
    """Nothing is left: a place on the waitlist of each."""
    look = talk.button(state, "look", "button.look")
    if not offer.options:
        return (look,)
    if is_single(offer):
        return (talk.button(state, f"{WAIT}-0", "button.wait"), look)
    wait = talk.say(state, "button.wait")
    sizes = [
        Choice(talking.button_id(state, f"{WAIT}-{index}"), option.label, wait)
        for index, option in enumerate(offer.options)
    ]
    return (*sizes[: CHOICES_MAX - 1], look)
