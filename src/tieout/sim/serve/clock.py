"""The one place of the simulator where time passes by itself: the world's clock moves in step with the event loop's."""

from __future__ import annotations

import asyncio

from tieout.sim.scheduler import Scheduler
from tieout.sim.virtual.loop import VirtualLoop

PERIOD_S = 0.005
"""How often the clock moves while nobody asks anything (seconds of the loop)."""

ROUNDING_MS = 1e-6
"""What times in floating point may be short of the millisecond they mean."""


class Clock:
    """Moves *scheduler* by the loop's time x *speed*. Speed 0 holds it; whoever moves it further himself is followed.

    On a loop of real time it moves every *period_s*. In virtual time it moves when an action is due, exactly then, or
    up to *period_s* later, together with what falls due meanwhile.
    """

    def __init__(self, scheduler: Scheduler, speed: float, period_s: float | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._virtual = isinstance(self._loop, VirtualLoop)
        self._period_s = period_s if period_s is not None else 0.0 if self._virtual else PERIOD_S
        self._scheduler = scheduler
        self._speed = speed
        self._begin_s = self._loop.time()
        self._begin_ms = scheduler.now_ms
        self._wake: asyncio.Future[None] = self._loop.create_future()
        self._waiting: dict[asyncio.Future[None], None] = {}

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.sync()
        self._rebase()
        self._speed = speed
        _end(self._wake)

    def now_ms(self) -> int:
        """The world's time; never less than before. What has fallen due by now may still have to run."""
        return max(self._scheduler.now_ms, self._target_ms())

    def sync(self) -> None:
        """Bring the world to now; what fell due has run when this returns."""
        target_ms = self._target_ms()
        if self._scheduler.now_ms > target_ms:
            self._rebase()
        else:
            self._scheduler.advance(target_ms)

    def _target_ms(self) -> int:
        passed_s = self._loop.time() - self._begin_s
        return self._begin_ms + int(passed_s * 1000 * self._speed + ROUNDING_MS)

    def _rebase(self) -> None:
        self._begin_s, self._begin_ms = self._loop.time(), self._scheduler.now_ms

    async def run(self) -> None:
        """Move the clock for ever; an action that fails ends it with its exception."""
        self._scheduler.on_sooner = lambda: _end(self._wake)
        try:
            while True:
                self.sync()
                await (self._next_action() if self._virtual else asyncio.sleep(self._period_s))
        finally:
            self._scheduler.on_sooner = None

    async def _next_action(self) -> None:
        """Return when the next action is due, or when another is planned before it."""
        self._wake = self._loop.create_future()
        due_ms = self._scheduler.next_ms()
        if due_ms is None or not self._speed:
            await self._wake
            return
        at_s = self._begin_s + (due_ms - self._begin_ms) / (1000 * self._speed)
        timer = self._loop.call_at(max(at_s, self._loop.time() + self._period_s), _end, self._wake)
        try:
            await self._wake
        finally:
            timer.cancel()

    async def wait(self, simulated_ms: int) -> None:
        """Return *simulated_ms* later, in simulated time, or when the clock is given up."""
        over = self._loop.create_future()
        self._waiting[over] = None
        planned = self._scheduler.after(simulated_ms, lambda: _end(over))
        try:
            await over
        finally:
            planned.cancel()
            del self._waiting[over]

    def give_up(self) -> None:
        """Let nobody wait any longer: the clock will not move again."""
        for over in tuple(self._waiting):
            _end(over)


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
