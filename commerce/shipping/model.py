"""Where goods go, in which parcels, and what is said when they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from commerce.kernel.errors import Refusal

STANDARD = "standard"  # the speed that every zone has in each of its currencies


class NoDelivery(Refusal):
    """Nobody delivers it there; `reason` is country, postcode, warehouse or too_heavy."""

    code = "no_delivery"


class NoRate(Refusal):
    """It is delivered there, but not for money of this `currency` or not at this `speed`."""

    code = "no_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """As much of an address as the way depends on; what is not known yet is empty."""

    country: str  # ISO 3166 alpha-2
    region: str = ""
    city: str = ""
    postcode: str = ""
    latitude_e6: int | None = None  # millionths of a degree, where the fan shared a location
    longitude_e6: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """Pieces of one SKU that leave one warehouse."""

    sku: str
    quantity: int
    supplier_id: str
    origin_country: str  # the supplier's, where the warehouse is the one without an address
    warehouse: str
    weight_grams: int  # of one piece
    volume_cm3: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What one warehouse sends, for how much, and between which two days it arrives."""

    warehouse: str
    supplier_id: str
    goods: tuple[tuple[str, int], ...]  # SKU and pieces
    zone: str  # its name
    speed: str
    charge_minor: int
    free_from_minor: int | None  # what the goods have to be worth to be delivered for nothing
    earliest: str  # YYYY-MM-DD
    latest: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    parcels: tuple[Parcel, ...]
    speeds: tuple[str, ...]  # at which all of it could go, for the same currency


def parcel_from_json(body: Mapping[str, Any]) -> Parcel:
    goods = tuple((sku, quantity) for sku, quantity in body["goods"])
    return Parcel(**{**body, "goods": goods})
