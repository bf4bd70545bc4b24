"""Final blocks are read twice: a node may have left out logs the first time.

Mostly that shows: balances differ, and the blocks are read again at once. What makes up for each other does not, such
as a deposit and a withdrawal of the same amount between two comparisons (lives 1047, 1135 and 1470).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg

from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.external import external_events
from tieout.store import watermarks
from tieout.store.runs import Finding
from tieout.store.watermarks import Watermark

TWICE = "chain, twice"
"""Watermark: the first block of which the second reading did not come so much later than the first."""

EVERY_MS = 600_000
"""How often there is a second look, and by how much later than the first reading it is at least."""

BLOCKS_MAX = 20_000
"""So many blocks at most are read a second time, half a day of them: a history that has just been read has more."""


class SecondLook:
    """Lets a step of the follower begin with what was read only once, or twice within a short time."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, follower: ChainFollower, clock: Clock) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._follower = follower
        self._clock = clock
        self._looked_ms: int | None = None
        self._before: int | None = None
        """What was unread at the last look."""

    def is_due(self) -> bool:
        """Whether the last one was long ago, or there was none since the process began."""
        return self._looked_ms is None or self._clock.now_ms() - self._looked_ms >= EVERY_MS

    async def step(self, step: Callable[[], Awaitable[Step]]) -> tuple[Step, list[Finding] | None]:
        """Do *step* from there on; the external events that it found where the first reading had found none.

        None where the node does not answer for blocks so old: then the step was an ordinary one. Raises as *step*.
        """
        mark = await watermarks.get(self._connection, self._wallet_id, TWICE)
        top = self._follower.next_block
        first = top if mark is None else min(max(int(mark.value), top - BLOCKS_MAX), top)
        known = await self._events(first, top)
        self._follower.next_block = first
        try:
            done = await step()
        except (VenueError, CallFailedError):
            self._follower.next_block = max(self._follower.next_block, top)
            self._looked_ms = self._clock.now_ms()
            return await step(), None
        if self.is_due():
            await self._remember(first, top)
        return done, [finding for key, finding in (await self._events(first, top)).items() if key not in known]

    async def _remember(self, first: int, top: int) -> None:
        """What was unread at the look before this one has been read again long enough after the first time."""
        now_ms = self._clock.now_ms()
        mark = Watermark(str(first if self._before is None else self._before), now_ms)
        await watermarks.put(self._connection, self._wallet_id, TWICE, mark)
        self._before, self._looked_ms = top, now_ms

    async def _events(self, first: int, top: int) -> dict[str, Finding]:
        """Of the blocks from *first* to the one before *top*, by the movement."""
        found = await external_events(self._connection, self._wallet_id, first, top - 1)
        return {str(finding.evidence["movement"]): finding for finding in found}
