"""All words about products, categories and listings that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backoffice import pages
from commerce.kernel.errors import Refusal
from commerce.kernel.money import AMOUNT_MINOR_MAX

STATUSES = {
    "draft": "Drafts",
    "published": "For sale",
    "unlisted": "Unlisted",
    "archived": "Archived",
}
CONDITIONS = {
    "new": "New",
    "open_box": "New, box opened",
    "refurbished": "Refurbished",
    "used": "Used",
}
TAXES = {
    "standard": "Standard rate",
    "reduced": "Reduced rate",
    "books": "Books",
    "food": "Food",
    "clothing": "Clothes",
    "children": "Children's clothes",
    "exempt": "Exempt",
}
MISSING = {  # of a product that cannot be published
    "title": "a title",
    "image": "a picture",
    "variants": "at least one variant",
    "price": "a price for every variant",
    "stock location": "a place in a warehouse",
}
NOTICES = {
    "created": "Here is your draft. Describe it, then publish it.",
    "saved": "Saved.",
    "publish": "It is for sale now.",
    "unlist": "It left the lists. Where it is pinned it is still sold.",
    "archive": "Archived. It is sold no more.",
    "delete": "Deleted.",
    "shelf": "It has a place in the main warehouse now.",
    "category": "The category is saved.",
    "brand": "The brand is saved.",
    "gone": "Deleted.",
    "listed": "Fans in your lives see it like this.",
    "pause": "Paused. In your lives it is sold at the supplier's terms.",
    "resume": "Your terms hold again.",
    "remove": "It is off your list.",
    "priced": "The price is set.",
    "ended": "The price ends.",
}
PROBLEMS = {
    "stale_product": "Somebody saved this product meanwhile. What you wrote is still here: look "
    "at what differs and save again.",
    "stale_listing": "This was changed in another window meanwhile. What you wrote is still here: "
    "look at it and save again.",
    "stale_group": "Somebody saved this meanwhile. Look at it and try again.",
    "product_incomplete": "To be on sale it needs {needs}.",
    "supplier_not_active": "Nothing of this supplier can be sold now.",
    "no_such_product": "There is no such product, or it is not for sale.",
    "no_such_category": "This category does not exist any more.",
    "no_such_brand": "This brand does not exist any more.",
    "no_such_variant": "This style is not sold any more.",
    "sku_taken": "Another product has this SKU, or had it once.",
    "bad_variants": "This does not fit together.",
    "bad_share": "Write a share from 0 to 100 %.",
    "name_taken": "There is one with this name already.",
    "bad_name": "Give it a name of at most {maximum} characters.",
    "group_in_use": "Products or further categories are in it. Move them first.",
    "category_loop": "A category cannot be within itself.",
    "price_outside_limits": "Ask {range}.",
    "share_too_high": "The supplier gives at most {maximum}.",
    "bad_listing": "Choose at least one style that you sell.",
    "not_your_listing": "This is not on your list any more.",
    "price_over": "This price is over already.",
    "no_such_price": "This price is over already.",
    "not_your_price": "There is no such product.",
    "illegal_move": "That is not possible any more.",
    "key_reused": "This form was sent before, for something else. Open the page again.",
    "not_your_product": "There is no such product.",
}
CONTRADICTIONS = {  # bad_variants, by field
    "sku": "Every variant needs a SKU of its own.",
    "price": "A price is not below nothing.",
    "price_min": "Your minimum is above your own price.",
    "price_max": "Your maximum is below your own price or your minimum.",
    "weight": "At most 1 000 kg.",
    "volume": "At most 100 m³.",
}
FIELD_OF = {  # bad_variants names it -> the form does
    "sku": "sku",
    "price": "price",
    "price_min": "min",
    "price_max": "max",
    "weight": "weight",
    "volume": "volume",
}
TITLE = "Give it a title: fans see it."
CHOOSE = "Choose one of these."
PERCENT = "Write a percentage from 0 to 100, like 12.5."
AMOUNT = "Write an amount like 12.50."
WHOLE = "Write a whole number."
SKU = "Up to 64 letters, digits, dots, dashes, slashes; it can never change."
SKU_TWICE = "This SKU stands here twice."
CURRENCY = "Choose the currency its prices are in, like EUR."
SUPPLIER = "Choose whose product it is."
LOOK = "Nothing is saved yet: look at what is marked below."
DAY = "Write a day and an hour."
AFTER = "The end has to come after the start."
PAST = "What it cost in the past cannot be changed. Leave this empty for now."
OVERLAPS = "{sku} has another price from {from_} until {to}. End that one first."
MAIN = "the main warehouse"


def too_long(longest: int, length: int) -> str:
    return f"At most {longest} characters; this has {length}."


def problem(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal; empty for a code that nobody of ours sent."""
    sentence = PROBLEMS.get(code, "")
    return sentence.format_map(_said(facts or {})) if facts or "{" not in sentence else ""


def of_refusal(refusal: Refusal) -> str:
    return problem(refusal.code, refusal.facts or {"": ""})


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(facts)
    if "missing" in facts:
        said["needs"] = " and ".join(MISSING[name] for name in facts["missing"])
    if "minimum" in facts:
        said["range"] = between(facts["minimum"], facts["maximum"], facts["currency"])
    if "maximum_bp" in facts:
        said["maximum"] = f"{pages.percent(facts['maximum_bp'])} %"
    return said


def between(least_minor: int, most_minor: int, currency: str) -> str:
    least = pages.money(least_minor, currency)
    if most_minor >= AMOUNT_MINOR_MAX:
        return f"at least {least}"
    most = pages.money(most_minor, currency)
    return f"exactly {least}" if least == most else f"from {least} to {most}"
