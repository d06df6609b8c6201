"""Free text about sizes and quantities means what the fan meant, or is asked about."""

from __future__ import annotations

import pytest

from bot import wishes
from bot.intents import Option
from bot.wishes import Unclear, Wish
from tests.bot.fans import a_single, an_offer


def of(*labels: str):
    options = tuple(Option(f"sku-{label}", label, 100, 5) for label in labels)
    return an_offer(options=options)


def meant(text: str, offer) -> tuple[str, int] | list[str]:
    read = wishes.read(text, offer)
    if isinstance(read, Wish):
        return read.option.label, read.quantity
    return [option.label for option in read.among]


LETTERS = of("S", "M", "L", "XL", "XXL")
WORDS = of("Small", "Medium", "Large")
NUMBERS = of("38", "40", "42")
COLOURS = of("Blue / 40", "Blue / 42", "Red / 42")


@pytest.mark.parametrize(
    ("text", "offer", "expected"),
    [
        ("M", LETTERS, ("M", 1)),
        ("m!", LETTERS, ("M", 1)),
        ("medium", LETTERS, ("M", 1)),
        ("mediana por favor", LETTERS, ("M", 1)),
        ("I want the L please", LETTERS, ("L", 1)),
        ("2 x L", LETTERS, ("L", 2)),
        ("2xL", LETTERS, ("XXL", 1)),  # the size of that name, where there is one
        ("2xL", of("L", "XL"), []),  # might be either
        ("L x 3", LETTERS, ("L", 3)),
        ("L x3", LETTERS, ("L", 3)),
        ("2x M", LETTERS, ("M", 2)),
        ("2xm", LETTERS, ("M", 2)),
        ("two L", LETTERS, ("L", 2)),
        ("dos de la L", LETTERS, ("L", 2)),
        ("2 x large", LETTERS, ("L", 2)),
        ("extra large", LETTERS, ("XL", 1)),
        ("x-large", LETTERS, ("XL", 1)),
        ("2xl", of("L", "XL", "2XL"), ("2XL", 1)),
        ("xxl", LETTERS, ("XXL", 1)),
        ("2XL", LETTERS, ("XXL", 1)),
        ("grande", LETTERS, ("L", 1)),
        ("I'm fine", LETTERS, []),
        ("M or L", LETTERS, ["M", "L"]),
        ("purple", LETTERS, []),
        ("🔥🔥🔥", LETTERS, []),
        ("M", WORDS, ("Medium", 1)),
        ("2 large", WORDS, ("Large", 2)),
        ("40", NUMBERS, ("40", 1)),
        ("2 x 42", NUMBERS, ("42", 2)),
        ("42 x 2", NUMBERS, ("42", 2)),
        ("blue 42", COLOURS, ("Blue / 42", 1)),
        ("red", COLOURS, ("Red / 42", 1)),
        ("blue", COLOURS, ["Blue / 40", "Blue / 42"]),
        ("hello", of("🔴", "M"), []),
        ("40", COLOURS, ("Blue / 40", 1)),
    ],
)
def test_what_was_written_is_understood(text, offer, expected):
    assert meant(text, offer) == expected


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("yes", 1), ("I'll take it", 1), ("2", 2), ("three please", 3), ("sí", 1), ("lo quiero", 1)],
)
def test_of_a_single_product_only_the_quantity_is_read(text, quantity):
    offer = a_single()

    assert wishes.read(text, offer) == Wish(offer.options[0], quantity)


@pytest.mark.parametrize("text", ["no idea", "what does it cost?", "please", "the", "🔥", "x"])
def test_of_a_single_product_nothing_is_bought_by_chatting(text):
    assert wishes.read(text, a_single()) == Unclear()
