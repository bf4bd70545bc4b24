"""L2: whether the hash chain of a wallet's log is unbroken, from its first entry to the head."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from tieout.store import log
from tieout.store.wallets import head_of

CHUNK = 2_000
"""Entries that are hashed without letting others in: some milliseconds."""


async def chain_breaks(connection: asyncpg.Connection, wallet_id: int, most: int = 5) -> Sequence[str]:
    """The first places where it does not hold, *most* of them. To be called in one snapshot of the database."""
    head, _, _ = await head_of(connection, wallet_id)
    breaks: list[str] = []
    previous, seq = log.GENESIS, 0
    async for chunk in log.entries(connection, wallet_id, chunk=CHUNK):
        for entry in chunk:
            seq += 1
            if entry.seq != seq:
                breaks.append(f"entry {seq} is missing: the next one is {entry.seq}")
                seq = entry.seq
            if entry.chained(previous) != entry.hash:
                breaks.append(f"entry {seq}: its hash is not the one its content gives")
            previous = entry.hash
        if len(breaks) >= most:
            return breaks[:most]
        await asyncio.sleep(0)
    if (head.seq, head.hash) != (seq, previous):
        breaks.append(f"the head says entry {head.seq}, the log ends at {seq} or with another hash")
    return breaks
