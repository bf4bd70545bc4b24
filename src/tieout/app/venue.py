"""The way to the venue, put together from a configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tieout.app.config import Config
from tieout.client.chain import Chain
from tieout.client.clob import Clob, Desk
from tieout.client.clock import Clock
from tieout.client.data_api import DataApi
from tieout.client.feed import FeedNet, Jitter
from tieout.client.gamma import Gamma
from tieout.client.health import Health
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.rpc import Rpc
from tieout.client.signer_limits import SignerLimiter
from tieout.client.sockets import SocketCarrier, WebSocketCarrier
from tieout.client.transport import Carrier, HttpCarrier, Recorder


@dataclass(frozen=True, slots=True)
class Carriers:
    """What carries requests and WebSockets to the venue."""

    http: Carrier
    sockets: SocketCarrier


CarriersOf = Callable[[Config], AbstractAsyncContextManager[Carriers]]
"""Carriers for a configuration, usable for the time of the context."""


@asynccontextmanager
async def over_network(config: Config) -> AsyncIterator[Carriers]:
    """The network, through the proxy of *config* if it names one."""
    proxy = config.proxy or None
    async with HttpCarrier(proxy=proxy) as carrier:
        yield Carriers(carrier, WebSocketCarrier(proxy=proxy))


@dataclass(frozen=True, slots=True)
class Venue:
    """Everything one wallet needs of the venue. What `net` brings is recorded; what `unkept` brings is not."""

    config: Config
    clock: Clock
    health: Health
    net: Net
    unkept: Net
    feeds: FeedNet
    clob: Clob
    gamma: Gamma
    """Not recorded: it lists every market there is."""
    kept_gamma: Gamma
    """For the markets that matter: the books learn their tokens from it."""
    data_api: DataApi
    """Recorded only where there is no node."""
    chain: Chain | None
    """None: the wallet is kept without a node."""

    def desk(self, credentials: Credentials, address: str, *, is_live: bool = True) -> Desk:
        """What the API key of the signer *address* can do; without *is_live* it can only look."""
        limiter = SignerLimiter(self.clock, self.config.tier, tiers=self.config.tiers)
        return Desk.of(self.net, self.config.endpoints, credentials, address, limiter, is_live=is_live)


@asynccontextmanager
async def venue_of(
    config: Config,
    key: PrivateKey | None,
    clock: Clock,
    recorder: Recorder,
    jitter: Jitter,
    carriers_of: CarriersOf = over_network,
) -> AsyncIterator[Venue]:
    """The venue that *config* names, its connections open for the time of the context."""
    async with carriers_of(config) as carriers:
        yield made(config, key, clock, recorder, jitter, carriers)


def made(
    config: Config, key: PrivateKey | None, clock: Clock, recorder: Recorder, jitter: Jitter, carriers: Carriers
) -> Venue:
    """The venue over *carriers*."""
    health = Health(clock, config.breaker)
    limiter = Limiter(clock, config.rate_limits)
    net = Net(carriers.http, clock, limiter, recorder, health)
    unkept = Net(carriers.http, clock, limiter, health=health)
    endpoints = config.endpoints
    # The index may show a transaction that a reorganisation took away, and never says so. Where a node tells what is
    # final, the Data API is compared with the books and not booked.
    witness = unkept if endpoints.rpc else net
    return Venue(
        config=config,
        clock=clock,
        health=health,
        net=net,
        unkept=unkept,
        feeds=FeedNet(carriers.sockets, clock, jitter),
        clob=Clob.of(unkept, endpoints, key.scrub if key else str),
        gamma=Gamma(unkept.service("gamma", endpoints.gamma)),
        kept_gamma=Gamma(net.service("gamma", endpoints.gamma)),
        data_api=DataApi(witness.service("data-api", endpoints.data_api), config.data_api_version),
        chain=Chain(Rpc(net, endpoints.rpc)) if endpoints.rpc else None,
    )
