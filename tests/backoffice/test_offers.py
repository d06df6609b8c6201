"""Personal offers in the back office: admins switch and exempt, and read what came of it."""

from __future__ import annotations

import pytest

from commerce import loyalty, offers
from commerce.accounts import Role
from commerce.kernel import audit, ids
from commerce.loyalty import Tier
from commerce.offers import Context, Kind
from tests.backoffice.conftest import Browser, House, Opens, a_person

HERE = "/backoffice/offers"
RULES = {"on": "on", "held_out_bp": "5", "explore_bp": "1.5", "minutes": "45", "version": "0"}


@pytest.fixture
async def admin(house: House, open_browser: Opens) -> Browser:
    await a_person(house.database, "root", Role.ADMIN)
    browser = await open_browser("root")
    await browser.get(HERE)
    return browser


async def rules(house: House) -> offers.Rules:
    return await house.database.read(offers.rules)


async def test_an_admin_switches_offers_on_and_off_and_it_is_kept_who_did(house, admin):
    assert await admin.post(f"{HERE}/rules", **RULES) == f"{HERE}?said=on"
    on = await rules(house)
    assert await admin.post(f"{HERE}/rules", **{**RULES, "on": "off", "version": "1"}) == (
        f"{HERE}?said=off"
    )
    off = await rules(house)

    assert (on.on_since is None, on.held_out_bp, on.explore_bp, on.minutes) == (False, 500, 150, 45)
    assert (off.on_since, off.version) == (None, 2)
    entries = await house.database.read(lambda tx: audit.about(tx, "offers"))
    assert [(one.action, one.actor_name) for one in entries] == [
        ("offers.off", "Root"),
        ("offers.on", "Root"),
    ]


async def test_a_rule_without_sense_is_said_at_its_field_and_nothing_typed_is_lost(house, admin):
    wrong = [
        ("held_out_bp", "0"),
        ("held_out_bp", "many"),
        ("explore_bp", "11"),
        ("explore_bp", "-1"),
        ("minutes", "4"),
        ("minutes", "1.5"),
    ]
    for field, typed in wrong:
        page = await admin.post(f"{HERE}/rules", 422, **{**RULES, field: typed})

        assert f'id="{field}-error"' in page
        assert f'name="{field}" value="{typed}"' in page

    assert await rules(house) == offers.Rules()


async def test_who_is_late_is_told_and_can_send_it_again(house, admin):
    await admin.post(f"{HERE}/rules", **RULES)

    page = await admin.post(f"{HERE}/rules", 409, **{**RULES, "minutes": "30"})

    assert "Somebody else changed this meanwhile" in page
    assert 'name="minutes" value="30"' in page
    assert 'name="version" value="1"' in page
    assert (await rules(house)).minutes == 45


async def test_a_supplier_is_exempted_by_any_of_its_skus_and_admitted_again(house, admin):
    sku = house.hoodie.variants[0].sku
    unknown = await admin.post(f"{HERE}/exempt", 422, sku="nothing", kind="supplier")
    await admin.post(f"{HERE}/exempt", sku=sku, kind="supplier")
    exempted = await house.database.read(offers.exempted)
    page = await admin.get(HERE)
    await admin.post(f"{HERE}/admit", kind="supplier", about=house.hoodie.supplier_id)

    assert "There is no such SKU." in unknown
    assert 'value="nothing"' in unknown
    assert exempted == [(Kind.SUPPLIER, house.hoodie.supplier_id)]
    assert "Northlight" in page
    assert await house.database.read(offers.exempted) == []


async def test_tiers_are_added_changed_and_removed(house, admin):
    tier = {"name": "Friend", "orders_min": "3", "percent_bp": "2.5", "version": "0"}
    await admin.post(f"{HERE}/tier", **tier)
    twice = await admin.post(f"{HERE}/tier", 409, **tier)
    await admin.post(f"{HERE}/tier", **{**tier, "percent_bp": "4", "version": "1"})
    changed = await house.database.read(loyalty.tiers)
    wrong = await admin.post(f"{HERE}/tier", 422, **{**tier, "orders_min": "0"})
    await admin.post(f"{HERE}/tier/remove", name="Friend", version="2")

    assert "There is such a tier already" in twice
    assert changed == [Tier(name="Friend", orders_min=3, percent_bp=400, version=2)]
    assert 'id="orders_min-error"' in wrong
    assert await house.database.read(loyalty.tiers) == []


async def test_the_page_is_whole_before_anything_and_after_decisions(house, admin):
    empty = await admin.get(HERE)
    await admin.post(f"{HERE}/rules", **RULES)
    sku = house.hoodie.variants[0].sku

    async def asked(tx):
        for number in range(3):
            await offers.propose(
                tx,
                key=ids.new_id(),
                fan_id=f"fan-{number}",
                sku=sku,
                price_minor=4_900,
                floor_minor=2_000,
                currency="EUR",
                context=Context(hour=20),
            )

    await house.database.unit_of_work(asked)
    page = await admin.get(HERE)

    assert "Nothing was decided yet: personal offers are off." in empty
    assert "Nothing is measured yet." in empty
    assert page.count("<details><summary>Why</summary>") == 3
    assert "new, category is new to the fan, middle price, evening, in the shop" in page
    assert "€49.00, never below €20.00" in page


@pytest.mark.parametrize("role", [Role.LEADER, Role.SUPPLIER])
async def test_only_admins_see_and_change_offers(house, open_browser, role):
    await a_person(house.database, "ben", role, house.hoodie.supplier_id)
    browser = await open_browser("ben")
    await browser.get("/backoffice" if role is Role.LEADER else "/backoffice/products")

    assert "Not for your role" in await browser.get(HERE, 403)
    assert "Not for your role" in await browser.post(f"{HERE}/rules", 403, **RULES)
    assert await rules(house) == offers.Rules()


async def test_what_was_typed_is_shown_as_text(admin):
    probe = '"><script>alert(1)</script>{{7*7}}'

    page = await admin.post(f"{HERE}/exempt", 422, sku=probe, kind="product")

    assert "<script>alert" not in page
    assert "{{7*7}}" in page
