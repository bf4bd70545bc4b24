"""An account on a simulated venue whose clock the test moves: a client over real sockets, and books in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count

import asyncpg

from support.database import connected
from tieout.app.intake_desk import BOOKED, is_empty_window
from tieout.client.clob import Clob, Desk
from tieout.client.clob_public import ClobPublic
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.feed import FeedNet
from tieout.client.gamma import Gamma
from tieout.client.keys import PrivateKey
from tieout.client.limits import Limiter
from tieout.client.markets import MarketInfo
from tieout.client.net import Net
from tieout.client.orders import OrderSigner, OrderWanted
from tieout.client.signer_limits import SignerLimiter
from tieout.client.sockets import WebSocketCarrier
from tieout.client.transport import HttpCarrier, RawBody, Recorder
from tieout.client.user_feed import UserFeed
from tieout.intake.intake import Incoming, Intake, IntakeQueue, own
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.job import BookFacts
from tieout.jobs.order_desk import OrderDesk
from tieout.ledger.facts import AnyFact, Side
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.sim.truth import open_orders, shares_held
from tieout.store.wallets import Lease, acquire
from tieout.venue.decode import Identity

MILLION = 1_000_000

BATCH = 18
"""More orders than one request takes."""


class WorldClock:
    """The world's time; waiting moves the world."""

    def __init__(self, scenario: Scenario) -> None:
        self._scheduler = scenario.world.scheduler

    def now_ms(self) -> int:
        return self._scheduler.now_ms

    async def sleep(self, ms: int) -> None:
        self._scheduler.run_for(ms)
        await asyncio.sleep(0)


@dataclass
class House:
    """Everything of one account."""

    scenario: Scenario
    wallet: str
    wallet_id: int
    connection: asyncpg.Connection
    desk: Desk
    orders: OrderDesk
    keeper: AccountKeeper
    feed: UserFeed
    public: ClobPublic
    book: BookFacts
    market: MarketInfo
    lease: Lease
    net: Net
    endpoints: Endpoints
    record: Recorder

    def run(self, seconds: int) -> None:
        self.scenario.world.scheduler.run_for(seconds * 1_000)

    async def shares(self) -> dict[str, int]:
        """The books: what must be on chain, by token; what the venue has only promised is left out."""
        rows = await self.connection.fetch(
            "SELECT token_id, shares - unsettled_shares AS shares FROM positions WHERE wallet_id = $1", self.wallet_id
        )
        return {row["token_id"]: row["shares"] for row in rows if row["token_id"].isdecimal() and row["shares"]}

    def truth(self) -> dict[str, int]:
        """The chain's head, by token."""
        return shares_held(self.scenario.world, self.wallet)

    def open_orders(self) -> set[str]:
        """At the venue, by id."""
        return open_orders(self.scenario.world, self.wallet)

    async def order_rows(self) -> dict[str, asyncpg.Record]:
        rows = await self.connection.fetch("SELECT * FROM orders WHERE wallet_id = $1", self.wallet_id)
        return {row["order_id"]: row for row in rows}


@asynccontextmanager
async def house(dsn: str, *, speed: float = 0.0, **options: object) -> AsyncIterator[House]:
    """With a *speed* the world's time goes by itself, as the loop's, and waiting does not move it."""
    kept = {"seed": 4, "markets": 6, "intensity": 0.3, "cash": 10_000 * MILLION, **options}
    scenario = build(Options(**kept))  # type: ignore[arg-type]
    account = scenario.accounts[0]
    async with (
        running(scenario.site, speed=speed) as server,
        HttpCarrier() as carrier,
        connected(dsn) as writer,
        connected(dsn) as reader,
        connected(dsn) as watcher,
    ):
        clock = LoopClock(server.clock.now_ms) if speed else WorldClock(scenario)
        lease = await acquire(writer, account.address, exclusive=True)
        identity = Identity(account.address, frozenset((account.api_key.key,)))
        queue = IntakeQueue(Intake(writer, reader, lease, identity, clock.now_ms))
        booking = asyncio.create_task(queue.run())

        async def record(raw: RawBody) -> None:
            if raw.kind in BOOKED.get(raw.source, ()) and not is_empty_window(raw):
                await queue.put(Incoming(raw.body, raw.source, raw.origin, raw.kind))

        async def book(facts: Sequence[AnyFact]) -> None:
            await asyncio.gather(*(queue.put(own(fact, "order desk")) for fact in facts))

        net = Net(carrier, clock, Limiter(clock), record)
        endpoints = Endpoints.of(server.http_url)
        key = PrivateKey(account.private_key)
        clob = Clob.of(net, endpoints, key.scrub)
        credentials = await clob.keys.derive_or_create(key)
        desk = Desk.of(net, endpoints, credentials, key.address, SignerLimiter(clock))
        unkept = Net(carrier, clock, Limiter(clock))
        markets = (await Gamma(unkept.service("gamma", endpoints.gamma)).markets()).rows
        market = next(m for m in markets if m.version == "v1" and m.accepting_orders)
        signer = OrderSigner(key, account.address, count(1).__next__)
        sockets = FeedNet(WebSocketCarrier(), LoopClock(clock.now_ms), lambda _: 0)
        feed = UserFeed(endpoints.user_ws, credentials, sockets)
        yield House(
            scenario,
            account.address,
            lease.wallet_id,
            watcher,
            desk,
            OrderDesk(desk.orders, desk.account, signer, book, clock),
            AccountKeeper(desk.account, queue.put, clock, scenario.world.scheduler.now_ms // 1_000),
            feed,
            clob.public,
            book,
            market,
            lease,
            net,
            endpoints,
            record,
        )
        booking.cancel()
        with suppress(asyncio.CancelledError):
            await booking


def batch(kept: House) -> list[tuple[OrderWanted, str]]:
    """BATCH orders that differ in nothing but their salt."""
    market = kept.market
    wanted = OrderWanted(token_id=market.token_ids[0], side=Side.BUY, price=10_000, size=10 * MILLION, tick=market.tick)
    return [(wanted, market.condition_id)] * BATCH
