"""The areas by which addresses are told apart are those of the zones."""

from __future__ import annotations

from sqlalchemy import select

from commerce.shipping.tables import DELIVERY_AREAS, DELIVERY_ZONES
from deploy.invariants.rule import Invariant

A, Z = DELIVERY_AREAS.c, DELIVERY_ZONES.c
_its_zone = (
    select(Z.id)
    .where(Z.id == A.zone_id, Z.supplier_id == A.supplier_id, Z.origin == A.origin)
    .exists()
)
_an_area = select(A.zone_id).where(A.zone_id == Z.id).exists()

INVARIANTS = (
    Invariant(
        "area_has_its_zone",
        "an area is kept for a zone that is not there, or is another supplier's",
        select(A.zone_id, A.supplier_id, A.country, A.postcode_prefix).where(~_its_zone),
    ),
    Invariant(
        "zone_has_an_area",
        "a zone delivers nowhere",
        select(Z.id, Z.supplier_id, Z.name).where(~_an_area),
    ),
)
