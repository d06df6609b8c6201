"""The demo's own rates: one supplier sends by weight, and quickly where it is near."""

from __future__ import annotations

from commerce import shipping
from commerce.inventory import Area
from commerce.kernel.database import Tx
from commerce.shipping import Rate, Step, Zone

CURRENCY = "EUR"
EXPRESS = "express"
NEAR, UNION, WORLD = (f"01976000-0000-7000-8000-{number:012d}" for number in (61, 62, 63))
STEPS = ((0, 1_000), (1_000, 5_000), (5_000, 30_000))  # grams


async def zones(tx: Tx, supplier_id: str) -> None:
    """Once; what the supplier made of them since then stays."""
    if await shipping.zones_of(tx, supplier_id):
        return
    near = _rate(450, 650, 990, days=(1, 2), free_from_minor=60_00)
    quick = _rate(790, 990, 1490, days=(1, 1), speed=EXPRESS)
    far = _rate(890, 1290, 1990, days=(3, 6), free_from_minor=120_00)
    farthest = _rate(1690, 2890, 5490, days=(7, 15))
    for zone_id, name, country, rates in (
        (NEAR, "Portugal", "PT", (near, quick)),
        (UNION, "European Union", "EU", (far,)),
        (WORLD, "The world", "WORLD", (farthest,)),
    ):
        zone = Zone(
            id=zone_id, supplier_id=supplier_id, name=name, areas=(Area(country),), rates=rates
        )
        await shipping.add_zone(tx, zone, by="")


def _rate(
    *amounts_minor: int,
    days: tuple[int, int],
    free_from_minor: int | None = None,
    speed: str = shipping.STANDARD,
) -> Rate:
    return Rate(
        currency=CURRENCY,
        speed=speed,
        steps=tuple(
            Step(above_grams=above, up_to_grams=up_to, amount_minor=amount)
            for (above, up_to), amount in zip(STEPS, amounts_minor, strict=True)
        ),
        free_from_minor=free_from_minor,
        days_min=days[0],
        days_max=days[1],
        cm3_per_kg=5_000,
    )
