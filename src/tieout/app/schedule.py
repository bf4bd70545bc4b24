"""When each job runs: one loop, the job that is due the longest first, so no two ever run at once (R1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tieout.app.beside import first_to_end
from tieout.client.clock import Clock
from tieout.jobs.job import Ended, JobRunner, Work
from tieout.store.runs import Job

ON_SCHEDULE = "schedule"


@dataclass(slots=True)
class Scheduled:
    """A job, how often it runs, and when it is due next. `reason` is what the record of that run will say."""

    job: Job
    every_ms: int
    work: Work
    due_ms: int = 0
    reason: str = ON_SCHEDULE
    began_ms: int = 0
    """When it ran last, 0: never."""


class Schedule:
    """Runs jobs for ever; `ask` makes one due at once."""

    def __init__(
        self, runner: JobRunner, clock: Clock, jobs: Sequence[Scheduled], after: Callable[[Ended], None]
    ) -> None:
        """*after* is told how each run ended, before the next one begins."""
        self._runner = runner
        self._clock = clock
        self._jobs = {scheduled.job: scheduled for scheduled in jobs}
        self._after = after
        self._asked = asyncio.Event()

    def ask(self, job: Job, reason: str) -> None:
        """Run *job* as soon as what runs now is over."""
        scheduled = self._jobs.get(job)
        if scheduled is not None:
            scheduled.due_ms = 0
            scheduled.reason = reason
            self._asked.set()

    def ask_by(self, job: Job, at_ms: int, reason: str) -> None:
        """Run *job* by that time at the latest."""
        scheduled = self._jobs.get(job)
        if scheduled is not None and scheduled.due_ms > at_ms:
            scheduled.due_ms = at_ms
            scheduled.reason = reason
            self._asked.set()

    def ask_soon(self, job: Job, spacing_ms: int, reason: str) -> None:
        """Run *job* soon, but not before *spacing_ms* have passed since it last began."""
        scheduled = self._jobs.get(job)
        if scheduled is not None:
            self.ask_by(job, max(self._clock.now_ms(), scheduled.began_ms + spacing_ms), reason)

    def due_ms(self, job: Job) -> int:
        """When *job* runs next, 0: as soon as it can."""
        return self._jobs[job].due_ms

    async def run(self) -> None:
        """Return only by cancellation or by what a job raises beside the venue's errors."""
        while True:
            self._asked.clear()
            scheduled = min(self._jobs.values(), key=lambda each: each.due_ms)
            wait_ms = scheduled.due_ms - self._clock.now_ms()
            if wait_ms > 0:
                await first_to_end(self._clock.sleep(wait_ms), self._asked.wait())
                continue
            reason, scheduled.reason = scheduled.reason, ON_SCHEDULE
            began_ms = scheduled.began_ms = self._clock.now_ms()
            # Counted from its beginning; a job that takes longer than its interval lets the others in between.
            scheduled.due_ms = began_ms + scheduled.every_ms
            ended = await self._runner.run(scheduled.job, reason, scheduled.work)
            if scheduled.due_ms:
                scheduled.due_ms = max(scheduled.due_ms, self._clock.now_ms() + 1)
            self._after(ended)
