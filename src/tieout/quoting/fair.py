"""Fair price models: what YES is worth, read from a book without our own orders.

The only floats of quoting are here; every result is rounded to the micro-unit and lies between best bid and best ask.
"""

from __future__ import annotations

from enum import StrEnum

from tieout.quoting.views import YES, BookView, Levels, touch


class FairModel(StrEnum):
    """How the fair price is read from the book."""

    MICRO = "micro"
    MID = "mid"
    DEPTH = "depth"


class NoFair(StrEnum):
    """Why there is no fair price."""

    EMPTY = "the book is empty"
    ONE_SIDED = "the book has one side only"
    CROSSED = "the book is crossed"


def fair_price(book: BookView, model: FairModel, *, depth: int = 1, dust: int = 0) -> int | NoFair:
    """The fair YES price by *model*, in micro, or why there is none.

    `depth` is how many levels of each side the depth model reads. Levels under `dust` micro-shares are passed over: an
    order of next to nothing must not move our quotes. They still count for whether the book is crossed.
    """
    bid, ask = touch(book)
    if bid >= ask:
        return NoFair.CROSSED
    bids, asks = _solid(book.bids[YES], dust, depth), _solid(book.asks[YES], dust, depth)
    if not bids or not asks:
        return NoFair.ONE_SIDED if bids or asks else NoFair.EMPTY
    if model is FairModel.MID:
        return mid(bids, asks)
    return micro_price(bids, asks) if model is FairModel.MICRO else depth_price(bids, asks)


def mid(bids: Levels, asks: Levels) -> int:
    """Half way between best bid and best ask."""
    return (bids[0][0] + asks[0][0]) // 2


def micro_price(bids: Levels, asks: Levels) -> int:
    """Best bid and ask, each weighted by the size at the other: much to buy and little to sell pulls to the ask."""
    (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
    return round(bid + (ask - bid) * (bid_size / (bid_size + ask_size)))


def depth_price(bids: Levels, asks: Levels) -> int:
    """Like the micro-price, of the average prices and total sizes of the levels given; held inside the best two."""
    bid_size, ask_size = sum(size for _, size in bids), sum(size for _, size in asks)
    bid = sum(price * (size / bid_size) for price, size in bids)
    ask = sum(price * (size / ask_size) for price, size in asks)
    weighted = round(bid + (ask - bid) * (bid_size / (bid_size + ask_size)))
    return min(max(weighted, bids[0][0]), asks[0][0])


def _solid(levels: Levels, dust: int, depth: int) -> Levels:
    """The first *depth* levels that are no dust."""
    found: list[tuple[int, int]] = []
    for level in levels:
        if level[1] >= dust and level[1] > 0:
            found.append(level)
            if len(found) == depth:
                break
    return tuple(found)
