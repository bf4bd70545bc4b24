"""Reading the chain of a wallet on until its newest final block, through the failures of the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import asyncpg

from tieout.app.chain_audit import AtBlock, at_block
from tieout.app.chain_books import ChainBooks
from tieout.client.chain import BlockHead
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError

TRIES = 3
"""So often a node may fail without having answered for a single block in between."""

RETRY_MS = 2_000

NEAR_BLOCKS = 500
"""Reading further than this takes so long that there is more to read, and that nodes forget the balances."""


class ReadingEndedError(ValueError):
    """No node answers any more. What was read is booked, and the message says how to go on."""


async def first_to_read(books: ChainBooks) -> int:
    """The first block to read, of those that the node has; where it does not say, of all."""
    with suppress(VenueError, CallFailedError):
        earliest = await books.chain.block("earliest")
        return max(books.follower.next_block, earliest.number if earliest is not None else 0)
    return books.follower.next_block


async def read_to_end(books: ChainBooks, clock: Clock) -> BlockHead:
    """The final block up to which everything is booked. Raises ReadingEndedError, StoreError."""
    failures, stood_at = 0, books.follower.next_block
    while True:
        try:
            step = await books.step()
        except (VenueError, CallFailedError, LookupError) as error:
            reached = books.follower.next_block
            failures = 1 if reached > stood_at else failures + 1
            stood_at = reached
            if failures >= TRIES:
                raise ReadingEndedError(
                    f"no node answers: {error}; everything before block {reached:,} is booked, and the same command "
                    "goes on from there"
                ) from None
            await clock.sleep(RETRY_MS)
            continue
        if step.block.number - step.first <= NEAR_BLOCKS:
            return step.block


async def compared(
    books: ChainBooks,
    connection: asyncpg.Connection,
    wallet_id: int,
    wallet: str,
    block: BlockHead,
    also: Iterable[str] = (),
) -> AtBlock:
    """The books as of *block* and the balances there; what was held before the first block read is booked.

    Tokens in *also* are compared, too, whether the books ever saw them or not.

    Raises ReadingEndedError, CannotCompareError.
    """
    try:
        await books.compare(block)
        return await at_block(connection, books.chain, wallet_id, wallet, block, also)
    except (VenueError, CallFailedError) as error:
        raise ReadingEndedError(
            f"everything up to block {block.number:,} is booked, but no node tells the balances there: {error}; the "
            "same command compares again"
        ) from None
