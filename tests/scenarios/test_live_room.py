"""The live room as fans and their leader use it: real browsers at a running till."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from deploy.seed import MARA
from tests.scenarios.conftest import StartTill
from tests.scenarios.running import PATIENCE_SECONDS, SESSION, Till

PHONE = {"width": 390, "height": 844}
ROOM = f"/live/{SESSION}"
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


class RoomPage:
    """A fan's phone in the live room."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.talk = page.locator("#desk-talk")
        self.replies = page.locator("#desk-talk .said--shop")

    async def buys(self) -> None:
        await self.page.locator("#buy").click()
        await expect(self.replies).to_have_count(2)  # the welcome shows the offer too

    async def taps(self, words: str | re.Pattern[str]) -> None:
        await self.choice(words).click()

    def choice(self, words: str | re.Pattern[str]) -> Locator:
        return self.page.locator(".choice:enabled", has_text=words).first

    async def says(self, text: str) -> None:
        await self.page.locator("#desk-field").fill(text)
        await self.page.locator("#desk-field").press("Enter")

    async def answers(self, *answers: tuple[str, str]) -> None:
        for question, answer in answers:
            await expect(self.replies.last).to_contain_text(question)
            await self.says(answer)

    async def pays(self, link: str = "Pay €", button: str = "Approve") -> None:
        async with self.context.expect_page() as opened:
            await self.replies.last.get_by_role("link", name=link).click()
        pay = await opened.value
        await pay.get_by_role("button", name=button, exact=True).click()
        await expect(pay.locator("[data-state=paid]")).to_be_visible()
        await pay.close()

    async def texts(self) -> list[str]:
        return await self.talk.locator("li .bubble").all_inner_texts()


async def enters(browser: Browser, till: Till, locale: str = "en-US") -> RoomPage:
    context = await browser.new_context(
        base_url=till.url, viewport=PHONE, locale=locale, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await page.goto(ROOM)
    return RoomPage(context, page)


async def signs_in(browser: Browser, till: Till) -> Page:
    context = await browser.new_context(base_url=till.url)
    page = await context.new_page()
    await page.goto("/backoffice")
    await page.get_by_label("E-mail").fill(MARA.email)
    await page.get_by_label("Password").fill(MARA.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="Friday Night Drop").first.click()
    await expect(page.locator("#board-numbers")).to_be_visible()
    await page.evaluate("window.neverReloaded = true")
    return page


def figure(console: Page, name: str) -> Locator:
    return console.locator(".figure", has_text=name).locator("dd")


BERLIN = (("street", "Torstraße 12"), ("town", "Berlin"), ("postcode", "10119"))


async def test_a_fan_buys_while_the_leader_watches_and_another_fan_sees_nothing(
    start_till: StartTill, browser: Browser
) -> None:
    till = await start_till()
    console = await signs_in(browser, till)
    ada, ben = await enters(browser, till), await enters(browser, till)

    await ada.buys()
    await ben.buys()
    await ada.taps(re.compile("^M"))
    await expect(ada.replies.last).to_contain_text("is held for you")
    await expect(figure(console, "Pieces held")).to_have_text("1")
    await expect(ben.page.locator("#offer-stock")).to_contain_text("71")
    await ada.taps("Germany")
    await ada.answers(("full name", "Ada Windell"), *BERLIN)
    await expect(ada.replies.last).to_contain_text("Your order:")
    await ada.taps("I agree and pay")
    await expect(figure(console, "Waiting for payment")).to_have_text("1")
    await ada.pays()
    await expect(ada.replies.last).to_contain_text("This is your receipt")

    [(code, status)] = await till.orders()
    assert status == "paid"
    await expect(ada.replies.last).to_contain_text(code)
    await expect(figure(console, "Orders paid")).to_contain_text("1")
    await expect(console.locator("#board-orders")).to_contain_text(code)
    assert await console.evaluate("window.neverReloaded")
    await ben.says("status")
    await expect(ben.replies.last).to_contain_text("You have no orders yet")
    assert not [text for text in await ben.texts() if "Ada" in text or code in text]
    assert await till.is_sound()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_returning_spanish_fan_confirms_the_known_address_with_one_tap(
    start_till: StartTill, browser: Browser
) -> None:
    till = await start_till()
    fan = await enters(browser, till, "es-ES")
    await expect(fan.page.locator("#buy")).to_have_text("Comprar")

    await fan.buys()
    await fan.taps(re.compile("^L"))
    await expect(fan.replies.last).to_contain_text("Te reservo")
    await fan.taps("España")
    await fan.answers(
        ("nombre", "Lucía Ibáñez"),
        ("calle", "Calle de Alcalá 50"),
        ("ciudad", "Madrid"),
        ("código postal", "28014"),
    )
    if "provincia" in await fan.replies.last.inner_text():
        await fan.says("Madrid")
    await fan.taps("Acepto y pago")
    await fan.pays("Pagar", "Aprobar")
    await expect(fan.replies.last).to_contain_text("recibo")

    await fan.page.reload()
    await expect(fan.replies.last).to_contain_text("recibo")
    await fan.page.locator("#tab-desk").click()
    await fan.page.locator("#buy").click()
    await fan.taps(re.compile("^S"))
    await expect(fan.replies.last).to_contain_text("Calle de Alcalá 50")
    await fan.page.locator(".choices").last.locator(".choice").first.click()
    await fan.taps("Acepto y pago")
    await fan.pays("Pagar", "Aprobar")
    await expect(fan.talk.get_by_text("recibo")).to_have_count(2)

    assert [status for _, status in await till.orders()] == ["paid", "paid"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_cut_connection_loses_and_repeats_no_message(
    start_till: StartTill, browser: Browser
) -> None:
    till = await start_till()
    fan = await enters(browser, till)
    await fan.buys()
    await fan.taps(re.compile("^M"))
    await fan.taps("Germany")
    await expect(fan.replies.last).to_contain_text("full name")

    await fan.context.set_offline(True)
    await till.end()
    await fan.says("Ada Windell")  # nobody is there to hear it
    await till.start()
    await fan.context.set_offline(False)
    await fan.answers(*BERLIN)
    await expect(fan.replies.last).to_contain_text("Your order:")

    texts = [text for text in await fan.texts() if text != "Buy now"]  # a press, not a message
    assert texts.count("Ada Windell") == 1
    assert sum("street and house number" in text for text in texts) == 1
    await fan.page.reload()
    await expect(fan.replies.last).to_contain_text("Your order:")
    assert await fan.texts() == texts


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_fans_write_is_shown_as_they_wrote_it(
    start_till: StartTill, browser: Browser
) -> None:
    till = await start_till()
    evil = "<img src=x onerror=document.title='stolen'>"
    fan, other = await enters(browser, till), await enters(browser, till)
    await fan.page.locator("#name-button").click()
    await fan.page.locator("#name-field").fill("<b>Eve</b>")
    await fan.page.locator("#name-form button").click()
    await fan.page.locator("#room-field").fill(evil)
    await fan.page.locator("#room-field").press("Enter")

    await expect(other.page.locator("#room-talk")).to_contain_text(evil)
    await expect(other.page.locator("#room-talk")).to_contain_text("<b>Eve</b>")
    await fan.buys()
    await fan.says(evil)
    await expect(fan.talk).to_contain_text(evil)
    await expect(fan.page.locator("#desk-talk img[src=x], #room-talk img")).to_have_count(0)
    assert "stolen" not in await fan.page.title() + await other.page.title()
