"""All words of the delivery pages that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from babel import Locale
from babel.dates import format_date

from commerce import inventory
from commerce.kernel.errors import Refusal

SPEEDS = {
    "economy": "Economy",
    "standard": "Standard",
    "express": "Express",
    "same_day": "Same day",
}
GROUPS = {"EU": "European Union", "WORLD": "All countries we deliver to"}
DEFAULT_ZONES = {"domestic": "Within the country", "eu": "Within the EU", "world": "The world"}
NOTICES = {"saved": "Saved. The next price is made with it.", "removed": "This zone is gone."}
WRONG = {  # of a field, and what is wrong with it; "*" = whatever it is
    ("name", "*"): "Give the zone a name of up to 60 characters.",
    ("origin", "*"): "Choose the country that parcels leave, or any.",
    ("areas", "number"): "Say at least one country, and at most 3,000 postcodes.",
    ("areas", "*"): "{what} is no country and no beginning of a postcode. Write lines like DE, "
    "or DE: 80, 81.",
    ("rates", "*"): "A zone needs at least one rate, and has 40 at most.",
    ("currency", "*"): "Write the three letters of a currency, like EUR.",
    ("speed", "twice"): "This currency has this speed already, in a rate above.",
    ("speed", "no_standard"): "This currency needs a standard rate as well.",
    ("speed", "*"): "Choose how fast it is.",
    ("days", "*"): "Write two whole numbers of working days, the smaller one first.",
    ("free_from", "*"): "Write an amount like 50.00, or leave it empty.",
    ("cm3_per_kg", "*"): "Write a whole number like 5000, or leave it empty.",
    ("steps", "gap"): "Line {line} leaves a gap: begin where the line before ends.",
    ("steps", "overlap"): "Line {line} overlaps the line before: begin where that one ends.",
    ("steps", "order"): "Line {line} ends before it begins.",
    ("steps", "amount"): "Line {line} needs an amount that can be paid.",
    ("steps", "unread"): "Line {line} cannot be read. Write lines like 0-1000: 4.90 "
    "or 5000+: 9.90.",
    ("steps", "*"): "Write at least one line like 0-1000: 4.90, and at most 40.",
}
PROBLEMS = {
    "zone_changed": "Somebody saved this zone meanwhile. What you wrote is still here: open the "
    "zone in another tab to compare, then save again.",
    "key_reused": "This form was sent before, with something else in it.",
}
NO_DELIVERY = {
    "country": "Nothing is delivered to {country}: no zone has it.",
    "postcode": "{postcode} in {country} is in none of the zones.",
    "warehouse": "No warehouse with this in it serves {country} {postcode}.",
    "too_heavy": "That weighs {grams} g, and the zone carries {grams_max} g at most.",
}
NO_RATE = "This is delivered there, but there is no {speed} rate in {currency}."
OUT_OF_STOCK = "Where it can be sent from there are {available}, not {asked}."
PIECES = "Write how many pieces, from 1 to 999."
NO_SKU = "Choose something that you sell."
COUNTRY = "Choose a country."


@cache
def countries() -> dict[str, str]:
    """By their names."""
    names = Locale("en").territories
    found = {code: str(names[code]) for code in inventory.countries()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def days(earliest: str, latest: str) -> str:
    said = [
        format_date(date.fromisoformat(day), "EEE, d MMM", locale="en")
        for day in dict.fromkeys((earliest, latest))
    ]
    return " to ".join(said)


def place(code: str) -> str:
    return GROUPS.get(code) or countries().get(code, code)


def wrong(field: str, problem: str) -> str:
    """`field` is like `name` or `rates.0.steps.1`."""
    parts = field.split(".")
    kind = parts[2] if len(parts) > 2 else parts[0]
    words = WRONG.get((kind, problem)) or WRONG[kind, "*"]
    return words.format(what=problem, line=int(parts[3]) + 1 if len(parts) > 3 else "")


def taken(facts: Mapping[str, str]) -> str:
    prefix = facts["postcode_prefix"]
    where = f"{place(facts['country'])}, postcodes {prefix}…" if prefix else place(facts["country"])
    return f"{where} is in another zone already. An address can be in one only."


def of_refusal(refusal: Refusal) -> str:
    """Why nothing can be sent to the address that was tried, or saved."""
    facts = {"postcode": "", **refusal.facts}
    if refusal.code == "no_delivery":
        facts["country"] = place(facts["country"])
        return NO_DELIVERY[facts["reason"]].format_map(facts).strip()
    if refusal.code == "no_rate":
        return NO_RATE.format(speed=SPEEDS[facts["speed"]].lower(), currency=facts["currency"])
    if refusal.code == "out_of_stock":
        return OUT_OF_STOCK.format_map(facts)
    return PROBLEMS.get(refusal.code, "")
