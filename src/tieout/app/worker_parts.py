"""The parts of a worker, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from tieout.app.config import Config
from tieout.app.intake_desk import IntakeDesk
from tieout.app.market_round import MarketRound
from tieout.app.readiness import Readiness
from tieout.app.schedule import Schedule, Scheduled
from tieout.app.venue import Venue
from tieout.app.worker_state import WorkerState
from tieout.client.clob import Desk
from tieout.client.clock import Clock
from tieout.client.feed import Jitter
from tieout.client.keys import PrivateKey
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.orders import OrderSigner
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.full_sync import FullSync
from tieout.jobs.job import Ended, JobRunner, Result, Work
from tieout.jobs.market_books import MarketBooks
from tieout.jobs.market_making import MarketMaking, Purse
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.order_sync import OrderSync
from tieout.jobs.portfolio import Portfolio
from tieout.jobs.position_sync import CHAIN, PositionSync
from tieout.jobs.quote_log import QuoteLog
from tieout.store import watermarks
from tieout.store.runs import Job
from tieout.store.wallets import Lease
from tieout.store.watermarks import Watermark

TRADES = "clob trades"
"""Watermark: unix seconds from which trades are to be read."""

RESYNC_MS = 3_000
"""Between full syncs while none is clean."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker takes from outside: time, chance for reconnects, and numbers that make orders unlike each other."""

    clock: Clock
    jitter: Jitter
    salt: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Connections:
    """Connections to the database, each for one use at a time."""

    writer: asyncpg.Connection
    reader: asyncpg.Connection
    jobs: asyncpg.Connection
    records: asyncpg.Connection
    control: asyncpg.Connection


@dataclass(slots=True)
class Parts:
    """What `put_together` makes."""

    desk: Desk
    orders: OrderDesk
    keeper: AccountKeeper
    books: MarketBooks
    clock: Clock
    schedule: Schedule = field(init=False)

    def control_changed(self, _condition_id: str) -> None:
        """Somebody paused, halted or resumed: the next round comes at once, and cancels what may not rest."""
        self.schedule.ask(Job.MARKET_MAKING, "a control was set")

    async def resume(self, connection: asyncpg.Connection, wallet_id: int) -> bool:
        """Find out what became of orders whose answer nobody heard, because the process died. Raises VenueError."""
        await self.orders.resume(connection, wallet_id)
        return True

    async def remember(self, connection: asyncpg.Connection, wallet_id: int) -> None:
        """Keep how far the trades were read."""
        if self.keeper.catch_ups:
            mark = Watermark(str(self.keeper.since_s), self.clock.now_ms())
            await watermarks.put(connection, wallet_id, TRADES, mark)


async def put_together(
    config: Config,
    key: PrivateKey,
    around: Surroundings,
    connections: Connections,
    lease: Lease,
    venue: Venue,
    desk: Desk,
    way: IntakeDesk,
    market_feed: MarketFeed,
    markets: list[MarketInfo],
    state: WorkerState,
    *,
    is_live: bool,
) -> Parts:
    """The parts of a worker for *markets*, none of them started."""
    clock, wallet_id, reading = around.clock, lease.wallet_id, connections.jobs
    signer = OrderSigner(key, config.wallet, around.salt, config.signature_type)
    orders = OrderDesk(desk.orders, desk.account, signer, way.book, clock)
    known = await watermarks.get(reading, wallet_id, TRADES)
    keeper = AccountKeeper(desk.account, way.put, clock, int(known.value) if known else 0)
    books = MarketBooks(venue.clob.public, market_feed, clock, way.put)
    readiness = Readiness(clock, venue.health, keeper, has_chain=venue.chain is not None)
    quoted = {market.condition_id: market for market in markets}
    order_sync = OrderSync(reading, wallet_id, orders, quoted.__contains__, config.foreign_orders)
    making = MarketMaking(reading, wallet_id, orders)

    async def sync_orders() -> Result:
        result = await order_sync.work()
        making.untouched = order_sync.foreign
        return result

    portfolio = Portfolio(
        reading, wallet_id, config.wallet, venue.clob.public, venue.chain, desk.account, clock, config.signature_type
    )

    async def mark() -> Result:
        result = await portfolio.run()
        state.cash, state.pnl, state.pnl_at_day_start = portfolio.cash, portfolio.pnl, portfolio.pnl_at_day_start
        return result

    parts = Parts(desk, orders, keeper, books, clock)

    async def trades_read() -> Result:
        await parts.remember(reading, wallet_id)
        return Result(detail={"since_s": keeper.since_s})

    steps: dict[str, Work] = {"trades": trades_read, "orders": sync_orders}
    if venue.chain is not None:
        first = await watermarks.get(reading, wallet_id, CHAIN)
        follower = ChainFollower(venue.chain, config.wallet, int(first.value) if first else config.first_block or 0)
        steps["positions"] = PositionSync(reading, wallet_id, config.wallet, follower, venue.chain, clock).run
    round_ = MarketRound(
        connection=reading,
        wallet_id=wallet_id,
        config=config,
        clock=clock,
        books=books,
        making=making,
        desk=orders,
        history=QuoteLog(reading, wallet_id),
        readiness=readiness,
        state=state,
        markets=quoted,
        purse=lambda: Purse(portfolio.cash, portfolio.pnl, portfolio.pnl_at_day_start),
        is_live=is_live,
    )
    every = config.jobs
    jobs = [
        Scheduled(Job.FULL_SYNC, every.full_sync, FullSync(keeper, steps).run, reason="on start"),
        Scheduled(Job.PORTFOLIO, every.portfolio, mark, due_ms=1),
        Scheduled(Job.MARKET_MAKING, every.market_making, round_.run, due_ms=2),
        Scheduled(Job.ORDER_SYNC, every.order_sync, sync_orders, due_ms=3),
    ]
    if "positions" in steps:
        jobs.append(Scheduled(Job.POSITION_SYNC, every.position_sync, steps["positions"], due_ms=4))
    schedule = Schedule(JobRunner(connections.records, lease, clock), clock, jobs, lambda ended: after(ended))

    def after(ended: Ended) -> None:
        readiness.note(ended)
        state.jobs[ended.job] = ended
        state.runs[ended.job] += 1
        state.feed_live = keeper.live
        if readiness.wanting:
            schedule.ask_by(Job.FULL_SYNC, clock.now_ms() + RESYNC_MS, readiness.wanting)

    parts.schedule = schedule
    return parts
