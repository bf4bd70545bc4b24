"""L2: whether the hash chain of a wallet's log is unbroken, from its first entry to the head."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from tieout.store import log
from tieout.store.wallets import Head, head_of

CHUNK = 2_000
"""Entries that are hashed without letting others in: some milliseconds."""


class ChainCheck:
    """The entries of a log, seen one after the other from the first: where its hash chain does not hold."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = log.GENESIS
        """Of the last entry seen."""
        self.breaks: list[str] = []

    def see(self, entry: log.Entry) -> None:
        """The next entry, as it is stored."""
        self.seq += 1
        if entry.seq != self.seq:
            self.breaks.append(f"entry {self.seq} is missing: the next one is {entry.seq}")
            self.seq = entry.seq
        if entry.chained(self.hash) != entry.hash:
            self.breaks.append(f"entry {entry.seq}: its hash is not the one its content gives")
        self.hash = entry.hash

    def end(self, head: Head) -> None:
        """There are no more entries, and *head* is what the wallet says of the last one."""
        if (head.seq, head.hash) != (self.seq, self.hash):
            self.breaks.append(f"the head says entry {head.seq}, the log ends at {self.seq} or with another hash")


async def chain_breaks(connection: asyncpg.Connection, wallet_id: int, most: int = 5) -> Sequence[str]:
    """The first places where it does not hold, *most* of them. To be called in one snapshot of the database."""
    head, _, _ = await head_of(connection, wallet_id)
    check = ChainCheck()
    async for chunk in log.entries(connection, wallet_id, chunk=CHUNK):
        for entry in chunk:
            check.see(entry)
        if len(check.breaks) >= most:
            return check.breaks[:most]
        await asyncio.sleep(0)
    check.end(head)
    return check.breaks
