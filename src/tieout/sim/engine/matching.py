"""Matching: which makers an order takes, and exactly what each exchange moves. Pure: the book is only read."""

from __future__ import annotations

from tieout.sim.engine.amounts import CENT, affordable, leg_amounts, match_kind
from tieout.sim.engine.book import Book
from tieout.sim.model import Leg, Order


def plan(book: Book, taker: Order) -> list[Leg]:
    """The legs of *taker* against *book*, best price first, oldest first. Every maker trades at its own price.

    Own orders are not spared: the venue lets a wallet trade with itself.
    """
    legs: list[Leg] = []
    shares_left = taker.remaining
    cash_left = None if taker.budget is None else taker.budget - taker.spent
    for price, maker in book.crossing(taker):
        kind = match_kind(taker, maker)
        wanted = shares_left if cash_left is None else affordable(kind, price, cash_left)
        amounts = leg_amounts(kind, maker, min(wanted, maker.remaining))
        if amounts.shares <= 0 or (cash_left is not None and amounts.taker_cash <= 0):
            break
        legs.append(Leg(maker, kind, *amounts))
        if cash_left is not None:
            cash_left -= amounts.taker_cash
            if wanted <= maker.remaining:
                break
        else:
            shares_left -= amounts.shares
            if shares_left <= 0:
                break
    return legs


def filled(order: Order) -> bool:
    """Nothing worth trading is left: under 0.01 share, or of a budget under 0.01 collateral.

    The CLOB counts in cents (`polymarket.md` 2); a mint leaves a few micro-units of a budget.
    """
    if order.budget is None:
        return order.remaining < CENT
    return order.budget - order.spent < CENT


def fills_whole(taker: Order, legs: list[Leg]) -> bool:
    """The legs fill the order as a FOK order demands."""
    if taker.budget is None:
        return sum(leg.shares for leg in legs) >= taker.remaining
    return taker.budget - taker.spent - sum(leg.taker_cash for leg in legs) < CENT
