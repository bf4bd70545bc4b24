"""An account with the witnesses of what it holds: a node, and the Data API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from jobs.account import MILLION, House, WorldClock, house
from support.database import connected
from tieout.client.chain import Chain
from tieout.client.data_api import DataApi
from tieout.client.rpc import Rpc
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.data_feed import DataFeed
from tieout.jobs.data_positions import DataPositionSync
from tieout.jobs.job import JobRunner
from tieout.jobs.late_receipts import LateReceipts
from tieout.jobs.opening import Opening
from tieout.jobs.position_sync import PositionSync
from tieout.jobs.resolutions import Resolutions
from tieout.jobs.second_look import SecondLook
from tieout.sim.crowd.human import Human
from tieout.sim.crowd.trader import Account, Trader
from tieout.sim.model import Market, OrderKind, Side


@dataclass
class Witnessed:
    """One account, and everything that can say what it holds."""

    kept: House
    clock: WorldClock
    chain: Chain
    follower: ChainFollower
    opening: Opening
    positions: PositionSync
    data_api: DataApi
    feed: DataFeed
    data_positions: DataPositionSync
    runner: JobRunner
    owner: Human
    trader: Trader

    @property
    def market(self) -> Market:
        """The world's side of the house's market."""
        return self.kept.scenario.world.exchange.markets[self.kept.market.condition_id]

    def buy(self, market: Market | None = None, cash: int = 20 * MILLION, outcome: int = 0) -> None:
        """The account buys at the best ask."""
        market = market or self.market
        best = self.kept.scenario.world.exchange.books[market.condition_id].best(outcome, Side.SELL)
        assert best is not None
        assert self.trader.market_buy(market, outcome, best, cash, OrderKind.FAK) is not None

    async def trades(self) -> None:
        """Read every trade of the account, as the keeper does."""
        assert (await self.kept.desk.account.trades(after_s=1)).is_complete

    async def until_final(self) -> None:
        """Let everything settle and become final, and hear of it."""
        self.kept.run(60)
        await self.trades()


@asynccontextmanager
async def witnessed(dsn: str, version: Literal["v1", "v2"] = "v2", **options: object) -> AsyncIterator[Witnessed]:
    async with house(dsn, **options) as kept, connected(dsn) as records:
        clock, world = WorldClock(kept.scenario), kept.scenario.world
        jobs, wallet_id, wallet = kept.connection, kept.wallet_id, kept.wallet
        chain = Chain(Rpc(kept.net, kept.endpoints.rpc))
        follower = ChainFollower(chain, wallet, world.chain.block_by_tag("earliest").number)
        receipts = LateReceipts(chain, follower.next_block, clock)
        opening = Opening(jobs, wallet_id, wallet, chain, follower.next_block, clock, kept.book)
        data_api = DataApi(kept.net.service("data-api", kept.endpoints.data_api), version)
        feed = DataFeed(jobs, wallet_id, wallet, data_api, clock)
        key = kept.scenario.accounts[0].api_key.key
        yield Witnessed(
            kept=kept,
            clock=clock,
            chain=chain,
            follower=follower,
            opening=opening,
            positions=PositionSync(
                jobs,
                wallet_id,
                wallet,
                follower,
                chain,
                clock,
                opening,
                Resolutions(jobs, wallet_id, chain, kept.book),
                receipts,
                SecondLook(jobs, wallet_id, follower, clock),
            ),
            data_api=data_api,
            feed=feed,
            data_positions=DataPositionSync(jobs, wallet_id, wallet, data_api, feed, clock, kept.book),
            runner=JobRunner(records, kept.lease, clock),
            owner=Human(world, wallet, world.chance.stream("owner")),
            trader=Trader(world, Account(key, wallet, wallet), world.chance.stream("hand")),
        )
