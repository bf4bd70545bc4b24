"""A simulated venue on a loopback port, the people on it, and the official clients pointed at it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from eth_account import Account
from polymarket import ApiKeyCreds, AsyncSecureClient
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket.environments import Environment
from py_clob_client_v2 import ClobClient

from support.database import until
from tieout.sim.chain.calls import Split
from tieout.sim.chain.chain import Condition
from tieout.sim.engine.amounts import ONE
from tieout.sim.engine.exchange import Placement
from tieout.sim.index.index import LAG_MS, Index
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market, OrderKind, OrderRequest, Side
from tieout.sim.rng import drawn_hash
from tieout.sim.serve.server import Server, running
from tieout.sim.site import Site
from tieout.sim.wire.clob import Clob
from tieout.sim.wire.connection import Connection, Session
from tieout.sim.wire.data_api import DataApi
from tieout.sim.wire.gamma import Gamma
from tieout.sim.wire.market_channel import MarketChannel
from tieout.sim.wire.relayer import Relayer
from tieout.sim.wire.rpc import Rpc
from tieout.sim.wire.rpc_subscribe import RpcSocket
from tieout.sim.wire.user_channel import UserChannel
from tieout.sim.wire.wallets import deposit_wallet
from tieout.sim.world import World

BUY, SELL = Side.BUY, Side.SELL
CROWD = "0x" + "c0" * 20
"""Whoever stands on the other side at engine level: rich, with full sets of every market."""

PATIENCE_S = 20.0
MOST_ITEMS = 500


def environment(http_url: str, ws_url: str) -> Environment:
    """Production, but for the hosts (`polymarket.md` 10)."""
    config = dataclasses.replace(
        PRODUCTION_CONFIG,
        clob_url=http_url,
        gamma_url=f"{http_url}/gamma",
        data_url=f"{http_url}/data-api",
        relayer_url=f"{http_url}/relayer",
        rpc_url=f"{http_url}/rpc",
        clob_user_ws_url=f"{ws_url}/ws/user",
        clob_market_ws_url=f"{ws_url}/ws/market",
        realtime_ws_url=f"{ws_url}/ws/rt",
        relayer_poll_frequency_ms=50,
    )
    return create_environment(name="sim", config=config)


def private_key(number: int) -> str:
    """The key of person *number*."""
    return f"0x{number:064x}"


def eoa(number: int) -> str:
    """The address of person *number*, lower-case."""
    return str(Account.from_key(private_key(number)).address).lower()


class Listening:
    """A venue's session that counts the frames it took, so that a test knows when a subscription has arrived."""

    def __init__(self, session: Session, count: Callable[[], None]) -> None:
        self._session = session
        self._count = count

    def receive(self, text: str) -> None:
        self._session.receive(text)
        if text != "PING":
            self._count()

    def closed(self) -> None:
        self._session.closed()


