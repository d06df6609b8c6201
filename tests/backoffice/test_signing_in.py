"""Coming and going: who gets in, what a stranger learns, and what a stolen form can do."""

from __future__ import annotations

import asyncio

import pytest

from backoffice import security
from commerce.kernel import clock as clocks
from tests.backoffice.conftest import PASSWORD, House, Opens

EVERY_PAGE = ["", "/sessions/new", "/products", "/staff", "/sessions/{id}", "/sessions/{id}/orders"]


async def test_a_page_asked_for_is_opened_after_signing_in(open_browser: Opens) -> None:
    browser = await open_browser()
    async with browser.client.get("/backoffice/products?page=2", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/backoffice/sign-in?then=/backoffice/products?page=2"

    await browser.get("/backoffice/sign-in")
    where = await browser.post(
        "/backoffice/sign-in",
        email="mara@livetill.example",
        password=PASSWORD,
        then="/backoffice/products?page=2",
    )

    assert where == "/backoffice/products?page=2"


@pytest.mark.parametrize("page", EVERY_PAGE)
async def test_without_signing_in_every_page_leads_to_the_door(
    open_browser: Opens, house: House, page: str
) -> None:
    browser = await open_browser()

    await browser.get(f"/backoffice{page.format(id=house.session.id)}", 303)


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/",
        "//evil.example/backoffice",
        "/backoffice//evil.example",
        "/backoffice/../evil",
        "/\\evil.example",
        "javascript:alert(1)",
        "/backoffice\r\nSet-Cookie: a=b",
        "/backoffice/sign-out",
        "",
    ],
)
def test_the_way_back_never_leaves_the_back_office(then: str) -> None:
    assert security.way_back(then) == "/backoffice"


async def test_a_wrong_password_and_an_unknown_person_are_told_the_same(
    open_browser: Opens,
) -> None:
    browser = await open_browser()

    known = await browser.sign_in("mara", "not the password", 422)
    unknown = await browser.sign_in("nobody", "not the password", 422)

    words = "This e-mail and password do not belong together."
    assert words in known
    assert known.replace("mara@", "nobody@") == unknown
    await browser.get("/backoffice", 303)


async def test_guessing_is_slowed_and_says_for_how_long(
    open_browser: Opens, clock: clocks.FakeClock
) -> None:
    browser = await open_browser()
    for _ in range(10):
        await browser.sign_in("tobi", "a guess, again", 422)

    refused = await browser.sign_in("tobi", "a guess, again", 429)
    assert "Too many tries. Wait 60 seconds and try again." in refused

    clock.advance(2 * clocks.MINUTE)
    assert await browser.sign_in("tobi") == "/backoffice"


async def test_signing_out_ends_the_session_itself(open_browser: Opens) -> None:
    browser = await open_browser("mara")
    [stolen] = [c.value for c in browser.client.session.cookie_jar if c.key == "livetill_staff"]

    await browser.post("/backoffice/sign-out")

    browser.client.session.cookie_jar.update_cookies({"livetill_staff": stolen})
    await browser.get("/backoffice", 303)


async def test_signing_in_again_renews_the_token_and_ends_the_old_one(
    open_browser: Opens,
) -> None:
    browser, thief = await open_browser("mara"), await open_browser()
    [before] = [c.value for c in browser.client.session.cookie_jar if c.key == "livetill_staff"]

    await browser.sign_in("mara")

    [after] = [c.value for c in browser.client.session.cookie_jar if c.key == "livetill_staff"]
    assert before != after
    thief.client.session.cookie_jar.update_cookies({"livetill_staff": before})
    await thief.get("/backoffice", 303)


async def test_the_sign_in_form_of_another_browser_is_worth_nothing(open_browser: Opens) -> None:
    victim, attacker = await open_browser(), await open_browser()
    await victim.get("/backoffice/sign-in")
    await attacker.get("/backoffice/sign-in")

    page = await victim.post(
        "/backoffice/sign-in",
        403,
        csrf=attacker.csrf,
        email="mara@livetill.example",
        password=PASSWORD,
    )

    assert "This form was open for too long." in page
    await victim.get("/backoffice", 303)


@pytest.mark.parametrize(
    "credentials",
    [
        {"email": "", "password": ""},
        {"email": "a\0b@livetill.example", "password": "\0"},
        {"email": "x" * 5000 + "@livetill.example", "password": "y" * 5000},
        {"email": "{{7*7}}@%s.example", "password": "${jndi}"},
        {},
    ],
)
async def test_nonsense_is_refused_like_a_wrong_password(
    open_browser: Opens, credentials: dict[str, str]
) -> None:
    browser = await open_browser()
    await browser.get("/backoffice/sign-in")

    page = await browser.post("/backoffice/sign-in", 422, **credentials)

    assert "This e-mail and password do not belong together." in page


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    open_browser: Opens,
) -> None:
    browser = await open_browser()
    await browser.get("/backoffice/sign-in")
    form = {"csrf": browser.csrf, "email": "mara@livetill.example", "password": PASSWORD}
    async with browser.client.post(
        "/backoffice/sign-in", data=form, allow_redirects=False
    ) as answer:
        cookie = answer.cookies["livetill_staff"]

    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_over_https_the_cookies_are_bound_to_the_host() -> None:
    cookies = security.Cookies(secure=True)

    assert cookies.session.startswith("__Host-")
    assert cookies.visit.startswith("__Host-")


async def test_of_two_sign_ins_at_once_both_work(open_browser: Opens) -> None:
    first, second = await open_browser(), await open_browser()

    await asyncio.gather(first.sign_in("mara"), second.sign_in("mara"))

    await first.get("/backoffice")
    await second.get("/backoffice")
