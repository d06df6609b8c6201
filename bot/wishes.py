"""What a fan wants of an offer, read from free text: "M", "medium please", "2", "2 x Blue / 42"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot import words
from bot.intents import Offer, Option

QUANTITY_MAX = 5
_GLUED = re.compile(r"^(\d{1,3})x(.*)$|^x(\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Wish:
    option: Option
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Unclear:
    """Several options fit what was written; none if `among` is empty."""

    among: tuple[Option, ...] = ()


def is_single(offer: Offer) -> bool:
    return len(offer.options) == 1


def buyable(offer: Offer) -> tuple[Option, ...]:
    return tuple(option for option in offer.options if option.available > 0)


def read(text: str, offer: Offer) -> Wish | Unclear:
    folded = words.fold(text)
    if is_single(offer):
        return _of_the_only_one(folded, offer.options[0])
    tokens = _tokens(words.with_sizes(folded))
    labels = [(_label_tokens(option.label), option) for option in offer.options]
    found = _named(tokens, labels) or _partly_named(tokens, labels)
    if len(found) != 1:
        return Unclear(tuple(found))
    label, option = next(pair for pair in labels if pair[1] is found[0])
    return Wish(option, _quantity(_without(tokens, label)))


def _of_the_only_one(folded: str, option: Option) -> Wish | Unclear:
    label = _label_tokens(option.label)
    tokens = _tokens(folded)
    if label and _holds(tokens, label):
        return Wish(option, _quantity(_without(tokens, label)))
    numbers = [token for token in tokens if token.isdecimal() or token in words.NUMBERS]
    rest = [token for token in tokens if token not in numbers]
    if words.is_yes(" ".join(rest)) or (numbers and set(rest) <= words.AROUND_YES):
        return Wish(option, _quantity(tokens))
    return Unclear()


def number_in(folded: str) -> int | None:
    """The count, where nothing but a count was written: "3", "take two please"."""
    tokens = _tokens(folded)
    numbers = [token for token in tokens if token.isdecimal() or token in words.NUMBERS]
    if not numbers or set(tokens) - set(numbers) - words.AROUND_YES - words.YES:
        return None
    return _quantity(numbers)


def _named(tokens: Sequence[str], labels: Sequence[tuple[tuple[str, ...], Option]]) -> list[Option]:
    """The options whose whole label was written; of labels within labels the longest."""
    found = [(label, option) for label, option in labels if _holds(tokens, label)]
    longest = max((len(label) for label, _ in found), default=0)
    return [option for label, option in found if len(label) == longest]


def _partly_named(
    tokens: Sequence[str], labels: Sequence[tuple[tuple[str, ...], Option]]
) -> list[Option]:
    """The options that share most words with the text, for labels of several words."""
    shared = [(len(set(tokens) & set(label)), option) for label, option in labels]
    most = max((count for count, _ in shared), default=0)
    return [option for count, option in shared if most and count == most]


def _holds(tokens: Sequence[str], label: tuple[str, ...]) -> bool:
    size = len(label)  # none: a label of signs only, which is never meant by words
    return size > 0 and any(
        tuple(tokens[i : i + size]) == label for i in range(len(tokens) - size + 1)
    )


def _without(tokens: Sequence[str], label: tuple[str, ...]) -> list[str]:
    """What was written besides the label; its last occurrence counts: "2 x 2" is two of "2"."""
    size = len(label)
    for i in range(len(tokens) - size, -1, -1):
        if size and tuple(tokens[i : i + size]) == label:
            return [*tokens[:i], *tokens[i + size :]]
    return [token for token in tokens if token not in label]


def _quantity(tokens: Sequence[str]) -> int:
    for token in tokens:
        if token.isdecimal():
            return int(token[:4])
        if token in words.NUMBERS:
            return words.NUMBERS[token]
    return 1


def _tokens(folded: str) -> list[str]:
    found: list[str] = []
    for token in folded.split():
        glued = _GLUED.match(token)
        if glued is None or f"x{glued[2]}" in ("xs", "xl", "xxl"):  # "2xl" is a size of its own
            found.append(token)
        else:
            found += [glued[1] or glued[3], "x"] + ([glued[2]] if glued[2] else [])
    return found


@lru_cache(maxsize=1024)
def _label_tokens(label: str) -> tuple[str, ...]:
    return tuple(words.with_sizes(words.fold(label)).split())
