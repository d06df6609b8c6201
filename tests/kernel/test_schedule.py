"""Jobs run at their pace, never twice at once, whatever one of them does."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from commerce.kernel import ids
from commerce.kernel.schedule import Job, Schedule, run_once


def runs(job: Job, outcome: str) -> float:
    found = REGISTRY.get_sample_value(
        "livetill_job_runs_total", {"job": job.name, "outcome": outcome}
    )
    return found or 0


class Bench:
    """A job that tells how often it ran, and how many of its runs overlapped."""

    def __init__(self, *, fails: bool = False) -> None:
        self.job = Job(f"job-{ids.new_id()}", 0.0, self.work)
        self.fails = fails
        self.begun = 0
        self.at_once = 0
        self.at_once_max = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.first, self.third = asyncio.Event(), asyncio.Event()

    async def work(self) -> None:
        self.begun += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        self.first.set()
        if self.begun == 3:
            self.third.set()
        await asyncio.sleep(0)
        await self.may_end.wait()
        self.at_once -= 1
        if self.fails:
            raise RuntimeError("broken")


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_each_job_runs_again_and_again_but_never_twice_at_once():
    one, other = Bench(), Bench()
    schedule = asyncio.create_task(Schedule([one.job, other.job]).run())
    async with asyncio.timeout(20):
        await one.third.wait()
        await other.third.wait()
    await cancelled(schedule)

    assert (one.at_once_max, other.at_once_max) == (1, 1)


async def test_a_job_that_fails_is_counted_and_runs_again_beside_the_others():
    broken, sound = Bench(fails=True), Bench()
    schedule = asyncio.create_task(Schedule([broken.job, sound.job]).run())
    async with asyncio.timeout(20):
        await broken.third.wait()
        await sound.third.wait()
    await cancelled(schedule)

    assert (runs(broken.job, "done"), runs(sound.job, "failed")) == (0, 0)
    assert (runs(broken.job, "failed"), runs(sound.job, "done")) == (broken.begun, sound.begun)


async def test_a_slow_job_holds_up_no_other():
    slow, quick = Bench(), Bench()
    slow.may_end.clear()
    schedule = asyncio.create_task(Schedule([slow.job, quick.job]).run())
    async with asyncio.timeout(20):
        await quick.third.wait()
    slow.may_end.set()
    await cancelled(schedule)

    assert slow.begun == 1


async def test_the_run_under_way_ends_before_the_schedule_does():
    bench = Bench()
    bench.may_end.clear()
    schedule = asyncio.create_task(Schedule([bench.job]).run())
    async with asyncio.timeout(20):
        await bench.first.wait()
    schedule.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not schedule.done()

    bench.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await schedule
    assert (bench.begun, runs(bench.job, "done")) == (1, 1)


async def test_a_run_says_whether_it_ended_well():
    assert await run_once(Bench().job) is True
    assert await run_once(Bench(fails=True).job) is False
