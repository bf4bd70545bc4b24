"""A counterparty that the faults move: it takes exactly the orders that they point at."""

from __future__ import annotations

from tieout.sim.crowd.trader import Trader
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.engine.book import common_price
from tieout.sim.events import LevelChanged, OrderChanged
from tieout.sim.model import Order, OrderStatus, Side
from tieout.sim.rng import Stream
from tieout.sim.world import World

PURSE = 50_000_000 * ONE


class Ghost:
    """Joins the venue when it is first needed; its money arrives with the next block."""

    def __init__(self, world: World, stream: Stream) -> None:
        self._world = world
        self._stream = stream
        self._trader: Trader | None = None

    def arrive(self) -> None:
        """Have a wallet with money."""
        if self._trader is None:
            self._trader = Trader.drawn(self._world, self._stream)
            self._world.fund(self._trader.account.wallet, PURSE)

    def take(self, order: Order, shares: int) -> bool:
        """Fill *shares* of a resting order, and what stands before it in the queue. False when that is impossible."""
        trader = self._trader
        if trader is None or order.status is not OrderStatus.LIVE:
            return False
        ladder = self._world.exchange.books[order.market.condition_id].own(order)
        ahead = 0
        for _, maker in ladder.walk(common_price(order.outcome, order.price)):
            if maker is order:
                break
            ahead += maker.remaining
        outcome, price = (order.outcome, order.price)
        if order.side is Side.BUY:
            outcome, price = 1 - outcome, ONE - price
        before = order.matched
        size = -(-(ahead + shares) // CENT) * CENT
        placed = trader.limit(order.market, outcome, Side.BUY, price, size)
        if placed and placed.order.status is OrderStatus.LIVE:
            self._world.exchange.cancel_many([placed.order])
        return order.matched > before

    def pretend(self, order: Order) -> bool:
        """Count half of what is left of a resting order as matched: told like a match, without a trade to settle.

        False when there is too little left of it to be told.
        """
        shares = order.remaining // 2 // CENT * CENT
        if order.status is not OrderStatus.LIVE or not shares:
            return False
        order.matched += shares
        exchange = self._world.exchange
        book, outcome, side = exchange.books[order.market.condition_id], order.outcome, order.side
        size, other = book.size_at(outcome, side, order.price), Side.SELL if side is Side.BUY else Side.BUY
        exchange.announce(LevelChanged(order.market, outcome, side, order.price, size))
        exchange.announce(LevelChanged(order.market, 1 - outcome, other, ONE - order.price, size))
        exchange.announce(OrderChanged(order, "UPDATE"))
        return True
