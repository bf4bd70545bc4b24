"""A failing life made smaller: the fewest faults and blows, then the shortest time, that still break the same row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tieout.sim.lives.options import MINUTE_MS, START_MS, Hit, LifeOptions, Strike
from tieout.sim.lives.verdict import Verdict

RUNS_MAX = 80
"""Lives tried at most."""

Try = Callable[[LifeOptions], Awaitable[Verdict]]
Told = Callable[[int, int, int], None]
"""Hears how many lives were tried, and how many faults and minutes are left."""


class Shrinker:
    """Makes one failing life smaller. Every step is kept only if the same row still breaks."""

    def __init__(self, failed: Verdict, live: Try, told: Told = lambda *_: None) -> None:
        self._id = failed.id
        self._live = live
        self._told = told
        self.runs = 0
        self.verdict = failed

    async def smallest(self, options: LifeOptions) -> LifeOptions:
        """The smallest that was found in RUNS_MAX lives."""
        options = await self._with_fewer(options)
        options = await self._shorter(options)
        return await self._with_fewer(options)

    async def _still_fails(self, options: LifeOptions) -> bool:
        if self.runs >= RUNS_MAX:
            return False
        self.runs += 1
        verdict = await self._live(options)
        self._told(self.runs, len(options.strikes) + len(options.hits), options.safety_ms // MINUTE_MS)
        if verdict.id != self._id:
            return False
        self.verdict = verdict
        return True

    async def _with_fewer(self, options: LifeOptions) -> LifeOptions:
        """Leave out parts of what was drawn: halves, then quarters, down to single ones (delta debugging)."""
        left: list[Strike | Hit] = [*options.strikes, *options.hits]
        size = max(1, len(left) // 2)
        while left and self.runs < RUNS_MAX:
            smaller = False
            for at in range(0, len(left), size):
                rest = left[:at] + left[at + size :]
                if await self._still_fails(_with(options, rest)):
                    left, smaller = rest, True
                    break
            if not smaller:
                if size == 1:
                    break
                size = max(1, size // 2)
            size = min(size, max(1, len(left)))
        return _with(options, left)

    async def _shorter(self, options: LifeOptions) -> LifeOptions:
        """Stop just after what was needed, then after half of the time again and again."""
        last_ms = max([each.at_ms for each in (*options.strikes, *options.hits)], default=START_MS)
        for wanted_ms in (last_ms + 2 * MINUTE_MS, last_ms + 6 * MINUTE_MS, options.safety_ms * 3 // 4):
            minutes = max(2 * START_MS // MINUTE_MS + 1, -(-wanted_ms // MINUTE_MS))
            shorter = msgspec.structs.replace(options, safety_ms=minutes * MINUTE_MS)
            if shorter.safety_ms < options.safety_ms and await self._still_fails(shorter):
                return shorter
        return options


def _with(options: LifeOptions, parts: Sequence[Strike | Hit]) -> LifeOptions:
    strikes = tuple(part for part in parts if isinstance(part, Strike))
    hits = tuple(part for part in parts if isinstance(part, Hit))
    return msgspec.structs.replace(options, strikes=strikes, hits=hits)
