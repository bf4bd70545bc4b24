"""The place of one life: a simulated venue, a database, the worker's configuration, and what happened so far."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

import asyncpg

from tieout.app.config import Config, Intervals, Selection
from tieout.app.worker import Worker
from tieout.app.worker_parts import Surroundings
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.keys import PrivateKey
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.own_orders import Salts
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits
from tieout.sim.events import Event, OrderChanged
from tieout.sim.lives.abandon import BODY
from tieout.sim.lives.options import LifeOptions
from tieout.sim.lives.verdict import Happening, ViolationError
from tieout.sim.model import Order
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.site import Gate, Handle
from tieout.sim.truth import open_orders
from tieout.sim.virtual.memory import MemoryServer
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Delivery, Request

MILLION = 1_000_000

CASH = 100_000 * MILLION

PORTFOLIO_MS = 300_000

PROVISIONAL_MS = 300_000
"""How long a match without a trade stays provisional: less than what a life waits for at its end."""

LAST_HAPPENINGS = 25

PLACEMENTS = ("/order", "/orders")
"""Ends of the paths by which orders are placed."""


class Tap:
    """In front of the gate: knows what comes by request, as the worker asks, and lets it die placing orders."""

    def __init__(self, inner: Gate) -> None:
        self._inner = inner
        self.asking = False
        self.requests = 0

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:
        """As the gate's."""
        self.requests += 1
        body = BODY.get() if request.method == "POST" and request.path.endswith(PLACEMENTS) else None
        if body is not None and not body.places(is_before=True):
            return Delivery(None)
        self.asking = True
        try:
            return self._inner.http(prefix, request, handle)
        finally:
            self.asking = False
            if body is not None:
                body.places(is_before=False)

    def socket(self, path: str, connection: Connection) -> Connection:
        """As the gate's."""
        return self._inner.socket(path, connection)


class Hands:
    """A connection for whoever does something to the wallet from outside, one at a time."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._free = asyncio.Lock()

    async def __aenter__(self) -> asyncpg.Connection:
        await self._free.acquire()
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


@dataclass
class House:
    """One life's surroundings."""

    options: LifeOptions
    dsn: str
    scenario: Scenario
    server: MemoryServer
    connection: asyncpg.Connection
    """For looking only; one look at a time."""
    hands: Hands
    tap: Tap
    began_ms: int = 0
    shift_ms: int = 0
    """By how much the worker's clock is wrong."""
    wallet_id: int | None = None
    placed: list[tuple[int, Order]] = field(default_factory=list)
    """Orders of the worker since somebody last looked, with the moment."""
    failed: ViolationError | None = None
    """What a worker did, or became of it, and must not; whoever looks next raises it."""
    own: set[str] = field(default_factory=set)
    """Ids of all orders that the worker placed."""
    last: deque[Happening] = field(default_factory=lambda: deque(maxlen=LAST_HAPPENINGS))
    blows: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.began_ms = self.now_ms
        self.scenario.world.hub.listen(self._hear)

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return self.server.clock.now_ms()

    @property
    def at_ms(self) -> int:
        """Since the life began."""
        return self.now_ms - self.began_ms

    @property
    def wallet(self) -> str:
        """The worker's."""
        return self.scenario.accounts[0].address

    def resting(self) -> set[str]:
        """Open orders of the wallet that the worker has to take off: not the foreign ones that it is told to leave."""
        resting = open_orders(self.scenario.world, self.wallet)
        return resting & self.own if self.leaves_foreign else resting

    @property
    def leaves_foreign(self) -> bool:
        """Whether the worker is told to leave orders that are not its own."""
        return self.options.foreign_orders is ForeignOrders.LEAVE

    def fail(self, row: str, sentence: str) -> None:
        """Remember that this must not be; the first of all is told."""
        self.failed = self.failed or ViolationError(row, sentence)

    def note(self, what: str) -> None:
        """Remember what happened."""
        self.last.append(Happening(self.at_ms, what))

    async def wait(self, ms: int) -> None:
        """Let virtual time pass."""
        await self.server.clock.wait(ms)

    def worker(self, *, take_over: bool) -> Worker:
        """A new worker, as a process that starts."""
        clock = LoopClock(lambda: self.now_ms + self.shift_ms)
        key = PrivateKey(self.scenario.accounts[0].private_key)
        around = Surroundings(clock, lambda _: 0, Salts(clock), self.server.carriers)
        return Worker(self.dsn, config_of(self), key, around, is_live=True, take_over=take_over)

    def _hear(self, event: Event) -> None:
        """The worker places and cancels by request; everybody else acts directly."""
        if not isinstance(event, OrderChanged) or not self.tap.asking or event.order.request.wallet != self.wallet:
            return
        order = event.order
        if event.kind == "PLACEMENT":
            self.own.add(order.id)
            self.placed.append((self.now_ms, order))
        elif event.kind == "CANCELLATION" and order.id not in self.own and self.leaves_foreign:
            self.fail("E2", f"the worker cancelled order {order.id}, which it is told to leave")


def venue_of(options: LifeOptions) -> Scenario:
    """The venue of a life, without any fault yet."""
    return build(
        Options(
            seed=options.seed,
            markets=options.markets,
            first_market=options.first_market,
            intensity=options.intensity / 1_000,
            lifetime_ms=options.lifetime_ms,
            cash=CASH,
            operators=options.operators,
        )
    )


def config_of(house: House) -> Config:
    """What the worker is told."""
    options = house.options
    return Config(
        wallet=house.wallet,
        first_block=0,
        endpoints=Endpoints.of(house.server.http_url),
        data_api_version="v1" if options.data_api == "v1" else "v2",
        selection=Selection(count=options.markets),
        params=Params(
            tiers=options.tiers,
            tier_size=options.tier_size,
            half_spread=options.half_spread,
            requote_tolerance=options.requote_tolerance,
            max_shares=options.max_shares,
            max_collateral=options.max_collateral,
            min_time_to_resolution_ms=0,
        ),
        limits=Limits(
            market_exposure_max=options.max_collateral, total_exposure_max=CASH // 2, daily_loss_max=CASH // 2
        ),
        jobs=Intervals(
            market_making=options.market_making,
            position_sync=options.position_sync,
            order_sync=options.order_sync,
            settle=options.settle,
            reconcile=options.reconcile,
            full_sync=options.full_sync,
            portfolio=PORTFOLIO_MS,
            provisional_ttl_ms=PROVISIONAL_MS,
        ),
        foreign_orders=options.foreign_orders,
        heartbeat=options.heartbeat,
    )
