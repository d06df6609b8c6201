"""Scheduled jobs through rq: only their names travel, and each run opens and closes its own world.

rq's own cron writes pickle and cannot make a job unique, so a small process beside the worker puts
the due names into the queue. The worker forks for each job, before any loop or connection exists.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from typing import Any

import redis
import rq
from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError, StopRequested
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from rq.utils import now as rq_now

from commerce.kernel import clock, ids, logs
from commerce.kernel.errors import Outage
from commerce.kernel.schedule import Job, run_once

QUEUE = "livetill"
RUN = "deploy.rq_jobs.run"
JOB_SECONDS_MAX = 300
RETRIES = 2
FAILURE_KEPT_SECONDS = 86_400
SIGN_OF_LIFE_SECONDS = 15
STALE_SECONDS = 45  # without a sign of life a job is taken for lost
WAIT_SECONDS = 1.0
LOST = (RedisError, OSError)
OpenJobs = Callable[[], AbstractAsyncContextManager[Sequence[Job]]]
log = logs.get(__name__)
_open_jobs: ContextVar[OpenJobs] = ContextVar("open_jobs")


class UnknownJob(Exception):
    """Nothing of this name may run here."""


class JobFailed(Exception):
    """The job has told why in the log."""


class NamedJob(RqJob):
    """A job of which the queue says only the name; whoever can write to Redis can say no more."""

    def _execute(self) -> Any:
        if self.func_name != RUN or len(self.args) != 1 or self.kwargs:
            raise UnknownJob(str(self.func_name))
        return run(str(self.args[0]))


class Worker(rq.Worker):
    """rq's worker ends by itself when Redis fails it: this one knows whether it was asked to.

    The class knows it, because a signal may come between two workers.
    """

    asked_to_end = False

    def request_stop(self, signum: Any, frame: Any) -> None:
        Worker.asked_to_end = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def worker_main(redis_url: str, open_jobs: OpenJobs) -> None:
    """Enqueue what is due and work it off; ends on SIGTERM or Ctrl-C after the job under way.

    `open_jobs` opens a database of its own and gives the jobs that may run; it is entered in a
    fresh process and loop for every run.
    """
    _open_jobs.set(open_jobs)
    fork = multiprocessing.get_context("fork")
    enqueuing = fork.Process(target=_enqueue_forever, args=(redis_url, os.getpid()), daemon=True)
    enqueuing.start()
    try:
        Worker.asked_to_end = False
        while not _work(redis_url):
            log.warning("worker_starts_again")
            time.sleep(WAIT_SECONDS)
    except StopRequested:  # asked to end between two attempts
        return
    finally:
        enqueuing.kill()
        enqueuing.join()


def _work(redis_url: str) -> bool:
    """Until it is asked to end: True; or until Redis goes away."""
    try:
        worker = Worker(
            [queue(redis.Redis.from_url(redis_url))],
            job_class=NamedJob,
            serializer=JSONSerializer,
            job_monitoring_interval=SIGN_OF_LIFE_SECONDS,
            maintenance_interval=2 * SIGN_OF_LIFE_SECONDS,
        )
        worker.work(logging_level="WARNING")
    except LOST as error:
        log.warning("worker_waits", error=str(error))
    return Worker.asked_to_end


def queue(connection: redis.Redis) -> rq.Queue:
    return rq.Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=NamedJob)


def run(name: str) -> None:
    """Run one job by its name in a loop of its own; JobFailed has rq try it again."""
    asyncio.run(_run(name))


async def _run(name: str) -> None:
    async with _open_jobs.get()() as jobs:
        job = {job.name: job for job in jobs}.get(name)
        if job is None:
            raise UnknownJob(name)
        if not await run_once(job):
            raise JobFailed(name)


def enqueue(waiting: rq.Queue, name: str) -> bool:
    """Put the name into the queue, unless it is there already or being run; whether it was put."""
    for _ in range(2):
        try:
            waiting.enqueue(
                RUN,
                name,
                job_id=name,
                unique=True,
                result_ttl=0,
                failure_ttl=FAILURE_KEPT_SECONDS,
                job_timeout=JOB_SECONDS_MAX,
                retry=rq.Retry(max=RETRIES),
            )
        except DuplicateJobError:
            if not _clear_away(waiting, name):
                return False
        else:
            return True
    return False


def _clear_away(waiting: rq.Queue, name: str) -> bool:
    """Forget a job of this name that has ended or whose worker died; False where it lives."""
    try:
        job = NamedJob.fetch(name, connection=waiting.connection, serializer=JSONSerializer)
        if job.get_status(refresh=False) in (JobStatus.QUEUED, JobStatus.STARTED):
            signs = [sign for sign in (job.last_heartbeat, job.enqueued_at) if sign is not None]
            if signs and (rq_now() - max(signs)).total_seconds() < STALE_SECONDS:
                return False
        job.delete()
    except (NoSuchJobError, InvalidJobOperation):
        # It ended while we looked, or a late sign of life left a rest of it, which rq cannot read.
        waiting.connection.delete(NamedJob.key_for(name))
    return True


def _enqueue_forever(redis_url: str, worker: int) -> None:
    """In a process of its own, which ends with its worker, and whose own death ends the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        paces = _paces(worker)
        waiting = queue(redis.Redis.from_url(redis_url, socket_timeout=5))
        due = {name: clock.monotonic() + ids.fraction() * paces[name] for name in paces}
        while os.getppid() == worker:
            _enqueue_due(waiting, paces, due)
            time.sleep(max(0.0, min(WAIT_SECONDS, min(due.values()) - clock.monotonic())))
    finally:
        with suppress(ProcessLookupError):
            if os.getppid() == worker:
                os.kill(worker, signal.SIGTERM)


def _paces(worker: int) -> dict[str, float]:
    """Job name -> seconds, as soon as the database answers."""
    while True:
        try:
            return asyncio.run(_ask_for_paces())
        except Outage as error:
            if os.getppid() != worker:
                raise
            log.warning("enqueuing_waits", error=str(error))
            time.sleep(WAIT_SECONDS)


async def _ask_for_paces() -> dict[str, float]:
    async with _open_jobs.get()() as jobs:
        return {job.name: job.every_seconds for job in jobs}


def _enqueue_due(waiting: rq.Queue, paces: Mapping[str, float], due: dict[str, float]) -> None:
    try:
        for name, at in due.items():
            if at <= clock.monotonic():
                enqueue(waiting, name)
                due[name] = clock.monotonic() + paces[name]
    except LOST as error:
        log.warning("enqueuing_waits", error=str(error))
        time.sleep(WAIT_SECONDS)
