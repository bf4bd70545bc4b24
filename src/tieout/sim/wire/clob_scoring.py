"""Liquidity rewards: whether a resting order earns them now.

After docs.polymarket.com, liquidity rewards: at least the market's minimum size, and no further from the middle of
the book than its maximum spread. The share each order earns is not simulated.
"""

from __future__ import annotations

from tieout.sim.engine.book import Book
from tieout.sim.model import Order
from tieout.sim.wire.market_shapes import midpoint


def scores(order: Order, book: Book) -> bool:
    """The resting order is large enough and near enough to the middle."""
    market = order.market
    middle = midpoint(book, order.outcome)
    if not market.reward_daily or middle is None or order.remaining < market.reward_min_size:
        return False
    return abs(order.price - middle) <= market.reward_max_spread
