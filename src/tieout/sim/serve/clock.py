"""The one place of the simulator where real time passes: it moves the world's clock in step with the loop's."""

from __future__ import annotations

import asyncio

from tieout.sim.scheduler import Scheduler

PERIOD_S = 0.005
"""How often the clock moves while nobody asks anything (real seconds)."""


class Clock:
    """Moves *scheduler* by real time x *speed*. Speed 0 holds it; whoever moves it further himself is followed."""

    def __init__(self, scheduler: Scheduler, speed: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._scheduler = scheduler
        self._speed = speed
        self._real_s = self._loop.time()
        self._simulated_ms = float(scheduler.now_ms)
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.sync()
        self._rebase(self._loop.time())
        self._speed = speed

    def sync(self) -> None:
        """Bring the world to now; what fell due has run when this returns."""
        real_s = self._loop.time()
        target = self._simulated_ms + (real_s - self._real_s) * 1000 * self._speed
        if self._scheduler.now_ms > target:
            self._rebase(real_s)
        else:
            self._scheduler.advance(int(target))

    def _rebase(self, real_s: float) -> None:
        self._real_s, self._simulated_ms = real_s, float(self._scheduler.now_ms)

    async def run(self) -> None:
        """Move the clock for ever; an action that fails ends it with its exception."""
        while True:
            self.sync()
            await asyncio.sleep(PERIOD_S)

    async def wait(self, simulated_ms: int) -> None:
        """Return *simulated_ms* later, in simulated time, or when the clock is given up."""
        over = self._loop.create_future()
        self._waiting.add(over)
        planned = self._scheduler.after(simulated_ms, lambda: _end(over))
        try:
            await over
        finally:
            planned.cancel()
            self._waiting.discard(over)

    def give_up(self) -> None:
        """Let nobody wait any longer: the clock will not move again."""
        for over in tuple(self._waiting):
            _end(over)


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
