"""Jobs through rq: a real worker in a process of its own runs what the queue names, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from redis import Redis
from rq.utils import now

from deploy import rq_jobs
from tests.house.source import ROOT

WORKER = """
import os, sys
from contextlib import asynccontextmanager
from redis import Redis
from commerce.kernel.schedule import Job
from deploy.rq_jobs import worker_main

url = sys.argv[1]

async def tell(name):
    with Redis.from_url(url) as redis:
        redis.rpush("told", f"{name} {os.getpid()}")

async def fail():
    await tell("broken")
    raise RuntimeError("broken")

async def wait():
    with Redis.from_url(url) as redis:
        redis.rpush("waiting", os.getpid())
        redis.blpop("go on", 60)
    await tell("waited")

@asynccontextmanager
async def open_jobs():
    yield [
        Job("often", 0.05, lambda: tell("often")),
        Job("on-demand", 100_000, lambda: tell("on-demand")),
        Job("broken", 100_000, fail),
        Job("slow", 100_000, wait),
    ]

worker_main(url, open_jobs)
"""


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        yield redis


@contextmanager
def a_worker(redis_url: str) -> Iterator[subprocess.Popen]:
    with subprocess.Popen([sys.executable, "-c", WORKER, redis_url], cwd=ROOT) as worker:
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(60)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def told(redis: Redis) -> list[str]:
    return [line.decode().rpartition(" ")[0] for line in redis.lrange("told", 0, -1)]


def test_a_worker_runs_what_is_due_and_what_is_named_each_in_a_process_of_its_own(redis_url, redis):
    queue = rq_jobs.queue(redis)
    with a_worker(redis_url) as worker:
        rq_jobs.enqueue(queue, "on-demand")
        until(lambda: "on-demand" in told(redis) and told(redis).count("often") >= 2)
    assert worker.returncode == 0

    processes = [line.decode().rpartition(" ")[2] for line in redis.lrange("told", 0, -1)]
    assert len(set(processes)) == len(processes)
    assert str(worker.pid) not in processes
    assert told(redis).count("on-demand") == 1


def test_an_unknown_name_and_a_foreign_function_are_refused(redis_url, redis):
    queue = rq_jobs.queue(redis)
    rq_jobs.enqueue(queue, "unknown")
    queue.enqueue("os.system", "redis-cli rpush told owned", job_id="foreign")
    with a_worker(redis_url):
        until(lambda: {"unknown", "foreign"} <= set(queue.failed_job_registry.get_job_ids()))

    for job_id, reason in (("unknown", "UnknownJob: unknown"), ("foreign", "UnknownJob: os.sys")):
        job = rq_jobs.NamedJob.fetch(job_id, connection=redis, serializer=queue.serializer)
        assert reason in job.latest_result().exc_string


def test_a_failing_job_is_tried_again_and_then_left_for_its_next_time(redis_url, redis):
    queue = rq_jobs.queue(redis)
    rq_jobs.enqueue(queue, "broken")
    with a_worker(redis_url):
        until(lambda: "broken" in queue.failed_job_registry.get_job_ids())

    assert told(redis).count("broken") == 1 + rq_jobs.RETRIES
    assert rq_jobs.enqueue(queue, "broken") is True


def test_a_slow_job_is_not_queued_twice_and_ends_before_its_worker_does(redis_url, redis):
    queue = rq_jobs.queue(redis)
    assert rq_jobs.enqueue(queue, "slow") is True
    assert rq_jobs.enqueue(queue, "slow") is False
    with a_worker(redis_url) as worker:
        until(lambda: redis.llen("waiting") == 1)
        assert rq_jobs.enqueue(queue, "slow") is False
        worker.send_signal(signal.SIGTERM)
        redis.rpush("go on", 1)
        worker.wait(60)

    assert told(redis).count("waited") == 1
    assert worker.returncode == 0


def test_a_worker_outlives_a_redis_that_forgets_everything(redis_url, redis):
    with a_worker(redis_url):
        until(lambda: "often" in told(redis))
        redis.flushdb()
        until(lambda: "often" in told(redis))


def test_a_job_whose_worker_died_is_queued_again(redis):
    queue = rq_jobs.queue(redis)
    rq_jobs.enqueue(queue, "on-demand")
    job = queue.fetch_job("on-demand")
    long_ago = now() - timedelta(seconds=rq_jobs.STALE_SECONDS + 1)
    queue.empty()  # as when its worker died between taking and beginning it
    job.enqueued_at = long_ago
    job.save()

    assert rq_jobs.enqueue(queue, "on-demand") is True
    assert queue.job_ids == ["on-demand"]


def test_a_rest_that_rq_left_of_a_job_does_not_block_its_name(redis):
    redis.hset(rq_jobs.NamedJob.key_for("on-demand"), "last_heartbeat", "2026-06-01T12:00:00Z")
    queue = rq_jobs.queue(redis)

    assert rq_jobs.enqueue(queue, "on-demand") is True
    assert queue.job_ids == ["on-demand"]


def test_nothing_in_redis_is_pickled(redis):
    queue = rq_jobs.queue(redis)
    rq_jobs.enqueue(queue, "on-demand")
    job = queue.fetch_job("on-demand")

    assert job.func_name == rq_jobs.RUN
    assert job.serializer is rq_jobs.JSONSerializer
    written = zlib.decompress(redis.hget(job.key, "data"))
    assert json.loads(written) == [rq_jobs.RUN, None, ["on-demand"], {}]
