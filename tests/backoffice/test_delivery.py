"""Delivery in the back office: zones seen, tried out and changed by who owns them."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from backoffice import delivery_forms, words_delivery
from commerce import inventory, shipping, suppliers
from commerce.accounts import Role
from commerce.inventory import Warehouse
from commerce.kernel import ids
from commerce.shipping import Zone
from tests.backoffice.conftest import Browser, House, Opens, a_person
from tests.backoffice.markup import PROBES, Tags
from tests.shipping.factories import a_zone

HERE = "/backoffice/delivery"
HIDDEN = re.compile(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"')
RATE = {
    "currency-0": "eur",
    "speed-0": "standard",
    "days_min-0": "1",
    "days_max-0": "3",
    "steps-0": "0-1000: 4,90\n1000+: 6.90",
}
ZONE = {"name": "Home", "areas": "PT\nSpain: 07, 28", "origin": "", "free_from-0": "75"} | RATE


async def sends(browser: Browser, page: str, status: int = 303, **typed: str) -> str:
    return await browser.post(f"{HERE}/zones", status, **dict(HIDDEN.findall(page)) | typed)


async def zones(house: House) -> list[Zone]:
    owner = house.hoodie.supplier_id
    return await house.database.read(lambda tx: shipping.zones_of(tx, owner))


async def a_kept_zone(house: House, **facts) -> Zone:
    zone = a_zone(ids.new_id(), "PT", **{"supplier_id": house.hoodie.supplier_id} | facts)
    return await house.database.unit_of_work(lambda tx: shipping.add_zone(tx, zone, by="nell"))


def trying(**query: str) -> str:
    return f"{HERE}?{urlencode({'sku': 'HOODIE', 'pieces': '1', 'country': 'PT'} | query)}"


async def test_a_supplier_sets_a_zone_and_what_was_typed_wrong_is_said_there(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    overview = await browser.get(HERE)
    assert "These are the default rates, in EUR" in overview
    assert "66 countries" in Tags(overview).words
    form = await browser.get(f"{HERE}/new")

    wrong = await sends(browser, form, 422, **ZONE | {"areas": "PT\nAtlantis", "days_min-0": "x"})
    again = await sends(browser, wrong, 200, more="1", **ZONE)
    where = await sends(browser, again, **ZONE)

    assert "ATLANTIS is no country" in wrong
    assert words_delivery.WRONG["days", "*"] in wrong
    assert "Atlantis</textarea>" in wrong
    assert 'name="currency-1"' in again
    page = await browser.get(where)
    assert words_delivery.NOTICES["saved"] in page
    assert {"€4.90", "€6.90", "€75.00", "Spain 07, 28…"} <= set(re.findall(">([^<>]+)<", page))
    [zone] = await zones(house)
    assert (zone.name, zone.rates[0].currency, len(zone.rates)) == ("Home", "EUR", 1)
    assert delivery_forms.of(zone).get("steps-0") == "0-1000: 4.90\n1000+: 6.90"


async def test_an_older_form_and_a_taken_area_change_nothing(
    open_browser: Opens, house: House
) -> None:
    zone = await a_kept_zone(house)
    browser = await open_browser("nell")
    one = f"{HERE}/zones/{zone.id}"
    older = await browser.get(one)
    await sends(browser, await browser.get(one), **ZONE | {"name": "Newer"})

    stale = await sends(browser, older, 409, **ZONE | {"name": "Older"})
    taken = await sends(browser, await browser.get(f"{HERE}/new"), 422, **ZONE | {"name": "Twin"})
    await browser.post(f"{one}/remove", 409, version="1")

    assert "Somebody saved this zone meanwhile" in stale
    assert 'value="Older"' in stale
    assert "is in another zone already" in taken
    assert [zone.name for zone in await zones(house)] == ["Newer"]
    await sends(browser, stale, **ZONE | {"name": "Older"})
    await browser.post(f"{one}/remove", version="3")
    assert await zones(house) == []


async def test_an_address_is_tried_before_fans_meet_it(open_browser: Opens, house: House) -> None:
    faro = Warehouse(
        id=ids.new_id(), supplier_id=house.hoodie.supplier_id, name="Faro", country="PT",
        postcode="8000-001", timezone="Europe/Lisbon",
    )  # fmt: skip

    async def fill(tx) -> None:
        await inventory.open_warehouse(tx, faro)
        await inventory.receive(
            tx, "HOODIE", 3, reason="van", warehouse=faro.id, supplier_id=faro.supplier_id
        )

    await house.database.unit_of_work(fill)
    browser = await open_browser("nell")

    near = Tags(await browser.get(trying(postcode="8005-100"))).words
    split = Tags(await browser.get(trying(pieces="7", city="Faro"))).words
    nowhere = await browser.get(trying(country="NG"))
    slow = await browser.get(trying(speed="express"))
    wrong = await browser.get(trying(pieces="0", country="??", sku="none"))

    assert "1 from Faro" in near
    assert "€4.90 in 1 parcel" in near
    # It is one o'clock in Faro and too late for Monday; the Thursday is Corpus Christi.
    assert "Arrives Fri, 5 Jun to Tue, 9 Jun" in near
    assert "€9.80 in 2 parcels" in split
    assert "4 from the main warehouse" in split
    assert "Nothing is delivered to Nigeria: no zone has it." in nowhere
    assert "there is no express rate in EUR" in slow
    said = (words_delivery.PIECES, words_delivery.COUNTRY, words_delivery.NO_SKU)
    assert all(sentence in wrong for sentence in said)


async def test_each_supplier_sees_their_own_and_an_admin_all(
    open_browser: Opens, house: House
) -> None:
    other = await house.database.unit_of_work(
        lambda tx: suppliers.create(tx, name="Other", country="DE", currency="EUR")
    )
    await a_person(house.database, "otto", Role.SUPPLIER, other.id)
    zone = await a_kept_zone(house)
    otto, ada, mara = [await open_browser(name) for name in ("otto", "ada", "mara")]
    asked = f"?supplier={zone.supplier_id}"

    await otto.get(f"{HERE}/zones/{zone.id}{asked}", 404)
    form = await otto.get(f"{HERE}/new{asked}")
    await sends(otto, form, 404, id=zone.id, version="1", **ZONE)
    await otto.post(f"{HERE}/zones/{zone.id}/remove", 404, version="1", supplier=zone.supplier_id)
    assert zone.name not in await otto.get(HERE + asked)
    assert "Northlight" in await ada.get(HERE)
    assert zone.name in await ada.get(HERE + asked)
    await mara.get(HERE, 403)
    assert await zones(house) == [zone]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_a_supplier_types_stays_text(open_browser: Opens, house: House) -> None:
    browser = await open_browser("nell")
    form = await browser.get(f"{HERE}/new")
    plain = Tags(await sends(browser, form, 422, **dict.fromkeys(ZONE, "?"))).shape

    for probe in PROBES:
        page = await sends(browser, form, 422, **dict.fromkeys(ZONE, probe))
        assert Tags(page).shape == plain
    tried = Tags(await browser.get(trying(postcode=PROBES[1], city=PROBES[0], country="NG")))
    assert ("img", ("src", "onerror")) not in tried.shape
    assert "script" not in {tag for tag, _ in tried.shape[-40:]}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("4.90", ""),
        ("0+: 4.90", ""),
        ("0 – 1000 g = 0\n1000+ 4,90", ""),
        ("a lot", "Line 1 cannot be read"),
        ("0-1000: 4.90\n1500-2000: 6", "Line 2 leaves a gap"),
        ("0-1000: 4.90\n900-2000: 6", "Line 2 overlaps"),
        ("0-1000: 4.90\n1000-900: 6", "Line 2 ends before it begins"),
        ("0-1000: 4.905", "Line 1 needs an amount"),
        ("0-1000: -1", "Line 1 needs an amount"),
        ("", "Write at least one line"),
    ],
)
def test_steps_are_read_as_people_write_them(steps: str, said: str) -> None:
    form, _ = delivery_forms.read(ZONE | {"steps-0": steps}, "supplier")

    assert form.errors.get("steps-0", "").startswith(said)
    assert bool(form.errors) is bool(said)


def test_every_refusal_and_every_word_of_shipping_has_words() -> None:
    assert set(words_delivery.SPEEDS) == set(shipping.SPEEDS)
    assert set(words_delivery.GROUPS) == set(shipping.GROUPS)
    assert {zone.name for zone in shipping.zones_from("DE")} == set(words_delivery.DEFAULT_ZONES)
