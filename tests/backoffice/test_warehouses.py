"""Warehouses in the back office: changed by their supplier; pieces move once per form."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from backoffice import warehouse_forms, words_warehouse
from commerce import inventory
from commerce.accounts import Role
from commerce.inventory import Area, Warehouse
from commerce.kernel.database import Tx
from tests.backoffice.conftest import House, Opens, a_person
from tests.backoffice.markup import PROBES, Tags
from tests.backoffice.test_stock import SKU, held, hidden, moved, shelf
from tests.inventory.factories import a_warehouse

HERE = "/backoffice/warehouses"
TYPED = {
    "name": "Hamburg", "country": "DE", "city": "Hamburg", "postcode": "20095", "region": "",
    "coordinates": "53.55, 9.993", "areas": "de 20-22\nAT", "handling_days": "2",
    "cutoff": "9:30", "timezone": "Europe/Berlin",
}  # fmt: skip


async def opened(house: House, warehouse_id: str, **facts: object) -> Warehouse:
    known = a_warehouse(warehouse_id, **{"supplier_id": house.hoodie.supplier_id, **facts})
    return await house.database.unit_of_work(lambda tx: inventory.open_warehouse(tx, known))


async def known(house: House) -> list[Warehouse]:
    return await house.database.read(
        lambda tx: inventory.warehouses_of(tx, house.hoodie.supplier_id)
    )


async def test_a_supplier_opens_a_warehouse_once(open_browser: Opens, house: House) -> None:
    browser = await open_browser("nell")
    assert "One place for everything" in await browser.get(HERE)
    form = await browser.get(f"{HERE}/new")

    for _ in range(2):
        where = await browser.post(f"{HERE}/new", **hidden(form) | TYPED)

    (one,) = await known(house)
    assert one == Warehouse(
        id=one.id, supplier_id=house.hoodie.supplier_id, name="Hamburg", country="DE",
        city="Hamburg", postcode="20095", latitude_e6=53_550_000, longitude_e6=9_993_000,
        areas=(Area("AT"), Area("DE", ("20", "21", "22"))), handling_days=2, cutoff="09:30",
        timezone="Europe/Berlin",
    )  # fmt: skip
    assert "Nothing lies here" in await browser.get(where)
    page = Tags(await browser.get(HERE)).words
    assert "Serves Austria, Germany (20, 21, 22)." in page
    assert "Hamburg, Germany" in page


WRONG = (
    ({"name": " "}, "name"), ({"country": "XX"}, "country"), ({"postcode": "*"}, "postcode"),
    ({"coordinates": "north"}, "coordinates"), ({"coordinates": "91, 0"}, "coordinates"),
    ({"handling_days": "-1"}, "handling_days"), ({"handling_days": "many"}, "handling_days"),
    ({"cutoff": "25:00"}, "cutoff"), ({"timezone": "Mars/Olympus"}, "timezone"),
)  # fmt: skip
WRONG_AREAS = (
    ("Germany", "“Germany”"), ("XX", "“XX”"), ("DE 1*", "“1*”"), ("DE 14-12", "“14-12”"),
    ("DE 1-12", "“1-12”"), ("DE 12345678901", "“12345678901”"),
    ("DE 0000-9999", words_warehouse.TOO_MANY_AREAS),
)  # fmt: skip


async def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    open_browser: Opens, house: House
) -> None:
    browser = await open_browser("nell")
    form = hidden(await browser.get(f"{HERE}/new"))

    for typed, name in WRONG:
        page = await browser.post(f"{HERE}/new", 422, **form | TYPED | typed)
        assert words_warehouse.WRONG[name] in page, typed
        assert page.count('class="wrong"') == 1
        assert 'value="Hamburg"' in page
    for areas, said in WRONG_AREAS:
        page = await browser.post(f"{HERE}/new", 422, **form | TYPED | {"areas": areas})
        assert said in page, areas
        assert f">{areas}</textarea>" in page
    assert await known(house) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""), ("de", "DE"), ("DE: 10 , 12-14; at", "AT\nDE 10, 12-14"),
        ("GB sw1, ec 1", "GB EC1, SW1"), ("PT 08-12", "PT 08-12"), ("DE 1, 2", "DE 1, 2"),
        ("DE 9,10,11", "DE 10, 11, 9"),
    ],
)  # fmt: skip
def test_areas_are_shown_as_they_can_be_written(text: str, kept: str) -> None:
    def read(text: str) -> Warehouse:
        form, meant = warehouse_forms.read(TYPED | {"areas": text}, "s", "w")
        assert form.errors == {}
        return inventory.tidy(meant)

    shown = warehouse_forms.areas_text(read(text).areas)
    assert shown == kept
    assert read(shown).areas == read(text).areas


async def test_a_change_over_an_older_look_is_not_lost_and_not_written(
    open_browser: Opens, house: House
) -> None:
    berlin = await opened(house, "berlin")
    browser = await open_browser("nell")
    form = hidden(await browser.get(f"{HERE}/berlin/edit"))
    await browser.post(f"{HERE}/berlin/edit", **form | TYPED | {"name": "Mitte"})

    page = await browser.post(f"{HERE}/berlin/edit", 409, **form | TYPED | {"name": "Wedding"})
    assert words_warehouse.PROBLEMS["warehouse_changed"] in page
    assert 'value="Wedding"' in page
    assert [(one.id, one.name, one.version) for one in await known(house)] == [
        (berlin.id, "Mitte", 2)
    ]

    await browser.post(f"{HERE}/berlin/edit", **hidden(page) | TYPED | {"name": "Wedding"})
    assert [(one.name, one.version) for one in await known(house)] == [("Wedding", 3)]


async def test_pieces_move_once_per_form(open_browser: Opens, house: House) -> None:
    await opened(house, "berlin")
    browser = await open_browser("nell")
    inside = await browser.get(f"{HERE}/main")
    link = f"{HERE}/transfer?{urlencode({'sku': SKU, 'origin': 'main'})}"
    assert link.replace("&", "&amp;") in inside
    form = hidden(await browser.get(link))

    for _ in range(2):
        where = await browser.post(
            f"{HERE}/transfer", **form, to="berlin", pieces="2", reason="nearer to fans"
        )

    assert "They moved." in await browser.get(where)
    stood = [(await shelf(house, place)).on_hand for place in ("main", "berlin")]
    assert stood == [3, 2]
    assert len(await moved(house)) == 3
    page = Tags(await browser.get(f"/backoffice/products/{house.hoodie.id}/stock")).words
    assert "in Berlin" in page
    assert "in Main warehouse" in page


NO_MOVES = (
    ({"pieces": "4"}, "Only 3 can go"), ({"pieces": "0"}, words_warehouse.WRONG["pieces"]),
    ({"pieces": "x"}, words_warehouse.WRONG["pieces"]), ({"to": ""}, words_warehouse.WRONG["to"]),
    ({"reason": ""}, words_warehouse.WRONG["reason"]), ({"to": "theirs"}, "another supplier"),
    ({"to": "nowhere"}, "no such warehouse"), ({"to": "main"}, "there already"),
)  # fmt: skip


async def test_a_move_that_cannot_be_says_why_at_its_field(
    open_browser: Opens, house: House
) -> None:
    await opened(house, "berlin")
    await opened(house, "theirs", supplier_id="another")
    await held(house)
    browser = await open_browser("nell")
    form = hidden(await browser.get(f"{HERE}/transfer?sku={SKU}&origin=main"))
    right = {"to": "berlin", "pieces": "1", "reason": "kept words"}

    for typed, said in NO_MOVES:
        page = await browser.post(f"{HERE}/transfer", 422, **form | right | typed)
        assert said in page, typed
        assert page.count('class="wrong"') == 1
    assert (await shelf(house)).on_hand == 5


async def test_a_warehouse_is_closed_when_it_is_empty(open_browser: Opens, house: House) -> None:
    await opened(house, "berlin")

    async def move(tx: Tx, key: str, origin: str, to: str) -> None:
        await inventory.transfer(
            tx, key, SKU, 2, origin=origin, to=to, supplier_id=house.hoodie.supplier_id,
            reason="nearer", by="",
        )  # fmt: skip

    await house.database.unit_of_work(lambda tx: move(tx, "there", "main", "berlin"))
    browser = await open_browser("nell")
    form = hidden(await browser.get(f"{HERE}/berlin"))

    page = await browser.post(f"{HERE}/berlin/close", 409, **form)
    assert "2 pieces are still there" in page
    await house.database.unit_of_work(lambda tx: move(tx, "back", "berlin", "main"))
    where = await browser.post(f"{HERE}/berlin/close", **form)
    assert "closed" in Tags(await browser.get(where)).words
    assert not (await known(house))[0].active


async def test_of_others_there_is_nothing_to_see_or_change(
    open_browser: Opens, house: House
) -> None:
    berlin = await opened(house, "berlin")
    await a_person(house.database, "olga", Role.SUPPLIER, "another")
    browser = await open_browser("olga")
    version = {"version": "1"}

    for path in ("berlin", "berlin/edit", f"transfer?sku={SKU}&origin=main", "nowhere"):
        await browser.get(f"{HERE}/{path}", 404)
    await browser.post(f"{HERE}/berlin/edit", 404, **TYPED | version)
    await browser.post(f"{HERE}/berlin/close", 404, **version)
    sent = {"sku": SKU, "origin": "main", "to": "berlin", "pieces": "1", "reason": "mine now"}
    await browser.post(f"{HERE}/transfer", 404, **sent)
    assert await known(house) == [berlin]
    assert (await shelf(house)).on_hand == 5


async def test_an_admin_looks_after_every_suppliers_warehouses(
    open_browser: Opens, house: House
) -> None:
    await opened(house, "berlin")
    browser = await open_browser("ada")

    page = await browser.get(f"{HERE}?supplier={house.hoodie.supplier_id}")
    assert "Warehouses of Northlight" in page
    form = hidden(await browser.get(f"{HERE}/berlin/edit"))
    await browser.post(f"{HERE}/berlin/edit", **form | TYPED)
    assert [one.name for one in await known(house)] == ["Hamburg"]
    await browser.get(f"{HERE}?supplier=nobody", 404)


async def test_names_are_words_and_never_markup(open_browser: Opens, house: House) -> None:
    await opened(house, "berlin")
    browser = await open_browser("nell")
    plain = set(Tags(await browser.get(HERE)).shape)
    form = hidden(await browser.get(f"{HERE}/berlin/edit"))

    for n, probe in enumerate(PROBES, start=1):
        said = TYPED | {"name": probe[:60], "city": probe[:80]}
        await browser.post(f"{HERE}/berlin/edit", **form | said | {"version": str(n)})
        page = Tags(await browser.get(HERE))
        assert set(page.shape) == plain
        assert probe[:60].strip() in page.words
