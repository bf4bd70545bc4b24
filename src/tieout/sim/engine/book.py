"""The order book of one condition: both outcomes in one, by price and time.

A BUY of outcome 0 at p and a SELL of outcome 1 at 1-p want the same; so every order is kept at its price in terms of
outcome 0, as a bid or an ask. What a client sees of each outcome is read from the same two sides.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator

from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Order, Side


def is_bid(outcome: int, side: Side) -> bool:
    """The order raises the price of outcome 0."""
    return (side is Side.BUY) == (outcome == 0)


def common_price(outcome: int, price: int) -> int:
    """The price in terms of outcome 0, or back: its own inverse."""
    return price if outcome == 0 else ONE - price


class Ladder:
    """One side of the book; best level first when walked."""

    def __init__(self, *, descending: bool) -> None:
        self._sign = -1 if descending else 1
        self._keys: list[int] = []
        self._levels: dict[int, deque[Order]] = {}

    def add(self, price: int, order: Order) -> None:
        """Queue the order behind the others of its price."""
        key = price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = deque()
            insort(self._keys, key)
        level.append(order)

    def remove(self, price: int, order: Order) -> None:
        """Take the order out."""
        key = price * self._sign
        level = self._levels[key]
        if level[0] is order:
            level.popleft()
        else:
            level.remove(order)
        if not level:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def best(self) -> int | None:
        """The best price."""
        return self._keys[0] * self._sign if self._keys else None

    def walk(self, limit: int) -> Iterator[tuple[int, Order]]:
        """(price, order) from the best up to and including *limit*. The book must not change while walking."""
        bound = limit * self._sign
        for key in self._keys:
            if key > bound:
                return
            for order in self._levels[key]:
                yield key * self._sign, order

    def levels(self) -> Iterator[tuple[int, int]]:
        """(price, total micro-shares), best first."""
        for key in self._keys:
            yield key * self._sign, sum(order.remaining for order in self._levels[key])

    def size_at(self, price: int) -> int:
        """Micro-shares resting at one price."""
        return sum(order.remaining for order in self._levels.get(price * self._sign, ()))

    def __len__(self) -> int:
        return sum(len(level) for level in self._levels.values())


class Book:
    """Bids and asks of one condition, in prices of outcome 0."""

    def __init__(self) -> None:
        self.bids = Ladder(descending=True)
        self.asks = Ladder(descending=False)

    def own(self, order: Order) -> Ladder:
        """The side on which the order rests."""
        return self.bids if is_bid(order.outcome, order.side) else self.asks

    def opposite(self, order: Order) -> Ladder:
        """The side the order takes from."""
        return self.asks if is_bid(order.outcome, order.side) else self.bids

    def add(self, order: Order) -> None:
        """Rest the order."""
        self.own(order).add(common_price(order.outcome, order.price), order)

    def remove(self, order: Order) -> None:
        """Take the order out."""
        self.own(order).remove(common_price(order.outcome, order.price), order)

    def crossing(self, order: Order) -> Iterator[tuple[int, Order]]:
        """(taker's price, maker) that the order can take, best first."""
        limit = common_price(order.outcome, order.price)
        for price, maker in self.opposite(order).walk(limit):
            yield common_price(order.outcome, price), maker

    def crosses(self, order: Order) -> bool:
        """The order could take at least one other."""
        return next(self.crossing(order), None) is not None

    def side(self, outcome: int, side: Side) -> list[tuple[int, int]]:
        """(price, micro-shares) of the bids (BUY) or asks (SELL) a client sees for *outcome*, best first."""
        ladder = self.bids if is_bid(outcome, side) else self.asks
        return [(common_price(outcome, price), size) for price, size in ladder.levels()]

    def best(self, outcome: int, side: Side) -> int | None:
        """The best price a client sees."""
        price = (self.bids if is_bid(outcome, side) else self.asks).best()
        return None if price is None else common_price(outcome, price)

    def size_at(self, outcome: int, side: Side, price: int) -> int:
        """Micro-shares at one price as a client sees them."""
        ladder = self.bids if is_bid(outcome, side) else self.asks
        return ladder.size_at(common_price(outcome, price))
