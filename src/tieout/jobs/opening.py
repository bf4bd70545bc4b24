"""Opening balances: what a wallet held before the first block that the books read.

Asked for at the end of the block before, once something does not tie out: of the coins once, of a token when it
differs. A node that keeps no block so old is asked for the first one it keeps. A history read from its beginning has
no opening.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from tieout.client.chain import BlockHead, Chain
from tieout.client.clock import Clock
from tieout.client.rpc import CallFailedError
from tieout.jobs.job import BookFacts
from tieout.jobs.tie_out import TieOut, by_ledger, coin_balances
from tieout.ledger.facts import AdjustmentInferred, AnyFact, CashFlowed, Flow
from tieout.ledger.fills import ON_CHAIN
from tieout.ledger.movement import LOG_BITS, NO_CHAIN_POSITION
from tieout.store import watermarks
from tieout.store.watermarks import Watermark

OPENING = "OPENING"
"""Cause of an adjustment: the shares were there before the books began."""

MARK = "opening"
"""Watermark: the block whose balances the collateral opened with."""

# A fill that only the CLOB tells of and that settled by then is in the balance, too.
_BEFORE = (
    "SELECT COALESCE(sum(cash), 0)::bigint FROM movements WHERE wallet_id = $1 AND (chain_position < $2 "
    f"OR chain_position = {NO_CHAIN_POSITION} AND occurred_at_ms <= $3 "
    "AND (status = ANY ($4) OR key NOT LIKE 'fill/%'))"
)

_OPENED = (
    "SELECT EXISTS (SELECT FROM log WHERE wallet_id = $1 "
    f"""AND (strpos(fact, '"flow":"{Flow.OPENING.value}"') > 0 OR strpos(fact, '"cause":"{OPENING}"') > 0))"""
)
"""Reads the whole log: for whoever asks seldom. Facts are canonical JSON."""


async def has_opened(connection: asyncpg.Connection, wallet_id: int) -> bool:
    """Whether the books hold an opening: what came before it must not be booked besides."""
    return bool(await connection.fetchval(_OPENED, wallet_id))


class Opening:
    """The balances of one wallet at the end of the block before the first one read."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        chain: Chain,
        first: int,
        clock: Clock,
        book: BookFacts,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._chain = chain
        self._before = first - 1
        self._clock = clock
        self._book = book
        self._asked: set[str] = set()
        self._block: BlockHead | None = None
        self._opens = False
        """The collateral was asked for, and that it was is not remembered yet."""

    async def explain(self, tie: TieOut) -> bool:
        """Book what was held before of whatever differs in *tie*; whether anything was. Raises VenueError."""
        if tie.holds:
            return False
        try:
            facts = await self._facts(tie)
        except CallFailedError:
            # A node without the state of old blocks: what differs stays a difference.
            return False
        if facts:
            await self._book(facts)
        if self._opens and self._block is not None:
            # After it is booked: a process that ends in between asks again, and finds nothing more to book.
            mark = Watermark(str(self._block.number), self._clock.now_ms())
            await watermarks.put(self._connection, self._wallet_id, MARK, mark)
            self._opens = False
        return bool(facts)

    async def _facts(self, tie: TieOut) -> list[AnyFact]:
        self._block = self._block or await self._opening_block()
        if self._block is None:
            return []
        facts: list[AnyFact] = []
        if tie.collateral.drift:
            facts += await self._collateral(self._block)
        tokens = [each.token_id for each in tie.differences if each.token_id not in self._asked]
        facts += await self._tokens(self._block, tokens)
        self._asked.update(tokens)
        return facts

    async def _opening_block(self) -> BlockHead | None:
        """Whose balances the books open with; None when they begin with the chain."""
        before = await self._chain.block(self._before) if self._before >= 0 else None
        if before is not None:
            return before
        earliest = await self._chain.block("earliest")
        return earliest if earliest is not None and earliest.number > max(self._before, 0) else None

    async def _collateral(self, block: BlockHead) -> Sequence[AnyFact]:
        if await watermarks.get(self._connection, self._wallet_id, MARK) is not None:
            return ()
        held = sum((await coin_balances(self._chain, self._wallet, block.hash)).values())
        top = (block.number + 1) << LOG_BITS
        booked = await self._connection.fetchval(_BEFORE, self._wallet_id, top, block.at_ms, sorted(ON_CHAIN))
        self._opens = True
        if held == booked:
            return ()
        return (
            CashFlowed(
                flow=Flow.OPENING,
                amount=held - booked,
                occurred_at_ms=block.at_ms,
                tx_hash=block.hash,
                log_index=(1 << LOG_BITS) - 1,
                block=block.number,
                block_hash=block.hash,
            ),
        )

    async def _tokens(self, block: BlockHead, tokens: Sequence[str]) -> list[AnyFact]:
        facts: list[AnyFact] = []
        for ledger, asked in by_ledger(tokens):
            if not asked:
                continue
            balances = await self._chain.token_balances(ledger, self._wallet, asked, block.hash)
            facts += [
                AdjustmentInferred(
                    token_id=token, statement_id=block.hash, shares=held, cause=OPENING, occurred_at_ms=block.at_ms
                )
                for token, held in zip(asked, balances, strict=True)
                if held
            ]
        return facts
