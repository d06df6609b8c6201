"""Sagas whose process dies at every commit and call, or at any two of them, end as undisturbed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from commerce import inventory
from commerce.kernel.database import Tx, connect
from deploy import invariants
from tests.catalog.factories import a_product_on_sale
from tests.kill.lives import STORIES, Cradle, Life
from tests.kill.person import CODE, SKU
from tests.promotions.factories import Office
from tests.services import PostgresqlDatabases, SqliteDatabases, apart

PIECES = 10_000
# How many tests share the places of a story, so that the workers of a run can share the tests.
SHARES = [("paid", part, 3) for part in range(3)] + [("refunded", part, 2) for part in range(2)]
COSTLY = 5  # on PostgreSQL a fifth of the pairs, spread over the whole story
PLACES_MIN = 10  # fewer would mean that hardly anything was killed
ENDS = {
    "paid": ("completed", ["pending", "paid"], "claimed", ["confirmed"]),
    "captured": ("completed", ["pending", "paid"], "claimed", ["confirmed"]),
    "cancelled": ("reverted", ["pending", "cancelled"], "released", ["released"]),
    "expired": ("reverted", ["pending", "cancelled"], "expired", ["released"]),
    "refunded": ("completed", ["pending", "paid", "refunded"], "returned", ["confirmed"]),
}


async def _opened(url: str) -> None:
    async def stocked(tx: Tx) -> None:
        await a_product_on_sale(tx)
        await inventory.receive(tx, SKU, PIECES, reason="delivery")

    database = await connect(url, connections=2)
    await database.unit_of_work(stocked)
    await Office(database).coupon(CODE)
    await database.close()


async def _broken(url: str) -> list[invariants.Violation]:
    database = await connect(url, connections=2)
    try:
        return await database.read(invariants.violations)
    finally:
        await database.close()


@dataclass(frozen=True)
class Stage:
    """A shop on one kind of database, and the cradle of all lives in it."""

    url: str
    cradle: Cradle

    def whole(self, story: str, tally: Path) -> tuple[dict[str, Any], list[str]]:
        """How a story goes undisturbed, and the places it passes."""
        told = self.cradle.live(Life(self.url, story, f"{story} {tally}", tally=tally))
        assert told.story is not None
        seen = told.story
        assert (seen["checkout"], seen["order"], seen["hold"], seen["code"]) == ENDS[story]
        return seen, told.places

    def places_after(self, story: str, death: int, tally: Path) -> list[str]:
        """What the second life passes when the first one died there."""
        life = Life(self.url, story, f"{story} counted after {death}")
        assert self.cradle.live(replace(life, die_at=death)).story is None
        return self.cradle.live(replace(life, number=1, tally=tally)).places

    def killed_at(self, story: str, *deaths: int) -> tuple[dict[str, Any], int]:
        return self.cradle.killed_at(Life(self.url, story, f"{story} dies at {deaths}"), deaths)


def _stage(databases: SqliteDatabases | PostgresqlDatabases) -> Iterator[Stage]:
    url = databases.create()
    apart(lambda url: asyncio.run(_opened(url)), url)
    cradle = Cradle(url)
    yield Stage(url, cradle)
    cradle.close()
    databases.drop(url)


@pytest.fixture(scope="session")
def sqlite_stage(sqlite_databases: SqliteDatabases) -> Iterator[Stage]:
    yield from _stage(sqlite_databases)


@pytest.fixture(scope="session")
def postgresql_stage(postgresql_databases: PostgresqlDatabases) -> Iterator[Stage]:
    yield from _stage(postgresql_databases)


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return request.getfixturevalue(f"{request.param}_stage")


def states(places: list[str]) -> list[int]:
    """The first place and those after commits: the rest finds the books as the one before it.

    The sandbox's books are in the same database, so its calls too end with a commit.
    """
    return [n for n, place in enumerate(places, 1) if n == 1 or place.endswith("after commit")]


@pytest.mark.parametrize("story", sorted(STORIES))
def test_killed_at_any_place_a_saga_ends_the_same(stage, story, tmp_path):
    whole, places = stage.whole(story, tmp_path / "tally")

    found = {place: stage.killed_at(story, number) for number, place in enumerate(places, 1)}

    assert len(places) >= PLACES_MIN
    assert {place: end for place, end in found.items() if end != (whole, 1)} == {}
    assert asyncio.run(_broken(stage.url)) == []


@pytest.mark.parametrize(("story", "part", "parts"), SHARES)
def test_killed_at_any_two_places_a_saga_ends_the_same(stage, story, part, parts, tmp_path):
    whole, places = stage.whole(story, tmp_path / "tally")
    every = parts * (COSTLY if stage.url.startswith("postgresql") else 1)
    pairs = [
        (first, second)
        for first in states(places)[part::every]
        for second in states(stage.places_after(story, first, tmp_path / f"after {first}"))
    ]

    found = {pair: stage.killed_at(story, *pair) for pair in pairs}

    assert len(pairs) >= PLACES_MIN
    assert {pair: end for pair, end in found.items() if end != (whole, 2)} == {}
    assert asyncio.run(_broken(stage.url)) == []
