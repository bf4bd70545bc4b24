"""The worker of one wallet: starts in the safe order, runs until it is told to stop, and leaves nothing resting.

On start: the lease, what crashed before, the feeds, everything missed while down, a full sync; only then quotes (D1).
On stop and on a halt: cancels first. A broken invariant halts the wallet and ends the worker, with the evidence kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from tieout.app.alerts import Alerts, alerting
from tieout.app.beside import Beside, until_done
from tieout.app.config import Config
from tieout.app.halting import cancel_unbooked
from tieout.app.intake_desk import IntakeDesk
from tieout.app.market_choice import chosen, details
from tieout.app.market_round import WHO
from tieout.app.readiness import unseen_ms
from tieout.app.secrets import api_credentials
from tieout.app.stopping import cancel_everything
from tieout.app.venue import Venue, venue_of
from tieout.app.worker_parts import Connections, Parts, Reach, Surroundings, put_together
from tieout.app.worker_state import WorkerState
from tieout.client.keys import PrivateKey
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.user_feed import UserFeed
from tieout.intake.intake import Intake, IntakeQueue
from tieout.jobs.job import JobRunner
from tieout.store import controls, runs
from tieout.store.connect import connected
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State
from tieout.store.errors import BrokenInvariantError
from tieout.store.listening import listening
from tieout.store.runs import Action, Finding, IssueType, Severity
from tieout.store.wallets import Lease, acquire
from tieout.venue.decode import Identity

T = TypeVar("T")


class Worker:
    """One wallet. `state` is for whoever watches."""

    def __init__(
        self, dsn: str, config: Config, key: PrivateKey, around: Surroundings, *, is_live: bool, take_over: bool = False
    ) -> None:
        """Without *is_live* nothing is ever sent that could change anything at the venue."""
        self._dsn = dsn
        self._config = config
        self._key = key
        self._around = around
        self._clock = around.clock
        self._is_live = is_live
        self._take_over = take_over
        self.state = WorkerState(config.wallet, is_live, around.clock.now_ms(), unseen_ms(config.jobs))

    async def run(self, stop: asyncio.Event) -> None:
        """Until *stop*.

        Raises StoreError (lease, database), VenueError when the venue refuses for good, SecretError,
        UnknownMarketsError, BrokenInvariantError.
        """
        async with alerting(self._config.alerts, self._clock, self.state, self._config.proxy) as alerts:
            try:
                await self._hold(alerts, stop)
            except Exception as error:
                alerts.ended(error)
                raise

    async def _hold(self, alerts: Alerts, stop: asyncio.Event) -> None:
        """Everything while the wallet is ours; a broken invariant halts it."""
        async with AsyncExitStack() as stack:
            held = [await stack.enter_async_context(connected(self._dsn)) for _ in range(5)]
            connections = Connections(*held)
            lease = await acquire(connections.writer, self._config.wallet, exclusive=True, take_over=self._take_over)
            await runs.close_abandoned(connections.records, lease, self._clock.now_ms())
            try:
                await self._serve(connections, lease, alerts, stop)
            except BrokenInvariantError as error:
                await self._halt(lease, error, alerts)
                raise

    async def _serve(self, connections: Connections, lease: Lease, alerts: Alerts, stop: asyncio.Event) -> None:
        """Everything between the lease and the end of the feeds."""
        way = IntakeDesk()

        async with (
            venue_of(
                self._config, self._key, self._clock, way.record, self._around.jitter, self._around.carriers_of
            ) as venue,
            Beside() as beside,
        ):
            credentials = await self._until(lambda: api_credentials(venue.clob.keys, self._key), stop)
            if credentials is None:
                return
            identity = Identity(self._config.wallet, frozenset((credentials.key,)))
            queue = IntakeQueue(Intake(connections.writer, connections.reader, lease, identity, self._clock.now_ms))
            way.open(queue)
            beside.start(queue.run(), "intake")
            markets = await self._until(lambda: self._markets(venue), stop)
            if markets is None:
                return
            user_feed = UserFeed(self._config.endpoints.user_ws, credentials, venue.feeds)
            market_feed = MarketFeed(self._config.endpoints.market_ws, venue.feeds)
            async with user_feed, market_feed, Beside() as feeding:
                desk = venue.desk(credentials, self._key.address, is_live=self._is_live)
                parts = await put_together(
                    self._dsn,
                    self._config,
                    self._key,
                    self._around,
                    connections.jobs,
                    JobRunner(connections.records, lease, self._clock, alerts.issue),
                    lease.wallet_id,
                    Reach(venue, desk, way, market_feed),
                    {market.condition_id: market for market in markets},
                    self.state,
                    alerts,
                )
                parts.keeper.heard = self._heard
                feeding.start(parts.keeper.run(user_feed), "user feed")
                feeding.start(parts.books.run(), "market feed")
                await parts.books.watch(markets)
                await self._work(parts, connections, lease, stop)

    async def _markets(self, venue: Venue) -> list[MarketInfo]:
        """The markets to quote, booked, so that the books know whose tokens they are."""
        found = await chosen(venue.gamma, self._config.selection)
        return await details(venue.kept_gamma, [market.condition_id for market in found])

    async def _work(self, parts: Parts, connections: Connections, lease: Lease, stop: asyncio.Event) -> None:
        """From the first sync to the last cancel."""
        self.state.phase = "catching up"
        if await self._until(lambda: parts.resume(connections.jobs, lease.wallet_id), stop) is None:
            return
        async with listening(connections.control, lease.address, parts.told), Beside() as working:
            working.start(parts.requests.run(), "requests")
            if self._config.heartbeat and self._is_live:
                working.start(parts.heartbeat.run(), "heartbeat")
            self.state.phase = "running"
            if parts.heads is not None:
                working.start(parts.heads.run(), "heads")
            working.start(parts.schedule.run(), "jobs")
            await stop.wait()
        self.state.phase = self.state.why_not = "stopping"
        if self._is_live:
            self.state.left_open = await cancel_everything(
                connections.jobs, lease.wallet_id, parts.orders, self._clock, spared=parts.spared
            )
        self.state.phase = "stopped"

    async def _until(self, work: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
        """What *work* gives, tried until the venue answers; None when it is time to stop."""

        def told(why: str) -> None:
            self.state.why_not = self.state.problem = why

        return await until_done(work, self._clock, stop, told)

    def _heard(self, raw: bytes, ms: int) -> None:
        self.state.frames += 1
        self.state.latencies_ms.append(ms)
        self.state.fill_latency.note(raw, ms)

    async def _halt(self, lease: Lease, error: BrokenInvariantError, alerts: Alerts) -> None:
        """Keep the evidence: an issue, and a halt that only a person lifts with force. Then take the orders off."""
        now_ms = self._clock.now_ms()
        command = Command(WHOLE_WALLET, State.HALTED, str(error), WHO, Actor.INVARIANT)
        finding = Finding(
            IssueType.INVARIANT_VIOLATED, Severity.CRITICAL, Action.HALTED, str(error), evidence=error.evidence
        )
        alerts.issue(finding, now_ms)
        self.state.phase = self.state.why_not = "halted"
        async with connected(self._dsn) as connection:
            await controls.set_state(connection, lease.wallet_id, command, now_ms)
            await runs.raise_issue(connection, lease.wallet_id, finding, now_ms)
            if self._is_live:
                self.state.left_open = await cancel_unbooked(
                    self._config, self._key, self._around, connection, lease.wallet_id
                )
