"""Goods become parcels: one for each warehouse, with its zone, its charge and its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commerce.inventory import Area
from commerce.shipping import days
from commerce.shipping.days import Calendar, Dispatch
from commerce.shipping.model import Destination, NoDelivery, Parcel, Plan, Shipped
from commerce.shipping.zones import Zone, covers, unserved, zone_of

Goods = Sequence[Shipped]
Place = tuple[str, str]  # supplier and warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A warehouse as far as a parcel depends on it."""

    stands: Destination
    areas: tuple[Area, ...] = ()  # what it serves of the supplier's zones; none: all of them
    zones: tuple[Zone, ...]
    dispatch: Dispatch

    def zone(self, to: Destination) -> Zone:
        """Refuses no_delivery."""
        if self.areas and not covers(self.areas, to):
            raise unserved(to, "warehouse")
        return zone_of(self.zones, self.stands.country, to)

    def refusal(self, to: Destination) -> NoDelivery | None:
        """What is certain from the part of the address that is known."""
        reach = [zone.areas for zone in self.zones if zone.origin in ("", self.stands.country)]
        try:
            if to.postcode:
                self.zone(to)
            elif self.areas and not covers(self.areas, to):
                return unserved(to, "warehouse")
            elif not any(covers(areas, to) for areas in reach):
                return unserved(to, "country")
        except NoDelivery as refused:
            return refused
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """To where, for which money, how fast and from when on."""

    to: Destination
    currency: str
    speed: str
    at: int


def planned(
    goods: Goods,
    wish: Wish,
    senders: Mapping[Place, Sender],
    calendars: Mapping[str, Calendar],
) -> Plan:
    """Everything is given, nothing is looked up: the same goods are planned the same for ever."""
    parcels, speeds = [], list[list[str]]()
    for place, inside in by_place(goods).items():
        zone = senders[place].zone(wish.to)
        speeds.append(zone.speeds(wish.currency))
        parcels.append(_parcel(place, inside, wish, senders[place], zone, calendars))
    common = tuple(one for one in speeds[0] if all(one in others for others in speeds))
    return Plan(parcels=tuple(parcels), speeds=common)


def by_place(goods: Goods) -> dict[Place, list[Shipped]]:
    found: dict[Place, list[Shipped]] = {}
    for one in goods:
        found.setdefault((one.supplier_id, one.warehouse), []).append(one)
    return found


def _parcel(
    place: Place,
    goods: Goods,
    wish: Wish,
    sender: Sender,
    zone: Zone,
    calendars: Mapping[str, Calendar],
) -> Parcel:
    rate = zone.rate(wish.currency, wish.speed)
    sent = days.sent_on(sender.dispatch, calendars[sender.stands.country], wish.at)
    supplier_id, warehouse = place
    there = calendars[wish.to.country]
    return Parcel(
        warehouse=warehouse,
        supplier_id=supplier_id,
        goods=tuple((one.sku, one.quantity) for one in goods),
        zone=zone.name,
        speed=rate.speed,
        charge_minor=rate.charge(
            grams=sum(one.quantity * one.weight_grams for one in goods),
            cm3=sum(one.quantity * one.volume_cm3 for one in goods),
            country=wish.to.country,
        ),
        free_from_minor=rate.free_from_minor,
        earliest=there.after(sent, rate.days_min).isoformat(),
        latest=there.after(sent, rate.days_max).isoformat(),
    )
