"""The books of a wallet kept from a local EVM as `tieout watch` keeps them, and compared block by block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from evm.ground import Ground
from support.database import connected
from tieout.app.chain_books import ChainBooks, chain_books
from tieout.app.clock import now_ms
from tieout.app.history import verify
from tieout.client.chain import Chain
from tieout.client.clock import LoopClock
from tieout.client.limits import DEFAULT_RULES, Limiter, Rule, Window
from tieout.client.net import Net
from tieout.client.rpc import Rpc
from tieout.client.transport import HttpCarrier, RawBody
from tieout.jobs.height import Height, as_of
from tieout.jobs.tie_out import TieOut, tie_out
from tieout.store.wallets import wallet_id_of


@dataclass
class Kept:
    """The books of one wallet, and where they come from."""

    ground: Ground
    wallet: str
    wallet_id: int
    reader: asyncpg.Connection
    books: ChainBooks
    chain: Chain
    first: int

    async def follow(self) -> int:
        """Read what the chain has; the last final block."""
        return (await self.books.step()).block.number

    async def height(self, block: int) -> Height:
        """The books as of a block."""
        return await as_of(self.reader, self.wallet_id, block)

    async def tie(self, block: int) -> TieOut:
        """The books as of a block against the balances there; nothing is booked of what is found."""
        head = await self.chain.block(block)
        assert head is not None
        height = await self.height(block)
        return await tie_out(self.chain, self.wallet, height.shares, height.collateral, head)

    async def ties_out(self) -> None:
        """Read on, and fail unless the books equal what the contracts say, at every block from the first to the latest.

        Also at those compared before: what is heard of later blocks may not change an earlier one.
        """
        final, latest = await self.follow(), self.ground.evm.height()
        assert self.first <= final <= latest
        for block in range(self.first, latest + 1):
            height, tie = await self.height(block), await self.tie(block)
            where = f"block {block} of {latest}"
            held = {token: shares for token, shares in height.shares.items() if shares}
            assert held == self.ground.held(self.wallet, block), where
            assert height.collateral == self.ground.coins(self.wallet, block), where
            assert tie.holds, where
        assert [trouble for trouble in self.books.report.troubles if trouble.is_error] == []
        assert (await verify(self.reader, self.wallet_id)).holds

    async def profit(self) -> dict[str, int]:
        """Realized PnL by condition, where there is any; micro-units. Nothing may be unexplained."""
        rows = await self.reader.fetch(
            "SELECT condition_id, sum(realized_pnl)::bigint AS profit, sum(unexplained_shares)::bigint AS unexplained "
            "FROM positions WHERE wallet_id = $1 GROUP BY condition_id",
            self.wallet_id,
        )
        assert all(row["unexplained"] == 0 for row in rows)
        return {row["condition_id"]: row["profit"] for row in rows if row["profit"]}

    async def profit_by_token(self) -> dict[str, int]:
        """Realized PnL by token; micro-units."""
        rows = await self.reader.fetch(
            "SELECT token_id, realized_pnl FROM positions WHERE wallet_id = $1", self.wallet_id
        )
        return {row["token_id"]: row["realized_pnl"] for row in rows}

    async def costs(self) -> dict[str, int]:
        """Cost basis by token, where there is any; micro-units."""
        rows = await self.reader.fetch(
            "SELECT token_id, cost_basis FROM positions WHERE wallet_id = $1 AND cost_basis > 0", self.wallet_id
        )
        return {row["token_id"]: row["cost_basis"] for row in rows}

    async def acts(self) -> list[tuple[str, int, int]]:
        """(kind, shares, signed collateral) of every movement, in the order the chain gave them."""
        rows = await self.reader.fetch(
            "SELECT kind, shares, cash FROM movements WHERE wallet_id = $1 "
            "ORDER BY occurred_at_ms, chain_position, key",
            self.wallet_id,
        )
        return [(row["kind"], row["shares"], row["cash"]) for row in rows]


@asynccontextmanager
async def keeping(dsn: str, ground: Ground, wallet: str, first: int = 0) -> AsyncIterator[Kept]:
    """The books of *wallet* from block *first* on."""
    async with (
        chain_books(dsn, wallet, (ground.evm.url,), first) as books,
        connected(dsn) as reader,
        HttpCarrier() as carrier,
    ):
        wallet_id = await wallet_id_of(reader, wallet)
        assert wallet_id is not None
        yield Kept(ground, wallet, wallet_id, reader, books, _own_chain(carrier, ground.evm.url), first)


def _own_chain(carrier: HttpCarrier, url: str) -> Chain:
    """The node without the pace that spares those of others: every block is compared."""
    clock = LoopClock(now_ms)
    limiter = Limiter(clock, {**DEFAULT_RULES, "rpc": Rule((Window(1_000_000),))})
    return Chain(Rpc(Net(carrier, clock, limiter, _unrecorded), (url,)))


async def _unrecorded(_: RawBody) -> None:
    """What the comparison reads is not booked."""
