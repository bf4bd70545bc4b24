"""The jobs of a worker: what each one is made of, how often it runs, and what its end means for the others."""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncpg

from tieout.app.alerts import Alerts
from tieout.app.config import Config
from tieout.app.market_round import WHO, MarketRound
from tieout.app.readiness import Readiness
from tieout.app.reading_start import reading_start, unread
from tieout.app.schedule import Schedule, Scheduled
from tieout.app.tie_answer import compared_by
from tieout.app.venue import Venue
from tieout.app.worker_state import WorkerState
from tieout.client.clob import Desk
from tieout.client.clock import Clock
from tieout.client.transport import Recorder
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.data_feed import DataFeed
from tieout.jobs.data_positions import DataPositionSync
from tieout.jobs.full_sync import FullSync
from tieout.jobs.job import BookFacts, Ended, JobRunner, Result, Work
from tieout.jobs.late_receipts import LateReceipts
from tieout.jobs.market_check import MarketCheck
from tieout.jobs.negative_balance import require_no_negative_balance
from tieout.jobs.opening import Opening
from tieout.jobs.order_sync import OrderSync
from tieout.jobs.portfolio import Portfolio
from tieout.jobs.position_sync import PositionSync
from tieout.jobs.provisional import ProvisionalBlocks
from tieout.jobs.quick_sync import QuickSync
from tieout.jobs.reconcile import Reconcile
from tieout.jobs.resolutions import Resolutions
from tieout.jobs.second_look import SecondLook
from tieout.jobs.settle import Settle
from tieout.store import watermarks
from tieout.store.controls import Actor, Command, State, set_state
from tieout.store.errors import BrokenInvariantError
from tieout.store.runs import Job
from tieout.store.watermarks import Watermark

TRADES = "clob trades"
"""Watermark: unix seconds from which trades are to be read."""

RESYNC_MS = 3_000
"""Between full syncs while none is clean."""


