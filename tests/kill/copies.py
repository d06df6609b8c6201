"""Databases that are copied as they stand, so that many runs begin at the same moment."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import asyncpg

_numbers = count(1)


async def copy(url: str) -> str:
    """Another database with the same contents; nobody may be connected to the first."""
    name = f"copy{next(_numbers)}"
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        folder = path.parent.with_name(f"{path.parent.name}-{name}")
        folder.mkdir()
        for part in path.parent.glob(f"{path.name}*"):  # also an unmerged WAL
            shutil.copy(part, folder / part.name)
        return f"sqlite:///{folder / path.name}"
    server, _, database = url.rpartition("/")
    copied = f"{database}_{name}"
    await _execute(server, f"CREATE DATABASE {copied} TEMPLATE {database} STRATEGY file_copy")
    return f"{server}/{copied}"


async def drop(url: str) -> None:
    if url.startswith("sqlite:///"):
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)
        return
    server, _, database = url.rpartition("/")
    await _execute(server, f"DROP DATABASE {database} WITH (FORCE)")


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
