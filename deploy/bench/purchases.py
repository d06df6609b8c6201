"""Whole purchases: a fan opens the room, orders, gives an address, pays, and gets the receipt."""

from __future__ import annotations

from urllib.parse import urlsplit

from commerce.kernel.errors import Outage
from deploy.bench import Kind, fans, loads
from deploy.bench.fans import Fan
from deploy.bench.loads import Limits, Operation
from deploy.bench.report import Row
from deploy.bench.till import Till

ANSWERS = ("M", "US", "Ada Fan", "12 Main Street", "Springfield", "62701")
WARM_UP = 4  # purchases before the clock starts


async def measure(kind: Kind, limits: Limits) -> list[Row]:
    async def prepare(till: Till, slug: str) -> Operation:
        async def purchase() -> None:
            await buy(till.port, slug)

        for _ in range(WARM_UP):
            await purchase()
        return purchase

    return await loads.measure("purchases", kind, limits, prepare)


async def buy(port: int, slug: str) -> None:
    _, cookie = await _ok(port, "GET", f"/live/{slug}")
    fan, shown = await fans.enter(port, slug, cookie=cookie)
    for answer in ANSWERS:
        fan.say("text", answer)
        shown = await fan.reply()
    fan.say("choice", _agreement(shown))
    await _pay(port, fan)
    await fan.reply()  # the receipt
    fan.close()


def _agreement(frame: bytes) -> str:
    choices = fans.body(frame).get("choices", ())
    for choice, *_ in choices:
        if ":summary:agree" in choice:
            return str(choice)
    raise Outage(f"the bot did not come to the summary: {fans.body(frame)['text'][:80]!r}")


async def _pay(port: int, fan: Fan) -> None:
    link = None
    while link is None:
        link = fans.body(await fan.reply()).get("link")
    path = urlsplit(link[1]).path
    await _ok(port, "GET", path)
    await _ok(port, "POST", path, "button=approve")


async def _ok(port: int, method: str, path: str, form: str = "") -> tuple[int, str]:
    status, cookie = await fans.request(port, method, path, form)
    if status >= 400:
        raise Outage(f"{method} {path} was answered with {status}")
    return status, cookie
