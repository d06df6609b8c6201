"""Runs a till as a process: checks, start, ready, and an orderly end on SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from commerce.kernel import bus, clock, crashpoints, database, logs, takeover
from commerce.kernel.schedule import Job
from deploy import app as application
from deploy import rq_jobs, seed
from deploy.migrations import migrate
from deploy.settings import Environment, Settings, SettingsWrong
from deploy.wiring import Role, Till, scaled_jobs

__all__ = ["Role", "run", "run_briefly", "run_worker", "seed_demo"]

SHUTDOWN_SECONDS = 10
CONNECTIONS = 16
log = logs.get(__name__)
Say = Callable[[str], None]


def run(settings: Settings, roles: Role, say: Say) -> int:
    """Until a signal ends it; the exit code."""
    logs.configure(json=settings.environment is Environment.PRODUCTION)
    _arm_crashpoints()
    if roles is Role.ALL:
        migrate(settings.database_url)
    return int(uvloop.run(_serve(settings, roles, say)))


def run_worker(settings: Settings, say: Say) -> int:
    """Hears events in this process and runs the jobs of rq in another; either's end ends both."""
    logs.configure(json=settings.environment is Environment.PRODUCTION)
    # Forked before any loop or connection exists; rq forks again for every job.
    parent_lives = os.pipe()
    jobs = multiprocessing.get_context("fork").Process(
        target=_run_rq, args=(settings, parent_lives)
    )
    jobs.start()
    os.close(parent_lives[0])
    try:
        return run(settings, Role.WORKER, say)
    finally:
        jobs.terminate()
        jobs.join(SHUTDOWN_SECONDS)
        jobs.kill()


def _run_rq(settings: Settings, parent_lives: tuple[int, int]) -> None:
    """Ends with its parent however that ends: the pipe between them closes."""
    os.close(parent_lives[1])
    threading.Thread(target=_end_at_end_of, args=(parent_lives[0],), daemon=True).start()

    @asynccontextmanager
    async def open_jobs() -> AsyncIterator[list[Job]]:
        connected = await database.connect(settings.database_url, connections=2)
        try:
            yield scaled_jobs(settings, connected)
        finally:
            await connected.close()

    parent = os.getppid()
    try:
        rq_jobs.worker_main(settings.redis_url, open_jobs)
    finally:
        if os.getppid() == parent:
            os.kill(parent, signal.SIGTERM)


def _end_at_end_of(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def seed_demo(settings: Settings) -> seed.SeedResult:
    migrate(settings.database_url)
    return asyncio.run(_seed(settings))


async def _seed(settings: Settings) -> seed.SeedResult:
    connected = await database.connect(settings.database_url)
    try:
        return await seed.seed(connected, settings.media_dir, now=clock.now())
    finally:
        await connected.close()


async def _serve(settings: Settings, roles: Role, say: Say) -> bool:
    """True when it ended because a part of it died."""
    ended = _ended_by_signal()
    connected = await database.connect(settings.database_url, connections=CONNECTIONS)
    await _refuse_weak_promises(settings, connected)
    till = Till(settings, connected)
    seeded = None
    if settings.seed_demo and Role.EDGES in roles:
        seeded = await seed.seed(connected, settings.media_dir, now=clock.now())
    runner = await _listen(till) if Role.EDGES in roles else None
    if roles is Role.ALL:  # the port is ours, so no other one of this till is alive
        await takeover.end_leases(connected)
    await till.start(roles)
    gc.collect()
    gc.freeze()  # modules live for ever: looking through them again costs a tenth of a second
    say(_welcome(settings, seeded) if runner else f"livetill: {roles.name} is running")
    await _first_of(ended, till.broken)
    log.info("ending")
    if runner is not None:
        await runner.cleanup()  # no new requests; those under way are answered
    await till.close()
    return till.broken.is_set()


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _listen(till: Till) -> web.AppRunner:
    settings = till.settings
    runner = web.AppRunner(
        application.build(till),
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        auto_decompress=False,  # nobody sends us compressed bodies in good faith
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=2048).start()
    except OSError as error:
        raise SettingsWrong(
            f"LIVETILL_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None
    return runner


async def _refuse_weak_promises(settings: Settings, connected: database.Database) -> None:
    if settings.redis_url:
        try:
            await bus.refuse_weak_redis(settings.redis_url)
        except bus.WeakRedis as weak_redis:
            raise SettingsWrong(f"LIVETILL_REDIS_URL: {weak_redis}") from None
    weak = await connected.weaknesses()
    if weak and settings.environment is Environment.PRODUCTION:
        raise SettingsWrong(f"LIVETILL_DATABASE_URL: could lose or alter orders: {'; '.join(weak)}")
    if weak:
        log.warning("database_is_not_durable", weak=weak)


def _ended_by_signal() -> asyncio.Event:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended


def _arm_crashpoints() -> None:
    """For the kill tests, which let this process die at a chosen place."""
    die_at, tally = os.environ.get("LIVETILL_CRASH_AT"), os.environ.get("LIVETILL_CRASH_TALLY")
    if die_at or tally:
        crashpoints.arm(
            die_at=int(die_at) if die_at else None, tally=Path(tally) if tally else None
        )


def _welcome(settings: Settings, seeded: seed.SeedResult | None) -> str:
    lines = ["", "  Livetill is running."]
    if seeded is not None:
        lines.append(f"  Live room    {settings.url}/live/{seeded.session_slug}")
    lines += [f"  Shop         {settings.url}/shop", f"  Back office  {settings.url}/backoffice"]
    if seeded is not None:
        lines += [f"    {x.role:<9}{x.email}  {x.password}" for x in seeded.logins]
    return "\n".join([*lines, "  Ctrl-C ends it; the data stays.", ""])


def run_briefly(work: Coroutine[Any, Any, int]) -> int:
    """A command that talks to the database or the network and ends."""
    logs.configure(json=False)
    return uvloop.run(work)
