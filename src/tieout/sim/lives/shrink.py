"""A life that fails, made smaller: the fewest faults and blows, then the least time, that fail in the same way.

Delta debugging (Zeller, 1999) over everything that was drawn to go wrong. A smaller life is another life: whatever
fails for another reason is not taken for the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tieout.sim.lives.options import MINUTE_MS, START_MS, Hit, LifeOptions, Strike
from tieout.sim.lives.verdict import Verdict

Event = Strike | Hit
Ends = Callable[[Sequence[LifeOptions]], Awaitable[Sequence[Verdict]]]
"""How each of several lives ends."""

TRIES_MAX = 120
"""Lives that are lived for it at most."""

SHORTEST_MS = 2 * START_MS + MINUTE_MS


class Shrinking:
    """One life on its way to the smallest."""

    def __init__(self, options: LifeOptions, verdict: Verdict, ends: Ends, *, at_once: int = 1) -> None:
        """*at_once*: so many lives are asked for at a time."""
        self.options = options
        self.verdict = verdict
        self.tries = 0
        self._ends = ends
        self._at_once = at_once

    async def run(self) -> None:
        """Make `options` as small as it gets within TRIES_MAX lives."""
        await self._shorter()
        await self._fewer()
        await self._shorter()

    async def _first(self, candidates: Sequence[LifeOptions]) -> bool:
        """Go on with the first of *candidates* that fails in the same way; False when none does."""
        for start in range(0, len(candidates), self._at_once):
            chunk = candidates[start : start + self._at_once]
            if self.tries + len(chunk) > TRIES_MAX:
                return False
            self.tries += len(chunk)
            for options, verdict in zip(chunk, await self._ends(chunk), strict=True):
                if verdict.id == self.verdict.id:
                    self.options, self.verdict = options, verdict
                    return True
        return False

    async def _fewer(self) -> None:
        """Leave out as many events as possible, large parts first."""
        parts = 2
        while events := events_of(self.options):
            parts = min(parts, len(events))
            size = -(-len(events) // parts)
            rests = [events[:at] + events[at + size :] for at in range(0, len(events), size)]
            if await self._first([with_events(self.options, rest) for rest in rests]):
                parts = max(2, parts - 1)
            elif parts == len(events):
                return
            else:
                parts *= 2

    async def _shorter(self) -> None:
        """The end right after what went wrong, if it went wrong before the end; then half of the time, and so on."""
        failed_ms = (self.verdict.at_ms // MINUTE_MS + 1) * MINUTE_MS
        last_ms = max((event.at_ms for event in events_of(self.options)), default=0) + 2 * MINUTE_MS
        for safety_ms in (failed_ms, last_ms, self.options.safety_ms // 2):
            if SHORTEST_MS <= safety_ms < self.options.safety_ms:
                await self._first([cut_at(self.options, safety_ms)])


def events_of(options: LifeOptions) -> list[Event]:
    """Everything that goes wrong, in the order of time."""
    return sorted((*options.strikes, *options.hits), key=lambda event: event.at_ms)


def with_events(options: LifeOptions, events: Sequence[Event]) -> LifeOptions:
    """The same life with only these *events*."""
    return msgspec.structs.replace(
        options,
        strikes=tuple(event for event in events if isinstance(event, Strike)),
        hits=tuple(event for event in events if isinstance(event, Hit)),
    )


def cut_at(options: LifeOptions, safety_ms: int) -> LifeOptions:
    """The same life with a shorter time of faults; what would come later is left out."""
    shorter = msgspec.structs.replace(options, safety_ms=safety_ms)
    return with_events(shorter, [event for event in events_of(options) if event.at_ms < safety_ms - MINUTE_MS // 2])
