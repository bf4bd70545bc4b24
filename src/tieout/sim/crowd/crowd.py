"""The crowd: participants who live on the world's clock and trade every market that opens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from tieout.sim.chain.calls import Redeem
from tieout.sim.chain.condition import Condition
from tieout.sim.crowd.life import MarketLife
from tieout.sim.crowd.prices import PriceProcess, Temper
from tieout.sim.crowd.providers import LiquidityProvider
from tieout.sim.crowd.takers import InformedTaker, NoiseTrader
from tieout.sim.crowd.trader import Trader
from tieout.sim.engine.amounts import ONE
from tieout.sim.events import Event, MarketOpened, MarketResolved
from tieout.sim.model import Market
from tieout.sim.rng import Stream
from tieout.sim.world import World

WARM_UP_MS = 5_000
"""Deposits and stocks take a block or two before anybody can trade."""

COLLECT_MS = 120_000
"""Within this time after a resolution everybody has asked for his payout."""


@dataclass(frozen=True, slots=True)
class Population:
    """How many participants there are, and what each brings (micro collateral)."""

    providers: int = 4
    noise: int = 12
    informed: int = 2
    cash: int = 250_000 * ONE


class Crowd:
    """Seeded participants of a world. *intensity* is the mean number of decisions a simulated second and market.

    With *lifetime_ms* markets end about that long after the start and others follow them. *temper* is how prices move.
    """

    def __init__(
        self,
        world: World,
        markets: Iterable[Market],
        *,
        intensity: float = 1.0,
        population: Population | None = None,
        lifetime_ms: int | None = None,
        temper: Temper | None = None,
    ) -> None:
        if intensity <= 0:
            raise ValueError(f"intensity: expected more than 0, was {intensity}")
        count = population or Population()
        self._world = world
        self._first = list(markets)
        self._gap_ms = max(1, round(1000 / intensity))
        self._lifetime_ms = lifetime_ms
        self._cash = count.cash
        self._temper = temper
        self._stream = world.chance.stream("crowd")
        self._prices: dict[str, PriceProcess] = {}
        self.providers = [LiquidityProvider.drawn(world, self._named("provider", i)) for i in range(count.providers)]
        self.noise = [NoiseTrader.drawn(world, self._named("noise", i)) for i in range(count.noise)]
        self.informed = [InformedTaker.drawn(world, self._named("informed", i)) for i in range(count.informed)]
        self.life = MarketLife(world, world.chance.stream("crowd/life"), self.price_of)

    def _named(self, role: str, number: int) -> Stream:
        return self._world.chance.stream(f"crowd/{role}/{number}")

    @property
    def everybody(self) -> Sequence[Trader]:
        """All participants."""
        return [*self.providers, *self.noise, *self.informed]

    def start(self) -> None:
        """Fund everybody, enter the markets there are, and every one that opens later."""
        for trader in self.everybody:
            self._world.fund(trader.account.wallet, self._cash)
        for market in self._first:
            self._enter(market)
        self._world.hub.listen(self._on_event)
        self.life.start(self._lifetime_ms)

    def price_of(self, market: Market) -> int:
        """What informed participants believe outcome 0 of *market* is worth now, in micro."""
        return self._process(market).at(self._world.scheduler.now_ms)

    def _process(self, market: Market) -> PriceProcess:
        name = market.condition_id
        if name not in self._prices:
            stream = self._world.chance.stream(f"crowd/price/{name}")
            self._prices[name] = PriceProcess(stream, self._world.scheduler.now_ms, temper=self._temper)
        return self._prices[name]

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MarketOpened):
            self._enter(event.market)
        elif isinstance(event, MarketResolved):
            for trader in self.everybody:
                collect = partial(self._collect, trader, event.market)
                self._world.scheduler.after(self._stream.randrange(5_000, COLLECT_MS), collect)

    def _enter(self, market: Market) -> None:
        self._process(market)
        for provider in self.providers:
            if provider.cash() < self._cash // 10:
                self._world.fund(provider.account.wallet, self._cash)
            provider.enter(market)
        stream = self._world.chance.stream(f"crowd/market/{market.condition_id}")
        self._world.scheduler.after(WARM_UP_MS + stream.randrange(1_000), lambda: self._live(market, stream))

    def _live(self, market: Market, stream: Stream) -> None:
        """One decision of somebody in *market*, then the next after a drawn while, until it is resolved."""
        if market.closed:
            return
        if market.accepting_orders:
            self._decide(market, stream)
        self._world.scheduler.after(stream.randrange(1, 2 * self._gap_ms + 1), lambda: self._live(market, stream))

    def _decide(self, market: Market, stream: Stream) -> None:
        who = stream.randrange(100)
        if who < 40 and self.providers:
            stream.choice(self.providers).requote(market, self.price_of(market))
        elif who < 92 and self.noise:
            stream.choice(self.noise).act(market)
        elif self.informed:
            stream.choice(self.informed).act(market, self.price_of(market))

    def _collect(self, trader: Trader, market: Market) -> None:
        """Redeem what the participant holds of a resolved market."""
        if trader.held(market, 0) or trader.held(market, 1):
            self._world.chain.submit(Redeem(trader.account.wallet, Condition.of(market), version=market.version))