@dataclass(slots=True)
class WorkerJobs:
    """All jobs but market making share these. One runs at a time, so they share one connection, too."""

    config: Config
    connection: asyncpg.Connection
    wallet_id: int
    clock: Clock
    venue: Venue
    desk: Desk
    keeper: AccountKeeper
    book: BookFacts
    record: Recorder
    order_sync: OrderSync
    portfolio: Portfolio
    readiness: Readiness
    state: WorkerState
    alerts: Alerts
    schedule: Schedule = field(init=False)
    positions: PositionSync | DataPositionSync = field(init=False)
    quick: QuickSync = field(init=False)
    feed: DataFeed = field(init=False)
    check: MarketCheck = field(init=False)

    async def plan(self, runner: JobRunner, round_: MarketRound) -> Schedule:
        """The schedule, each job's first run in the order in which one explains the next."""
        every, wallet = self.config.jobs, self.config.wallet
        data_api = self.venue.data_api
        self.feed = DataFeed(self.connection, self.wallet_id, wallet, data_api, self.clock)
        self.positions = await self._positions(runner)
        self.quick = QuickSync(self.connection, self.wallet_id, self.desk.account, self.positions, self.clock)
        self.check = MarketCheck(self.connection, self.wallet_id, self._final_block)
        reconcile = Reconcile(self.connection, self.wallet_id, wallet, data_api, self.feed)
        steps: dict[str, Work] = {
            "trades": self._trades_read,
            "orders": self.order_sync.work,
            "positions": self._sync_positions,
            "data": reconcile.run,
            "markets": self._check_markets,
        }
        works: list[tuple[Job, int, Work]] = [
            (Job.FULL_SYNC, every.full_sync, FullSync(self.keeper, steps).run),
            (Job.PORTFOLIO, every.portfolio, self._mark),
            (Job.MARKET_MAKING, every.market_making, round_.run),
            (Job.POSITION_SYNC, every.position_sync, self._sync_positions),
            (Job.SETTLE, every.settle, self._settle().run),
            (Job.ORDER_SYNC, every.order_sync, self.order_sync.work),
            (Job.RECONCILE, every.reconcile, reconcile.run),
            (Job.QUICK_SYNC, every.quick_sync, self.quick.run),
        ]
        jobs = [Scheduled(job, ms, work, due_ms=place) for place, (job, ms, work) in enumerate(works)]
        jobs[0].reason = "on start"
        self.schedule = Schedule(runner, self.clock, jobs, self._after)
        return self.schedule

    async def _positions(self, runner: JobRunner) -> PositionSync | DataPositionSync:
        """By a node where there is one, by the Data API otherwise."""
        chain, wallet = self.venue.chain, self.config.wallet
        if chain is None:
            return DataPositionSync(
                self.connection, self.wallet_id, wallet, self.venue.data_api, self.feed, self.clock, self.book
            )
        begins, first = await reading_start(
            self.connection, self.wallet_id, self.config.first_block, self.clock.now_ms()
        )
        if (finding := unread(self.config, begins)) is not None:
            await runner.raise_issue(finding)
        provisional = ProvisionalBlocks(self.connection, self.wallet_id, wallet, chain, self.record)
        follower = ChainFollower(chain, wallet, first, provisional)
        opening = Opening(self.connection, self.wallet_id, wallet, chain, begins, self.clock, self.book)
        resolutions = Resolutions(self.connection, self.wallet_id, chain, self.book)
        receipts = LateReceipts(chain, begins, self.clock)
        second = SecondLook(self.connection, self.wallet_id, follower, self.clock)
        return PositionSync(
            self.connection, self.wallet_id, wallet, follower, chain, self.clock, opening, resolutions, receipts, second
        )

    def _settle(self) -> Settle:
        return Settle(
            self.connection,
            self.wallet_id,
            self.desk.account,
            self.venue.chain,
            self.clock,
            self.book,
            self.config.jobs.provisional_ttl_ms,
            lambda: self.keeper.live and not self.venue.health.away() and not self.feed.stale,
        )

    async def _trades_read(self) -> Result:
        """Remember how far the trades are in the books, for the next start."""
        mark = Watermark(str(self.keeper.since_s), self.clock.now_ms())
        await watermarks.put(self.connection, self.wallet_id, TRADES, mark)
        return Result(detail={"since_s": self.keeper.since_s})

    async def _sync_positions(self) -> Result:
        """Compare; a market that drifts again and again is paused until a person has looked (I1).

        Raises BrokenInvariantError when a balance is below zero (I3).
        """
        await require_no_negative_balance(self.connection, self.wallet_id)
        result = await self.positions.run()
        for condition, reason in self.positions.pauses:
            command = Command(condition, State.PAUSED, reason, WHO, Actor.INVARIANT)
            await set_state(self.connection, self.wallet_id, command, self.clock.now_ms())
        return result

    async def _check_markets(self) -> Result:
        """Check the books against the log; a market that gave what it never had is halted, once for each finding (I3).

        What breaks the whole wallet halts it in `_after`, when the evidence is recorded.
        """
        result = await self.check.run()
        for condition, reason in self.check.halts:
            command = Command(condition, State.HALTED, reason, WHO, Actor.INVARIANT)
            await set_state(self.connection, self.wallet_id, command, self.clock.now_ms())
        return result

    def _final_block(self) -> int:
        """The block up to which the chain was read and every balance was equal; 0: none, or not with a node."""
        last = self.positions.last if isinstance(self.positions, PositionSync) else None
        return last.block.number if last is not None and last.holds else 0

    async def _mark(self) -> Result:
        result = await self.portfolio.run()
        state, marked = self.state, self.portfolio
        state.cash, state.pnl, state.pnl_at_day_start = marked.cash, marked.pnl, marked.pnl_at_day_start
        return result

    def _after(self, ended: Ended) -> None:
        """What the end of a job means: how it is shown, whether the worker may quote, what has to run next.

        Raises BrokenInvariantError when the log is broken, or the state is not what it gives (L1, L2).
        """
        if ended.job is Job.MARKET_MAKING:
            self.alerts.controls(self.state.controls)
        self.readiness.note(ended)
        self.state.jobs[ended.job] = ended
        self.state.runs[ended.job] += 1
        self.state.ended.append(ended)
        self.state.feed_live = self.keeper.live
        self.state.away = {name: breaker.last_error for name, breaker in self.venue.health.away().items()}
        if (last := compared_by(ended)) is not None:
            self.state.tied_out_since_ms = 0 if last.differences else self.state.tied_out_since_ms or last.at_ms
        if ended.job is Job.QUICK_SYNC and self.quick.wants_full_sync:
            self.schedule.ask(Job.FULL_SYNC, "the quick sync found a mismatch")
        if ended.job is Job.FULL_SYNC and self.check.broken:
            raise BrokenInvariantError(self.check.broken, self.check.evidence)
        if self.readiness.wanting:
            self.schedule.ask_by(Job.FULL_SYNC, self.clock.now_ms() + RESYNC_MS, self.readiness.wanting)
