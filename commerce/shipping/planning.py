"""Goods become parcels: one for each warehouse, with its zone, its charge and its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commerce.shipping import days
from commerce.shipping.days import Calendar, Dispatch
from commerce.shipping.model import Destination, NoRate, Parcel, Plan, Shipped
from commerce.shipping.zones import Area, Zone, covers, unserved, zone_of

Goods = Sequence[Shipped]
Place = tuple[str, str]  # supplier and warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A warehouse as far as a parcel depends on it."""

    country: str
    zones: tuple[Zone, ...]
    areas: tuple[Area, ...] = ()  # what it serves of them; empty = all
    dispatch: Dispatch

    def zone(self, to: Destination) -> Zone:
        """Refuses no_delivery."""
        if self.areas and not covers(self.areas, to):
            raise unserved(to, "warehouse")
        return zone_of(self.zones, self.country, to)

    def check(self, to: Destination) -> None:
        """Refuses what is certain from the part of the address that is known."""
        if to.postcode:
            self.zone(to)
        elif self.areas and not covers(self.areas, to):
            raise unserved(to, "warehouse")
        elif not any(covers(z.areas, to) for z in self.zones if z.origin in ("", self.country)):
            raise unserved(to, "country")


def planned(
    goods: Goods,
    to: Destination,
    *,
    senders: Mapping[Place, Sender],
    calendars: Mapping[str, Calendar],
    currency: str,
    speed: str,
    at: int,
) -> Plan:
    """Everything is given, nothing is looked up: the same goods are planned the same for ever."""
    parcels, speeds = [], list[list[str]]()
    for place, inside in by_place(goods).items():
        sender = senders[place]
        zone = sender.zone(to)
        speeds.append(zone.speeds(currency))
        parcels.append(_parcel(place, inside, to, sender, zone, calendars, currency, speed, at))
    common = tuple(one for one in speeds[0] if all(one in others for others in speeds))
    if speed not in common:
        raise NoRate(currency=currency, speed=speed)
    return Plan(parcels=tuple(parcels), speeds=common)


def by_place(goods: Goods) -> dict[Place, list[Shipped]]:
    found: dict[Place, list[Shipped]] = {}
    for one in goods:
        found.setdefault((one.supplier_id, one.warehouse), []).append(one)
    return found


def _parcel(
    place: Place,
    goods: Goods,
    to: Destination,
    sender: Sender,
    zone: Zone,
    calendars: Mapping[str, Calendar],
    currency: str,
    speed: str,
    at: int,
) -> Parcel:
    rate = zone.rate(currency, speed)
    sent = days.sent_on(sender.dispatch, calendars[sender.country], at)
    earliest, latest = days.arrival(
        sent, calendars[to.country], days_min=rate.days_min, days_max=rate.days_max
    )
    supplier_id, warehouse = place
    return Parcel(
        warehouse=warehouse,
        supplier_id=supplier_id,
        goods=tuple((one.sku, one.quantity) for one in goods),
        zone=zone.name,
        speed=speed,
        charge_minor=rate.charge(
            grams=sum(one.quantity * one.weight_grams for one in goods),
            cm3=sum(one.quantity * one.volume_cm3 for one in goods),
            country=to.country,
        ),
        free_from_minor=rate.free_from_minor,
        earliest=earliest.isoformat(),
        latest=latest.isoformat(),
    )
