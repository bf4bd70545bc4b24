"""Simulated time: one clock in milliseconds and the actions that are due on it.

Nothing in the simulator reads a real clock. A server advances the clock in step with the real one, a test or a
simulation jumps. Actions that are due at the same millisecond run in the order in which they were planned, so a run
is the same however the clock is moved.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

Action = Callable[[], None]


@dataclass(order=True, slots=True)
class Planned:
    """One action in wait; `cancel()` takes it out."""

    at_ms: int
    turn: int
    action: Action | None = field(compare=False)

    def cancel(self) -> None:
        """Forget the action; it keeps its place in the queue, empty."""
        self.action = None


class Scheduler:
    """The clock of one simulated world."""

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self._queue: list[Planned] = []
        self._turn = 0
        self.on_sooner: Callable[[], None] | None = None
        """Called when something is planned before all else, so that whoever sleeps until the next action wakes."""

    @property
    def now_s(self) -> int:
        """The whole seconds of the clock."""
        return self.now_ms // 1000

    def at(self, at_ms: int, action: Action) -> Planned:
        """Plan *action* for *at_ms*; a moment that has passed counts as now."""
        self._turn += 1
        planned = Planned(max(at_ms, self.now_ms), self._turn, action)
        heapq.heappush(self._queue, planned)
        if self.on_sooner is not None and self._queue[0] is planned:
            self.on_sooner()
        return planned

    def after(self, delay_ms: int, action: Action) -> Planned:
        """Plan *action* for *delay_ms* from now."""
        return self.at(self.now_ms + delay_ms, action)

    def every(self, period_ms: int, action: Action) -> None:
        """Run *action* every *period_ms*, for the first time a period from now."""

        def again() -> None:
            action()
            self.after(period_ms, again)

        self.after(period_ms, again)

    def next_ms(self) -> int | None:
        """When the next action is due; None when nothing is planned."""
        while self._queue and self._queue[0].action is None:
            heapq.heappop(self._queue)
        return self._queue[0].at_ms if self._queue else None

    def advance(self, to_ms: int) -> None:
        """Move the clock to *to_ms* and run what falls due on the way, each at its own moment."""
        while (due := self.next_ms()) is not None and due <= to_ms:
            planned = heapq.heappop(self._queue)
            self.now_ms = planned.at_ms
            action, planned.action = planned.action, None
            if action is not None:
                action()
        self.now_ms = max(self.now_ms, to_ms)

    def run_for(self, duration_ms: int) -> None:
        """Move the clock forward by *duration_ms*."""
        self.advance(self.now_ms + duration_ms)
