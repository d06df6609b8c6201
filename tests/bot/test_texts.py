"""Every language says everything, with the same facts, and nothing is said that no one asks for."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from bot import addresses, commands, countries, refusals
from bot.model import Place
from bot.texts import LANGUAGES, language_of
from bot.words import COMMANDS, Command, fold
from tests.bot.fans import TEXTS
from tests.house import source

PUT_TOGETHER = {  # keys whose end is found while talking -> the ends there are
    "postcode": {addresses.rules(code).postcode_word for code in countries.codes()},
    "region": {addresses.rules(code).region_word for code in countries.codes()},
    "status": {
        "pending", "confirmed", "paid", "cancelled", "refunded", "none", "orders", "order",
    },
    "field": {Place.NAME, Place.STREET, Place.CITY, Place.REGION},
    "problem": {
        "country", "letters", "long", "postcode", "region", "postcode_region", "city_region",
    },
}  # fmt: skip
BUTTON_LENGTH_MAX = 20  # WhatsApp's reply buttons hold no more


def placeholders(template) -> set[str]:
    forms = [template] if isinstance(template, str) else template.values()
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_facts(language):
    first = {key: placeholders(words) for key, words in TEXTS.templates["en"].items()}
    other = {key: placeholders(words) for key, words in TEXTS.templates[language].items()}

    assert other == first


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_put_together_has_words(language):
    for prefix, ends in PUT_TOGETHER.items():
        have = {key for key in TEXTS.templates[language] if key.startswith(f"{prefix}.")}
        assert have == {f"{prefix}.{end}" for end in ends}


def test_every_refusal_has_words():
    have = {key.removeprefix("refusal.") for key in TEXTS.templates["en"] if "refusal." in key}
    # said in the words of another
    alike = {
        "not_for_sale", "unknown_sku", "no_such_quote", "turn_lapsed", "no_rate", "no_price",
    }  # fmt: skip

    have -= {key.removeprefix("refusal.") for key in refusals.NOT_THERE.values()}
    assert have == {*refusals.REFUSALS, "unknown", "sold_out", "session_ended"} - alike


def test_no_words_are_unused():
    code = "".join(module.text for module in source.product() if module.path.startswith("bot/"))
    used = set(re.findall(r'"([a-z]+(?:\.[a-z_]+)+)"', code))
    asked = {"offer.choose", "offer.take", "offer.gone", "offer.gone_sizes"}
    used |= asked | {f"{key}_again" for key in asked}
    used |= {f"{prefix}.{end}" for prefix, ends in PUT_TOGETHER.items() for end in ends}

    assert set(TEXTS.templates["en"]) - used == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_buttons_are_short_and_nobody_shouts(language):
    templates = TEXTS.templates[language]
    long = [key for key, words in templates.items()
            if key.startswith("button.") and len(str(words)) > BUTTON_LENGTH_MAX]  # fmt: skip

    assert long == []
    assert not any("!" in str(words) for words in templates.values())


def test_the_plural_follows_the_count():
    assert TEXTS.render("offer.ends", "en", count=1) == "The offer ends in 1 minute."
    assert TEXTS.render("offer.ends", "es", count=2) == "La oferta termina en 2 minutos."


def test_every_command_is_written_as_it_is_compared_and_leads_somewhere():
    assert [word for word in COMMANDS if fold(word) != word] == []
    assert set(COMMANDS.values()) == set(Command) == set(commands.COMMANDS)


@pytest.mark.parametrize(
    ("code", "language"), [("es", "es"), ("es-419", "es"), ("ES", "es"), ("de", "en"), ("", "en")]
)
def test_an_unknown_language_is_english(code, language):
    assert language_of(code) == language
