"""`livetill run` as a process of its own, started and ended by a test, and what it left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from commerce.kernel.database import Database, connect
from commerce.orders.tables import ORDERS

LIVETILL = Path(sys.executable).parent / "livetill"
SESSION = "friday-night-drop"  # of the demo
RUNNING = "Ctrl-C ends it"
PATIENCE_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Nothing of the machine's own settings; names as in `.env`, without the prefix."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {f"LIVETILL_{name.upper()}": value for name, value in settings.items()}


class Till:
    """One server process with the demo in it; its output is in `folder`."""

    def __init__(self, folder: Path, database_url: str, media: Path, **settings: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "port": str(self.port),
            "database_url": database_url,
            "media_dir": str(media),
            "seed_demo": "true",
            **settings,
        }
        self._process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    async def start(self) -> None:
        self._process = self._spawn()
        async with asyncio.timeout(PATIENCE_SECONDS):
            running = await asyncio.to_thread(_says, self._process, RUNNING)
        assert running, self.log

    def _spawn(self) -> subprocess.Popen[str]:
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                [LIVETILL, "run"],
                cwd=self.folder,
                env=environment(**self.settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    async def end(self) -> int:
        """As a service manager ends it; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._ended()

    async def _ended(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        try:
            return await asyncio.to_thread(process.wait, PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    async def command(self, *arguments: str, given: str = "") -> tuple[int, str]:
        """Another command with the same settings: its exit code and all it printed."""
        return await asyncio.to_thread(
            command, *arguments, folder=self.folder, settings=self.settings, given=given
        )

    async def is_sound(self) -> bool:
        code, said = await self.command("doctor")
        assert code == 0, said
        return True

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        database = await connect(self.database_url)
        try:
            return await self._rows(database, table)
        finally:
            await database.close()

    async def _rows(self, database: Database, table: Table) -> list[dict[str, Any]]:
        found = await database.read(lambda tx: tx.all(select(table)))
        return [dict(row) for row in found]

    async def orders(self) -> list[tuple[str, str]]:
        """Code and status of each."""
        return sorted((row["code"], row["status"]) for row in await self.rows(ORDERS))

    def stored(self) -> bytes:
        """Every byte of the SQLite database, the write-ahead log too."""
        path = Path(self.database_url.removeprefix("sqlite:///"))
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


def command(
    *arguments: str, folder: Path, settings: Mapping[str, str], given: str = ""
) -> tuple[int, str]:
    done = subprocess.run(
        [LIVETILL, *arguments],
        cwd=folder,
        env=environment(**settings),
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def _says(process: subprocess.Popen[str], words: str) -> bool:
    assert process.stdout is not None
    return any(words in line for line in process.stdout)


async def until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """The first answer that holds; asked again and again, for as long as patience lasts."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await ask()
            if holds(answer):
                return answer
            await asyncio.sleep(0.02)
