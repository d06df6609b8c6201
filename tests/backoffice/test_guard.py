"""What no form may do from elsewhere, no role beyond its own, and no name inside a page."""

from __future__ import annotations

import pytest

import live
from commerce.accounts import Role
from commerce.kernel.database import Database, Tx
from tests.backoffice.conftest import House, Opens, a_person, a_product, a_session
from tests.backoffice.markup import PROBES, Tags

ONE = "/backoffice/sessions/{id}"
FORMS = [
    "/backoffice/sign-out",
    "/backoffice/sessions/new",
    f"{ONE}/go-live",
    f"{ONE}/pin",
    f"{ONE}/unpin",
    f"{ONE}/end",
]
OF_ONE_SESSION = [ONE, f"{ONE}/feed", f"{ONE}/orders"]


async def everything_of(database: Database, house: House) -> object:
    async def read(tx: Tx) -> object:
        return (
            await live.sessions_of(tx, house.mara.id),
            await live.sessions_of(tx, house.tobi.id),
            await live.pins_of(tx, house.session.id),
            await live.pins_of(tx, house.foreign.id),
        )

    return await database.read(read)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": "é"}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(
    open_browser: Opens, house: House, path: str, fields: dict[str, str], headers: dict[str, str]
) -> None:
    browser = await open_browser("mara")
    before = await everything_of(house.database, house)
    sent = {"product": house.hoodie.id, "title": "Mine", "kind": "still", **fields}

    page = await browser.post(path.format(id=house.session.id), 403, headers, **sent)

    assert "Nothing was changed." in page
    assert await everything_of(house.database, house) == before
    await browser.get("/backoffice")


async def test_the_token_of_another_person_is_refused(open_browser: Opens, house: House) -> None:
    mara, tobi = await open_browser("mara"), await open_browser("tobi")
    before = await everything_of(house.database, house)

    page = await mara.post(f"{ONE}/end".format(id=house.session.id), 403, csrf=tobi.csrf)

    assert "Nothing was changed." in page
    assert await everything_of(house.database, house) == before


async def test_a_form_of_our_own_pages_is_taken(open_browser: Opens, house: House) -> None:
    browser = await open_browser("mara")
    headers = {"Origin": "http://till.example", "Sec-Fetch-Site": "same-origin"}

    where = await browser.post(
        f"{ONE}/pin".format(id=house.session.id), headers=headers, product=house.hoodie.id
    )

    assert where.endswith("?said=pinned")


@pytest.mark.parametrize("path", FORMS)
async def test_no_get_changes_anything(open_browser: Opens, house: House, path: str) -> None:
    browser = await open_browser("mara")
    before = await everything_of(house.database, house)
    query = f"?csrf={browser.csrf}&product={house.hoodie.id}&title=x&kind=still"

    async with browser.client.get(path.format(id=house.session.id) + query) as answer:
        assert answer.status == (200 if path.endswith("new") else 405)

    assert await everything_of(house.database, house) == before
    await browser.get("/backoffice")


@pytest.mark.parametrize("path", OF_ONE_SESSION)
async def test_a_foreign_session_does_not_exist(
    open_browser: Opens, house: House, path: str
) -> None:
    browser = await open_browser("mara")

    page = await browser.get(path.format(id=house.foreign.id), 404)

    assert "Sunday" not in page


@pytest.mark.parametrize("path", FORMS[2:])
async def test_a_foreign_session_cannot_be_run(
    open_browser: Opens, house: House, path: str
) -> None:
    browser = await open_browser("mara")
    before = await everything_of(house.database, house)

    await browser.post(path.format(id=house.foreign.id), 404, product=house.hoodie.id)

    assert await everything_of(house.database, house) == before


@pytest.mark.parametrize("path", OF_ONE_SESSION)
async def test_an_unknown_session_is_not_found(open_browser: Opens, path: str) -> None:
    browser = await open_browser("mara")

    await browser.get(path.format(id="01976000-0000-7000-8000-0000000000ff"), 404)


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("nell", "/backoffice", 303),
        ("nell", "/backoffice/products", 200),
        ("nell", "/backoffice/sessions/new", 403),
        ("nell", ONE, 403),
        ("nell", f"{ONE}/feed", 403),
        ("nell", f"{ONE}/orders", 403),
        ("nell", "/backoffice/staff", 403),
        ("mara", "/backoffice/staff", 403),
        ("ada", "/backoffice", 200),
        ("ada", ONE, 200),
        ("ada", f"{ONE}/orders", 200),
        ("ada", "/backoffice/products", 200),
        ("ada", "/backoffice/staff", 200),
    ],
)
async def test_a_role_sees_its_own_pages(
    open_browser: Opens, house: House, role: str, path: str, status: int
) -> None:
    browser = await open_browser(role)

    await browser.get(path.format(id=house.session.id), status)


async def test_a_supplier_sees_no_products_of_others(open_browser: Opens, house: House) -> None:
    await a_product(house.database, "another supplier", "Lamp")
    browser = await open_browser("nell")

    page = await browser.get("/backoffice/products")

    assert "Hoodie" in page
    assert "Lamp" not in page


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"csrf=x", "text/plain", 415),
        (b"--x", "multipart/form-data; boundary=x", 415),
        (b"csrf=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"csrf=x", "application/x-www-form-urlencoded; charset=klingon", 400),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
async def test_what_is_no_form_is_refused(
    open_browser: Opens, house: House, body: bytes, content_type: str, status: int
) -> None:
    browser = await open_browser("mara")

    async with browser.client.post(
        f"{ONE}/end".format(id=house.session.id), data=body, headers={"Content-Type": content_type}
    ) as answer:
        assert answer.status == status


@pytest.mark.parametrize("probe", PROBES)
async def test_names_are_words_and_never_markup(
    open_browser: Opens, house: House, probe: str
) -> None:
    person = await a_person(house.database, "plain", Role.LEADER)
    plain = await a_session(house.database, person, "plain")
    hostile = await a_session(house.database, person, probe)
    browser = await open_browser("plain")

    pages = [await browser.get(f"/backoffice/sessions/{s.id}") for s in (plain, hostile)]

    assert Tags(pages[0]).shape == Tags(pages[1]).shape
    assert probe in Tags(pages[1]).words


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("page", ["/backoffice/products", ONE])
async def test_product_names_are_words_and_never_markup(
    open_browser: Opens, house: House, probe: str, page: str
) -> None:
    browser = await open_browser("ada")
    path = page.format(id=house.session.id)
    await a_product(house.database, house.hoodie.supplier_id, "Plain")
    before = Tags(await browser.get(path))

    await a_product(house.database, house.hoodie.supplier_id, probe)

    after = Tags(await browser.get(path))
    assert set(after.shape) == set(before.shape)
    assert probe in after.words


@pytest.mark.parametrize("probe", PROBES)
async def test_what_was_typed_comes_back_as_words(open_browser: Opens, probe: str) -> None:
    browser = await open_browser("mara")

    page = await browser.post("/backoffice/sessions/new", 422, title="", kind="youtube", link=probe)
    plain = await browser.post("/backoffice/sessions/new", 422, title="", kind="youtube", link="x")

    assert Tags(page).shape == Tags(plain).shape
