"""The blocks above the finalized one: read as well, and taken back when a reorganisation takes them away.

A reorganisation is told by newer versions of the same facts: a transaction that is gone, or in another block now, is
taken back as it was, and where it came again it is booked again. Nothing is ever deleted. What was kept of a
transaction goes when its block is final. It is written before its facts are booked: a process that ends in between
reads them again as final.

What is gone is taken back before anything newer is booked. The operator sends a match that a reorganisation took away
again under another hash: between the two it may be in the books by the venue's word, and never under both (F2).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import msgspec

from tieout.client.chain import BlockHead, Chain
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.rpc import CallFailedError
from tieout.client.transport import RawBody
from tieout.jobs.chain_logs import filters
from tieout.store import provisional
from tieout.store.provisional import Provisional
from tieout.venue.abi import quantity
from tieout.venue.chain_window import Seen, seen
from tieout.venue.wire import WireError

Record = Callable[[RawBody], Awaitable[None]]

DEPTH_MAX = 1_000
"""Blocks above the finalized one that are read at most; where finality stands still, books wait for it."""

ORIGIN = "blocks above the finalized one"


class ProvisionalBlocks:
    """What one wallet did above the finalized block."""

    def __init__(
        self, connection: asyncpg.Connection, wallet_id: int, wallet: str, chain: Chain, record: Record
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._chain = chain
        self._record = record
        self._known: dict[str, Provisional] | None = None
        self._confirmed: set[str] = set()
        """Known ones that final blocks showed as they are kept, since the last `follow`."""

    async def _kept(self) -> dict[str, Provisional]:
        if self._known is None:
            self._known = await provisional.all_of(self._connection, self._wallet_id)
        return self._known

    async def take_back_gone(self) -> None:
        """Take back what is in no block of the chain any more. Raises VenueError; then nothing newer may be booked."""
        is_first = self._known is None
        known = await self._kept()
        for kept in [each for each in known.values() if is_first and each.is_gone]:
            await self._say(kept)  # the process before may have ended between keeping and booking it
        standing = [each for each in known.values() if not each.is_gone]
        numbers = sorted({each.block for each in standing})
        blocks = await self._chain.blocks(numbers) if numbers else []
        hashes = {block.number: block.hash for block in blocks if block is not None}
        for kept in standing:
            # A node that lags does not have the block yet, and cannot tell.
            if hashes.get(kept.block, kept.block_hash) != kept.block_hash:
                await self._taken_back(kept)

    async def seen_as_final(self, transactions: Sequence[Seen]) -> None:
        """Hear of *transactions* of final blocks, before they are booked as such."""
        known = await self._kept()
        for each in transactions:
            kept = known.get(each.tx_hash)
            if kept is None:
                continue
            if kept.is_gone or kept.block_hash != each.block_hash:
                await self._moved(kept)
            elif kept.version:
                # Said again: a process may have ended after it was kept and before it was booked, and what a final
                # block says at version 0 is older than its own taking back.
                await self._say(kept)
            self._confirmed.add(each.tx_hash)

    async def follow(self, final: BlockHead) -> None:
        """Read everything above *final*, and let go what is final by now. Raises VenueError."""
        latest = await self._chain.block("latest")
        if latest is None or latest.number > final.number + DEPTH_MAX:
            return
        known = await self._kept()
        if latest.number > final.number:
            await self._look(final.number + 1, latest.number)
        for kept in [each for each in known.values() if each.block <= final.number]:
            if kept.tx_hash not in self._confirmed:
                await self._not_shown(kept)
        done = [kept for kept in known.values() if kept.block <= final.number]
        await provisional.forget(self._connection, self._wallet_id, [kept.tx_hash for kept in done])
        for kept in done:
            del known[kept.tx_hash]
        self._confirmed.clear()

    async def _look(self, first: int, last: int) -> None:
        known = await self._kept()
        try:
            found = seen(await self._chain.window(filters(self._wallet, first, last), last))
        except (WireError, CallFailedError) as error:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getLogs", str(error)) from None
        shown = {each.tx_hash for each in found}
        for kept in [each for each in known.values() if each.block >= first and each.tx_hash not in shown]:
            if not kept.is_gone and not await self._still_there(kept):
                await self._taken_back(kept)
        for each in found:
            now = known.get(each.tx_hash)
            if now is None:
                await self._new(each)
            elif now.is_gone or now.block_hash != each.block_hash:
                await self._moved(now)

    async def _still_there(self, kept: Provisional) -> bool:
        """Whether the block it was in is still of the chain: then a node only left out its logs."""
        block = await self._chain.block(kept.block)
        return block is not None and block.hash == kept.block_hash

    async def _not_shown(self, kept: Provisional) -> None:
        """Final blocks did not show it. A node may have left out its logs: its block and its receipt tell."""
        if kept.is_gone or not await self._still_there(kept):
            await self._moved(kept)

    async def _new(self, each: Seen) -> None:
        receipt = await self._chain.receipt(each.tx_hash)
        if receipt is not None:
            await self._book(each.tx_hash, receipt, 0)

    async def _moved(self, kept: Provisional) -> None:
        """It was gone, or is in another block now, if in any: as it was is taken back, as it is is booked."""
        gone = await self._taken_back(kept)
        receipt = await self._chain.receipt(kept.tx_hash)
        if receipt is not None:
            await self._book(kept.tx_hash, receipt, gone.version + 1)

    async def _book(self, tx_hash: str, receipt: Mapping[str, Any], version: int) -> None:
        try:
            number = quantity(receipt.get("blockNumber"), "blockNumber")
        except WireError as error:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "eth_getTransactionReceipt", str(error)) from None
        text = msgspec.json.encode(receipt).decode()
        block_hash = str(receipt.get("blockHash")).lower()
        await self._say(Provisional(tx_hash, number, block_hash, version, False, text))

    async def _taken_back(self, kept: Provisional) -> Provisional:
        gone = kept if kept.is_gone else replace(kept, version=kept.version + 1, is_gone=True)
        await self._say(gone)
        return gone

    async def _say(self, now: Provisional) -> None:
        """Keep *now*, and book its facts at its version."""
        await provisional.put(self._connection, self._wallet_id, now)
        (await self._kept())[now.tx_hash] = now
        said = {"version": now.version, "removed": now.is_gone, "receipt": msgspec.Raw(now.receipt.encode())}
        await self._record(RawBody("chain_version", msgspec.json.encode(said), "chain", ORIGIN))
