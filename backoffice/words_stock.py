"""All words of the stock pages that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.kernel.errors import Refusal

KINDS = {  # of a movement
    "received": "came in",
    "sold": "sold",
    "returned": "came back",
    "adjusted": "corrected",
    "counted": "counted",
    "moved_out": "moved to another warehouse",
    "moved_in": "moved in from another warehouse",
}
ACTS = {  # what the form can do
    "receive": "More came in",
    "adjust": "Correct by",
    "count": "I counted",
}
HELP = {
    "receive": "How many came in. They can be bought at once.",
    "adjust": "By how many it differs: 2 that turned up, or -2 that broke.",
    "count": "How many there are that are not sold, with those that are held for fans.",
}
NOTICES = {
    "receive": "They came in. Fans can buy them now.",
    "adjust": "Corrected.",
    "count": "Counted, and the book says so now.",
    "resumed": "It is for sale again.",
}
PROBLEMS = {
    "stock_changed": "Somebody changed this meanwhile, look again: the book now says {on_hand} "
    "on hand. What you wrote is still here.",
    "stock_promised": "{promised} of them are held for fans or sold, so there cannot be fewer.",
    "bad_quantity": "That is more than a warehouse can hold.",
    "unknown_sku": "Nothing has ever come in there, so there is nothing to correct or count.",
    "key_reused": "This form was sent before, with something else in it. Look at the history "
    "below before you send it again.",
    "no_such_product": "There is no such product.",
}
PIECES = "Write a whole number of pieces."
REASON = "Say why, in 3 to 200 characters: it stays in the history."
WAREHOUSE = "Choose an open warehouse of this supplier."
ACT = "Choose what happened."
REASONS = ("Delivery", "Found more", "Broken", "Lost", "Stocktaking")


def problem(code: str, facts: Mapping[str, Any] | None = None) -> str:
    sentence = PROBLEMS.get(code, "")
    return sentence.format_map(facts) if facts else sentence


def of_refusal(refusal: Refusal) -> str:
    return problem(refusal.code, refusal.facts)
