"""Prices, grids, fees and settlement amounts in whole micro-units, rounded as the exchange rounds.

The rules were found by recomputing recorded fills: every BUY of `samples/chain_order_filled_taker_fees.json` comes out
to the unit from its round budget, complementary or minted, and every one of its 21 fees.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tieout.sim.model import MatchKind, Order, Side

ONE = 1_000_000
CENT = 10_000
"""0.01 share, the step of order sizes; less than this left over is not worth a place in the book."""

TICKS = (100_000, 10_000, 5_000, 2_500, 1_000, 100)
"""0.1, 0.01, 0.005, 0.0025, 0.001, 0.0001 (`polymarket.md` 1.4)."""

AMOUNT_DECIMALS = {100_000: 3, 10_000: 4, 5_000: 5, 2_500: 6, 1_000: 5, 100: 6}
"""Decimals of the amount that is not a size, by tick (`polymarket.md` 1.4)."""

FEE_STEP = 10
"""Fees are rounded down to 0.00001 collateral (21 of 21 recorded fills, `polymarket.md` 7)."""


class LegAmounts(NamedTuple):
    """What one maker and the taker exchange: *shares* of each one's token, *cash* of the maker, *taker_cash*."""

    shares: int
    cash: int
    taker_cash: int


def on_grid(price: int, tick: int) -> bool:
    """The price is a multiple of the tick inside [tick, 1 - tick]."""
    return price % tick == 0 and tick <= price <= ONE - tick


def taker_fee(shares: int, cash: int, rate: int, exponent: int = 1) -> int:
    """Shares x rate x (p(1-p))^exponent with p = cash / shares, rounded down to 0.00001; *rate* in micro.

    The average price of the trade is taken, as the recorded fee of a fill over several levels shows
    (`samples/data_api_v2_trades.json`: 0.48975 from the average 0.0864503644).
    """
    if shares <= 0 or rate <= 0:
        return 0
    product, whole = rate * shares, ONE
    for _ in range(exponent):
        product *= cash * (shares - cash)
        whole *= shares * shares
    return product // whole // FEE_STEP * FEE_STEP


def match_kind(taker: Order, maker: Order) -> MatchKind:
    """How the two are settled (`polymarket.md` 6.5)."""
    if taker.side != maker.side:
        return MatchKind.COMPLEMENTARY
    return MatchKind.MINT if taker.side is Side.BUY else MatchKind.MERGE


def maker_cash(maker: Order, shares: int) -> tuple[int, int]:
    """(shares, cash) of a maker for about *shares*: the contract derives one amount from the other, rounding down.

    A SELL makes shares and takes cash, a BUY makes cash and takes shares, so a BUY may end a few micro-shares short.
    """
    making, taking = maker.request.maker_amount, maker.request.taker_amount
    if maker.side is Side.SELL:
        return shares, shares * taking // making
    cash = shares * making // taking
    return cash * taking // making, cash


def leg_amounts(kind: MatchKind, maker: Order, shares: int) -> LegAmounts:
    """Both sides of a match of about *shares*. In a mint both pay 1 together, in a merge both get 1 together."""
    shares, cash = maker_cash(maker, shares)
    return LegAmounts(shares, cash, cash if kind is MatchKind.COMPLEMENTARY else shares - cash)


def affordable(kind: MatchKind, price: int, cash: int) -> int:
    """Micro-shares that *cash* buys at the taker's *price*.

    Complementary fills round up (the cash, rounded down after, still fits the budget), mints round down, as the
    recorded fills do: 5 at 0.66 gave 7.575758 shares, 5 at 0.71 by mint 7.042251 for 4.999998.
    """
    if kind is MatchKind.COMPLEMENTARY:
        return -(-cash * ONE // price)
    return cash * ONE // price


@lru_cache(maxsize=1 << 14)
def text(amount: int) -> str:
    """Micro-units as the venue writes decimals: no trailing zeros, no thousands marks.

    Prices and sizes are few, and written over and over.
    """
    whole, part = divmod(abs(amount), ONE)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{part:06d}".rstrip("0") if part else f"{sign}{whole}"
