"""Zones, goods and addresses with the facts that a test does not care about."""

from __future__ import annotations

from commerce.inventory import Area
from commerce.shipping import Destination, Rate, Shipped, Step, Zone

SUPPLIER = "supplier-1"


def a_rate(**facts) -> Rate:
    steps = (Step(above_grams=0, up_to_grams=None, amount_minor=facts.pop("amount_minor", 490)),)
    return Rate(**{"currency": "EUR", "steps": steps, "days_min": 1, "days_max": 3} | facts)


def a_zone(name="home", *areas: Area | str, **facts) -> Zone:
    reach = tuple(Area(one) if isinstance(one, str) else one for one in areas or ("DE",))
    given = {"id": name, "supplier_id": SUPPLIER, "name": name, "areas": reach}
    return Zone(**given | {"rates": (a_rate(),)} | facts)


def steps(*bounds: tuple[int, int | None, int]) -> tuple[Step, ...]:
    return tuple(
        Step(above_grams=above, up_to_grams=up_to, amount_minor=amount)
        for above, up_to, amount in bounds
    )


def goods(sku="tee", quantity=1, **facts) -> Shipped:
    given = {"supplier_id": SUPPLIER, "origin_country": "DE", "warehouse": "main"}
    given |= {"weight_grams": 0, "volume_cm3": 0}
    return Shipped(sku=sku, quantity=quantity, **given | facts)


def to(country, postcode="", **facts) -> Destination:
    return Destination(country=country, postcode=postcode, **facts)
