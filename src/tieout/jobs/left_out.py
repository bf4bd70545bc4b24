"""Logs that a node left out: looked for where they made a difference, and read again there.

A node that is asked a second time mostly has them. Where they are is told by the balances of old blocks; a node that
forgot those is asked for the newest blocks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from tieout.client.chain import Chain
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.locate import locate
from tieout.jobs.tie_out import TieOut

NEWEST_BLOCKS = 2_000
"""So many blocks at most are read again where nothing tells the place of a difference: an hour of them."""

AROUND_BLOCKS = 1_000
"""So many blocks on either side of a place are read again with it: an answer that lacks one log may lack others."""

TRY_AGAIN_MS = 300_000
"""How long the same differences stand until they are read for again: the node may have left out logs both times."""

PLACES_MAX = 5
"""So many differences are looked for, each in so many blocks; one place takes some twenty comparisons."""


class Owner(NamedTuple):
    """Whose books, and the block before the first one that was read for them."""

    wallet_id: int
    wallet: str
    begins: int


class LeftOutLogs:
    """Of one wallet's books, after every comparison."""

    def __init__(
        self, connection: asyncpg.Connection, owner: Owner, chain: Chain, follower: ChainFollower, clock: Clock
    ) -> None:
        self._connection = connection
        self._owner = owner
        self._chain = chain
        self._follower = follower
        self._clock = clock
        self._tied = -1
        """The last block at which everything tied out."""
        self._known: frozenset[tuple[str, int]] = frozenset()
        self._read_ms = 0

    async def read(self, tie: TieOut) -> bool:
        """Read again where the differences of *tie* came in. False when there is none, or it was done just now.

        Raises VenueError, CallFailedError.
        """
        if tie.holds:
            self._tied = tie.block.number
            return False
        if tie.drifts == self._known and self._clock.now_ms() - self._read_ms < TRY_AGAIN_MS:
            return False
        self._known, self._read_ms = tie.drifts, self._clock.now_ms()
        last = tie.block.number
        if 0 <= self._tied < last <= self._tied + NEWEST_BLOCKS:
            await self._follower.again(self._tied + 1, last)
            return True
        try:
            await self._read_places(sorted(what for what, _ in tie.drifts)[:PLACES_MAX], last)
        except (VenueError, CallFailedError):
            await self._again(last - NEWEST_BLOCKS + 1, last, last)
        return True

    async def _read_places(self, differing: Sequence[str], last: int) -> None:
        """Read again wherever a difference of any of *differing* came in."""
        wallet_id, wallet, begins = self._owner
        earliest = await self._chain.block("earliest")
        first = max(begins, earliest.number if earliest is not None else 0)
        read: list[int] = []
        for what in differing:
            for _ in range(PLACES_MAX if first < last else 0):
                found = await locate(self._connection, self._chain, wallet_id, wallet, what, first, last)
                if found is None or any(abs(found.block.number - each) <= AROUND_BLOCKS for each in read):
                    break
                read.append(found.block.number)
                await self._again(found.block.number - AROUND_BLOCKS, found.block.number + AROUND_BLOCKS, last)

    async def _again(self, first: int, end: int, last: int) -> None:
        await self._follower.again(max(first, self._owner.begins + 1), min(end, last))
