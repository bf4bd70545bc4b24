"""Somebody else on the same API key: another bot whose orders and fills the owner never asked for."""

from __future__ import annotations

from collections.abc import Sequence

from tieout.sim.crowd.trader import Account, Trader, drawn_size
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.model import Market, OrderKind, Side
from tieout.sim.rng import Stream
from tieout.sim.world import World


class AnotherBot(Trader):
    """Places, cancels and trades with the account of somebody else, wherever the balances of the wallet allow."""

    def __init__(self, world: World, account: Account, stream: Stream, markets: Sequence[Market]) -> None:
        super().__init__(world, account, stream)
        self._markets = markets

    def act(self) -> None:
        """One thing at random in one open market."""
        markets = [market for market in self._markets if market.accepting_orders and not market.closed]
        if markets:
            action = self.stream.choices((self.place, self.take, self.cancel), (50, 30, 20))[0]
            action(self.stream.choice(markets))

    def place(self, market: Market) -> None:
        """A resting BUY some ticks below the best bid."""
        outcome, tick = self.stream.randrange(2), market.tick
        best = self.world.exchange.books[market.condition_id].best(outcome, Side.BUY) or ONE // 2
        price = max((best - self.stream.randrange(1, 5) * tick) // tick * tick, tick)
        self.limit(market, outcome, Side.BUY, price, market.min_size)

    def take(self, market: Market) -> None:
        """Sell some of what the wallet holds, or buy at the best ask."""
        outcome = self.stream.randrange(2)
        book = self.world.exchange.books[market.condition_id]
        held = self.held(market, outcome) // CENT * CENT
        best = book.best(outcome, Side.BUY)
        if held and best is not None:
            self.market_sell(market, outcome, best, min(held, drawn_size(self.stream)), OrderKind.FAK)
            return
        best = book.best(outcome, Side.SELL)
        if best is not None:
            self.market_buy(market, outcome, best, max(market.min_size * best // ONE, ONE), OrderKind.FAK)

    def cancel(self, market: Market) -> None:
        """One open order of the key, be it the bot's or its owner's."""
        orders = [order for order in self.world.exchange.open_of(self.account.signer) if order.market is market]
        if orders:
            self.world.exchange.cancel_many([self.stream.choice(orders)])

    def start(self, period_ms: int) -> None:
        """Act again and again."""
        self.world.scheduler.every(period_ms, self.act)
