"""How a parcel gets there: from which warehouse, for how much, and when it arrives."""

from commerce.shipping.defaults import zones_from
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
from commerce.shipping.service import allocate, check_served, plan, propose
from commerce.shipping.zone_checks import SPEEDS, wrong
from commerce.shipping.zones import EU, GROUPS, SERVED, BadZone, Rate, Step, Zone
from commerce.shipping.zoning import (
    AreaTaken,
    NotYourZone,
    UnknownZone,
    ZoneChanged,
    add_zone,
    edit_zone,
    remove_zone,
    zone,
    zones_of,
)

__all__ = [
    "EU",
    "GROUPS",
    "SERVED",
    "SPEEDS",
    "STANDARD",
    "AreaTaken",
    "BadZone",
    "Destination",
    "NoDelivery",
    "NoRate",
    "NotYourZone",
    "Parcel",
    "Plan",
    "Rate",
    "Shipped",
    "Step",
    "UnknownZone",
    "Zone",
    "ZoneChanged",
    "add_zone",
    "allocate",
    "check_served",
    "edit_zone",
    "parcel_from_json",
    "plan",
    "propose",
    "remove_zone",
    "wrong",
    "zone",
    "zones_from",
    "zones_of",
]
