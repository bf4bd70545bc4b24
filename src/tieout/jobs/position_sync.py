"""Position sync with a node: the chain up to the finalized block into the books, then every balance compared."""

from __future__ import annotations

import asyncpg

from tieout.client.chain import Chain
from tieout.client.clock import Clock
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.height import Lateness, as_of
from tieout.jobs.job import Result
from tieout.jobs.tie_out import Difference, TieOut, tie_out
from tieout.store import watermarks
from tieout.store.runs import Action, Finding, IssueType, Severity
from tieout.store.watermarks import Watermark

CHAIN = "chain"
"""Watermark: the next block to read."""

WARN_FROM, ERROR_FROM = 10_000, 100_000
"""Micro-shares of drift from which an issue is a warning, and an error (catalog)."""


class PositionSync:
    """`last` is the comparison of the last run."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        follower: ChainFollower,
        chain: Chain,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._follower = follower
        self._chain = chain
        self._clock = clock
        self._lateness = Lateness()
        self.last: TieOut | None = None

    async def run(self) -> Result:
        """Follow the chain and compare. Raises VenueError, CallFailedError."""
        step = await self._follower.step()
        mark = Watermark(str(self._follower.next_block), self._clock.now_ms())
        await watermarks.put(self._connection, self._wallet_id, CHAIN, mark)
        seen = await as_of(self._connection, self._wallet_id, step.block.number)
        late = self._lateness.late(seen.pending, self._clock.now_ms())
        books = await as_of(self._connection, self._wallet_id, step.block.number, late) if late else seen
        tie = self.last = await tie_out(self._chain, self._wallet, books.shares, step.block)
        conditions = await self._conditions([each.token_id for each in tie.differences])
        return Result(
            [_finding(each, conditions.get(each.token_id, ""), tie) for each in tie.differences],
            {
                "block": tie.block.number,
                "tokens": tie.tokens,
                "differences": len(tie.differences),
                "transactions": step.transactions,
                "pending": len(books.pending),
                "late": len(late),
            },
        )

    async def _conditions(self, tokens: list[str]) -> dict[str, str]:
        rows = await self._connection.fetch(
            "SELECT token_id, condition_id FROM positions WHERE wallet_id = $1 AND token_id = ANY ($2)",
            self._wallet_id,
            tokens,
        )
        return {row["token_id"]: row["condition_id"] for row in rows}


def _finding(each: Difference, condition_id: str, tie: TieOut) -> Finding:
    size = abs(each.drift)
    grave = Severity.ERROR if size >= ERROR_FROM else Severity.WARN if size >= WARN_FROM else Severity.INFO
    return Finding(
        IssueType.POSITION_DRIFT,
        grave,
        Action.LOGGED,
        f"the books hold {each.books} micro-shares and the wallet {each.chain} at block {tie.block.number}",
        condition_id=condition_id,
        token_id=each.token_id,
        evidence={"books": each.books, "chain": each.chain, "drift": each.drift, "block": tie.block.number},
    )
