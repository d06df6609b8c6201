"""All words of the pages of personal offers and tiers that do not stand in a template."""

from __future__ import annotations

from commerce.kernel.errors import Refusal

HISTORIES = {
    "new": "New: never bought",
    "returning": "Returning: bought before",
    "frequent": "Frequent: three orders in 90 days",
    "lapsed": "Lapsed: nothing for 180 days",
}
REASONS = {
    "held_out": "held out, to compare with",
    "full_price": "full price",
    "pays": "is expected to bring more than full price",
    "explores": "a trial: brings a little less, and teaches",
}
STATUS = {
    "open": "open",
    "bought": "bought",
    "lost": "ran out",
    "returned": "money went back",
}
FLAGS = {  # the parts of a cell after the fan's history
    "known": "bought in this category",
    "strange": "category is new to the fan",
    "low": "low price",
    "middle": "middle price",
    "high": "high price",
    "evening": "evening",
    "day": "day",
    "live": "in a live",
    "shop": "in the shop",
}
KINDS = {"product": "Product", "supplier": "Supplier"}
NOTICES = {
    "on": "Personal offers are on.",
    "off": "Personal offers are off. Nobody sees one any more.",
    "set": "Set.",
    "exempted": "Exempted. Offers that stood are gone.",
    "admitted": "Personal offers are possible there again.",
    "tier_set": "The tier is set. The next quote knows it.",
    "tier_removed": "The tier is gone.",
}
FIELDS = {
    "held_out_bp": "Write a percentage from 1 to 90.",
    "explore_bp": "Write a percentage from 0 to 10.",
    "minutes": "Write whole minutes from 5 to 1440.",
    "name": "Write a name of up to 40 characters.",
    "orders_min": "Write a whole number of orders from 1 to 10,000.",
    "percent_bp": "Write a percentage from 0 to 50.",
    "sku": "There is no such SKU.",
}
PROBLEMS = {
    "offer_rules_changed": "Somebody else changed this meanwhile. Look at it again; what you wrote "
    "is still here.",
    "tier_changed": "There is such a tier already, or somebody else changed it meanwhile. Look "
    "again before you send it once more.",
}


def problem(code: str) -> str:
    return PROBLEMS.get(code, "")


def of_field(refusal: Refusal) -> dict[str, str]:
    """The sentence at the field that the refusal names."""
    field = str(refusal.facts["field"])
    return {field: FIELDS[field]}


def cell(key: str) -> str:
    """What a decision looked at, in words."""
    history, *flags = key.split(":")
    return ", ".join([history, *(FLAGS.get(flag, flag) for flag in flags)])
