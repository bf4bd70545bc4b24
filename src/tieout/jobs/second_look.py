"""Final blocks are read twice: a node may have left out logs the first time.

Mostly that shows: balances differ, and the blocks are read again at once. What makes up for each other does not, such
as a deposit and a withdrawal of the same amount between two comparisons (lives 1047, 1135 and 1470).
"""

from __future__ import annotations

import asyncpg

from tieout.client.clock import Clock
from tieout.jobs.chain_follower import ChainFollower
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
    """Lets the next step of the follower begin with what was read only once, or twice within a short time."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, follower: ChainFollower, clock: Clock) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._follower = follower
        self._clock = clock
        self._looked_ms: int | None = None
        self._before: int | None = None
        """What was unread at the last look."""
        self._first = self._top = 0
        self._known: frozenset[str] = frozenset()

    def is_due(self) -> bool:
        """Whether the last one was long ago, or there was none since the process began."""
        return self._looked_ms is None or self._clock.now_ms() - self._looked_ms >= EVERY_MS

    async def rewind(self) -> None:
        """Go back."""
        mark = await watermarks.get(self._connection, self._wallet_id, TWICE)
        self._top = self._follower.next_block
        self._first = self._top if mark is None else min(max(int(mark.value), self._top - BLOCKS_MAX), self._top)
        self._known = frozenset((await self._events()).keys())
        self._follower.next_block = self._first

    def give_up(self) -> None:
        """The step failed on the way: what was read before is not read again for that."""
        self._follower.next_block = max(self._follower.next_block, self._top)
        self._looked_ms = self._clock.now_ms()

    async def left_out(self) -> list[Finding]:
        """The step has read everything: the external events that it found where nothing was before."""
        if self.is_due():
            now_ms = self._clock.now_ms()
            mark = Watermark(str(self._first if self._before is None else self._before), now_ms)
            await watermarks.put(self._connection, self._wallet_id, TWICE, mark)
            self._before, self._looked_ms = self._top, now_ms
        return [finding for key, finding in (await self._events()).items() if key not in self._known]

    async def _events(self) -> dict[str, Finding]:
        """By the movement."""
        found = await external_events(self._connection, self._wallet_id, self._first, self._top - 1)
        return {str(finding.evidence["movement"]): finding for finding in found}
