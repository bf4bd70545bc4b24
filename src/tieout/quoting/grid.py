"""The venue's grids: prices on a tick inside [tick, 1 - tick], sizes in 0.01 share (`polymarket.md` 1.4)."""

from __future__ import annotations

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO

TICKS = frozenset({100_000, 10_000, 5_000, 2_500, 1_000, 100})
"""0.1, 0.01, 0.005, 0.0025, 0.001, 0.0001."""

SIZE_STEP = 10_000
"""0.01 share."""


def away(price: int, tick: int, side: Side) -> int:
    """The nearest multiple of the tick that is no better for the taker: a BUY down, a SELL up."""
    return price // tick * tick if side is Side.BUY else -(-price // tick) * tick


def toward(price: int, tick: int, side: Side) -> int:
    """The nearest multiple of the tick that is no worse for the taker: a BUY up, a SELL down."""
    return -(-price // tick) * tick if side is Side.BUY else price // tick * tick


def on_grid(price: int, tick: int) -> bool:
    """The venue takes the price: a multiple of the tick inside [tick, 1 - tick]."""
    return price % tick == 0 and tick <= price <= MICRO - tick


def whole_size(size: int) -> int:
    """The size rounded down to 0.01 share; never below zero."""
    return max(0, size) // SIZE_STEP * SIZE_STEP
