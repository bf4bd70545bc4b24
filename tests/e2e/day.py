"""A worker through simulated hours on many markets, every fault in turn; at every quiet point books equal the venue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import asyncpg

from support.database import connected
from tieout.app.config import Config, Intervals, Selection
from tieout.app.demo import differences
from tieout.app.history import verify
from tieout.app.worker import Worker
from tieout.app.worker_parts import Surroundings
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.keys import PrivateKey
from tieout.jobs.own_orders import Salts
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits
from tieout.sim.faults.kinds import KINDS, RARE, Place
from tieout.sim.oracle.books import traded
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.truth import open_orders, shares_held
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.wallets import wallet_id_of

MILLION = 1_000_000
MINUTE_MS = 60_000

FAULT_MS = 2 * MINUTE_MS
"""How long each fault is on."""

QUIET_MS = 5 * MINUTE_MS
"""From the last cancel to the comparison: settlements, finality, the index."""

QUIET_STEP_MS = 30_000


PROBABILITY = {Place.HTTP: 0.3, Place.DATA: 1.0, Place.RPC: 0.5, Place.SOCKET: 0.2}
"""Of each request or frame; the others act by themselves."""


@dataclass
class Quiet:
    """What one comparison found."""

    at_ms: int
    drift: dict[str, tuple[int, int]]
    open_at_venue: set[str]
    open_in_books: set[str]
    waited_ms: int = 0

    @property
    def holds(self) -> bool:
        return not self.drift and self.open_at_venue == self.open_in_books == set()


@dataclass
class Day:
    """A running worker on a served venue, in virtual time."""

    scenario: Scenario
    server: Server
    worker: Worker
    connection: asyncpg.Connection
    wallet: str
    wallet_id: int
    task: asyncio.Task[None]
    stop: asyncio.Event
    quiet: list[Quiet] = field(default_factory=list)

    @property
    def now_ms(self) -> int:
        return self.server.clock.now_ms()

    async def wait(self, ms: int) -> None:
        await self.server.clock.wait(ms)

    async def until_quoting(self, patience_ms: int = 20 * MINUTE_MS) -> None:
        """Wait until the worker may place; fails with its reason otherwise."""
        end = self.now_ms + patience_ms
        while self.worker.state.phase != "running" or self.worker.state.why_not:
            assert self.now_ms < end, f"not quoting: {self.worker.state.phase}, {self.worker.state.why_not}"
            await self.wait(5_000)

    async def steer(self, state: State, reason: str) -> None:
        command = Command(WHOLE_WALLET, state, reason, "the test", Actor.PERSON, force=True)
        await set_state(self.connection, self.wallet_id, command, self.now_ms)

    def truth(self) -> dict[str, int]:
        """The chain's head, by token."""
        return shares_held(self.scenario.world, self.wallet)

    async def shares(self) -> dict[str, int]:
        rows = await self.connection.fetch(
            "SELECT token_id, shares FROM positions WHERE wallet_id = $1 AND shares > 0", self.wallet_id
        )
        return {row["token_id"]: row["shares"] for row in rows}

    async def look(self) -> Quiet:
        drift = await differences(self.connection, self.wallet_id, self.truth())
        at_venue = open_orders(self.scenario.world, self.wallet)
        rows = await self.connection.fetch(
            "SELECT order_id, state FROM orders WHERE wallet_id = $1 AND state IN ('live', 'intended', 'closing')",
            self.wallet_id,
        )
        # What the venue calls matched and nobody traded is provisional until its time is over, long after this.
        in_books = {r["order_id"] for r in rows if r["state"] != "closing" or not self._has_phantom(r["order_id"])}
        return Quiet(self.now_ms, drift, at_venue, in_books)

    def _has_phantom(self, order_id: str) -> bool:
        order = self.scenario.world.exchange.orders.get(order_id)
        return order is not None and order.matched > traded(self.scenario.world, order)

    async def story(self, found: Quiet) -> str:
        """What a failure looks like from the worker's side."""
        state = self.worker.state
        rows = await self.connection.fetch(
            "SELECT order_id, state, token_id, condition_id, side, reason FROM orders WHERE order_id = ANY ($1)",
            sorted(found.open_at_venue | found.open_in_books),
        )
        jobs = {
            job.value: (ended.outcome.value, ended.problem, self.now_ms - ended.at_ms)
            for job, ended in state.jobs.items()
        }
        known = {token for each in state.markets.values() for token in each.market.token_ids}
        odd = [dict(row) for row in rows if row["token_id"] not in known]
        return "\n".join(map(str, (found, state.phase, state.why_not, state.problem, jobs, odd[:3], rows[:3])))

    async def quiet_point(self) -> Quiet:
        """Pause, let everything settle, and compare; the worker alone has to get there."""
        await self.steer(State.PAUSED, "quiet point")
        began = self.now_ms
        found = await self.look()
        while not found.holds and self.now_ms - began < QUIET_MS:
            await self.wait(QUIET_STEP_MS)
            found = await self.look()
        found.waited_ms = self.now_ms - began
        self.quiet.append(found)
        await self.steer(State.ACTIVE, "go on")
        return found


