"""The pictures of a product: taken or told why not, file by file, and only by its owner."""

from __future__ import annotations

import re

import aiohttp
import pytest

from backoffice import words_pictures
from backoffice.pictures_pages import arranged
from commerce import catalog
from commerce.accounts import Role
from commerce.catalog import media_model
from tests.backoffice.conftest import Browser, House, Opens, a_person
from tests.catalog.pictures import BLUE, a_picture, animated

OLD = "/media/hoodie.webp"


def page_of(house: House, path: str = "") -> str:
    return f"/backoffice/products/{house.hoodie.id}/pictures{path}"


async def send(
    browser: Browser, path: str, status: int, *files: bytes, json: bool = False, csrf: str = ""
) -> tuple[str, str]:
    """Where it leads, and what is said."""
    form = aiohttp.FormData({"csrf": csrf or browser.csrf}, quote_fields=False)
    for number, content in enumerate(files):
        form.add_field("picture", content, filename=f"<b>{number}.jpg", content_type="image/jpeg")
    headers = {"Accept": "application/json"} if json else {}
    async with browser.client.post(
        path, data=form, headers=headers, allow_redirects=False
    ) as response:
        assert response.status == status, await response.text()
        return response.headers.get("Location", ""), await response.text()


async def pictures(house: House) -> tuple[str, ...]:
    return (await house.database.read(lambda tx: catalog.product(tx, house.hoodie.id))).pictures


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page))


async def test_several_pictures_are_taken_at_once(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    await nell.get(page_of(house))

    where, _ = await send(nell, page_of(house), 303, a_picture(), a_picture(color=BLUE))

    page = await nell.get(where)
    assert "Added." in page
    kept = await pictures(house)
    assert len(kept) == 3
    assert all(media_model.srcset(path) in page for path in kept[1:])


async def test_each_wrong_file_is_told_by_name_and_keeps_no_other_out(
    open_browser: Opens, house: House
) -> None:
    nell = await open_browser("nell")
    await nell.get(page_of(house))

    _, page = await send(nell, page_of(house), 422, b"no", a_picture(), animated())

    assert "<b>&lt;b&gt;0.jpg</b>" in page
    assert words_pictures.WHY["not_a_picture"] in page
    assert words_pictures.WHY["animated"] in page
    assert len(await pictures(house)) == 2


async def test_a_page_that_sends_one_by_one_hears_it_in_json(
    open_browser: Opens, house: House
) -> None:
    nell = await open_browser("nell")
    await nell.get(page_of(house))

    good = await send(nell, page_of(house), 200, a_picture(), json=True)
    wrong = await send(nell, page_of(house), 422, a_picture((100, 300)), json=True)
    none = await send(nell, page_of(house), 422, json=True)

    assert good[1] == '{"problem": ""}'
    assert "only 100 by 300 pixels" in wrong[1]
    assert words_pictures.NO_FILE in none[1]


async def test_pictures_are_moved_removed_and_given_to_variants(
    open_browser: Opens, house: House
) -> None:
    nell = await open_browser("nell")
    await nell.get(page_of(house))
    await send(nell, page_of(house), 303, a_picture(), a_picture(color=BLUE))
    _, red, blue = await pictures(house)

    form = form_of(await nell.get(page_of(house)))
    where = await nell.post(page_of(house, "/arrange"), **form, do="first:2")
    assert await pictures(house) == (blue, OLD, red)
    assert "Saved." in await nell.get(where)

    stale = await nell.post(page_of(house, "/arrange"), 409, **form, do="remove:0")
    assert "changed this product meanwhile" in stale
    form = form_of(stale)
    given = {**form, "do": "remove:1", "of.HOODIE": red}
    await nell.post(page_of(house, "/arrange"), **given)

    assert await pictures(house) == (blue, red)
    variant = await house.database.read(lambda tx: catalog.variant(tx, "HOODIE"))
    assert variant.image == red


async def test_what_is_for_sale_keeps_its_last_picture(open_browser: Opens, house: House) -> None:
    nell = await open_browser("nell")
    form = form_of(await nell.get(page_of(house)))

    page = await nell.post(page_of(house, "/arrange"), 409, **form, do="remove:0")

    assert words_pictures.PROBLEMS["product_incomplete"] in page
    assert await pictures(house) == (OLD,)


@pytest.mark.parametrize(("name", "status"), [("otto", 404), ("mara", 403)])
async def test_others_see_and_change_nothing(
    open_browser: Opens, house: House, name: str, status: int
) -> None:
    await a_person(house.database, "otto", Role.SUPPLIER, "another supplier")
    browser = await open_browser(name)

    await browser.get(page_of(house), status)
    await browser.post(page_of(house, "/arrange"), status, do="remove:0")
    await send(browser, page_of(house), status, a_picture())
    ada = await open_browser("ada")
    await ada.get(page_of(house))
    await send(ada, page_of(house), 403, a_picture(), csrf="0" * 64)

    assert await pictures(house) == (OLD,)


@pytest.mark.parametrize(
    ("do", "order"),
    [
        ("save", "abc"), ("first:2", "cab"), ("up:1", "bac"), ("up:0", "abc"), ("down:0", "bac"),
        ("down:2", "abc"), ("remove:1", "ac"), ("remove:9", "abc"), ("up:-1", "abc"), ("", "abc"),
    ],
)  # fmt: skip
def test_a_button_moves_one_picture(do: str, order: str) -> None:
    fields = {"picture.0": "a", "picture.1": "b", "picture.2": "c", "do": do}

    assert "".join(arranged(fields)) == order


def test_every_reason_has_words() -> None:
    assert set(words_pictures.WHY) == set(media_model.Reason)
