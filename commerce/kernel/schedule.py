"""Work that time brings about: each job at its own pace, never twice at once in this process.

Jobs are safe to run in several processes at the same time; the schedule does not keep them apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from commerce.kernel import clock, ids, logs, metrics

log = logs.get(__name__)
RUNS = metrics.counter("livetill_job_runs_total", "Runs of scheduled jobs", ["job", "outcome"])
SECONDS = metrics.histogram("livetill_job_seconds", "Duration of scheduled jobs", ["job"])


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every_seconds: float  # between the end of a run and the beginning of the next
    work: Callable[[], Awaitable[object]]


class Schedule:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs

    async def run(self) -> None:
        """Forever; ends by cancellation, after the runs under way have ended."""
        paces = [asyncio.create_task(self._keep_pace(job), name=job.name) for job in self._jobs]
        try:
            await asyncio.gather(*paces)
        finally:
            for pace in paces:
                pace.cancel()
            await asyncio.gather(*paces, return_exceptions=True)

    async def _keep_pace(self, job: Job) -> None:
        await asyncio.sleep(ids.fraction() * job.every_seconds)  # not all at once after a start
        while True:
            running = asyncio.ensure_future(run_once(job))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                await running
                raise
            await asyncio.sleep(job.every_seconds * (0.9 + 0.2 * ids.fraction()))


async def run_once(job: Job) -> bool:
    """Whether it ended well; its failure is told here and goes no further."""
    started = clock.monotonic()
    try:
        await job.work()
    except Exception as error:  # the job comes again at its time, whatever went wrong
        log.error("job_failed", job=job.name, exc_info=error)
        RUNS.labels(job.name, "failed").inc()
        return False
    finally:
        SECONDS.labels(job.name).observe(clock.monotonic() - started)
    RUNS.labels(job.name, "done").inc()
    return True
