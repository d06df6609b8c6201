"""Parcels to a dozen countries, each in a line that a person can check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commerce.inventory import Area
from commerce.kernel import jsons
from commerce.shipping import Destination, NoDelivery, NoRate, parcel_from_json, zones_from
from commerce.shipping.days import Calendar, Dispatch
from commerce.shipping.planning import Sender, Wish, planned
from tests.conftest import NOON
from tests.shipping.factories import SUPPLIER, a_rate, a_zone, goods, steps, to

DISPATCH = Dispatch(handling_days=1, cutoff="12:00", timezone="UTC")
GULF = Calendar(frozenset({4, 5}))
CALENDARS = {"KW": GULF, "SA": GULF}
# Monday noon, 1 June 2026; it leaves on Tuesday.
TO = """
from  to       currency  zone      charge  free from  earliest    latest
DE    DE       EUR       domestic     490       7500  2026-06-03  2026-06-05
DE    FR       EUR       eu           990      15000  2026-06-05  2026-06-10
DE    ES       EUR       eu           990      15000  2026-06-05  2026-06-10
DE    US       USD       world       1995          -  2026-06-10  2026-06-22
US    US       USD       domestic     595       7500  2026-06-03  2026-06-05
US    DE       EUR       world       1990          -  2026-06-10  2026-06-22
GB    GB       GBP       domestic     399       6000  2026-06-03  2026-06-05
GB    FR       GBP       world       1799          -  2026-06-10  2026-06-22
CH    CH       CHF       domestic     700       8000  2026-06-03  2026-06-05
BR    BR       BRL       domestic    1990      24900  2026-06-03  2026-06-05
IN    IN       INR       domestic    7900      99900  2026-06-03  2026-06-05
MX    US       MXN       world      39900          -  2026-06-10  2026-06-22
JP    JP       JPY       domestic     600       8000  2026-06-03  2026-06-05
KW    KW       KWD       domestic    1500      25000  2026-06-03  2026-06-07
AE    AE       AED       domestic    2000      30000  2026-06-03  2026-06-05
NG    NG       USD       domestic     595       7500  2026-06-03  2026-06-05
"""


def a_sender(country="DE", *zones, **facts) -> Sender:
    own = zones or zones_from(country)
    return Sender(**{"stands": to(country), "zones": own, "dispatch": DISPATCH} | facts)


def plan(wanted, address: Destination, senders, **facts):
    wish = {"to": address, "currency": "EUR", "speed": "standard", "at": NOON}
    countries = {address.country, *(sender.stands.country for sender in senders.values())}
    calendars = {country: CALENDARS.get(country, Calendar()) for country in countries}
    return planned(wanted, Wish(**wish | facts), senders, calendars)


@pytest.mark.parametrize("row", TO.strip().splitlines()[1:])
def test_suppliers_without_zones_send_at_the_default_rates(row):
    origin, country, currency, zone, charge, free_from, earliest, latest = row.split()

    senders = {(SUPPLIER, "main"): a_sender(origin)}
    [parcel] = plan([goods(origin_country=origin)], to(country), senders, currency=currency).parcels

    assert (parcel.zone, parcel.charge_minor) == (zone, int(charge))
    assert str(parcel.free_from_minor or "-") == free_from
    assert (parcel.earliest, parcel.latest) == (earliest, latest)


def test_each_warehouse_sends_one_parcel_by_all_that_is_in_it():
    by_weight = a_zone(rates=(a_rate(steps=steps((0, 1_000, 490), (1_000, None, 690))),))
    senders = {(SUPPLIER, place): a_sender("DE", by_weight) for place in ("main", "north")}
    wanted = [
        goods("tee", 2, weight_grams=300),
        goods("mug", 1, weight_grams=401),
        goods("cap", 1, weight_grams=1_000, warehouse="north"),
    ]

    plan_ = plan(wanted, to("DE"), senders)

    assert [(p.warehouse, p.goods, p.charge_minor) for p in plan_.parcels] == [
        ("main", (("tee", 2), ("mug", 1)), 690),
        ("north", (("cap", 1),), 490),
    ]


def test_the_speeds_are_those_that_every_parcel_could_have():
    fast = a_zone(rates=(a_rate(), a_rate(speed="express", amount_minor=990, days_max=1)))
    slow = replace(fast, supplier_id="other", rates=(a_rate(), a_rate(speed="economy")))
    senders = {(SUPPLIER, "main"): a_sender("DE", fast), ("other", "main"): a_sender("DE", slow)}
    both = [goods(), goods("mug", supplier_id="other")]

    assert plan(both[:1], to("DE"), senders).speeds == ("standard", "express")
    assert plan(both, to("DE"), senders).speeds == ("standard",)
    assert plan(both[:1], to("DE"), senders, speed="express").parcels[0].latest == "2026-06-03"
    with pytest.raises(NoRate) as refused:
        plan(both, to("DE"), senders, speed="express")
    assert refused.value.facts == {"currency": "EUR", "speed": "express"}


def test_a_parcel_is_kept_and_read_exactly():
    [parcel] = plan([goods(quantity=2)], to("DE"), {(SUPPLIER, "main"): a_sender()}).parcels

    assert parcel_from_json(jsons.loads(jsons.dumps(parcel.to_json()))) == parcel


ISLANDS = a_sender("ES", a_zone("islands", Area("ES", ("07", "35")), "PT"))
LOCAL = a_sender("ES", areas=(Area("ES", ("28",)), Area("PT")))


@pytest.mark.parametrize(
    ("sender", "address", "reason"),
    [
        (ISLANDS, to("ES"), None),
        (ISLANDS, to("ES", "07001"), None),
        (ISLANDS, to("ES", "28001"), "postcode"),
        (ISLANDS, to("FR"), "country"),
        (LOCAL, to("ES"), None),
        (LOCAL, to("ES", "28001"), None),
        (LOCAL, to("ES", "07001"), "warehouse"),
        (LOCAL, to("FR"), "warehouse"),
        (a_sender("ES"), to("NG"), "country"),
    ],
)
def test_a_part_of_an_address_is_refused_only_when_that_is_certain(sender, address, reason):
    refused = sender.refusal(address)

    assert (refused and refused.facts["reason"]) == reason
    if reason:
        with pytest.raises(NoDelivery):
            plan([goods()], address, {(SUPPLIER, "main"): sender})
