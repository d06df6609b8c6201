"""Where the bytes of pictures are kept: the port, and a folder on this machine's disk."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

from commerce.kernel import ids
from commerce.kernel.errors import Outage


class Storage(Protocol):
    """Bytes under keys. What is put is whole and durable, or not there; Outage where it fails."""

    async def put(self, key: str, content: bytes) -> None: ...

    async def get(self, key: str) -> bytes | None: ...

    async def delete(self, key: str) -> None:
        """Also of what is not there."""


class DiskStorage:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        await self._run(self._write, self._folder / key, content)

    async def get(self, key: str) -> bytes | None:
        try:
            return await asyncio.to_thread((self._folder / key).read_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Outage(f"the disk does not give {key}: {error}") from error

    async def delete(self, key: str) -> None:
        await self._run(self._remove, self._folder / key)

    async def _run(self, work: object, *given: object) -> None:
        try:
            await asyncio.to_thread(work, *given)  # type: ignore[arg-type]
        except OSError as error:
            raise Outage(f"the disk takes nothing: {error}") from error

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        """Beside it and moved into place, both made durable: never half of it under its name."""
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{ids.token(64)}.part")
        with part.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @staticmethod
    def _remove(file: Path) -> None:
        file.unlink(missing_ok=True)
        for part in file.parent.glob(f"{file.name}.*.part"):
            part.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()
