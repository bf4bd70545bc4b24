"""The life of markets while a crowd trades them: grids change near 0 and 1, trading pauses, markets end and begin."""

from __future__ import annotations

from collections.abc import Callable

from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import Market
from tieout.sim.rng import Stream
from tieout.sim.world import World

WATCH_MS = 5_000
FINE_TICK, COARSE_TICK = 1_000, 10_000
EDGE = 40_000
"""Below this price, and above 1 less this, the grid is fine (`polymarket.md` 1.4)."""

PAUSE_CHANCE = 1_000
"""Micro, a watch and market."""

FRACTIONAL_CHANCE = 80_000
"""Micro, a resolution outside neg-risk events."""

SPLITS = ((ONE // 2, ONE // 2), (333_333, 666_667), (250_000, 750_000))
SUCCESSOR_MS = 30_000


class MarketLife:
    """Watches the markets of a crowd. *price_of* is what participants believe of outcome 0, in micro."""

    def __init__(self, world: World, stream: Stream, price_of: Callable[[Market], int]) -> None:
        self._world = world
        self._stream = stream
        self._price_of = price_of
        self._lifetime_ms: int | None = None

    def start(self, lifetime_ms: int | None) -> None:
        """Begin to watch. With *lifetime_ms*, markets end about so long after now and others follow them."""
        self._lifetime_ms = lifetime_ms
        if lifetime_ms is not None:
            for market in self._world.exchange.markets.values():
                market.end_ms = self._drawn_end(market)
        self._world.scheduler.every(WATCH_MS, self._watch)

    def _drawn_end(self, market: Market) -> int:
        """An end about a lifetime from now; all markets of a neg-risk event have the same."""
        lifetime_ms = self._lifetime_ms or 0
        for other in self._world.exchange.markets.values():
            if other is not market and market.neg_risk and other.neg_risk_market_id == market.neg_risk_market_id:
                return other.end_ms if market.neg_risk_index else self._world.scheduler.now_ms + lifetime_ms
        return self._world.scheduler.now_ms + self._stream.randrange(lifetime_ms // 2 + 1, lifetime_ms * 2)

    def _watch(self) -> None:
        for market in list(self._world.exchange.markets.values()):
            if market.closed:
                continue
            if market.end_ms <= self._world.scheduler.now_ms:
                self._end(market)
            else:
                self._fit_tick(market)
                if market.accepting_orders and self._stream.randrange(ONE) < PAUSE_CHANCE:
                    self._pause(market)

    def _fit_tick(self, market: Market) -> None:
        price = self._price_of(market)
        near = min(price, ONE - price)
        if near < EDGE and market.tick == COARSE_TICK:
            lifecycle.change_tick(self._world.exchange, market, FINE_TICK)
        elif near > EDGE * 3 // 2 and market.tick == FINE_TICK:
            lifecycle.change_tick(self._world.exchange, market, COARSE_TICK)

    def _pause(self, market: Market) -> None:
        market.accepting_orders = False

        def resume() -> None:
            market.accepting_orders = not market.closed

        self._world.scheduler.after(self._stream.randrange(5_000, 60_000), resume)

    def _end(self, market: Market) -> None:
        if market.neg_risk:
            self._end_event(market)
        elif self._stream.randrange(ONE) < FRACTIONAL_CHANCE:
            self._world.resolve(market, self._stream.choice(SPLITS))
        else:
            happened = self._stream.randrange(ONE) < self._price_of(market)
            self._world.resolve(market, (ONE, 0) if happened else (0, ONE))
        self._world.scheduler.after(SUCCESSOR_MS, self._open_next)

    def _end_event(self, market: Market) -> None:
        """Exactly one market of a neg-risk event comes true."""
        event = market.neg_risk_market_id
        markets = [m for m in self._world.exchange.markets.values() if m.neg_risk_market_id == event and not m.closed]
        winner = self._stream.choices(markets, [self._price_of(m) for m in markets])[0]
        for other in markets:
            self._world.resolve(other, (ONE, 0) if other is winner else (0, ONE))

    def _open_next(self) -> None:
        number = max(market.number for market in self._world.exchange.markets.values()) + 1
        market = make_market(self._stream, number, self._world.scheduler.now_ms)
        if self._lifetime_ms is not None:
            market.end_ms = self._drawn_end(market)
        self._world.open_market(market)
