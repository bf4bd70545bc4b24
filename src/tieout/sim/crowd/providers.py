"""Liquidity providers: they keep orders on several levels on both sides of what they believe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tieout.sim.crowd.trader import Account, Trader, drawn_size
from tieout.sim.engine.amounts import ONE, on_grid
from tieout.sim.model import Market, Order, Side
from tieout.sim.rng import Stream
from tieout.sim.world import World


@dataclass(frozen=True, slots=True)
class Style:
    """How a provider quotes. `half_spread` in micro; `skew` in micro of price per 1000 shares of inventory."""

    levels: int = 3
    half_spread: int = 10_000
    skew: int = 2_000
    stock: int = 2_000 * ONE
    """Micro-shares of both outcomes a provider starts a market with."""


class LiquidityProvider(Trader):
    """Requotes when asked to: takes away what is off its prices, places what is missing."""

    def __init__(self, world: World, account: Account, stream: Stream) -> None:
        super().__init__(world, account, stream)
        self.style = Style(levels=stream.randrange(2, 5), half_spread=stream.randrange(5_000, 25_000))
        self._resting: dict[str, list[Order]] = {}

    def enter(self, market: Market) -> None:
        """Take a stock of both outcomes."""
        self.split(market, self.style.stock)

    def requote(self, market: Market, fair: int) -> None:
        """Quote *market* around *fair*, the believed price of outcome 0 in micro."""
        wanted = set(self._quotes(market, self._skewed(market, fair)))
        kept: list[Order] = []
        off: list[Order] = []
        for order in self._resting.get(market.condition_id, ()):
            if order.open:
                (kept if (order.outcome, order.side, order.price) in wanted else off).append(order)
        self.world.exchange.cancel_many(off)
        missing = wanted - {(order.outcome, order.side, order.price) for order in kept}
        for outcome, side, price in sorted(missing):
            placed = self.limit(market, outcome, side, price, max(drawn_size(self.stream), market.min_size))
            if placed and placed.order.open:
                kept.append(placed.order)
        self._resting[market.condition_id] = kept

    def _skewed(self, market: Market, fair: int) -> int:
        """Who holds much of an outcome asks less for it."""
        surplus = self.held(market, 0) - self.held(market, 1)
        return fair - surplus * self.style.skew // (1_000 * ONE)

    def _quotes(self, market: Market, fair: int) -> Iterator[tuple[int, Side, int]]:
        """(outcome, side, price): bids as BUYs of outcome 0, asks as SELLs of it or as BUYs of the other outcome."""
        tick, step = market.tick, max(market.tick, 10_000 if market.tick >= 1_000 else 1_000)
        sells = self.held(market, 0) >= self.style.stock // 4
        for level in range(self.style.levels):
            away = self.style.half_spread + level * step
            bid, ask = (fair - away) // tick * tick, -(-(fair + away) // tick) * tick
            if on_grid(bid, tick):
                yield 0, Side.BUY, bid
            if on_grid(ask, tick):
                yield (0, Side.SELL, ask) if sells and level % 2 == 0 else (1, Side.BUY, ONE - ask)