class Venue:
    """Markets of every kind, at the real time, for the clients read the clock themselves."""

    def __init__(self, *, seed: int = 11, lag_ms: tuple[int, int] = LAG_MS) -> None:
        now = int(time.time() * 1000)
        self.world = world = World(seed, start_ms=now)
        self.clob, self.relayer, self.gamma = Clob(world), Relayer(world), Gamma(world)
        self.index = Index(world, lag_ms=lag_ms)
        self.data_api = DataApi(world, self.index)
        self.rpc = Rpc(world, self.relayer.is_deployed)
        self.frames: Counter[str] = Counter()
        self._connections: list[Connection] = []
        self._draw = world.chance.stream("venue")
        self.market = make_market(self._draw, 1, now, category="politics")
        self.free = make_market(self._draw, 2, now, category="geopolitics")
        self.delayed = make_market(self._draw, 3, now, category="sports")
        self.delayed.delay_ms = 50
        self.event = make_event(self._draw, 4, now, 3)
        self.v2 = make_market(self._draw, 7, now, category="culture", version="v2")
        self.markets: list[Market] = [self.market, self.free, self.delayed, *self.event, self.v2]
        for market in self.markets:
            market.reward_daily = 10 * ONE
            world.open_market(market)
        self.crowd_funds()
        self.site = self._site()
        self.server: Server

    def _site(self) -> Site:
        site = Site(self.world)
        services = {
            "/": self.clob,
            "/gamma": self.gamma,
            "/data-api": self.data_api,
            "/relayer": self.relayer,
            "/rpc": self.rpc,
        }
        for prefix, service in services.items():
            site.mount(prefix, service.handle)
        self._mount_socket(site, "/ws/user", lambda connection: UserChannel(self.world, connection))
        self._mount_socket(site, "/ws/market", lambda connection: MarketChannel(self.world, connection))
        self._mount_socket(site, "/rpc", lambda connection: RpcSocket(self.world, connection, self.rpc))
        return site

    def _mount_socket(self, site: Site, path: str, factory: Callable[[Connection], Session]) -> None:
        def count() -> None:
            self.frames[path] += 1

        def open_(connection: Connection) -> Session:
            self._connections.append(connection)
            return Listening(factory(connection), count)

        site.mount_socket(path, open_)

    def drop_sockets(self) -> None:
        """Every WebSocket ends, as when the venue is deployed anew."""
        for connection in self._connections:
            connection.close(1012, "")
        self._connections.clear()

    # time

    def mine(self, blocks: int = 1) -> None:
        """Blocks, now."""
        for _ in range(blocks):
            self.world.chain.mine()

    def quick_blocks(self, every_ms: int = 50) -> None:
        """Blocks at this pace from now on, for clients that wait for finality by themselves."""
        self.world.scheduler.every(every_ms, self.mine)

    def settle(self) -> None:
        """Every match until now is confirmed: sent within a second, mined, and final."""
        self.world.scheduler.run_for(1000)
        self.mine(self.world.chain.finality + 2)

    # money

    def crowd_funds(self) -> None:
        """Cash and full sets for the crowd."""
        self.fund(CROWD, 100_000 * ONE, 2_000 * ONE)

    def fund(self, wallet: str, cash: int, shares: int = 0) -> None:
        """Cash and approvals, and *shares* of every outcome of every market."""
        self.world.fund(wallet, cash + shares * len(self.markets))
        self.mine()
        if shares:
            for market in self.markets:
                self.world.chain.submit(Split(wallet, Condition.of(market), shares, market.version))
            self.mine()

    # the other side

    def crowd(
        self,
        market: Market,
        side: Side,
        outcome: int,
        price: int,
        shares: int,
        kind: OrderKind = OrderKind.GTC,
        *,
        wallet: str = CROWD,
    ) -> Placement:
        """An order at engine level. *price* is micro, *shares* whole."""
        size, cash = shares * ONE, shares * price
        making, taking = (cash, size) if side is BUY else (size, cash)
        request = OrderRequest(
            drawn_hash(self._draw),
            self.world.keys.derive(wallet).key,
            wallet,
            wallet,
            market.tokens[outcome],
            side,
            making,
            taking,
            kind,
        )
        return self.world.exchange.place(request)

    # the clients

    def environment(self) -> Environment:
        """What the official client takes."""
        return environment(self.server.http_url, self.server.ws_url)

    async def client(self, number: int = 1, *, cash: int = 10_000 * ONE, shares: int = 0, **more: Any) -> Any:
        """The official client of person *number*, with the key's own address as its wallet, funded."""
        if cash or shares:
            self.fund(eoa(number), cash, shares)
        return await AsyncSecureClient.create(
            private_key=private_key(number), wallet=eoa(number), environment=self.environment(), **more
        )

    async def deposit_client(self, number: int = 2, *, cash: int = 10_000 * ONE, shares: int = 0, **more: Any) -> Any:
        """The official client as it comes without a wallet: for the deposit wallet of person *number*, funded."""
        if cash or shares:
            self.fund(deposit_wallet(eoa(number)), cash, shares)
        return await AsyncSecureClient.create(private_key=private_key(number), environment=self.environment(), **more)

    def clob_client(self, number: int = 1, **more: Any) -> ClobClient:
        """The older official client, without credentials."""
        return ClobClient(self.server.http_url, 137, key=private_key(number), **more)

    def credentials(self, number: int) -> ApiKeyCreds:
        """The API key of person *number*, made on the venue."""
        key = self.world.keys.derive(eoa(number))
        return ApiKeyCreds(key=key.key, secret=key.secret, passphrase=key.passphrase)

    async def subscribed(self, path: str, frames: int = 1) -> None:
        """Return when *frames* frames of clients have arrived at the socket *path*."""

        async def arrived() -> bool:
            return self.frames[path] >= frames

        await until(arrived, f"{frames} frames at {path}")


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Venue]:
    """A venue on a free port."""
    venue = Venue(**options)
    async with running(venue.site) as server:
        venue.server = server
        yield venue


async def heard(stream: Any, wanted: Callable[[Any], bool], what: str) -> Any:
    """The next event of a stream that is *wanted*; those before it are dropped, and named when it never comes."""
    passed: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for event in stream:
                if wanted(event):
                    return event
                passed.append(event.type)
    except TimeoutError:
        pass
    raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what}; heard {passed}")


async def items(pages: Any) -> list[Any]:
    """Everything of all pages; pages that go round in a circle fail."""
    found = []
    async for item in pages.iter_items():
        found.append(item)
        assert len(found) <= MOST_ITEMS, f"more than {MOST_ITEMS} items: {found[:3]} ..."
    return found
