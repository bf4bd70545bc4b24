"""What an order offers and asks, in micro-units: the venue's grid of prices and sizes (`polymarket.md` 1.4).

Sizes have two decimals, prices are multiples of the tick between it and 1 - tick. On that grid price x size fits the
decimals that the venue takes for the amount at every tick, so nothing is rounded here but the size, downwards.
"""

from __future__ import annotations

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO

TICKS: tuple[int, ...] = (100_000, 10_000, 5_000, 2_500, 1_000, 100)
"""0.1, 0.01, 0.005, 0.0025, 0.001, 0.0001."""

SIZE_STEP = 10_000
CASH_STEP_AT_ONCE = 10_000
"""Whole cents: the cash of an order that buys at once (FOK, FAK) has two decimals at most."""

AT_ONCE = frozenset(("FOK", "FAK"))


class OffGridError(ValueError):
    """The venue would refuse the price or size. The caller is at fault; the message says what was expected."""


def shares_of(size: int) -> int:
    """*size* in micro-shares on the grid, rounded down. Raises OffGridError when nothing is left."""
    shares = size - size % SIZE_STEP
    if shares <= 0:
        raise OffGridError(f"size: expected at least {SIZE_STEP} micro-shares, was {size}")
    return shares


def check_price(price: int, tick: int) -> None:
    """Raises OffGridError unless *price* is a multiple of *tick* within [tick, 1 - tick] (all micro)."""
    if tick not in TICKS:
        raise OffGridError(f"tick: expected one of {', '.join(map(str, TICKS))}, was {tick}")
    if not tick <= price <= MICRO - tick or price % tick:
        raise OffGridError(f"price: expected a multiple of {tick} within {tick} and {MICRO - tick}, was {price}")


def order_amounts(side: Side, price: int, size: int, tick: int, order_type: str) -> tuple[int, int]:
    """(maker amount, taker amount) to sign: what is given and what is asked for it. Raises OffGridError."""
    check_price(price, tick)
    shares = shares_of(size)
    cash, rest = divmod(shares * price, MICRO)
    if rest:
        raise OffGridError(f"price x size: expected whole micro-units, was {shares} x {price}")
    if side is Side.BUY and order_type in AT_ONCE and cash % CASH_STEP_AT_ONCE:
        raise OffGridError(f"cash: expected whole cents for a {order_type} order that buys, was {cash} micro")
    return (cash, shares) if side is Side.BUY else (shares, cash)
