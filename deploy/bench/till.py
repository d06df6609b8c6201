"""A till in a process of its own over a fresh demo database, and what it and its database cost."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

import live
from commerce import inventory
from commerce.kernel import database
from commerce.kernel.database import Tx
from deploy import servers
from deploy.bench import Kind
from deploy.settings import PREFIX

HOST = "127.0.0.1"
PIECES = 1_000_000  # of each size: the demo's few would be sold out at once
COMMAND = [sys.executable, "-c", "from deploy.cli import main; main()", "run"]


@dataclass(frozen=True, slots=True)
class Till:
    port: int
    database_url: str
    pid: int

    @property
    def cpu_ms(self) -> float:
        return _used(psutil.Process(self.pid)) * 1000

    @property
    def rss_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 2**20


@contextmanager
def database_server(kind: Kind) -> Iterator[str]:
    """The URL of a database that waits for the disk."""
    if kind is Kind.POSTGRESQL:
        with servers.postgresql(durable=True) as url:
            yield url
    else:
        with servers.new_folder() as folder:
            yield f"sqlite:///{folder / 'livetill.db'}"


@contextmanager
def running(database_url: str, media: Path | None = None) -> Iterator[Till]:
    """A till over this database, with the demo in it; it goes when we go, the media stay."""
    with servers.new_folder() as folder:
        port = servers.free_port()
        with servers.running(
            COMMAND,
            folder,
            ready=lambda: _is_ready(port),
            environment=_environment(database_url, media or folder / "media", port),
        ) as guard:
            (server,) = psutil.Process(guard).children()
            yield Till(port, database_url, server.pid)


def _environment(database_url: str, media: Path, port: int) -> dict[str, str]:
    settings = {
        "DATABASE_URL": database_url,
        "HOST": HOST,
        "PORT": str(port),
        "MEDIA_DIR": str(media),
        "SEED_DEMO": "true",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {f"{PREFIX}{name}": value for name, value in settings.items()}


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


async def stock_up(database_url: str) -> str:
    """Enough of what is pinned for any number of fans; the slug of its session."""
    connected = await database.connect(database_url, connections=1)
    try:
        return await connected.unit_of_work(_receive)
    finally:
        await connected.close()


async def _receive(tx: Tx) -> str:
    (session, *_) = await live.live_sessions(tx)
    offer = await live.pinned_offer(tx, session)
    assert offer is not None, "the demo pins a product"
    for option in offer.options:
        await inventory.receive(tx, option.sku, PIECES, reason="for measuring")
    return session.slug


def cpu_seconds() -> float:
    """What every process below this one has used so far: the till, the database, their guards."""
    return sum(_used(process) for process in psutil.Process().children(recursive=True))


def _used(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its parent has its figures now
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
