"""All words of the back office that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commerce.kernel.errors import Refusal

STATUS = {
    "planned": "planned",
    "live": "live",
    "ended": "ended",
    "draft": "draft",
    "published": "for sale",
    "unlisted": "unlisted",
    "active": "active",
    "paused": "paused",
    "archived": "archived",
    "pending": "waiting",
    "paid": "paid",
    "cancelled": "cancelled",
    "refunded": "refunded",
}

NOTICES = {
    "pinned": "Pinned. Fans see it now.",
    "unpinned": "Unpinned.",
    "started": "You are live. Pin a product and share the link.",
    "ended": "This live has ended.",
    "flash_started": "The flash price runs. Fans see it now.",
    "flash_stopped": "The flash price is over. Who holds a piece keeps it.",
}

NOT_POSSIBLE = "illegal_move"  # said of a refusal that has no words of its own

PROBLEMS = {
    "wrong_credentials": "This e-mail and password do not belong together.",
    "too_many_tries": "Too many tries. Wait {wait} and try again.",
    "stale_form": "This form was open for too long. Try again.",
    "unknown_session": "There is no such live.",
    "not_your_session": "There is no such live.",
    "session_ended": "This live has ended already.",
    "session_not_live": "This live has not started yet.",
    "nothing_pinned": "Nothing is pinned any more.",
    "offer_already_over": "The offer would end before it begins.",
    "product_not_for_sale": "This product is not for sale now.",
    "no_such_product": "This product is not for sale now.",
    "no_such_minutes": "Write the minutes as a whole number from 1 to 240, or leave them empty.",
    "not_allowed": "Your role does not allow this.",
    "illegal_move": "That is not possible any more.",
}

PAGES = {  # status of the answer -> headline and words
    400: ("That did not arrive whole", "The form could not be read. Go back and send it again."),
    403: (
        "This was not sent",
        "The form was too old or did not come from this page. Nothing was changed. "
        "Open the page again and repeat it.",
    ),
    404: ("Not found", "There is no such page, or it is not yours to see."),
    409: ("Not possible", "That is not possible any more."),
    413: ("That is too large", "At most 3 MB can be sent at once. Nothing was changed."),
    415: ("That did not arrive whole", "The form could not be read. Go back and send it again."),
    429: ("Too many windows", "This console is open in too many windows. Close some of them."),
}
NOT_ALLOWED = ("Not for your role", "Your role does not open this page.")


def problem(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal; empty for a code that nobody of ours sent."""
    sentence = PROBLEMS.get(code, "")
    return sentence.format(wait=_wait(facts or {})) if "{wait}" in sentence else sentence


def of_refusal(refusal: Refusal) -> str:
    return problem(refusal.code, refusal.facts) or PAGES[409][1]


def _wait(facts: Mapping[str, Any]) -> str:
    seconds = int(facts.get("retry_after_seconds", 60))
    if seconds <= 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
