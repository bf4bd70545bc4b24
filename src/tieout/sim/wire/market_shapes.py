"""REST shapes of markets and books (`samples/clob_market.json`, `samples/clob_book.json`, `polymarket.md` 1.3).

Some numbers of markets are JSON numbers: they become floats here, at the edge, from whole micro-units.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import msgspec

from tieout.sim.engine.amounts import ONE, text
from tieout.sim.engine.book import Book
from tieout.sim.model import Market, Side
from tieout.venue.addresses import P_USD

LEGACY_BASE_FEE = 1000
"""`base_fee` of fee markets on the legacy endpoint, in basis points; the real rate is in `fd`."""


def number(micro: int) -> int | float:
    """Micro-units as a JSON number."""
    return micro // ONE if micro % ONE == 0 else micro / ONE


def iso(ms: int) -> str | None:
    """Milliseconds as the venue writes a moment, whole seconds; None for 0."""
    if not ms:
        return None
    moment = dt.datetime.fromtimestamp(ms // 1000, tz=dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_prices(market: Market, book: Book | None) -> tuple[int, int]:
    """Prices of both outcomes in micro: the payouts when resolved, else the middle of the book, else a half."""
    if market.payouts is not None:
        return market.payouts
    middle = None if book is None else midpoint(book, 0)
    return (middle, ONE - middle) if middle is not None else (ONE // 2, ONE // 2)


def midpoint(book: Book, outcome: int) -> int | None:
    """The middle of best bid and ask in micro, rounded down; a missing side counts as 0 or 1. None for no orders."""
    bid, ask = book.best(outcome, Side.BUY), book.best(outcome, Side.SELL)
    if bid is None and ask is None:
        return None
    return ((bid or 0) + (ONE if ask is None else ask)) // 2


def tokens(market: Market, book: Book | None) -> list[dict[str, Any]]:
    """Both outcomes with their price and whether they won."""
    prices = shown_prices(market, book)
    return [
        {
            "token_id": str(token),
            "outcome": market.outcomes[index],
            "price": number(prices[index]),
            "winner": market.payouts is not None and market.payouts[index] == ONE,
        }
        for index, token in enumerate(market.tokens)
    ]


def rewards(market: Market) -> dict[str, Any]:
    """The liquidity rewards of a market; the spread is in cents."""
    rate = {"asset_address": P_USD, "rewards_daily_rate": number(market.reward_daily)}
    return {
        "rates": [rate] if market.reward_daily else None,
        "min_size": number(market.reward_min_size),
        "max_spread": number(market.reward_max_spread * 100),
    }


def long_market(market: Market, book: Book | None) -> dict[str, Any]:
    """`/markets/{condition_id}`."""
    return {
        "enable_order_book": True,
        "active": True,
        "closed": market.closed,
        "archived": False,
        "accepting_orders": market.accepting_orders,
        "accepting_order_timestamp": iso(market.created_ms),
        "minimum_order_size": number(market.min_size),
        "minimum_tick_size": number(market.tick),
        "condition_id": market.condition_id,
        "question_id": market.question_id,
        "question": market.question,
        "description": market.question,
        "market_slug": market.slug,
        "end_date_iso": iso(market.end_ms),
        "game_start_time": None,
        "seconds_delay": market.delay_ms // 1000,
        "fpmm": "",
        "maker_base_fee": 0,
        "taker_base_fee": LEGACY_BASE_FEE if market.fee_rate else 0,
        "notifications_enabled": True,
        "neg_risk": market.neg_risk,
        "neg_risk_market_id": market.neg_risk_market_id,
        "neg_risk_request_id": market.question_id if market.neg_risk else "",
        "icon": "",
        "image": "",
        "rewards": rewards(market),
        "is_50_50_outcome": market.payouts is not None and market.payouts[0] == market.payouts[1],
        "tokens": tokens(market, book),
        "tags": ["All"],
    }


def simplified_market(market: Market, book: Book | None) -> dict[str, Any]:
    """A row of `/simplified-markets`."""
    return {
        "condition_id": market.condition_id,
        "rewards": rewards(market),
        "tokens": tokens(market, book),
        "active": True,
        "closed": market.closed,
        "archived": False,
        "accepting_orders": market.accepting_orders,
    }


def compact_market(market: Market) -> dict[str, Any]:
    """`/clob-markets/{condition_id}`: one or two letters a field, false booleans left out."""
    shape: dict[str, Any] = {
        "c": market.condition_id,
        "gst": None,
        "r": {
            "mi": number(market.reward_min_size),
            "ma": number(market.reward_max_spread * 100),
            "e": bool(market.reward_daily),
        },
        "t": [{"t": str(token), "o": market.outcomes[index]} for index, token in enumerate(market.tokens)],
        "mos": number(market.min_size),
        "mts": number(market.tick),
        "mbf": 0,
        "tbf": LEGACY_BASE_FEE if market.fee_rate else 0,
        "fd": {"r": number(market.fee_rate), "e": market.fee_exponent, "to": True},
        "sd": market.delay_ms // 1000,
        "aot": iso(market.created_ms),
        "oas": 0,
    }
    flags = {
        "nr": market.neg_risk,
        "ao": market.accepting_orders,
        "cbos": market.accepting_orders,
        "itode": 0 < market.delay_ms < 1000,
    }
    return shape | {name: True for name, flag in flags.items() if flag}


def levels(book: Book, outcome: int, side: Side) -> list[dict[str, str]]:
    """One side as REST lists it: the best level last."""
    rows = [{"price": text(price), "size": text(size)} for price, size in book.side(outcome, side)]
    rows.reverse()
    return rows


def book_shape(market: Market, book: Book, outcome: int, changed_ms: int, last_price: int | None) -> dict[str, Any]:
    """`/book`. The hash is the SHA-1 that `py_clob_client_v2.utilities` recomputes from the other fields."""
    shape: dict[str, Any] = {
        "market": market.condition_id,
        "asset_id": str(market.tokens[outcome]),
        "timestamp": str(changed_ms),
        "hash": "",
        "bids": levels(book, outcome, Side.BUY),
        "asks": levels(book, outcome, Side.SELL),
        "min_order_size": text(market.min_size),
        "tick_size": text(market.tick),
        "neg_risk": market.neg_risk,
        "last_trade_price": "" if last_price is None else text(last_price),
    }
    shape["hash"] = hashlib.sha1(msgspec.json.encode(shape), usedforsecurity=False).hexdigest()
    return shape