def config_of(scenario: Scenario, server: Server, **changes: object) -> Config:
    """How the first account of the scenario makes all its markets."""
    return replace(
        Config(
            wallet=scenario.accounts[0].address,
            first_block=0,
            endpoints=Endpoints.of(server.http_url),
            selection=Selection(count=len(scenario.world.exchange.markets)),
            params=Params(tiers=2, tier_size=20 * MILLION, requote_tolerance=20_000, min_time_to_resolution_ms=0),
            limits=Limits(total_exposure_max=50_000 * MILLION, daily_loss_max=50_000 * MILLION),
            jobs=Intervals(market_making=30_000),
        ),
        **changes,  # type: ignore[arg-type]
    )


def worker_on(dsn: str, scenario: Scenario, server: Server, config: Config, *, is_live: bool = True) -> Worker:
    """A worker whose time is the world's."""
    clock = LoopClock(server.clock.now_ms)
    key = PrivateKey(scenario.accounts[0].private_key)
    return Worker(dsn, config, key, Surroundings(clock, lambda _: 0, Salts(clock)), is_live=is_live)


@asynccontextmanager
async def day(
    dsn: str,
    *,
    seed: int = 1,
    markets: int = 50,
    changes: dict[str, object] | Callable[[Server], dict[str, object]] | None = None,
    is_live: bool = True,
    **options: object,
) -> AsyncIterator[Day]:
    """A worker that quotes *markets*, stopped at the end. To be used in virtual time.

    *changes* are to its configuration; a function is given the server.
    """
    kept = {"cash": 100_000 * MILLION, "intensity": 0.05, **options}
    scenario = build(Options(seed=seed, markets=markets, **kept))  # type: ignore[arg-type]
    async with running(scenario.site, speed=1.0) as server, connected(dsn) as connection:
        config = config_of(scenario, server, **((changes(server) if callable(changes) else changes) or {}))
        worker, stop = worker_on(dsn, scenario, server, config, is_live=is_live), asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        try:
            while (wallet_id := await wallet_id_of(connection, config.wallet)) is None:
                await server.clock.wait(1_000)
            yield Day(scenario, server, worker, connection, config.wallet, wallet_id, task, stop)
        finally:
            stop.set()
            await task


async def through(kept: Day, hours: float, *, names: list[str] | None = None) -> Counter[str]:
    """Every fault in turn, then a quiet point after each few; what struck, by name."""
    await kept.until_quoting()
    faults, end_ms = kept.scenario.faults, kept.now_ms + int(hours * 60 * MINUTE_MS)
    order = kept.scenario.world.chance.stream("the day")
    todo: list[str] = []
    while kept.now_ms < end_ms:
        if not todo:
            todo = sorted(names or KINDS)
            order.shuffle(todo)
        for name in [todo.pop() for _ in range(min(4, len(todo)))]:
            chance = PROBABILITY.get(KINDS[name].place, 1.0)
            settings = {"delay_ms": 1_000} if name.startswith("timeout") else {}
            faults.on(name, probability=chance, count=RARE.get(name), settings=settings)
            await kept.wait(FAULT_MS)
            faults.off(name)
        found = await kept.quiet_point()
        assert found.holds, await kept.story(found)
    verification = await verify(kept.connection, kept.wallet_id)
    assert verification.holds
    return Counter({name: struck for name in KINDS if (struck := faults.struck(name))})
