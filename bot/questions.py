"""What we ask at each place of the conversation, and the choices we offer there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot import addresses, amounts, countries, offering
from bot import talk as talking
from bot.intents import Held
from bot.messages import Choice, Link, Priority, Reply
from bot.model import Checkout, Place, State, Turn, WaitTurn
from bot.offering import CHOICES_MAX
from bot.talk import Talk
from commerce.accounts import Address

CONSENT_VERSION = "terms-1"  # to be raised with every change of the text `consent.text`


def ask(state: State, talk: Talk) -> Reply:
    """The question of the place where the fan is."""
    return replace(QUESTIONS[state.place](state, talk), choices=choices(state, talk))


def choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    """What was offered with it; nothing else can be pressed or meant by a number."""
    find = CHOICES.get(state.place)
    found = find(state, talk) if find else ()
    if state.place is Place.TURN or not state.turns or len(found) >= CHOICES_MAX:
        return found
    # What the waitlist holds comes last, so that the numbers of the others stay what they were.
    return (*found, turn_button(state, talk, state.turns[0]))


def asked(state: State, talk: Talk, *notices: str) -> Turn:
    """What there is to say, and then the question, in one message."""
    question = ask(state, talk)
    text = "\n\n".join((*filter(None, notices), question.text))
    return Turn(state, (replace(question, text=text),))


def consent_text(state: State, talk: Talk) -> str:
    return talk.say(state, "consent.text")


def agreement(state: State) -> str:
    """The value of the consent button: it names the summary it stands under."""
    assert state.quote is not None
    return f"agree-{state.quote.quote_id[-12:].encode('ascii', 'replace').decode()}"


def pay_link(state: State, talk: Talk, checkout: Checkout) -> Link:
    if not checkout.currency:
        return Link(talk.say(state, "button.pay_plain"), checkout.url)
    total = talking.price(state, checkout.total_minor, checkout.currency)
    return Link(talk.say(state, "button.pay", total=total), checkout.url)


def turn_button(state: State, talk: Talk, turn: WaitTurn) -> Choice:
    """It is right at every step, and names what it is for."""
    tail = turn.entry_id[-12:].encode("ascii", "replace").decode()
    value = f"{talking.ANYWHERE}:{talking.TURN}{tail}"
    return Choice(f"{state.purchase}:{value}", talk.say(state, "button.turn"))


def turn_words(state: State, talk: Talk, turn: WaitTurn, key: str) -> str:
    goods = talking.named_goods(state, talk, turn.title, turn.label, turn.quantity)
    clock = talking.clock(turn.expires_at)
    return talk.say(state, key, count=turn.quantity, goods=goods, clock=clock)


def _turn(state: State, talk: Talk) -> Reply:
    return Reply(
        text=turn_words(state, talk, state.turns[0], "turn.ask"), priority=Priority.PAYMENT
    )


def _turn_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    return (
        talk.button(state, "take", "button.turn_take"),
        talk.button(state, "leave", "button.turn_leave"),
    )


def _browse_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    look = talk.button(state, "look", "button.look")
    return (look, *offering.wait_choices(state, talk))


def _browse(state: State, talk: Talk) -> Reply:
    return Reply(text=talk.say(state, "browse.question"))


def _known(state: State, talk: Talk) -> Reply:
    assert state.known is not None
    address = "\n".join(addresses.lines(state.known, state.language))
    text = talk.say(state, "ask.known", address=address)
    return Reply(text=text)


def _country(state: State, talk: Talk) -> Reply:
    return Reply(text=talk.say(state, "ask.country"))


def _plain(key: str) -> Callable[[State, Talk], Reply]:
    def question(state: State, talk: Talk) -> Reply:
        text = talk.say(state, key)
        return Reply(text=text + _optional(state, talk))

    return question


def _postcode(state: State, talk: Talk) -> Reply:
    rules = addresses.rules(state.address.country)
    word = talk.say(state, f"postcode.{rules.postcode_word}")
    key = "ask.postcode_example" if rules.postcode_example else "ask.postcode"
    text = talk.say(state, key, postcode=word, example=rules.postcode_example)
    return Reply(text=text + _optional(state, talk))


def _region(state: State, talk: Talk) -> Reply:
    rules = addresses.rules(state.address.country)
    word = talk.say(state, f"region.{rules.region_word}")
    return Reply(text=talk.say(state, "ask.region", region=word))


def _optional(state: State, talk: Talk) -> str:
    optional = addresses.is_optional(state.place, state.address)
    return " " + talk.say(state, "ask.optional") if optional else ""


def _skip_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    if addresses.is_optional(state.place, state.address):
        return (talk.button(state, "skip", "button.skip"),)
    return ()


def _name_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    usable = isinstance(addresses.check(Place.NAME, state.name, state.address), Address)
    return (Choice(talking.button_id(state, "profile"), state.name),) if usable else ()


def _country_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    likely = tuple(
        Choice(talking.button_id(state, code), countries.name(code, state.language))
        for code in countries.likely(state.language, state.territory)
    )
    # Who was told that we do not deliver there may have had enough.
    cancel = (talk.button(state, "cancel", "button.cancel"),) if state.unserved else ()
    return (*likely, *cancel)


def _region_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    country = state.address.country
    labels = addresses.rules(country).region_labels
    if len(labels) > CHOICES_MAX:
        return ()
    return tuple(
        Choice(talking.button_id(state, f"{country}-{index}"), label)
        for index, label in enumerate(labels)
    )


def _known_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    return (
        talk.button(state, "yes", "button.known"),
        talk.button(state, "change", "button.change"),
    )


def _summary(state: State, talk: Talk) -> Reply:
    assert state.quote is not None
    assert state.hold is not None
    total = talking.price(state, state.quote.total_minor, state.quote.currency)
    address = ", ".join(addresses.lines(state.address, state.language))
    lines = [
        talk.say(state, "summary.title"),
        *amounts.added(state, state.quote, talk),
        talk.say(state, "summary.total", amount=total),
        *amounts.contained(state, state.quote, talk),
        talk.say(state, "summary.address", address=address),
        _held_until(state, talk, state.hold),
        "",
        consent_text(state, talk),
    ]
    text = "\n".join(lines).replace("\n\n\n", "\n\n")
    return Reply(text=text)


def _held_until(state: State, talk: Talk, hold: Held) -> str:
    if hold.expires_at <= talk.now:
        return ""
    return talk.say(state, "summary.until", clock=talking.clock(hold.expires_at))


def _summary_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    code = ("uncode", "button.uncode") if state.coupon else ("code", "button.code")
    return (
        talk.button(state, agreement(state), "button.agree"),
        talk.button(state, "change", "button.change"),
        talk.button(state, "cancel", "button.cancel"),
        talk.button(state, *code),
    )


def _code(state: State, talk: Talk) -> Reply:
    return Reply(text=talk.say(state, "ask.code"))


def _code_choices(state: State, talk: Talk) -> tuple[Choice, ...]:
    return (talk.button(state, "none", "button.no_code"),)


def _preparing(state: State, talk: Talk) -> Reply:
    assert state.checkout is not None
    return Reply(text=talk.say(state, "checkout.preparing", code=state.checkout.order_code))


def _paying(state: State, talk: Talk) -> Reply:
    assert state.checkout is not None
    return Reply(
        text=talk.say(state, "checkout.paying", code=state.checkout.order_code),
        link=pay_link(state, talk, state.checkout),
        priority=Priority.PAYMENT,
    )


QUESTIONS: Mapping[Place, Callable[[State, Talk], Reply]] = {
    Place.BROWSE: _browse,
    Place.SIZE: offering.size,
    Place.FEWER: offering.fewer,
    Place.TURN: _turn,
    Place.KNOWN: _known,
    Place.COUNTRY: _country,
    Place.NAME: _plain("ask.name"),
    Place.STREET: _plain("ask.street"),
    Place.CITY: _plain("ask.city"),
    Place.POSTCODE: _postcode,
    Place.REGION: _region,
    Place.SUMMARY: _summary,
    Place.CODE: _code,
    Place.PREPARING: _preparing,
    Place.PAYING: _paying,
}
CHOICES: Mapping[Place, Callable[[State, Talk], tuple[Choice, ...]]] = {
    Place.BROWSE: _browse_choices,
    Place.SIZE: offering.size_choices,
    Place.FEWER: offering.fewer_choices,
    Place.TURN: _turn_choices,
    Place.KNOWN: _known_choices,
    Place.COUNTRY: _country_choices,
    Place.NAME: _name_choices,
    Place.CITY: _skip_choices,
    Place.POSTCODE: _skip_choices,
    Place.REGION: _region_choices,
    Place.SUMMARY: _summary_choices,
    Place.CODE: _code_choices,
    Place.PAYING: lambda state, talk: (talk.button(state, "cancel", "button.cancel"),),
}
