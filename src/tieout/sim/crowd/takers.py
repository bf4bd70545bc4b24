"""Noise traders, who trade without a reason, and informed takers, who take what is mispriced."""

from __future__ import annotations

from tieout.sim.crowd.trader import Account, Trader, drawn_size
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.model import Market, Order, OrderKind, Side
from tieout.sim.rng import Stream
from tieout.sim.world import World

KEPT_ORDERS = 8
"""Resting orders a noise trader has at most; then it cancels the oldest."""


class NoiseTrader(Trader):
    """Buys, sells, rests and cancels at random; now and then asks for what the venue must refuse."""

    def __init__(self, world: World, account: Account, stream: Stream) -> None:
        super().__init__(world, account, stream)
        self._resting: list[Order] = []

    def act(self, market: Market) -> None:
        """One decision in *market*."""
        action = self.stream.choices((self._take, self._rest, self._cancel, self._mistake), (50, 35, 12, 3))[0]
        action(market)

    def _take(self, market: Market) -> None:
        outcome = self.stream.randrange(2)
        kind = self.stream.choice((OrderKind.FOK, OrderKind.FAK, OrderKind.FAK))
        book = self.world.exchange.books[market.condition_id]
        held = self.held(market, outcome) // CENT * CENT
        if held >= market.min_size and self.stream.randrange(3):
            best = book.best(outcome, Side.BUY)
            if best is not None:
                self.market_sell(market, outcome, best, min(held, drawn_size(self.stream)), kind)
            return
        best = book.best(outcome, Side.SELL)
        if best is not None:
            self.market_buy(market, outcome, best, max(drawn_size(self.stream) * best // ONE, ONE), kind)

    def _rest(self, market: Market) -> None:
        self._resting = [order for order in self._resting if order.open]
        if len(self._resting) >= KEPT_ORDERS:
            self._cancel(market)
        outcome, tick = self.stream.randrange(2), market.tick
        best = self.world.exchange.books[market.condition_id].best(outcome, Side.BUY)
        if best is None:
            return
        side = Side.SELL if self.held(market, outcome) >= market.min_size and self.stream.randrange(2) else Side.BUY
        away = self.stream.randrange(-1, 6) * max(tick, 5_000) * (1 if side is Side.SELL else -1)
        lifetime_s = self.stream.randrange(30, 900) if self.stream.randrange(6) == 0 else 0
        size = max(drawn_size(self.stream), market.min_size)
        placed = self.limit(market, outcome, side, (best + away) // tick * tick, size, lifetime_s=lifetime_s)
        if placed and placed.order.open:
            self._resting.append(placed.order)

    def _cancel(self, _market: Market) -> None:
        if self._resting:
            self.world.exchange.cancel_many([self._resting.pop(0)])

    def _mistake(self, market: Market) -> None:
        """An order that is too small, or that the wallet cannot pay."""
        price = ONE // 2 // market.tick * market.tick
        size = self.stream.choice((market.min_size // 2, self.cash() * 3))
        self.limit(market, self.stream.randrange(2), Side.BUY, price, size)


class InformedTaker(Trader):
    """Knows the price process and takes every order that is worse than it by more than an edge."""

    edge = 15_000
    """Micro of price that must be left after the price it pays."""

    def act(self, market: Market, fair: int) -> None:
        """Take what is mispriced against *fair*, the price of outcome 0."""
        book = self.world.exchange.books[market.condition_id]
        for outcome, worth in ((0, fair), (1, ONE - fair)):
            best = book.best(outcome, Side.SELL)
            if best is not None and best + self.edge < worth:
                size = min(book.size_at(outcome, Side.SELL, best), 500 * ONE)
                self.market_buy(market, outcome, best, max(size * best // ONE, ONE), OrderKind.FAK)
                return
