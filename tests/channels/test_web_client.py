from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels import web_client
from channels.web_client import NoRoom
from commerce.kernel import inbox
from commerce.kernel.database import Database, connect
from tests.channels.web_fans import House, open_house
from tests.live.factories import a_session


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = await connect(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as house:
        yield house


class Terminal:
    """Types the next line when the screen shows what it waits for."""

    def __init__(self, *script: tuple[str, str | None]) -> None:
        self.screen: list[str] = []
        self._script = list(script)
        self._changed = asyncio.Event()

    def write(self, text: str) -> None:
        self.screen.append(text)
        self._changed.set()

    async def read_line(self) -> str | None:
        if not self._script:
            return None
        awaited, line = self._script.pop(0)
        while not re.search(awaited, "\n".join(self.screen)):
            self._changed.clear()
            await self._changed.wait()
        return line


async def shop_answers(house: House, conversation_id: str, *answers: str) -> None:
    for answer in answers:
        await house.shop.answer(conversation_id, answer)


def fan_in(cookie_file: Path) -> str:
    return "web:platform:" + cookie_file.read_text().partition(".")[0]


async def test_a_line_reaches_the_shop_and_its_answer_the_screen(house, database, tmp_path):
    await a_session(database)
    cookie = tmp_path / "fan"
    terminal = Terminal(("Hello fan", "size M please"), ("Held for you", None))
    chatting = asyncio.create_task(
        web_client.chat(
            house.url, "summer-drop", terminal.read_line, terminal.write, cookie_file=cookie
        )
    )
    await _heard(house, cookie, 1)
    await shop_answers(house, fan_in(cookie), "Hello fan")
    await _heard(house, cookie, 2)
    await shop_answers(house, fan_in(cookie), "Held for you")
    await chatting

    assert ("text", "size M please") in await house.shop.heard(fan_in(cookie))
    assert [line for line in terminal.screen if "\n" in line] == ["\nHello fan", "\nHeld for you"]


async def _heard(house: House, cookie: Path, count: int) -> None:
    """Until so many messages of this fan are in the inbox."""
    woken = asyncio.Event()
    house.shop.database.on_wake("conversation:", lambda topic: woken.set())
    while len(await _said(house, cookie)) < count:
        await asyncio.wait_for(woken.wait(), 10)
        woken.clear()


async def _said(house: House, cookie: Path) -> list[tuple[str, str]]:
    try:
        return await house.shop.heard(fan_in(cookie))
    except FileNotFoundError:  # the fan has not entered yet
        return []


async def test_a_second_run_is_the_same_fan_and_shows_the_chat_so_far(house, database, tmp_path):
    await a_session(database)
    cookie = tmp_path / "fan"
    browser = house.browser()
    async with browser.open() as page:
        await page.hello()
        await page.send(type="say", id="message-1", text="hi there")
        await page.next("ack")
    cookie.write_text(browser.cookie)
    await shop_answers(house, browser.conversation_id, "Welcome")

    terminal = Terminal(("Welcome", None))
    await web_client.chat(
        house.url, "summer-drop", terminal.read_line, terminal.write, cookie_file=cookie
    )

    said = await database.read(lambda tx: inbox.said_by(tx, fan_in(cookie)))
    assert len(said) == 2
    assert sorted(terminal.screen) == ["\nWelcome", "you> hi there"]


async def test_an_unknown_session_is_one_clear_error(house, database):
    terminal = Terminal(("never", None))

    with pytest.raises(NoRoom, match="no such live session"):
        await web_client.chat(house.url, "no-such", terminal.read_line, terminal.write)


def test_a_button_is_pressed_by_its_number_or_its_words():
    choices = [("size:s", "S"), ("size:m", "Medium")]

    assert web_client._chosen("2", choices) == "size:m"
    assert web_client._chosen("medium", choices) == "size:m"
    assert [web_client._chosen(text, choices) for text in ("0", "3", "²", "x")] == [""] * 4


def test_a_reply_is_shown_with_its_buttons_numbered():
    screen: list[str] = []
    chat = web_client.Chat("http://till", "x", screen.append, None)

    chat._take(
        {
            "type": "reply",
            "number": 1,
            "reply": {
                "text": "Which size?",
                "choices": [["size:s", "S", ""], ["size:m", "M", "2 left"]],
                "link": ["Pay", "https://till.example/pay/x"],
                "image_url": "https://till.example/a.png",
            },
        }
    )

    assert screen == [
        "\nWhich size?",
        "  [picture] https://till.example/a.png",
        "  Pay: https://till.example/pay/x",
        "  1) S",
        "  2) M – 2 left",
    ]
