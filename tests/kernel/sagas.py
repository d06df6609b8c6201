"""A trip to try sagas with: it books outside, waits for the money, and can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from commerce.kernel import ids, saga
from commerce.kernel.database import Database
from commerce.kernel.errors import Outage, Refusal
from commerce.kernel.saga import Saga, Step, Wait
from commerce.kernel.saga_engine import Engine
from tests.conftest import NOON
from tests.kernel.notes import note

DEADLINE = NOON + 600_000_000
KIND = "trip"


class Full(Refusal):
    code = "full"


@dataclass
class Agency:
    """An outside party that remembers keys: the same key again gets the same booking."""

    bookings: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)  # raised before anything happens
    answers_lost: int = 0  # so many calls act and then time out

    async def book(self, one: Saga, key: str) -> dict[str, Any]:
        self.calls.append(key)
        if self.trouble:
            raise self.trouble.pop(0)
        booking = self.bookings.setdefault(key, f"booking {len(self.bookings) + 1}")
        if self.answers_lost:
            self.answers_lost -= 1
            raise Outage("timed out")
        return {"booking": booking}


@dataclass
class Trip:
    agency: Agency = field(default_factory=Agency)
    trouble: dict[str, list[Exception]] = field(default_factory=dict)  # by the name of a local step
    seen: list[str] = field(default_factory=list)

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name="reserve", do=self._work("reserve"), undo=self._work("undo reserve")),
            Step(name="book", call=self.agency.book, record=self._recorded, undo=self._cancelled),
            Step(name="extras", do=self._work("extras"), applies=lambda s: s.data["extras"]),
            Step(name="money", wait=Wait(decide=self._decide, deadline=lambda s: DEADLINE)),
            Step(name="leave", do=self._leave, undo=self._work("undo leave")),
        )

    def _work(self, name: str):
        async def work(tx, one: Saga):
            self.seen.append(name)
            await note(tx, f"{one.id} {name} {ids.new_id()}")
            if self.trouble.get(name):
                raise self.trouble[name].pop(0)
            return {name.replace(" ", "_"): "done"}

        return work

    async def _recorded(self, tx, one: Saga, output):
        await self._work("record")(tx, one)
        return {"recorded": output["booking"]}

    async def _cancelled(self, tx, one: Saga):
        return await self._work("undo book")(tx, one)

    def _decide(self, one: Saga, signals):
        if "paid" in signals:
            return {"paid": signals["paid"]["amount"]}
        return {"called_off": True} if "called off" in signals else None

    async def _leave(self, tx, one: Saga):
        await self._work("leave")(tx, one)
        if one.data.get("timed_out") or one.data.get("called_off"):
            raise Full(why="nobody paid")

    def engine(self, database: Database) -> Engine:
        return Engine(database, {KIND: self.steps()})


async def started(database: Database, key: str = "k", **data: Any) -> str:
    saga_id = ids.new_id()

    async def begin(tx):
        await saga.start(tx, KIND, key, {"extras": False} | data, saga_id=saga_id)

    await database.unit_of_work(begin)
    return saga_id


async def told(database: Database, saga_id: str, name: str, **payload: Any) -> None:
    await database.unit_of_work(lambda tx: saga.signal(tx, saga_id, name, payload))


async def stands(database: Database, saga_id: str) -> Saga:
    row = await database.read(lambda tx: tx.first(saga.BY_ID, id=saga_id))
    assert row is not None
    return saga.from_row(row)


async def history(database: Database, saga_id: str) -> list[tuple[str, str, str]]:
    rows = await database.read(lambda tx: saga.history(tx, saga_id))
    return [(row["direction"], row["name"], row["status"]) for row in rows]
