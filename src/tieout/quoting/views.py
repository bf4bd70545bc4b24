"""What a strategy sees and says: the market, the book, the holding, our resting orders, and quotes.

Units: prices are micro-collateral a share, sizes micro-shares, times milliseconds of Unix time. Outcomes are 0 (YES)
and 1 (NO) by their place in the market, whatever they are called. Pairs are in outcome order.

Both outcomes trade in one book: a BUY of YES at p and a SELL of NO at 1-p are the same wish and each shows up in both
outcomes' books (`polymarket.md` 6.5: opposite sides of one token, two BUYs and two SELLs all match). So every order
is a bid or an ask for YES at its *YES price*.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO

YES, NO = 0, 1

Levels = tuple[tuple[int, int], ...]
"""(price, size), best first."""


class MarketView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the venue says of a market, as far as quoting needs it (`polymarket.md` 1.3, 1.4 and 5)."""

    condition_id: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str] = ("Yes", "No")
    tick: int
    min_size: int
    """The smallest order that may rest."""
    neg_risk: bool = False
    end_ms: int | None = None
    """When the market is due to resolve; None when nobody says."""
    accepting: bool = True
    closed: bool = False
    reward_min_size: int = 0
    reward_max_spread: int = 0
    """The farthest from the midpoint at which an order earns liquidity rewards; 0: none are paid."""
    fee_rate: int = 0
    """The takers' rate in micro; a maker pays nothing (`polymarket.md` 7)."""


class BookView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The order books of both outcomes as the venue shows them. `time_ms` is the venue's."""

    bids: tuple[Levels, Levels]
    asks: tuple[Levels, Levels]
    time_ms: int = 0


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Shares held of both outcomes, and their cost basis in micro-collateral."""

    shares: tuple[int, int] = (0, 0)
    cost: tuple[int, int] = (0, 0)


class Quote(msgspec.Struct, frozen=True, gc=False):
    """A post-only order we want to have resting. `tier` counts from the fair price outwards, from 0."""

    outcome: int
    side: Side
    price: int
    size: int
    tier: int


class Resting(msgspec.Struct, frozen=True, gc=False):
    """A live order of ours; `remaining` is what is not matched yet."""

    id: str
    outcome: int
    side: Side
    price: int
    remaining: int
    placed_ms: int = 0


def is_bid(order: Quote | Resting) -> bool:
    """The order wants YES to rise: a BUY of YES or a SELL of NO."""
    return (order.side is Side.BUY) == (order.outcome == YES)


def yes_price(order: Quote | Resting) -> int:
    """The order's price in terms of YES."""
    return order.price if order.outcome == YES else MICRO - order.price


def touch(book: BookView) -> tuple[int, int]:
    """(best bid, best ask) in YES prices, the tighter of what the two outcomes' books say; 0 and 1 where no one bids
    or asks.

    The two should mirror each other; when one lags, the tighter price is the one that a post-only order must mind.
    """
    bids, asks = book.bids, book.asks
    bid = bids[YES][0][0] if bids[YES] else 0
    ask = asks[YES][0][0] if asks[YES] else MICRO
    if asks[NO]:
        bid = max(bid, MICRO - asks[NO][0][0])
    if bids[NO]:
        ask = min(ask, MICRO - bids[NO][0][0])
    return bid, ask


def without(book: BookView, own: Iterable[Resting]) -> BookView:
    """The book as it would be without our *own* resting orders, in both outcomes; never below zero at any level.

    An order that the book does not show yet takes the size of others with it. That errs to the safe side: the venue
    refuses a post-only order that crosses, while a quote against ourselves would follow its own price.
    """
    bids: tuple[dict[int, int], dict[int, int]] = ({}, {})
    asks: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for order in own:
        outcome, price, size = order.outcome, order.price, order.remaining
        here, mirror = (bids, asks) if order.side is Side.BUY else (asks, bids)
        here[outcome][price] = here[outcome].get(price, 0) + size
        other = mirror[1 - outcome]
        other[MICRO - price] = other.get(MICRO - price, 0) + size
    return BookView(
        bids=(_less(book.bids[YES], bids[YES]), _less(book.bids[NO], bids[NO])),
        asks=(_less(book.asks[YES], asks[YES]), _less(book.asks[NO], asks[NO])),
        time_ms=book.time_ms,
    )


def _less(levels: Levels, taken: dict[int, int]) -> Levels:
    """The levels less what is taken at each price; those that nothing is left of are gone."""
    if not taken:
        return levels
    left = []
    for level in levels:
        price, size = level
        own = taken.get(price)
        if own is None:
            left.append(level)
        elif own < size:
            left.append((price, size - own))
    return tuple(left)
