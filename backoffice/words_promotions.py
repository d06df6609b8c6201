"""All words of the pages about promotions that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backoffice import pages, words
from commerce.kernel.errors import Refusal

STATUS = {
    "draft": "draft",
    "pending": "waiting for a yes",
    "scheduled": "agreed",
    "active": "running",
    "paused": "paused",
    "ended": "over",
    "rejected": "rejected",
    "cancelled": "cancelled",
}
TONES = {
    "pending": "badge--waiting",
    "scheduled": "badge--good",
    "active": "badge--live",
    "paused": "badge--waiting",
    "rejected": "badge--bad",
}
KINDS = {"campaign": "Campaign", "single": "One product", "default": "Everything"}
VISIBILITY = {
    "global": ("Everybody", "An admin says yes first."),
    "leader": ("One leader's audience", "That leader says yes first."),
    "both": ("Everybody, and a leader stands by it", "An admin and the leader say yes first."),
}
FUNDERS = {"supplier": "the supplier", "leader": "the leader", "platform": "the platform"}
SIDES = {"platform": "an admin", "leader": "the leader"}
EFFECTS = {
    "percent": ("Percent off", "10 % off each piece."),
    "fixed": ("An amount off", "5.00 off the whole order, or off each piece."),
    "buy_get": ("Buy some, get some", "The cheapest are free, or cheaper."),
    "bundle": ("A price for a set", "Two or three products together, for one price."),
    "free_delivery": ("Free delivery", "The fan pays for the goods only."),
    "tiered": ("The more, the cheaper", "From 2 pieces 5 %, from 3 pieces 10 %."),
}
COMBINING = {
    "combine": ("Adds to other discounts", "Up to what the shop allows altogether."),
    "best_of_group": ("Best of its group", "Of promotions with the same group, the best counts."),
    "exclusive": ("Stands alone", "No other discount beside it; the fan gets whichever is better."),
}
MODES = {
    "parallel": ("From the full price", "Each counts from the full price. No order matters."),
    "sequential": ("One after the other", "Each counts from what those before it left."),
    "best": ("Only the best", "Of all discounts only the largest counts."),
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NOTICES = {
    "made": "Kept as a draft. Look at it once more, then send it off.",
    "saved": "Saved.",
    "submit": "Sent off.",
    "approve": "You said yes.",
    "reject": "You said no, and why.",
    "pause": "Paused. No new order gets it.",
    "resume": "It runs again.",
    "cancel": "Cancelled. What fans have ordered stays as it is.",
    "codes": "The codes are ready.",
    "policy": "Set. It counts for every price from now on.",
}
LOOK = "Something is not right yet: look below."
CHOOSE = "Choose one of these."
NO_SUCH_PRODUCT = "There is no product of yours with this SKU. Choose one from the list."
PERCENT = "Write a percentage like 10 or 12.5, without a minus."
NUMBER = "Write a whole number."
AMOUNT = "Write an amount of more than nothing, like 5.00."
TIERS = "Write it like: 2 = 5, 3 = 10 (from 2 pieces 5 %), or like: 50 EUR = 5, 100 EUR = 10."
HOUR = "Write an hour like 18:00."
MOMENT = "Choose a day and an hour."

FIELDS = {  # of a refusal -> of the form
    "title": "title_en",
    "leader": "leader_id",
    "visibility": "visibility",
    "products": "product_1",
    "kind": "product_1",
    "percent": "percent",
    "amount": "amounts",
    "buy": "buy",
    "get": "get",
    "tiers": "tiers",
    "weekdays": "days",
    "hours": "from",
    "min_quantity": "min_quantity",
    "min_worth": "min_worth",
    "per_fan": "per_fan",
    "total_limit": "total_limit",
    "maximum": "maximum",
    "priority": "priority",
    "group": "group",
    "ends": "ends",
    "maximum_bp": "maximum_bp",
    "margin_bp": "margin_bp",
    "timezone": "timezone",
    "code": "code",
    "count": "count",
    "prefix": "prefix",
    "most": "most",
}
BAD = {  # (field, reason) or reason -> sentence
    ("title", "missing"): "Say what it is: fans read it beside the price.",
    ("title", "too_long"): "At most {most} characters.",
    ("leader", "missing"): "Choose whose audience it is.",
    ("leader", "unknown"): "Choose whose audience it is.",
    ("products", "count"): "Choose one product, two or three different ones, or none.",
    ("products", "not_the_bundle"): "Choose the two or three products of the set.",
    ("products", "unknown"): NO_SUCH_PRODUCT,
    ("kind", "bundle_is_a_campaign"): "A set has two or three products. Choose them.",
    ("visibility", "not_your_audience"): "You can promote to your own audience only.",
    ("group", "missing"): "Name the group: promotions with the same name are compared.",
    ("promotion", "needs_no_code"): "This promotion counts without a code.",
    ("percent", "too_small"): "Take off more than nothing.",
    "over_100": "At most 100 percent can come off.",
    "too_small": "At least {least}.",
    "too_large": "At most {most}.",
    "missing": "This is needed.",
    "unknown": "Choose one of these.",
    "not_rising": "Each step needs more pieces and more percent than the one before.",
    "end_before_start": "It would end before it begins.",
    "in_the_past": "Its end is over. Choose a later one.",
    "no_amount_in_currency": "A product is sold in {currency}: write the amount for it too.",
    "unknown_currency": "There is no currency {currency}.",
    "length": "That is too long or too short.",
    "range": "Between {least} and {most}.",
}
PROBLEMS = {
    "not_your_product": "“{title}” is another supplier's product.",
    "supplier_not_active": "The supplier is not verified or is suspended, so nothing of theirs can "
    "be promoted now.",
    "stale_promotion": "Somebody changed this meanwhile. Look at it as it is now; what you "
    "wrote is still here.",
    "not_your_promotion": "There is no such promotion.",
    "no_such_promotion": "There is no such promotion.",
    "code_taken": "The code {code} is taken already.",
    "key_reused": "This form was sent before, with something else in it.",
    "reason_missing": "Say why, in 3 to 500 characters.",
    "illegal_move": "That is not possible any more.",
    "bad_policy": "At most 100 percent, and a time zone like Europe/Madrid.",
}
NOT_APPLIED = {  # why the preview shows no discount
    "minimum_quantity": "needs {missing} more",
    "minimum_worth": "needs {amount} more in the basket",
    "tier_not_reached": "needs more for the first step",
    "too_few": "needs {missing} more",
    "bundle_incomplete": "needs the whole set",
    "wrong_product": "is not about this product",
    "floor_reached": "is at the lowest price that is allowed",
    "maximum_reached": "takes off the most that is allowed",
    "no_amount_in_currency": "has no amount in {currency}",
    "other_hour": "does not count at this hour",
}


def of_refusal(refusal: Refusal) -> str:
    facts = refusal.facts
    pair = (str(facts.get("field", "")), str(facts.get("reason", "")))
    sentence = BAD.get(pair) or BAD.get(pair[1]) or PROBLEMS.get(refusal.code, "")
    return sentence.format_map(facts) if sentence else words.of_refusal(refusal)


def problem(code: str) -> str:
    """What a page before left to be said; those with facts are said at their forms."""
    sentence = PROBLEMS.get(code, "")
    return "" if "{" in sentence else sentence


def why_not(reason: str, facts: Mapping[str, Any]) -> str:
    amount = ""
    if "missing_minor" in facts:
        amount = pages.money(facts["missing_minor"], facts["currency"])
    return NOT_APPLIED.get(reason, "takes nothing off").format_map({**facts, "amount": amount})
