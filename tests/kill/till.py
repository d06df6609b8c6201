"""A till in a process of its own, which dies where it is told to.

The process is a fork of one that has imported everything, so that it serves after milliseconds; it
has its own event loop and database connections, and its death is as real as `kill -9`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["tests.kill.warm", "pytest"])
KILLED = 137
START_SECONDS_MAX = 20


@dataclass
class Till:
    """One database, one port, one process after the other."""

    database_url: str
    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    deaths: int = 0

    def __post_init__(self) -> None:
        self._process: ForkServerProcess | None = None
        self._up = asyncio.Event()
        self._ended = asyncio.Event()
        self._stirred = asyncio.Event()  # up, or ended before that

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def places(self) -> list[str]:
        """The places passed by the armed process, as "number name"."""
        path = self.folder / "tally"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    async def up(self) -> None:
        await self._up.wait()

    async def start(
        self, *, die_at: int | None = None, armed: bool = False, ahead: int = 0
    ) -> None:
        """Until it listens, or died on the way there. Its clock runs ahead by so many µs."""
        environment = {
            "LIVETILL_DATABASE_URL": self.database_url,
            "LIVETILL_PORT": str(self.port),
            "LIVETILL_CRASH_AT": str(die_at or ""),
            "LIVETILL_CRASH_TALLY": str(self.folder / "tally") if armed else "",
        }
        hearing, telling = WARM.Pipe(duplex=False)
        process = WARM.Process(
            target=_live, args=(environment, self.folder, ahead, telling), daemon=True
        )
        process.start()
        telling.close()
        self._process = process
        self._ended.clear()
        self._stirred.clear()
        loop = asyncio.get_running_loop()
        loop.add_reader(hearing.fileno(), self._heard, hearing)
        loop.add_reader(process.sentinel, self._end, process)
        async with asyncio.timeout(START_SECONDS_MAX):
            await self._stirred.wait()

    async def ended(self) -> int:
        """Its exit code, once there is one."""
        await self._ended.wait()
        assert self._process is not None
        code = self._process.exitcode
        assert code is not None
        return code

    async def stop(self) -> int:
        """Ask it to end in order; the exit code."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(START_SECONDS_MAX):
            return await self.ended()

    async def kill(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            await self.ended()

    def _heard(self, hearing: Connection) -> None:
        asyncio.get_running_loop().remove_reader(hearing.fileno())
        try:
            hearing.recv_bytes()
            self._up.set()
            self._stirred.set()
        except EOFError:
            pass
        finally:
            hearing.close()

    def _end(self, process: ForkServerProcess) -> None:
        asyncio.get_running_loop().remove_reader(process.sentinel)
        process.join()
        self._up.clear()
        self._ended.set()
        self._stirred.set()
        self.deaths += process.exitcode == KILLED


def _live(environment: dict[str, str], folder: Path, ahead: int, telling: Connection) -> None:
    """In the new process."""
    from commerce.kernel import clock
    from deploy import serve, settings
    from tests.clocks import Ahead

    os.chdir(folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for output in (1, 2):
        os.dup2(log, output)
    os.environ.update(environment)

    if ahead:
        clock.set_clock(Ahead(ahead))
    sys.exit(serve.run(settings.read(), serve.Role.ALL, lambda _: telling.send_bytes(b"up")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
