"""Flash prices in the back office: offered by a supplier, started and stopped in the console."""

from __future__ import annotations

import re

import live
from commerce import promotions
from commerce.accounts import Role
from commerce.kernel import ids
from commerce.kernel.clock import MINUTE
from commerce.promotions import Flash, FlashStatus, FlashTerms
from tests.backoffice.conftest import House, Opens, a_person, a_product
from tests.backoffice.markup import Tags

SKU = "HOODIE"
NEW = "/backoffice/flash/new"


async def flashes(house: House) -> list[Flash]:
    return await house.database.read(lambda tx: promotions.flashes_by(tx, None))


async def offered(house: House, **changes: int) -> Flash:
    facts = {"price_minor": 3900, "quantity": 4, "duration": 10 * MINUTE} | changes
    return await house.database.unit_of_work(
        lambda tx: promotions.offer_flash(
            tx,
            flash_id=ids.new_id(),
            supplier_id=house.hoodie.supplier_id,
            leader_id=house.mara.id,
            sku=SKU,
            terms=FlashTerms(**facts),
            per_fan=2,
        )
    )


async def pinned(house: House) -> str:
    await house.database.unit_of_work(
        lambda tx: live.pin(tx, house.session.id, house.hoodie.id, leader_id=house.mara.id)
    )
    return f"/backoffice/sessions/{house.session.id}"


def start(flash: Flash, **typed: str) -> dict[str, str]:
    facts = {"price": "39.00", "quantity": "4", "minutes": "10"}
    return {"flash": flash.id, "version": "1", "sku": SKU, **facts, **typed}


async def test_a_supplier_offers_a_leader_some_pieces_for_less(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    page = await browser.get(NEW)
    (key,) = re.findall(r'name="flash" value="([^"]*)"', page)
    typed = {
        "flash": key, "sku": SKU, "leader": house.mara.id, "price": "39,50", "quantity": "3",
        "per_fan": "1", "minutes": "15",
    }  # fmt: skip

    assert await browser.post(NEW, **typed) == "/backoffice/flash?said=offered"
    await browser.post(NEW, **typed)  # sent twice it offers once

    (flash,) = await flashes(house)
    assert flash.terms == FlashTerms(price_minor=3950, quantity=3, duration=15 * MINUTE)
    assert (flash.leader_id, flash.per_fan, flash.status) == (
        house.mara.id, 1, FlashStatus.OFFERED,
    )  # fmt: skip
    seen = Tags(await browser.get("/backoffice/flash")).words
    assert "waits to be started" in seen


NOT_OFFERED: list[tuple[dict[str, str], str]] = [
    ({"price": "cheap"}, "Write an amount like 39.00."),
    ({"price": "49"}, "From €0.01 to €48.99: below the price it has otherwise."),
    ({"quantity": "9"}, "From 1 to 5 pieces: there are no more."),
    ({"quantity": "-1"}, "Write a whole number of pieces."),
    ({"per_fan": "4"}, "From 1 to 3: all pieces there are."),
    ({"minutes": "0"}, "From 1 to 1440 minutes."),
    ({"leader": "nobody"}, "Choose a leader."),
    ({"sku": "FOREIGN"}, "Choose what is offered."),
]


async def test_what_cannot_be_offered_is_said_at_its_field_and_nothing_typed_is_lost(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    await browser.get(NEW)
    facts = {
        "sku": SKU, "leader": house.mara.id, "price": "39.50", "quantity": "3", "per_fan": "1",
        "minutes": "15", "flash": ids.new_id(),
    }  # fmt: skip

    for typed, said in NOT_OFFERED:
        page = await browser.post(NEW, 422, **facts | typed)

        assert said in Tags(page).words
        kept = {"price", "quantity", "per_fan", "minutes"}
        assert all(f'value="{v}"' in page for k, v in (facts | typed).items() if k in kept)
    assert await flashes(house) == []


async def test_the_leader_starts_it_beside_the_pinned_product_and_stops_it(
    open_browser: Opens, house: House
) -> None:
    flash = await offered(house)
    console = await pinned(house)
    browser = await open_browser("mara")
    page = await browser.get(console)
    assert 'name="price" value="39.00"' in page
    assert 'name="minutes" value="10"' in page

    where = await browser.post(f"{console}/flash/start", **start(flash, quantity="2"))

    assert where == f"{console}?said=flash_started"
    page = await browser.get(console)
    assert "2 of 2 left" in page
    assert "Start now" not in page
    await browser.post(f"{console}/flash/stop", flash=flash.id)
    (over,) = await flashes(house)
    assert (over.status, over.ending) == (FlashStatus.ENDED, "leader")


NOT_STARTED: list[tuple[dict[str, str], str]] = [
    ({"price": "38.99"}, "Not less than €39.00: that is what the supplier offers."),
    ({"quantity": "5"}, "From 1 to 4 pieces: there are no more."),
    ({"minutes": "soon"}, "Write a whole number of minutes."),
    ({"minutes": "11"}, "From 1 to 10 minutes."),
    ({"version": "7"}, "Somebody changed it meanwhile. Look at it as it is now."),
]


async def test_what_cannot_be_started_is_said_in_the_console_with_what_was_typed(
    open_browser: Opens, house: House
) -> None:
    flash = await offered(house)
    console = await pinned(house)
    browser = await open_browser("mara")
    await browser.get(console)

    for typed, said in NOT_STARTED:
        page = await browser.post(f"{console}/flash/start", 422, **start(flash, **typed))

        assert said in Tags(page).words
        name, value = next(iter(typed.items()))
        assert f'name="{name}" value="{value if name != "version" else 1}"' in page
    assert await flashes(house) == [flash]


async def test_nobody_else_starts_stops_or_withdraws_it(open_browser: Opens, house: House) -> None:
    flash = await offered(house)
    await pinned(house)
    tobi = await open_browser("tobi")
    await tobi.get("/backoffice")
    theirs = f"/backoffice/sessions/{house.foreign.id}"
    await tobi.post(f"{theirs}/flash/start", 409, **start(flash))
    await tobi.post(f"/backoffice/sessions/{house.session.id}/flash/start", 404, **start(flash))
    await tobi.post(f"{theirs}/flash/stop", 409, flash=flash.id)
    await tobi.post(f"/backoffice/flash/{flash.id}/withdraw", 403, version="1")
    await tobi.get(NEW, 403)

    await a_product(house.database, "other-supplier", "Mug")
    await a_person(house.database, "olga", Role.SUPPLIER, "other-supplier")
    olga = await open_browser("olga")
    await olga.get("/backoffice/flash")
    where = await olga.post(f"/backoffice/flash/{flash.id}/withdraw", version="1")

    assert where == "/backoffice/flash?problem=not_your_flash"
    assert await flashes(house) == [flash]


async def test_its_supplier_and_an_admin_withdraw_it(open_browser: Opens, house: House) -> None:
    for who in ("nell", "ada"):
        flash = await offered(house)
        browser = await open_browser(who)
        await browser.get("/backoffice/flash")

        await browser.post(f"/backoffice/flash/{flash.id}/withdraw", version="1")

    assert {one.status for one in await flashes(house)} == {FlashStatus.WITHDRAWN}
