"""What the delivery page shows: a supplier's zones, whom they reach, and an address tried out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backoffice import pages
from backoffice import words_delivery as words
from commerce import catalog, inventory, shipping
from commerce.catalog import Product
from commerce.inventory import MAIN, Area, OutOfStock
from commerce.kernel.database import Tx
from commerce.kernel.money import format_money
from commerce.shipping import Destination, NoDelivery, NoRate, Parcel, Rate, Shipped, Zone
from commerce.suppliers import Supplier

PIECES = re.compile(r"[1-9][0-9]{0,2}")
OFFERED_MAX = 200  # of the things that can be tried
TEXT_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    speed: str
    currency: str
    charges: tuple[tuple[str, str], ...]  # up to which weight, for how much
    free_from: str
    days: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRow:
    id: str
    name: str
    origin: str
    places: tuple[str, ...]
    rates: tuple[RateRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An address that somebody tried, and what would come of it."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    parcels: Sequence[Parcel] = ()
    speeds: Sequence[str] = ()
    currency: str = ""
    names: Mapping[str, str] = field(default_factory=dict)  # of warehouses

    @property
    def days(self) -> list[str]:
        """When each of the parcels arrives."""
        return [words.days(parcel.earliest, parcel.latest) for parcel in self.parcels]

    @property
    def charge_minor(self) -> int:
        return sum(parcel.charge_minor for parcel in self.parcels)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    supplier: Supplier
    zones: tuple[ZoneRow, ...]
    default: bool  # the supplier has set none
    reached: tuple[str, ...]  # names of countries
    offered: tuple[tuple[str, str], ...]  # SKUs and what they are
    tried: Tried


async def of(tx: Tx, supplier: Supplier, asked: Mapping[str, str]) -> DeliveryPage:
    own = await shipping.zones_of(tx, supplier.id)
    zones = own or shipping.zones_from(supplier.country)
    products = await catalog.products_of_supplier(tx, supplier.id)
    return DeliveryPage(
        supplier=supplier,
        zones=tuple(_zone_row(zone, supplier.currency, default=not own) for zone in zones),
        default=not own,
        reached=_reached(area for zone in zones for area in zone.areas),
        offered=tuple(_offered(products))[:OFFERED_MAX],
        tried=await _tried(tx, supplier, products, asked) if "sku" in asked else Tried(),
    )


def _zone_row(zone: Zone, currency: str, *, default: bool) -> ZoneRow:
    shown = [rate for rate in zone.rates if not default or rate.currency == currency]
    return ZoneRow(
        id=zone.id,
        name=words.DEFAULT_ZONES[zone.name] if default else zone.name,
        origin=words.place(zone.origin) if zone.origin else "",
        places=tuple(map(_place, zone.areas)),
        rates=tuple(map(_rate_row, shown or zone.rates)),
    )


def _place(area: Area) -> str:
    prefixes = ", ".join(area.postcode_prefixes)
    return f"{words.place(area.country)} {prefixes}…" if prefixes else words.place(area.country)


def _rate_row(rate: Rate) -> RateRow:
    free_from, days = rate.free_from_minor, {rate.days_min, rate.days_max}
    return RateRow(
        speed=words.SPEEDS[rate.speed],
        currency=rate.currency,
        charges=tuple(
            (
                _weight(step.up_to_grams),
                format_money(step.amount_minor, rate.currency, pages.LOCALE),
            )
            for step in rate.steps
        ),
        free_from="" if free_from is None else format_money(free_from, rate.currency, pages.LOCALE),
        days="–".join(map(str, sorted(days))),
    )


def _weight(grams: int | None) -> str:
    if grams is None:
        return ""
    kilos, rest = divmod(grams, 1_000)
    return f"{kilos} kg" if not rest else f"{grams} g"


def _reached(areas: Iterable[Area]) -> tuple[str, ...]:
    codes = {code for area in areas for code in shipping.GROUPS.get(area.country, {area.country})}
    return tuple(sorted(map(words.place, codes)))


def _offered(products: Sequence[Product]) -> Iterable[tuple[str, str]]:
    for product in products:
        for variant in product.variants:
            label = f" · {variant.label}" if variant.label else ""
            yield variant.sku, f"{product.title}{label}"


async def _tried(
    tx: Tx, supplier: Supplier, products: Sequence[Product], asked: Mapping[str, str]
) -> Tried:
    values = {name: text.strip()[:TEXT_MAX] for name, text in asked.items()}
    sku, pieces = values.get("sku", ""), values.get("pieces", "1")
    product = next((one for one in products if sku in {v.sku for v in one.variants}), None)
    errors = {
        **({} if product else {"sku": words.NO_SKU}),
        **({} if PIECES.fullmatch(pieces) else {"pieces": words.PIECES}),
        **({} if values.get("country") in words.countries() else {"country": words.COUNTRY}),
    }
    if product is None or errors:
        return Tried(values=values, errors=errors)
    to = Destination(
        country=values["country"],
        region=values.get("region", ""),
        city=values.get("city", ""),
        postcode=values.get("postcode", ""),
    )
    try:
        return await _planned(tx, supplier, product, values, int(pieces), to)
    except (NoDelivery, NoRate, OutOfStock) as refused:
        return Tried(values=values, refused=words.of_refusal(refused))


async def _planned(
    tx: Tx,
    supplier: Supplier,
    product: Product,
    values: Mapping[str, str],
    pieces: int,
    to: Destination,
) -> Tried:
    here = {"supplier_id": supplier.id, "origin_country": supplier.country}
    parts = await shipping.propose(tx, values["sku"], pieces, to, **here)
    variant = product.variant(values["sku"])
    goods = [
        Shipped(
            sku=variant.sku,
            quantity=part.quantity,
            warehouse=part.warehouse,
            weight_grams=variant.weight_grams,
            volume_cm3=variant.volume_cm3,
            **here,
        )
        for part in parts
    ]
    speed = values.get("speed") or shipping.STANDARD
    wish = {"currency": product.currency, "speed": speed}
    plan = await shipping.plan(tx, goods, to, **wish, at=await tx.now())
    known = await inventory.warehouses(tx, [part.warehouse for part in parts])
    return Tried(
        values=values,
        parcels=plan.parcels,
        speeds=plan.speeds,
        currency=product.currency,
        names={MAIN: "the main warehouse"} | {one.id: one.name for one in known.values()},
    )
