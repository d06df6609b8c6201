"""Use cases of a supplier's zones, each inside the caller's transaction."""

from __future__ import annotations

from dataclasses import replace

from commerce.kernel.database import Tx
from commerce.kernel.errors import Refusal
from commerce.kernel.idempotency import KeyReused
from commerce.shipping import store, zone_checks
from commerce.shipping.zones import Zone


class UnknownZone(Refusal):
    code = "unknown_zone"


class NotYourZone(Refusal):
    """It belongs to another supplier."""

    code = "not_your_zone"


class ZoneChanged(Refusal):
    """The zone is not what the person saw: `version` is now another one."""

    code = "zone_changed"


class AreaTaken(Refusal):
    """Another zone of the supplier has this `country`, or this `postcode_prefix` of it."""

    code = "area_taken"


async def zones_of(tx: Tx, supplier_id: str) -> list[Zone]:
    """By name; of a supplier who has none the default rates hold."""
    return await store.of_suppliers(tx, [supplier_id])


async def zone(tx: Tx, zone_id: str, *, supplier_id: str) -> Zone:
    found = await store.get(tx, zone_id)
    if found is None:
        raise UnknownZone(zone_id=zone_id)
    if found.supplier_id != supplier_id:
        raise NotYourZone(zone_id=zone_id)
    return found


async def add_zone(tx: Tx, new: Zone, *, by: str) -> Zone:
    """The id is the caller's, so that a form sent twice makes one zone."""
    new = replace(zone_checks.tidy(new), version=1)
    if await store.add(tx, new, by=by):
        await _take(tx, new)
        return new
    known = await zone(tx, new.id, supplier_id=new.supplier_id)
    if known.name != new.name or known.rates != new.rates:
        raise KeyReused(scope="delivery_zones", key=new.id)
    return known


async def edit_zone(tx: Tx, new: Zone, *, expected_version: int, by: str) -> Zone:
    new = replace(zone_checks.tidy(new), version=expected_version + 1)
    known = await zone(tx, new.id, supplier_id=new.supplier_id)
    if not await store.save(tx, new, seen=expected_version, by=by):
        raise ZoneChanged(zone_id=new.id, version=known.version)
    await store.free_areas(tx, new.id)
    await _take(tx, new)
    return new


async def remove_zone(tx: Tx, zone_id: str, *, supplier_id: str, expected_version: int) -> None:
    """Without it the wider zone holds, and without any the default rates."""
    known = await zone(tx, zone_id, supplier_id=supplier_id)
    if not await store.remove(tx, zone_id, seen=expected_version):
        raise ZoneChanged(zone_id=zone_id, version=known.version)
    await store.free_areas(tx, zone_id)


async def _take(tx: Tx, new: Zone) -> None:
    if taken := await store.take_areas(tx, new):
        prefix = next(iter(taken.postcode_prefixes), "")
        raise AreaTaken(country=taken.country, postcode_prefix=prefix)
