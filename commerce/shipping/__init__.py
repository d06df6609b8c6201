"""How a parcel gets there: from which warehouse, for how much, and when it arrives."""

from commerce.shipping.model import (
    STANDARD,
    Destination,
    NoDelivery,
    NoRate,
    Parcel,
    Plan,
    Shipped,
    parcel_from_json,
)
from commerce.shipping.service import check_served, plan
from commerce.shipping.zones import EU, SERVED

__all__ = [
    "EU",
    "SERVED",
    "STANDARD",
    "Destination",
    "NoDelivery",
    "NoRate",
    "Parcel",
    "Plan",
    "Shipped",
    "check_served",
    "parcel_from_json",
    "plan",
]
