"""Goods that fans ask for: "do you have this in blue?", "¿lo tienen en azul?"."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import offering, ordering, questions, words
from bot import talk as talking
from bot.intents import Find, Good, GoodsFound, Offer, Option
from bot.messages import Choice
from bot.model import Place, State, Turn
from bot.talk import Talk

PLACES = frozenset({Place.BROWSE, Place.SIZE, Place.FEWER})  # elsewhere a text answers a question
ASKED_LENGTH_MAX = 80
_QUESTIONS = re.compile(
    r"(?:do you (?:also )?(?:have|sell|carry|got)|have you got|(?:is|are) there|(?:you )?got|"
    r"(?:does|do|is|are) (?:it|this|that|they|these)(?: also)? (?:come|available|sold)|"
    r"(?:what|how) about|looking for|i am looking for|im looking for|search for|find|"
    r"(?:l[oa]s? )?(?:tambien )?(?:tienen?|tienes|teneis|hay|venden|vendeis|quedan?)|"
    r"(?:y )?(?:esta|este|viene|vienen|existe|sale)(?= en )|y(?= en )|busco|buscar?|estoy buscando)"
    r"\b(.*)"
)
_IN = re.compile(r"(?:in|en) .+")
_AROUND = words.listed(
    "this, that, it, one, ones, them, these, in, a, an, any, the, also, of, for, me, please, left, "
    "still, available, color, colour, size, esto, eso, este, esta, lo, la, los, las, el, un, una, "
    "unos, unas, algun, alguna, en, de, del, para, por, favor, tambien, talla, todavia, aun, queda"
)


def asked(text: str) -> str:
    """What the text asks for, in words to search by; "" where it is no such question."""
    folded = words.fold(text)
    found = _QUESTIONS.fullmatch(folded)
    if found:
        rest = found[1]
    elif text.rstrip().endswith("?") and _IN.fullmatch(folded):
        rest = folded
    else:
        return ""
    said = words.with_sizes(rest).split()
    telling = [word for word in said if word not in _AROUND and word not in words.NUMBERS]
    return " ".join(telling)[:ASKED_LENGTH_MAX]


def find(state: State, wish: str) -> Turn:
    return Turn(state, (), (Find(wish, state.session, state.territory),))


def found(state: State, outcome: GoodsFound, talk: Talk) -> Turn:
    """What is shown now comes first; then what else there is."""
    offer = outcome.offer
    fitting = [option for option in offer.options if option.sku in outcome.skus] if offer else []
    if offer and fitting:
        return _of_this(ordering.showing(state, offer), offer, fitting, talk)
    if not outcome.others:
        return questions.asked(state, talk, talk.say(state, "find.none", asked=outcome.asked))
    key = "find.not_this" if offer else "find.others"
    lines = [talk.say(state, key, title=offer.title if offer else "")]
    lines += [_line(state, talk, good) for good in outcome.others]
    return questions.asked(state, talk, "\n".join(lines))


def _of_this(state: State, offer: Offer, fitting: list[Option], talk: Talk) -> Turn:
    left = [option for option in fitting if option.available > 0]
    if not left:
        wanted = offering.wanted_of(offer, fitting[0])
        return questions.asked(
            replace(state, wanted=wanted), talk, offering.sorry(state, talk, wanted)
        )
    told = ", ".join(_told(state, talk, option) for option in left[: offering.CHOICES_MAX])
    turn = questions.asked(state, talk, talk.say(state, "find.yes", title=offer.title, told=told))
    buttons = {talking.button_id(state, str(offer.options.index(option))) for option in left}
    (reply,) = turn.replies
    choices: tuple[Choice, ...] = tuple(c for c in reply.choices if c.id in buttons)
    return replace(turn, replies=(replace(reply, choices=choices or reply.choices),))


def _told(state: State, talk: Talk, option: Option) -> str:
    left = talking.stock(state, talk, option.available)
    return f"{option.label} ({left})" if option.label else left


def _line(state: State, talk: Talk, good: Good) -> str:
    price = talking.price(state, good.price_minor, good.currency)
    if good.price_varies:
        price = talk.say(state, "offer.price_from", price=price)
    return talk.say(state, "find.good", title=good.title, price=price, url=good.url)
