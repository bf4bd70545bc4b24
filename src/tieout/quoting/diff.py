"""The difference between what is wanted and what rests: what to cancel, to place and to leave alone.

A resting order is kept when a wanted quote of its outcome and side has its price, or one within the tolerance, and
its remaining size is enough but no more than wanted (a size that was reduced was reduced by a cap). So the place in the
queue is not given away without cause. Placing in two steps keeps the caps true while cancels are under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.quoting import grid
from tieout.quoting.views import Quote, Resting, is_bid, yes_price


class Plan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to do, in order: cancel, place, and once the cancels are confirmed, place the rest."""

    cancels: tuple[Resting, ...] = ()
    places: tuple[Quote, ...] = ()
    places_after_cancel: tuple[Quote, ...] = ()
    """They need funds that a cancel frees, or could trade with an order that is being cancelled."""
    keeps: tuple[Resting, ...] = ()
    refused: tuple[Quote, ...] = ()
    """Wanted, but off the grid, twice at one price, or able to trade with a quote wanted before."""

    @property
    def is_empty(self) -> bool:
        """Nothing is to be sent."""
        return not (self.cancels or self.places or self.places_after_cancel)


class Keeping(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When a resting order is good enough, and how far apart own bids and asks stay."""

    tick: int
    tolerance: int = 0
    """In price."""
    size_part: int = MICRO
    """The part of the wanted size, in micro, that must remain."""
    gap: int = 1
    """The least distance between an own bid and an own ask in YES prices; 1: they cannot trade with each other."""


def plan(quotes: Sequence[Quote], resting: Sequence[Resting], keeping: Keeping) -> Plan:
    """The least that turns *resting* into *quotes*. Applying it and planning again gives an empty plan."""
    wanted, refused = _accepted(quotes, keeping)
    orders = sorted(resting, key=lambda order: (order.placed_ms, order.id))
    kept = _kept(wanted, orders, keeping)
    kept_ids = {order.id for order in kept.values()}
    cancels = sorted((order for order in orders if order.id not in kept_ids), key=_place)
    missing = [quote for index, quote in enumerate(wanted) if index not in kept]
    waits = _Waiting(cancels)
    return Plan(
        cancels=tuple(cancels),
        places=tuple(quote for quote in missing if not waits.must(quote)),
        places_after_cancel=tuple(quote for quote in missing if waits.must(quote)),
        keeps=tuple(kept[index] for index in sorted(kept)),
        refused=refused,
    )


def _place(order: Resting) -> tuple[int, str, int, int, str]:
    return order.outcome, order.side, order.price, order.placed_ms, order.id


class _Apart:
    """The best own bid and ask so far, in YES prices."""

    def __init__(self, gap: int, orders: Iterable[Quote | Resting] = ()) -> None:
        self.gap = gap
        self.bid: int = -MICRO
        self.ask: int = 2 * MICRO
        for order in orders:
            self.add(order)

    def fits(self, order: Quote | Resting) -> bool:
        """The order stays the gap away from all of the other side."""
        price = yes_price(order)
        return self.ask - price >= self.gap if is_bid(order) else price - self.bid >= self.gap

    def add(self, order: Quote | Resting) -> None:
        """Take the order into account."""
        if is_bid(order):
            self.bid = max(self.bid, yes_price(order))
        else:
            self.ask = min(self.ask, yes_price(order))


def _accepted(quotes: Sequence[Quote], keeping: Keeping) -> tuple[list[Quote], tuple[Quote, ...]]:
    """(quotes that can rest together, the others); earlier quotes come first."""
    apart = _Apart(keeping.gap)
    seen: set[tuple[int, Side, int]] = set()
    accepted, refused = [], []
    for quote in quotes:
        key = (quote.outcome, quote.side, quote.price)
        if quote.size > 0 and grid.on_grid(quote.price, keeping.tick) and key not in seen and apart.fits(quote):
            seen.add(key)
            apart.add(quote)
            accepted.append(quote)
        else:
            refused.append(quote)
    return accepted, tuple(refused)


def _kept(wanted: list[Quote], orders: list[Resting], keeping: Keeping) -> dict[int, Resting]:
    """The order that stands for each wanted quote, by the quote's index. *orders* come oldest first."""
    at_price: dict[tuple[int, Side, int], list[Resting]] = {}
    for order in orders:
        at_price.setdefault((order.outcome, order.side, order.price), []).append(order)
    kept: dict[int, Resting] = {}
    for index, quote in enumerate(wanted):
        for order in at_price.get((quote.outcome, quote.side, quote.price), ()):
            if _is_enough(order, quote, keeping):
                kept[index] = order
                break
    if keeping.tolerance and len(kept) < len(wanted):
        _keep_near(wanted, orders, keeping, kept)
    return kept


def _keep_near(wanted: list[Quote], orders: list[Resting], keeping: Keeping, kept: dict[int, Resting]) -> None:
    """Adds to *kept* what is near enough, the nearest pairs first, where it stays apart from the other side."""
    used = {order.id for order in kept.values()}
    pairs = [
        (abs(order.price - quote.price), index, place)
        for index, quote in enumerate(wanted)
        if index not in kept
        for place, order in enumerate(orders)
        if order.id not in used
        and order.outcome == quote.outcome
        and order.side is quote.side
        and abs(order.price - quote.price) <= keeping.tolerance
        and grid.on_grid(order.price, keeping.tick)
        and _is_enough(order, quote, keeping)
    ]
    apart = _Apart(keeping.gap, wanted)
    for _, index, place in sorted(pairs):
        order = orders[place]
        if index not in kept and order.id not in used and apart.fits(order):
            kept[index] = order
            used.add(order.id)
            apart.add(order)


def _is_enough(order: Resting, quote: Quote, keeping: Keeping) -> bool:
    return 0 < order.remaining <= quote.size and order.remaining * MICRO >= quote.size * keeping.size_part


class _Waiting:
    """Which quotes must not be placed before the cancels are confirmed."""

    def __init__(self, cancels: list[Resting]) -> None:
        self._cancelled = _Apart(1, cancels)
        self._frees_collateral = any(order.side is Side.BUY for order in cancels)
        self._frees_shares = {order.outcome for order in cancels if order.side is Side.SELL}

    def must(self, quote: Quote) -> bool:
        """The quote draws on what a cancel frees, or could trade with what is being cancelled."""
        frees = self._frees_collateral if quote.side is Side.BUY else quote.outcome in self._frees_shares
        return frees or not self._cancelled.fits(quote)
