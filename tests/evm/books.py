"""The books of a wallet kept from a local EVM by the parts that keep them in earnest, and compared block by block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from evm.ground import Ground
from support.database import connected
from tieout.app.clock import now_ms
from tieout.app.history import verify
from tieout.app.watching import chain_of
from tieout.client.chain import BlockHead, Chain
from tieout.client.clock import LoopClock
from tieout.client.transport import HttpCarrier
from tieout.intake.intake import Intake, Report
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.height import Height, as_of
from tieout.jobs.tie_out import TieOut, tie_out
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity


@dataclass
class Kept:
    """The books of one wallet, and the node they come from."""

    ground: Ground
    wallet: str
    wallet_id: int
    reader: asyncpg.Connection
    chain: Chain
    follower: ChainFollower
    report: Report
    first: int
    compared: int = field(default=0)

    async def follow(self) -> BlockHead:
        """Read what the chain has; the last block that is booked."""
        return (await self.follower.step()).block

    async def height(self, block: int) -> Height:
        """The books as of a block."""
        return await as_of(self.reader, self.wallet_id, block)

    async def tie(self, block: int) -> TieOut:
        """The books as of a block against the balances there."""
        head = await self.chain.block(block)
        assert head is not None
        height = await self.height(block)
        return await tie_out(self.chain, self.wallet, height.shares, head)

    async def ties_out(self, last: int) -> None:
        """Fail unless the books equal what the contracts themselves say, at every block up to *last*, whatever it was
        compared with before: what is heard of later blocks may not change an earlier one."""
        for block in range(self.first, last + 1):
            height, tie = await self.height(block), await self.tie(block)
            where = f"block {block}, read up to {last}"
            held = {token: shares for token, shares in height.shares.items() if shares}
            assert held == self.ground.held(self.wallet, block), where
            assert tie.holds, (where, tie.differences)
            self.compared += 1
        assert [trouble for trouble in self.report.troubles if trouble.is_error] == []
        assert (await verify(self.reader, self.wallet_id)).holds

    async def profit(self) -> dict[str, int]:
        """Realized PnL by condition; micro-units."""
        rows = await self.reader.fetch(
            "SELECT condition_id, sum(realized_pnl)::bigint AS profit, sum(unexplained_shares) AS unexplained "
            "FROM positions WHERE wallet_id = $1 GROUP BY condition_id",
            self.wallet_id,
        )
        assert all(row["unexplained"] == 0 for row in rows)
        return {row["condition_id"]: row["profit"] for row in rows}

    async def costs(self) -> dict[str, int]:
        """Cost basis by token, where there is any; micro-units."""
        rows = await self.reader.fetch(
            "SELECT token_id, cost_basis FROM positions WHERE wallet_id = $1 AND cost_basis > 0", self.wallet_id
        )
        return {row["token_id"]: row["cost_basis"] for row in rows}

    async def acts(self) -> list[tuple[str, int, int]]:
        """(kind, shares, signed collateral) of every movement, in the canonical order."""
        rows = await self.reader.fetch(
            "SELECT kind, shares, cash FROM movements WHERE wallet_id = $1 ORDER BY occurred_at_ms, chain_position, key",
            self.wallet_id,
        )
        return [(row["kind"], row["shares"], row["cash"]) for row in rows]


@asynccontextmanager
async def keeping(dsn: str, ground: Ground, wallet: str, first: int = 0) -> AsyncIterator[Kept]:
    """The books of *wallet* from block *first* on."""
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(connected(dsn)) for _ in range(2)]
        carrier = await stack.enter_async_context(HttpCarrier())
        lease = await acquire(writer, wallet)
        intake = Intake(writer, reader, lease, Identity(wallet, frozenset()), now_ms)
        report = Report()
        chain = chain_of(carrier, LoopClock(now_ms), (ground.evm.url,), intake, report)
        yield Kept(ground, wallet, lease.wallet_id, reader, chain, ChainFollower(chain, wallet, first), report, first)
