"""All words of flash prices in the back office that do not stand in a template."""

from __future__ import annotations

from backoffice import pages
from commerce.kernel.clock import MINUTE
from commerce.kernel.errors import Refusal
from commerce.promotions import FlashEnding, FlashStatus

STATUS = {
    FlashStatus.OFFERED: "waits to be started",
    FlashStatus.RUNNING: "running",
    FlashStatus.ENDED: "ended",
    FlashStatus.WITHDRAWN: "withdrawn",
}
ENDINGS = {
    FlashEnding.TIME: "its time was over",
    FlashEnding.SOLD: "every piece was sold",
    FlashEnding.LEADER: "the leader stopped it",
    FlashEnding.SUPPLIER: "the supplier took it back",
    FlashEnding.SESSION: "the live ended",
}
NOTICES = {
    "offered": "Offered. The leader finds it beside the pinned product.",
    "withdrawn": "Withdrawn. Who holds a piece keeps the price.",
}
PROBLEMS = {
    "flash_changed": "Somebody changed it meanwhile. Look at it as it is now.",
    "flash_runs": "A flash price of this style runs already.",
    "flash_not_for_sale": "This product is not for sale now.",
    "not_your_flash": "There is no such flash price.",
    "no_such_flash": "There is no such flash price.",
}
SKU = "Choose what is offered."
LEADER = "Choose a leader."
PRICE = "Write an amount like 39.00."
PIECES = "Write a whole number of pieces."
MINUTES = "Write a whole number of minutes."


def at_field(refusal: Refusal, currency: str) -> dict[str, str]:
    """The sentence for a refusal, at the field it is about; at none where it is about the whole."""
    facts = refusal.facts
    match refusal.code:
        case "bad_flash_price":
            return {"price": _price(facts.get("minimum"), facts.get("maximum"), currency)}
        case "bad_flash_quantity":
            return {"quantity": f"From 1 to {facts['maximum']} pieces: there are no more."}
        case "bad_flash_limit":
            return {"per_fan": f"From 1 to {facts['maximum']}: all pieces there are."}
        case "bad_flash_duration":
            least, most = facts["minimum"] // MINUTE, facts["maximum"] // MINUTE
            return {"minutes": f"From {least} to {most} minutes."}
        case "flash_not_for_sale":
            return {"sku": PROBLEMS["flash_not_for_sale"]}
    return {}


def _price(minimum: int | None, maximum: int | None, currency: str) -> str:
    least = pages.money(minimum, currency) if minimum is not None else ""
    if maximum is None:
        return f"Not less than {least}: that is what the supplier offers."
    return f"From {least} to {pages.money(maximum, currency)}: below the price it has otherwise."
