"""How the liquidity programme scores resting orders (docs.polymarket.com/market-makers/liquidity-rewards).

An order of *size* at distance s from the midpoint scores size x ((v - s) / v)^2, v the market's greatest spread; orders
under the market's least size score nothing and do not make the midpoint. A wallet's score is the smaller of its two
sides, but a third of the larger one where that is more and the midpoint lies between 0.10 and 0.90. Whole numbers:
scores carry the factor v^2, which cancels where they are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tieout.sim.engine.amounts import ONE
from tieout.sim.engine.book import Book, Ladder
from tieout.sim.model import Market, Order

SINGLE_SIDED = 3
"""The scaling factor c."""

TIGHT = (ONE // 10, ONE - ONE // 10)


def scores(market: Market, book: Book) -> Counter[str]:
    """The score of every wallet with orders that count; empty without a midpoint."""
    middle = midpoint(market, book)
    if middle is None:
        return Counter()
    bids, asks = _side(market, book.bids, 0, middle), _side(market, book.asks, ONE, middle)
    found: Counter[str] = Counter()
    for wallet in bids | asks:
        found[wallet] = _both(bids[wallet], asks[wallet], middle)
    return +found


def counts(market: Market, book: Book, order: Order) -> bool:
    """The order scores at this moment."""
    middle = midpoint(market, book)
    if middle is None or market.reward_daily == 0 or not order.open:
        return False
    ladder = book.own(order)
    return any(each is order for _, each in _near(market, ladder, 0 if ladder is book.bids else ONE, middle))


def midpoint(market: Market, book: Book) -> int | None:
    """Twice the middle between the best orders of sufficient size, in micro of outcome 0; None without both sides."""
    bid, ask = _best(market, book.bids, 0), _best(market, book.asks, ONE)
    return None if bid is None or ask is None else bid + ask


def _best(market: Market, ladder: Ladder, limit: int) -> int | None:
    return next((p for p, order in ladder.walk(limit) if order.remaining >= max(market.reward_min_size, 1)), None)


def _near(market: Market, ladder: Ladder, limit: int, twice: int) -> Iterator[tuple[int, Order]]:
    """(distance to the midpoint, order) of the orders that count; distances and spreads are doubled, to stay whole."""
    widest = 2 * market.reward_max_spread
    for price, order in ladder.walk(limit):
        distance = abs(2 * price - twice)
        if distance < widest and order.remaining >= max(market.reward_min_size, 1):
            yield distance, order


def _side(market: Market, ladder: Ladder, limit: int, twice: int) -> Counter[str]:
    widest = 2 * market.reward_max_spread
    found: Counter[str] = Counter()
    for distance, order in _near(market, ladder, limit, twice):
        found[order.request.wallet] += order.remaining * (widest - distance) ** 2
    return found


def _both(bids: int, asks: int, twice: int) -> int:
    smaller, larger = sorted((bids, asks))
    if 2 * TIGHT[0] <= twice <= 2 * TIGHT[1]:
        return max(smaller, larger // SINGLE_SIDED)
    return smaller
