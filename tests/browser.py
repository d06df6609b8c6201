"""The Chromium of the browser tests; run as a module it tells whether there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Error, async_playwright

ADVICE = "no browser: apt-get install chromium, or .venv/bin/playwright install chromium"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is neither a Chromium on this system nor one of Playwright's own."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = next(filter(None, map(shutil.which, SYSTEM_NAMES)), None)
    root = os.geteuid() == 0  # Chromium's sandbox refuses root
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox"] if root else []
            )
        except Error as error:
            raise NoBrowser(f"{ADVICE} ({error.message.splitlines()[0]})") from None
        try:
            yield browser
        finally:
            await browser.close()


async def _try() -> None:
    async with chromium() as browser:
        sys.stdout.write(f"Chromium {browser.version}\n")


if __name__ == "__main__":
    try:
        asyncio.run(_try())
    except NoBrowser as missing:
        sys.exit(str(missing))
