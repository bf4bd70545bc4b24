"""The parts of a worker, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg

from tieout.app.alerts import Alerts
from tieout.app.config import Config
from tieout.app.intake_desk import IntakeDesk
from tieout.app.market_round import MarketRound
from tieout.app.readiness import Readiness
from tieout.app.request_taker import RequestTaker, ways
from tieout.app.schedule import Schedule
from tieout.app.venue import CarriersOf, Venue, over_network
from tieout.app.waking import HeadWatch, Hearing
from tieout.app.worker_jobs import TRADES, WorkerJobs
from tieout.app.worker_state import WorkerState
from tieout.client.chain_heads import ChainHeads
from tieout.client.clob import Desk
from tieout.client.clock import Clock
from tieout.client.feed import Jitter
from tieout.client.keys import PrivateKey
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.orders import OrderSigner
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.heartbeat import Heartbeat
from tieout.jobs.job import JobRunner
from tieout.jobs.market_books import MarketBooks
from tieout.jobs.market_making import MarketMaking, Purse
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.order_sync import OrderSync
from tieout.jobs.portfolio import Portfolio
from tieout.jobs.quote_log import QuoteLog
from tieout.store import watermarks
from tieout.store.listening import CONTROL, REQUEST
from tieout.store.runs import Action, Finding, IssueType, Job, Severity


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker takes from outside: time, chance for reconnects, numbers that make orders unlike each other, and
    the way to the venue.
    """

    clock: Clock
    jitter: Jitter
    salt: Callable[[], int]
    carriers_of: CarriersOf = over_network


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

    orders: OrderDesk
    keeper: AccountKeeper
    books: MarketBooks
    spared: Spared
    schedule: Schedule
    heartbeat: Heartbeat
    heads: HeadWatch | None
    """None: no node is to tell of new heads."""
    requests: RequestTaker

    def told(self, what: str, _subject: str) -> None:
        """A notice of the database: somebody paused, halted or resumed, or asks for something.

        After a control the next round comes at once, and cancels what may not rest.
        """
        if what == CONTROL:
            self.schedule.ask(Job.MARKET_MAKING, "a control was set")
        elif what == REQUEST:
            self.requests.wake()

    async def resume(self, connection: asyncpg.Connection, wallet_id: int) -> bool:
        """Find out what became of orders whose answer nobody heard, because the process died. Raises VenueError."""
        await self.orders.resume(connection, wallet_id)
        return True


@dataclass(frozen=True, slots=True)
class Reach:
    """What the worker hears and speaks by, and its one way into the books."""

    venue: Venue
    desk: Desk
    way: IntakeDesk
    market_feed: MarketFeed


async def put_together(
    dsn: str,
    config: Config,
    key: PrivateKey,
    around: Surroundings,
    reading: asyncpg.Connection,
    runner: JobRunner,
    wallet_id: int,
    reach: Reach,
    markets: Mapping[str, MarketInfo],
    state: WorkerState,
    alerts: Alerts,
) -> Parts:
    """The parts of a worker for *markets* (by condition), none of them started. *reading* is for jobs alone."""
    clock, venue, desk, way = around.clock, reach.venue, reach.desk, reach.way
    orders = OrderDesk(desk.orders, desk.account, _signer(config, key, around), way.book, clock)
    keeper = AccountKeeper(desk.account, way.put, clock, await _trades_known(reading, wallet_id))
    books = MarketBooks(venue.clob.public, reach.market_feed, clock, way.put)
    readiness = Readiness(clock, venue.health, keeper, venue.chain is not None, config.jobs)
    spared = Spared(reading, wallet_id, _policy(config, state))
    portfolio = Portfolio(
        reading, wallet_id, config.wallet, venue.clob.public, venue.chain, desk.account, clock, config.signature_type
    )
    jobs = WorkerJobs(
        config=config,
        connection=reading,
        wallet_id=wallet_id,
        clock=clock,
        venue=venue,
        desk=desk,
        keeper=keeper,
        book=way.book,
        record=way.record,
        order_sync=OrderSync(reading, wallet_id, orders, markets.__contains__, _policy(config, state)),
        portfolio=portfolio,
        readiness=readiness,
        state=state,
        alerts=alerts,
    )
    round_ = MarketRound(
        connection=reading,
        wallet_id=wallet_id,
        config=config,
        clock=clock,
        books=books,
        making=MarketMaking(reading, wallet_id, orders, spared),
        desk=orders,
        spared=spared,
        history=QuoteLog(reading, wallet_id),
        readiness=readiness,
        state=state,
        markets=markets,
        purse=lambda: Purse(portfolio.cash, portfolio.pnl, portfolio.pnl_at_day_start),
    )
    schedule = await jobs.plan(runner, round_)
    requests = RequestTaker(dsn, wallet_id, clock, ways(config.wallet, schedule, way, alerts))
    heads = _heads(config, venue, schedule, runner, state)
    return Parts(orders, keeper, books, spared, schedule, Heartbeat(desk.account, clock), heads, requests)


async def _trades_known(reading: asyncpg.Connection, wallet_id: int) -> int:
    """Up to when (seconds) the venue's trades are in the books; 0: nothing is known."""
    known = await watermarks.get(reading, wallet_id, TRADES)
    return int(known.value) if known else 0


def _policy(config: Config, state: WorkerState) -> ForeignOrders:
    """A dry run looks on: whoever else trades on the wallet keeps his orders, whatever a live one would do."""
    return config.foreign_orders if state.is_live else ForeignOrders.LEAVE


def _signer(config: Config, key: PrivateKey, around: Surroundings) -> OrderSigner:
    return OrderSigner(key, config.wallet, around.salt, config.signature_type)


def _heads(config: Config, venue: Venue, schedule: Schedule, runner: JobRunner, state: WorkerState) -> HeadWatch | None:
    """New heads bring the position sync forward; None where no node tells them."""
    url = config.endpoints.rpc_ws
    if not url or venue.chain is None:
        return None

    def woken() -> None:
        schedule.ask_soon(Job.POSITION_SYNC, config.jobs.head_spacing_ms, "a new head")

    def changed(hearing: Hearing) -> None:
        state.heads = hearing

    async def refused(reason: str) -> None:
        summary = f"the node gives no new heads: {reason}; positions are compared by the interval alone"
        await runner.raise_issue(Finding(IssueType.SYNC_FAILED, Severity.WARN, Action.LOGGED, summary))

    return HeadWatch(ChainHeads(url, venue.feeds), woken, changed, refused)
