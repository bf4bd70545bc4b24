"""The memory transport against real sockets: under every fault of the wire a client gets the same bytes and errors.

Each test lives the same seeded minutes twice, over loopback and in memory, and compares everything that came back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from tieout.app.config import Config
from tieout.app.venue import Carriers, Venue, over_network, venue_of
from tieout.client.chain import LogFilter
from tieout.client.chain_heads import ChainHeads
from tieout.client.clob import Desk
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.errors import VenueError
from tieout.client.keys import PrivateKey
from tieout.client.market_feed import MarketFeed
from tieout.client.orders import OrderSigner, OrderWanted, SignedOrder
from tieout.client.rpc import CallFailedError
from tieout.client.service import Call
from tieout.client.transport import Carrier, CarrierError, HttpRequest, HttpResponse, RawBody
from tieout.client.user_feed import UserFeed
from tieout.ledger.facts import Side
from tieout.sim.crowd.trader import Trader
from tieout.sim.faults.kinds import KINDS, Place
from tieout.sim.model import Market
from tieout.sim.model import Side as SimSide
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.virtual.memory import MemoryServer, in_memory
from tieout.sim.virtual.run import run_virtual
from tieout.venue.addresses import CTF, P_USD

MILLION = 1_000_000
WALL_S = 120.0

ASIDE_MS = 5_137
"""Blocks and pings come at whole seconds. Two things of the same instant may be seen in either order, on any wire."""

ASKED = sorted(name for name, kind in KINDS.items() if kind.place in (Place.HTTP, Place.DATA, Place.RPC))
HEARD = sorted(name for name, kind in KINDS.items() if kind.place is Place.SOCKET)

FOR_A_CONNECTION = ("ws-silent", "ws-half-dead", "outage")
"""Drawn once for each, of which there are three."""

OF_AIOHTTP = ("date", "server")
"""What a server adds to every answer, and no client of the venue reads."""

SETTINGS: dict[str, dict[str, Any]] = {"wrong-cursor": {"mode": "endless"}, "node-lag": {"blocks": 40}}


@dataclass
class Visit:
    """A client of one venue, and everything that came back to it."""

    scenario: Scenario
    server: Server
    venue: Venue
    desk: Desk
    signer: OrderSigner
    other: Trader
    answers: list[Any] = field(default_factory=list)

    @property
    def wallet(self) -> str:
        return self.scenario.accounts[0].address

    @property
    def market(self) -> Market:
        return next(market for market in self.scenario.world.exchange.markets.values() if market.version == "v1")

    def signed(self, price: int) -> SignedOrder:
        market = self.market
        wanted = OrderWanted(
            token_id=str(market.tokens[0]),
            side=Side.BUY,
            price=price,
            size=20 * MILLION,
            neg_risk=market.neg_risk,
            tick=market.tick,
        )
        return self.signer.sign(wanted, self.venue.clock.now_ms())

    def fill(self, price: int, shares: int) -> None:
        """Somebody takes the wallet's BUY by a mint."""
        placed = self.other.limit(self.market, 1, SimSide.BUY, MILLION - price, shares)
        assert placed is not None
        assert placed.trades

    async def note(self, call: Callable[[], Awaitable[Any]]) -> None:
        """What a call of the client came to."""
        try:
            self.answers.append(await call())
        except VenueError as error:
            self.answers.append((error.kind, error.meaning, str(error)))
        except CallFailedError as error:
            self.answers.append(str(error))


class Noting:
    """A carrier that keeps what went and what came, to the byte."""

    def __init__(self, carrier: Carrier, base: str, notes: list[Any], now: Callable[[], float]) -> None:
        self._carrier = carrier
        self._base = base
        self._notes = notes
        self._now = now

    async def send(self, request: HttpRequest) -> HttpResponse:
        asked = (request.method, request.url.removeprefix(self._base), dict(request.headers), request.body)
        try:
            response = await self._carrier.send(request)
        except CarrierError as error:
            self._notes.append((asked, error.reason, error.sent, self._now()))
            raise
        headers = {name: value for name, value in response.headers.items() if name not in OF_AIOHTTP}
        self._notes.append((asked, response.status, headers, response.body, self._now()))
        return response


Serve = Callable[..., AbstractAsyncContextManager[Server]]


