"""Seeded tills to be killed, and how each story ends where nobody kills them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from deploy import serve
from deploy.settings import Settings
from tests import services
from tests.kill import copies, stories
from tests.kill.stories import STORIES, Moment, Run

Databases = services.SqliteDatabases | services.PostgresqlDatabases


class Stage:
    """On one kind of database: where stories begin, and how they go undisturbed."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.is_costly = isinstance(databases, services.PostgresqlDatabases)
        self._databases = databases
        self._folder = folder
        self._numbers = count(1)
        self._undisturbed: dict[str, Run] = {}
        self._seeded = ""

    async def undisturbed(self, name: str) -> Run:
        if name not in self._undisturbed:
            begin = await self._beginning(name)
            self._undisturbed[name] = await stories.run(STORIES[name], begin, self._fresh_folder())
        return self._undisturbed[name]

    async def killed(self, name: str, place: int) -> Run:
        """The story, with a till that dies at this place."""
        begin = await self._beginning(name)
        run = await stories.run(STORIES[name], begin, self._fresh_folder(), die_at=place)
        await copies.drop(run.moment.database_url)
        return run

    async def close(self) -> None:
        for run in self._undisturbed.values():
            await copies.drop(run.moment.database_url)
        if self._seeded:
            await copies.drop(self._seeded)

    async def _beginning(self, name: str) -> Moment:
        if STORIES[name].begins_at:
            return (await self.undisturbed(STORIES[name].begins_at)).moment
        if not self._seeded:
            self._seeded = self._databases.create()
            services.apart(_seed, self._seeded, str(self._folder))
        return Moment(self._seeded)

    def _fresh_folder(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder


def _seed(url: str, folder: str) -> None:
    serve.seed_demo(Settings(database_url=url, media_dir=Path(folder) / "media"))


@pytest.fixture(scope="session")
def sqlite_stage(
    sqlite_databases: services.SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    stage = Stage(sqlite_databases, tmp_path_factory.mktemp("sqlite"))
    yield stage
    asyncio.run(stage.close())


@pytest.fixture(scope="session")
def postgresql_stage(
    postgresql_databases: services.PostgresqlDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    stage = Stage(postgresql_databases, tmp_path_factory.mktemp("postgresql"))
    yield stage
    asyncio.run(stage.close())


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return request.getfixturevalue(f"{request.param}_stage")
