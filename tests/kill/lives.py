"""Lives of a process that runs the sagas alone and dies where it is told to."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from commerce.kernel import clock, crashpoints
from commerce.kernel.clock import MINUTE, SECOND
from commerce.kernel.database import connect
from commerce.payments import CaptureMode
from tests.clocks import Ahead
from tests.kill.person import Person
from tests.kill.till import KILLED, WARM

LEASES_END = 65 * SECOND  # a new life begins when nobody waits for the old one any more
LIFE_SECONDS_MAX = 60
Act = Callable[[Person], Awaitable[Any]]


@dataclass(frozen=True)
class Story:
    """`before` happens in peace; `act` is where the process dies."""

    act: Act
    before: Act | None = None
    later: int = 0  # µs between the two
    capture: CaptureMode = CaptureMode.AUTOMATIC


STORIES = {
    "paid": Story(Person.pays),
    "captured": Story(Person.pays, capture=CaptureMode.MANUAL),
    "cancelled": Story(Person.cancels),
    "expired": Story(Person.waits_in_vain, Person.orders_only, 20 * MINUTE),
    "refunded": Story(Person.is_refunded, Person.pays),
}


@dataclass(frozen=True)
class Life:
    database_url: str
    story: str
    name: str
    number: int = 0  # which of its lives
    die_at: int | None = None
    tally: Path | None = None


@dataclass(frozen=True)
class Told:
    """What a life ended as: the books about the purchase, or nothing where it died."""

    story: dict[str, Any] | None
    places: list[str]


class Cradle:
    """A process that has told every story once, so that the lives forked from it begin warm.

    It runs no loop and no thread while it forks, and its death is the death of all.
    """

    def __init__(self, database_url: str) -> None:
        self._here, there = WARM.Pipe()
        self._process = WARM.Process(target=_serve, args=(database_url, there), daemon=True)
        self._process.start()
        there.close()

    def live(self, life: Life) -> Told:
        """One process, until its end."""
        self._here.send(life)
        told, code = self._here.recv()
        if code not in (0, KILLED) or (code == KILLED) == (told is not None):
            raise AssertionError(f"{life} ended with {code}, {told}")
        tally = life.tally
        places = tally.read_text().splitlines() if tally and tally.exists() else []
        return Told(told, places)

    def killed_at(self, life: Life, deaths: Sequence[int]) -> tuple[dict[str, Any], int]:
        """The story whose lives die at these places, and how many of them were reached."""
        for number, place in enumerate(deaths):
            told = self.live(replace(life, number=number, die_at=place))
            if told.story is not None:
                return told.story, number
        told = self.live(replace(life, number=len(deaths)))
        assert told.story is not None
        return told.story, len(deaths)

    def close(self) -> None:
        self._here.close()
        self._process.join(LIFE_SECONDS_MAX)


def _serve(database_url: str, there: Any) -> None:
    """In the cradle."""
    for name in STORIES:
        asyncio.run(_play(Life(database_url, name, f"warming up {name}")))
    while True:
        try:
            life = there.recv()
        except EOFError:
            return
        there.send(_fork(life))


def _fork(life: Life) -> tuple[dict[str, Any] | None, int]:
    hearing, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hearing)
        _live(life, telling)
    os.close(telling)
    with os.fdopen(hearing, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(told) if told else None, os.waitstatus_to_exitcode(status)


def _live(life: Life, telling: int) -> NoReturn:
    """In the new process, which leaves nothing of the cradle's behind it."""
    signal.alarm(LIFE_SECONDS_MAX)
    code = 1
    try:
        clock.set_clock(Ahead(life.number * LEASES_END))
        os.write(telling, pickle.dumps(asyncio.run(_play(life))))
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


async def _play(life: Life) -> dict[str, Any]:
    story = STORIES[life.story]
    database = await connect(life.database_url, connections=1)
    person = Person(database, life.name, story.capture)
    try:
        if story.before is not None and life.number == 0:
            await story.before(person)
        clock.set_clock(Ahead(life.number * LEASES_END + story.later))
        crashpoints.arm(die_at=life.die_at, tally=life.tally)
        await story.act(person)
        crashpoints.arm()
        return await person.story()
    finally:
        await database.close()
