"""How fans write: folding of text for comparison, the commands, numbers and sizes in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

COMMAND_LENGTH_MAX = 40
_APOSTROPHES = re.compile("['’`]")
_SEPARATORS = re.compile(r"[\W_]+")
_MARKS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)  # joiners stay: names in Persian or Sinhala are written with them


class Command(StrEnum):
    HELP = "help"
    CANCEL = "cancel"
    BACK = "back"
    STATUS = "status"
    LANGUAGE = "language"
    ENGLISH = "en"
    SPANISH = "es"
    MENU = "menu"
    WAITLIST = "waitlist"
    LEAVE = "leave"
    THANKS = "thanks"


_SPOKEN = {
    Command.HELP: "help, ayuda, info, what can you do, que puedes hacer",
    Command.CANCEL: "cancel, cancelar, cancela, stop, parar, anular, cancel order, cancelar pedido",
    Command.BACK: "back, go back, atras, volver, regresar",
    Command.STATUS: "status, estado, my order, my orders, order status, mi pedido, mis pedidos",
    Command.LANGUAGE: "language, idioma, lengua, lang, change language, cambiar idioma",
    Command.ENGLISH: "english, ingles, in english, en ingles",
    Command.SPANISH: "spanish, espanol, castellano, in spanish, en espanol",
    Command.MENU: "menu, start, inicio, empezar, start over, empezar de nuevo, restart",
    Command.WAITLIST: (
        "waitlist, wait list, waiting list, the waitlist, tell me when free, notify me, "
        "lista de espera, avisame, la lista de espera"
    ),
    Command.LEAVE: (
        "leave, leave waitlist, leave the waitlist, leave the list, "
        "salir, salir de la lista, dejar la lista"
    ),
    Command.THANKS: "thanks, thank you, thx, gracias, muchas gracias, thank you very much",
}
COMMANDS: Mapping[str, Command] = {
    word: command for command, words in _SPOKEN.items() for word in words.split(", ")
}


def listed(phrases: str) -> frozenset[str]:
    return frozenset(phrases.split(", "))


YES = listed(
    "yes, yeah, yep, ok, okay, sure, buy, take, want, sold, mine, si, claro, vale, dale, comprar, "
    "compro, quiero, llevo, mio, mia"
)
AROUND_YES = listed(
    "it, please, i, ill, the, to, that, a, one, lo, me, por, favor, un, uno, una, x"
)
AGREED = listed(
    "i agree, agree, agreed, i agree and pay, agree and pay, acepto, estoy de acuerdo, "
    "de acuerdo, acepto y pago, acepto y pagar"
)
SKIPPED = listed("skip, none, no, omitir, saltar, ninguno, no tengo, i dont have one")
OTHER = listed(
    "no, nope, change, change it, other, another, another address, new address, "
    "different address, cambiar, otra, otra direccion, nueva direccion, cambiar direccion"
)
DECLINED = listed("no, nope, no thanks, no thank you, not now, no gracias, ahora no")
NUMBERS: Mapping[str, int] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
    "un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5,
}  # fmt: skip
SIZES: Mapping[str, str] = {
    "extra small": "xs", "x small": "xs", "extra pequena": "xs", "extra pequeno": "xs",
    "extra extra large": "2xl", "extra large": "xl", "x large": "xl", "extra grande": "xl",
    "small": "s", "pequena": "s", "pequeno": "s", "chica": "s", "chico": "s",
    "medium": "m", "mediana": "m", "mediano": "m", "large": "l", "grande": "l",
    "xxs": "2xs", "xxl": "2xl", "xxxl": "3xl",
}  # fmt: skip
_SIZE_WORDS = re.compile(r"(?<!\d )\b(" + "|".join(SIZES) + r")\b")  # "2 x large" is not an XL
_PLAIN_SIZE_WORDS = re.compile(r"\b(small|medium|large|grande)\b")


def fold(text: str) -> str:
    """For comparison only: no case, no accents, single spaces instead of everything else."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _SEPARATORS.sub(" ", _APOSTROPHES.sub("", text.casefold())).strip()


def clean(text: str, length_max: int) -> str:
    """As the fan wrote it, without invisible characters, and no longer than one may be."""
    return _INVISIBLE.sub("", text[:length_max].replace("\r\n", "\n")).strip()


def command_in(text: str) -> Command | None:
    """The command, if the whole text is one: "/help", "Help!", "AYUDA"."""
    if len(text) > COMMAND_LENGTH_MAX:
        return None
    return COMMANDS.get(fold(text))


def is_yes(folded: str) -> bool:
    """A clear yes and nothing but a yes: "ok", "I'll take it", "sí, por favor"."""
    said = set(folded.split())
    return bool(said & YES) and said <= YES | AROUND_YES


def with_sizes(folded: str) -> str:
    """Size words as letters, so that "medium" meets "M" and "XXL" meets "2XL"."""
    lettered = _SIZE_WORDS.sub(lambda found: SIZES[found[1]], folded)
    return _PLAIN_SIZE_WORDS.sub(lambda found: SIZES[found[1]], lettered)
