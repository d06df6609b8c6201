"""Every query of zones. Areas are written in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from commerce.inventory import Area
from commerce.kernel import jsons
from commerce.kernel.columns import any_of, insert_once
from commerce.kernel.database import Row, Tx
from commerce.shipping.tables import DELIVERY_AREAS, DELIVERY_ZONES
from commerce.shipping.zones import Rate, Step, Zone

_Z, _A = DELIVERY_ZONES.c, DELIVERY_AREAS.c

OF_SUPPLIERS = (
    select(DELIVERY_ZONES).where(any_of(_Z.supplier_id, "suppliers")).order_by(_Z.name, _Z.id)
)
BY_ID = select(DELIVERY_ZONES).where(_Z.id == bindparam("zone"))
AREAS_OF = (
    select(DELIVERY_AREAS)
    .where(any_of(_A.zone_id, "zones"))
    .order_by(_A.zone_id, _A.country, _A.postcode_prefix)
)
ADD = insert_once(DELIVERY_ZONES, "id")
SAVE = (
    update(DELIVERY_ZONES)
    .where(_Z.id == bindparam("zone"), _Z.version == bindparam("seen"))
    .values(
        name=bindparam("name"),
        origin=bindparam("origin"),
        rates=bindparam("rates"),
        version=_Z.version + 1,
        changed_by=bindparam("changed_by"),
        changed_at=bindparam("changed_at"),
    )
)
REMOVE = delete(DELIVERY_ZONES).where(_Z.id == bindparam("zone"), _Z.version == bindparam("seen"))
FREE = delete(DELIVERY_AREAS).where(_A.zone_id == bindparam("zone"))
TAKE = insert_once(DELIVERY_AREAS, "supplier_id", "origin", "country", "postcode_prefix")


async def of_suppliers(tx: Tx, suppliers: Iterable[str]) -> list[Zone]:
    return await _zones(tx, await tx.all(OF_SUPPLIERS, suppliers=list(suppliers)))


async def get(tx: Tx, zone_id: str) -> Zone | None:
    found = await _zones(tx, await tx.all(BY_ID, zone=zone_id))
    return found[0] if found else None


async def _zones(tx: Tx, rows: list[Row]) -> list[Zone]:
    if not rows:
        return []
    areas = await tx.all(AREAS_OF, zones=[row["id"] for row in rows])
    of_zone = {
        zone_id: tuple(_areas(same)) for zone_id, same in groupby(areas, lambda row: row["zone_id"])
    }
    return [_zone(row, of_zone.get(row["id"], ())) for row in rows]


def _areas(rows: Iterable[Row]) -> Iterable[Area]:
    for country, same in groupby(rows, lambda row: row["country"]):
        # "" stands first: all of the country, besides the parts of it that are named.
        prefixes = tuple(row["postcode_prefix"] for row in same)
        if prefixes[0] == "":
            yield Area(country)
        if any(prefixes):
            yield Area(country, tuple(prefix for prefix in prefixes if prefix))


def _zone(row: Row, areas: tuple[Area, ...]) -> Zone:
    return Zone(
        id=row["id"],
        supplier_id=row["supplier_id"],
        name=row["name"],
        origin=row["origin"],
        areas=areas,
        rates=tuple(_rate(body) for body in jsons.loads(row["rates"])),
        version=row["version"],
    )


def _rate(body: Mapping[str, Any]) -> Rate:
    return Rate(**{**body, "steps": tuple(Step(**step) for step in body["steps"])})


def _row(zone: Zone, by: str, now: int) -> dict[str, Any]:
    rates = jsons.dumps([asdict(rate) for rate in zone.rates])
    facts = {"name": zone.name, "origin": zone.origin, "rates": rates}
    return facts | {"changed_by": by, "changed_at": now}


async def add(tx: Tx, zone: Zone, *, by: str) -> bool:
    """False where there is one with this id."""
    row = _row(zone, by, await tx.now())
    added = await tx.run(ADD, id=zone.id, supplier_id=zone.supplier_id, version=1, **row)
    return added == 1


async def save(tx: Tx, zone: Zone, *, seen: int, by: str) -> bool:
    """False where it was changed since that version."""
    return await tx.run(SAVE, zone=zone.id, seen=seen, **_row(zone, by, await tx.now())) == 1


async def remove(tx: Tx, zone_id: str, *, seen: int) -> bool:
    return await tx.run(REMOVE, zone=zone_id, seen=seen) == 1


async def free_areas(tx: Tx, zone_id: str) -> None:
    await tx.run(FREE, zone=zone_id)


async def take_areas(tx: Tx, zone: Zone) -> Area | None:
    """The first area that another zone of the supplier has already."""
    keys = {
        (area.country, prefix) for area in zone.areas for prefix in area.postcode_prefixes or [""]
    }
    for country, prefix in sorted(keys):
        key = {"country": country, "postcode_prefix": prefix, "origin": zone.origin}
        if not await tx.run(TAKE, supplier_id=zone.supplier_id, zone_id=zone.id, **key):
            return Area(country, (prefix,) if prefix else ())
    return None
