"""All words of the warehouse pages that do not stand in a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backoffice import words_delivery
from commerce.inventory import MAIN, Area, Warehouse
from commerce.kernel.errors import Refusal

MAIN_NAME = "Main warehouse"
NOTICES = {
    "opened": "The warehouse is open. Move pieces there, or receive them.",
    "saved": "Saved.",
    "closed": "The warehouse is closed. Nothing comes in there any more.",
    "moved": "They moved. Nothing that is held for fans changed.",
}
WRONG = {  # of a field
    "name": "Give it a name of up to 60 characters.",
    "country": "Choose the country it stands in.",
    "region": "At most 80 characters.",
    "city": "At most 80 characters.",
    "postcode": "Write letters and digits, up to 12.",
    "coordinates": "Write two numbers like 52.520, 13.405, or leave it empty.",
    "areas": "“{what}” is no country with the beginnings of its postcodes. Write lines like DE, "
    "or DE 10, 12-14.",
    "handling_days": "Write a whole number of days, at most 60.",
    "cutoff": "Write a time like 14:30.",
    "timezone": "Choose a time zone, like Europe/Berlin.",
    "pieces": "Write a whole number of pieces.",
    "to": "Choose another warehouse of the same supplier.",
    "reason": "Say why, in 3 to 200 characters: it stays in the history.",
}
TOO_MANY_AREAS = "These are more than 3,000 beginnings of postcodes. Name the country alone."
LOOK = "Something is missing. Look below."
PROBLEMS = {
    "warehouse_changed": "Somebody changed this warehouse meanwhile. What you wrote is still "
    "here: look at what differs in another tab, then save again.",
    "warehouse_closed": "It is closed already.",
    "warehouse_not_empty": "{pieces} pieces are still there. Move them to another warehouse first.",
    "stock_promised": "Only {available} can go: the others are held for fans or sold.",
    "unknown_sku": "Nothing lies there.",
    "bad_quantity": "That is more than a warehouse can hold.",
    "same_warehouse": "They are there already. Choose another warehouse.",
    "not_your_warehouse": "It belongs to another supplier.",
    "unknown_warehouse": "There is no such warehouse.",
    "key_reused": "This form was sent before, with something else in it.",
}


def of_refusal(refusal: Refusal) -> str:
    return PROBLEMS.get(refusal.code, "").format_map(refusal.facts)


def name(warehouse_id: str, known: Mapping[str, Warehouse]) -> str:
    """What people call it; one that nobody ever opened keeps the name it was written with."""
    if warehouse_id == MAIN:
        return MAIN_NAME
    return known[warehouse_id].name if warehouse_id in known else warehouse_id


def country(code: str) -> str:
    return words_delivery.place(code)


def place(warehouse: Warehouse) -> str:
    parts = (warehouse.city, words_delivery.place(warehouse.country))
    return ", ".join(part for part in parts if part)


def served(areas: Sequence[Area]) -> str:
    if not areas:
        return "Serves every address you deliver to"
    return "Serves " + ", ".join(map(_area, areas))


def _area(area: Area) -> str:
    country = words_delivery.place(area.country)
    shown, more = area.postcode_prefixes[:5], len(area.postcode_prefixes) - 5
    if not shown:
        return country
    return f"{country} ({', '.join(shown)}{f' and {more} more' if more > 0 else ''})"


def handling(warehouse: Warehouse) -> str:
    days = warehouse.handling_days
    when = {0: "the same day", 1: "after one working day"}.get(days, f"after {days} working days")
    return f"Parcels leave {when}; what is paid after {warehouse.cutoff} counts for the next day"
