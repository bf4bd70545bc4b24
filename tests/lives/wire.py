"""A life served as a node serves it, and its books kept from there in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from lives.acts import Bundle
from lives.ground import W
from lives.life import Life
from support.database import connected
from tieout.app.chain_books import ChainBooks, opened
from tieout.app.clock import now_ms
from tieout.client.clock import LoopClock
from tieout.client.transport import HttpCarrier
from tieout.intake.intake import Intake, own
from tieout.jobs.height import as_of
from tieout.jobs.tie_out import TieOut, tie_out
from tieout.ledger.facts import AnyFact
from tieout.sim.chain.chain import Block
from tieout.sim.chain.places import P_USD, USDC_E
from tieout.sim.serve.server import running
from tieout.sim.site import Site
from tieout.sim.wire.rpc import Rpc
from tieout.sim.world import World
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity


@dataclass
class Followed:
    """The books of a life. `first` is the first block that has anything in it."""

    life: Life
    connection: asyncpg.Connection
    wallet_id: int
    books: ChainBooks
    intake: Intake
    first: int
    compared: int = 0

    @property
    def head(self) -> int:
        return self.life.ground.chain.head.number

    async def tie(self, block: int) -> TieOut:
        """The books as of a block against the balances there."""
        head = await self.books.chain.block(block)
        assert head is not None
        height = await as_of(self.connection, self.wallet_id, block)
        return await tie_out(self.books.chain, W, height.shares, height.collateral, head)

    async def look(self, since: int = 0) -> None:
        """Read on to the head; every block from *since* (or the first) on ties out, against the wire and the state."""
        await self.books.step()
        for block in range(max(since, self.first), self.head + 1):
            tie = await self.tie(block)
            where = f"seed {self.life.seed}, block {block} of {self.head}"
            assert tie.holds, where
            height = await as_of(self.connection, self.wallet_id, block)
            assert {token: shares for token, shares in height.shares.items() if shares} == self.held(block), where
            assert height.collateral == self.coins(block), where
            self.compared += 1

    def held(self, block: int) -> dict[str, int]:
        chain = self.life.ground.chain
        tokens = ((book.ledger, token) for book in self.life.ground.books for token in book.tokens)
        held = {str(token): chain.tokens(ledger, W, token, block) for ledger, token in tokens}
        return {token: shares for token, shares in held.items() if shares}

    def coins(self, block: int) -> int:
        return sum(self.life.ground.chain.cash(W, coin, block) for coin in (P_USD, USDC_E))

    def replace(self, depth: int, lost: Collection[str] = (), again: Collection[str] = ()) -> None:
        """Another branch, a block longer; *lost* never return, *again* do under other hashes."""
        chain = self.life.ground.chain
        calls = {tx_hash: chain.receipt(tx_hash) for tx_hash in again}
        chain.reorg(depth, drop={*lost, *again}, shuffle=depth % 2 == 0)
        for receipt in calls.values():
            assert receipt is not None
            chain.submit(receipt.transaction.call)
        for _ in range(depth + 1):
            chain.mine()

    def transactions(self, depth: int) -> list[str]:
        """Those of the last blocks that went through and moved anything of the wallet."""
        chain = self.life.ground.chain
        blocks = (chain.block(number) for number in range(self.head - depth + 1, self.head + 1))
        receipts = [receipt for block in blocks if block for receipt in block.receipts if receipt.status]
        calls = [(each.tx_hash, each.transaction.call) for each in receipts]
        return [tx for tx, call in calls if isinstance(call, Bundle) and (call.shares or call.cash)]

    def finish(self) -> list[Block]:
        """Blocks without anything until all is final; all blocks of the life."""
        chain = self.life.ground.chain
        for _ in range(chain.finality + 1):
            self.life.ground.setting.mine()
        found = (chain.block(number) for number in range(self.first, self.head + 1))
        return [block for block in found if block is not None]

    async def plant(self, facts: Sequence[AnyFact]) -> None:
        """Book *facts* as if somebody had told them."""
        await self.intake.take([own(fact, "a hand in the books") for fact in facts])


@asynccontextmanager
async def followed(dsn: str, life: Life) -> AsyncIterator[Followed]:
    world = World(life.seed)
    world.chain = life.ground.chain
    world.scheduler = life.ground.setting.scheduler
    site = Site(world)
    site.mount("/rpc", Rpc(world).handle)
    async with (
        running(site, speed=0.0) as server,
        HttpCarrier() as carrier,
        connected(dsn) as writer,
        connected(dsn) as reader,
        connected(dsn) as watcher,
    ):
        lease = await acquire(writer, W)
        intake = Intake(writer, reader, lease, Identity(W, frozenset()), now_ms)
        first = life.ground.chain.head.number + 1
        nodes = (f"{server.http_url}/rpc",)
        books = await opened(reader, lease, intake, carrier, Unhurried(), nodes, first, True)
        yield Followed(life, watcher, lease.wallet_id, books, intake, first)


class Unhurried(LoopClock):
    """A clock whose minutes pass when somebody waits for them: the pace that spares real nodes costs nothing here."""

    def __init__(self) -> None:
        super().__init__(self.at)
        self._ms = now_ms()

    def at(self) -> int:
        return self._ms

    async def sleep(self, ms: int) -> None:
        self._ms += max(ms, 1)
