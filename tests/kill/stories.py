"""What a fan goes through while the till dies, and what must be left of it in the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from commerce.kernel import clock
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.database import connect
from tests import fan as fans
from tests.fan import NOWHERE, Fan, Place
from tests.kill import books, copies
from tests.kill.till import KILLED, Till

SESSION = "friday-night-drop"
# A till comes back some seconds after its death; its clock says so, and nobody waits for them.
BACK_AFTER = 5 * SECOND
PAY_LINK_IS_DEAD_AFTER = 11 * MINUTE  # and the hold lives for another minute


@dataclass(frozen=True)
class Moment:
    """A database as it stood, and what the fan had seen of it; every run begins with a copy."""

    database_url: str
    place: Place = NOWHERE
    at: int = 0  # µs; 0 = any time will do


@dataclass(frozen=True)
class Story:
    play: Callable[[Fan], Awaitable[Any]]
    begins_at: str = ""  # the story at whose end this one begins
    later: int = 0  # µs after that moment the till starts that may die


@dataclass(frozen=True)
class Ending:
    """What a run leaves behind. All runs of a story must leave the same."""

    rows: books.Counts
    stock: dict[str, int]
    balances: dict[str, int]
    transcript: list[str]
    broken: list[str]  # what the fan saw that cannot be, and what `doctor` found

    def differences(self, other: Ending) -> list[str]:
        names = [field.name for field in fields(self)]
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        return [
            f"{name}: {_parts(left, right)}, undisturbed {_parts(right, left)}"
            for name, left, right in pairs
            if left != right
        ]


def _parts(these: Any, others: Any) -> Any:
    """Only what differs."""
    if isinstance(these, dict):
        return {key: value for key, value in these.items() if others.get(key) != value}
    return these


@dataclass(frozen=True)
class Run:
    ending: Ending
    deaths: int
    places: list[str]  # what the till passed that could die, as "number name"
    log: str
    moment: Moment


async def _cancel(fan: Fan) -> None:
    await fan.say("cancel")
    await fan.hear_of("is cancelled")


async def _let_it_expire(fan: Fan) -> None:
    await fan.hear_of("The time to pay")


STORIES = {
    "ordered": Story(Fan.order),
    "bought": Story(Fan.buy),
    "cancelled": Story(_cancel, "ordered"),
    "expired": Story(_let_it_expire, "ordered", PAY_LINK_IS_DEAD_AFTER),
}


async def run(story: Story, begin: Moment, folder: Path, *, die_at: int | None = None) -> Run:
    """Play the story on a copy; the till dies at the `die_at`-th place, and is started again."""
    url = await copies.copy(begin.database_url)
    till = Till(url, folder)
    ahead = story.later + (begin.at - clock.now() if begin.at else 0)
    await till.start(die_at=die_at, armed=True, ahead=ahead)
    watching = asyncio.create_task(_start_again(till, ahead + BACK_AFTER))
    try:
        async with fans.in_room(till.url, SESSION, come_back=till.up, place=begin.place) as fan:
            await story.play(fan)
            await books.quiet(url)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        if await till.stop() == KILLED:  # at its very last act
            await till.start(ahead=ahead + BACK_AFTER)
            await books.quiet(url)
            await till.stop()
    except TimeoutError:
        raise AssertionError(f"it stands still; the fan saw {fan.heard[-2:]}\n{till.log}") from None
    finally:
        watching.cancel()
        await till.kill()
    moment = Moment(url, fan.place, clock.now())
    return Run(await _ending(url, fan), till.deaths, till.places, till.log, moment)


async def _start_again(till: Till, ahead: int) -> None:
    while await till.ended() == KILLED:
        await till.start(ahead=ahead)


async def _ending(url: str, fan: Fan) -> Ending:
    broken = [*fan.oddities, *fan.unsent, *await books.doctor(url)]
    database = await connect(url)
    try:
        if (await books.replies(database))[-len(fan.heard) :] != fan.heard:
            broken.append("the fan saw other replies than are stored")
        return Ending(
            rows=await books.rows(database),
            stock=await books.stock(database),
            balances=await books.balances(database),
            transcript=[_without_chance(reply["text"]) for _, reply in fan.heard],
            broken=broken,
        )
    finally:
        await database.close()


def _without_chance(text: str) -> str:
    """Without what differs between two purchases: the order's code, times, minutes left."""
    text = re.sub(r"\b[0-9A-Z]{6}\b", "CODE", text)
    return re.sub(r"\d+ minutes?|\d\d:\d\d", "TIME", text)