@asynccontextmanager
async def visiting(serve: Serve, *, intensity: float = 0.0) -> AsyncIterator[Visit]:
    scenario = build(Options(seed=11, markets=5, intensity=intensity, cash=10_000 * MILLION))
    account, stream = scenario.accounts[0], scenario.world.chance.stream("the other side")
    other = Trader.drawn(scenario.world, stream)
    scenario.world.fund(other.account.wallet, 100_000 * MILLION)
    async with serve(scenario.site, speed=1.0) as server:
        notes: list[Any] = []
        inner = server.carriers if isinstance(server, MemoryServer) else over_network

        @asynccontextmanager
        async def noted(config: Config) -> AsyncIterator[Carriers]:
            async with inner(config) as carriers:
                yield Carriers(Noting(carriers.http, server.http_url, notes, now), carriers.sockets)

        async def record(raw: RawBody) -> None:
            notes.append(raw)

        clock, key = LoopClock(server.clock.now_ms), PrivateKey(account.private_key)
        config = Config(
            wallet=account.address, first_block=0, endpoints=Endpoints.of(server.http_url), data_api_version="v1"
        )
        async with venue_of(config, key, clock, record, lambda most: most // 2, noted) as venue:
            desk = venue.desk(await venue.clob.keys.derive_or_create(key), key.address)
            signer = OrderSigner(key, account.address, count(1).__next__)
            yield Visit(scenario, server, venue, desk, signer, other, notes)


def now() -> float:
    return round(asyncio.get_running_loop().time(), 3)


async def _round(visit: Visit, *, taken: bool = False) -> None:
    """Everything a worker asks, once; *taken*: half of its first order was filled."""
    venue, desk, wallet = visit.venue, visit.desk, visit.wallet
    data_api = venue.unkept.service("data-api", venue.config.endpoints.data_api)
    second_row = Call("GET", "/activity", "data_api", query={"user": wallet, "limit": "1", "offset": "1"})
    first, second = visit.signed(400_000), visit.signed(390_000)
    await visit.note(lambda: desk.orders.place(first))
    await visit.note(lambda: desk.orders.place(second))
    if taken:
        visit.fill(400_000, 10 * MILLION)
    await visit.note(lambda: desk.account.open_orders())
    await visit.note(lambda: desk.account.open_order(first.order_id))
    await visit.note(lambda: desk.account.trades())
    await visit.note(lambda: desk.account.balance_allowance("COLLATERAL", 0))
    await visit.note(lambda: venue.clob.public.time_s())
    await visit.note(lambda: venue.kept_gamma.markets())
    chain = venue.chain
    assert chain is not None
    head = visit.scenario.world.chain.head.number
    await visit.note(lambda: chain.block("latest"))
    await visit.note(lambda: chain.window([LogFilter(head - 60, head, (CTF, P_USD))], head, "chain_window"))
    await visit.note(lambda: chain.balance(P_USD, wallet, "latest"))
    await visit.note(lambda: venue.data_api.positions(wallet))
    await visit.note(lambda: venue.data_api.activity(wallet))
    await visit.note(lambda: data_api.ask(second_row, list))
    await visit.note(lambda: desk.orders.cancel_many([first.order_id, second.order_id]))
    await visit.note(lambda: desk.orders.cancel_all())


async def asked(serve: Serve, name: str) -> list[Any]:
    """Everything that came back through the fault *name*."""
    async with visiting(serve) as visit:
        # A position, and something to tell of it.
        order = visit.signed(300_000)
        await visit.note(lambda: visit.desk.orders.place(order))
        await visit.venue.clock.sleep(ASIDE_MS)
        visit.fill(300_000, 10 * MILLION)
        await visit.venue.clock.sleep(120_000)
        visit.fill(300_000, 5 * MILLION)
        await visit.venue.clock.sleep(120_000)
        visit.scenario.faults.on(
            name, probability=1.0 if name == "data-average" else 0.7, settings=SETTINGS.get(name, {})
        )
        for _ in range(3):
            await _round(visit, taken=name == "size-rewound")
            await visit.venue.clock.sleep(7_000)
        visit.scenario.faults.off(name)
        await visit.venue.clock.sleep(60_000)
        await _round(visit)
        assert visit.scenario.faults.struck(name) > 0
        return visit.answers


@pytest.mark.parametrize("name", ASKED)
def test_A1_A2_A3_A4_A6_A7_a_fault_of_answers_means_the_same_in_memory(name: str) -> None:
    over_tcp = run_virtual(lambda: asked(running, name), wall_limit_s=WALL_S)
    in_process = run_virtual(lambda: asked(in_memory, name), wall_limit_s=WALL_S)
    assert len(over_tcp) > 60
    for number, (expected, found) in enumerate(zip(over_tcp, in_process, strict=True)):
        assert found == expected, number


async def heard(serve: Serve, name: str) -> dict[str, list[Any]]:
    """Every signal of three feeds through the fault *name*, feed by feed."""
    signals: dict[str, list[Any]] = defaultdict(list)

    async def listen(feed: Any) -> None:
        async for signal in feed:
            signals[getattr(signal, "feed", "heads")].append(signal)

    async with visiting(serve, intensity=0.3) as visit:
        venue, endpoints = visit.venue, visit.venue.config.endpoints
        rpc_ws = endpoints.user_ws.removesuffix("/ws/user") + "/rpc"
        await venue.clock.sleep(ASIDE_MS)
        async with (
            UserFeed(endpoints.user_ws, visit.desk.session.credentials, venue.feeds) as user,
            MarketFeed(endpoints.market_ws, venue.feeds) as market,
            ChainHeads(rpc_ws, venue.feeds) as heads,
        ):
            await market.subscribe(
                [str(token) for each in visit.scenario.world.exchange.markets.values() for token in each.tokens]
            )
            listening = [asyncio.create_task(listen(feed)) for feed in (user, market, heads)]
            for turn in range(12):
                if turn == 2:
                    visit.scenario.faults.on(name, probability=1.0 if name in FOR_A_CONNECTION else 0.4)
                if turn == 9:
                    visit.scenario.faults.off(name)
                order = visit.signed(200_000 + 10_000 * turn)
                await visit.note(lambda order=order: visit.desk.orders.place(order))
                await venue.clock.sleep(8_000)
                await visit.note(lambda order=order: visit.desk.orders.cancel(order.order_id))
                await venue.clock.sleep(5_000)
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
        assert visit.scenario.faults.struck(name) > 0
        return dict(signals)


@pytest.mark.parametrize("name", [*HEARD, "outage"])
def test_A5_a_fault_of_sockets_means_the_same_in_memory(name: str) -> None:
    over_tcp = run_virtual(lambda: heard(running, name), wall_limit_s=WALL_S)
    in_process = run_virtual(lambda: heard(in_memory, name), wall_limit_s=WALL_S)
    assert len(over_tcp) == 3
    for feed, expected in over_tcp.items():
        assert in_process[feed] == expected, feed
