"""The sandbox's pay page as a fan without a browser uses it."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import ClientSession

from tests.scenarios.running import Till


async def press(http: ClientSession, till: Till, link: str, button: str = "approve") -> None:
    """The link leads to the public address; here no proxy stands before the till."""
    page = till.url + urlsplit(link).path
    async with http.get(page) as shown:
        assert shown.status == 200, await shown.text()
    async with http.post(page, data={"button": button}, allow_redirects=False) as pressed:
        assert pressed.status == 303
