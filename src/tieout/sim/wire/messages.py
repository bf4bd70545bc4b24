"""What the user channel and the market channel say, as JSON values (`polymarket.md` 3.1 and 3.2).

Pure encoders: they read an order, a trade or a book as it stands at the moment of the call and keep nothing. Prices,
sizes and times are text: decimals without trailing zeros, whole seconds or milliseconds.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tieout.sim.engine.amounts import ONE, text
from tieout.sim.engine.book import Book
from tieout.sim.engine.rejections import Reason
from tieout.sim.model import Leg, Market, Order, OrderStatus, Side, Trade
from tieout.sim.wire.shapes import FEE_RATE_BPS
from tieout.sim.wire.wallets import checksummed

Message = dict[str, Any]

KILLED: dict[str, str] = {
    Reason.FOK_NOT_FILLED: "order couldn't be fully filled. FOK orders are fully filled or killed.",
    Reason.FAK_NO_MATCH: (
        "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
    ),
}
"""The venue's words for an order it killed at once (polymarket-client 0.14.0, `models/clob/order_response.py`)."""

_BY_USER = (OrderStatus.LIVE, OrderStatus.DELAYED, OrderStatus.MATCHED, OrderStatus.CANCELED)


# the user channel


def order_message(order: Order, kind: str, now_ms: int) -> Message:
    """An order event; *kind* is PLACEMENT, UPDATE or CANCELLATION."""
    request = order.request
    message = {
        "asset_id": str(request.token),
        "associate_trades": list(order.trades) or None,
        "created_at": str(order.created_ms // 1000),
        "event_type": "order",
        "expiration": str(request.expiration),
        "id": order.id,
        "maker_address": checksummed(request.wallet),
        "market": order.market.condition_id,
        "order_owner": request.owner,
        "order_type": str(request.kind),
        "original_size": text(order.size),
        "outcome": order.market.outcomes[order.outcome],
        "owner": request.owner,
        "price": text(order.price),
        "side": order.side.name,
        "size_matched": text(order.matched),
        "status": str(order.status),
        "timestamp": str(now_ms),
        "type": kind,
    }
    return message | _closing(order)


def _closing(order: Order) -> Message:
    """What differs in the event of an order the venue killed or took away, as recorded.

    A killed order has no outcome, no time and no matched size (`samples/nt_ws_user_order_fok_killed.json`); one that
    the venue cancelled has a list of trades even when it is empty (`samples/nt_ws_user_order_venue_cancel.json`).
    """
    if words := KILLED.get(order.note):
        status = f"CANCELED_{words}"
        return {"associate_trades": [], "created_at": "", "outcome": "", "size_matched": "", "status": status}
    return {} if order.status in _BY_USER else {"associate_trades": list(order.trades)}


def trade_message(trade: Trade, viewer_signer: str, now_ms: int) -> Message:
    """A trade event for one viewer. The top level describes the taker, whoever looks; so does `owner`."""
    taker, market = trade.taker, trade.market
    request = taker.request
    return {
        "asset_id": str(request.token),
        "bucket_index": trade.bucket_index,
        "event_type": "trade",
        "fee_rate_bps": FEE_RATE_BPS,
        "id": trade.id,
        "last_update": str(trade.updated_ms // 1000),
        "maker_address": checksummed(request.wallet),
        "maker_orders": [_maker_order(leg) for leg in trade.legs],
        "market": market.condition_id,
        "match_time": str(trade.match_ms // 1000),
        "outcome": market.outcomes[taker.outcome],
        "owner": request.owner,
        "price": text(trade.price),
        "side": taker.side.name,
        "size": text(trade.shares),
        "status": str(trade.status),
        "taker_order_id": taker.id,
        "timestamp": str(now_ms),
        "trade_owner": request.owner,
        "trader_side": "TAKER" if request.signer == viewer_signer else "MAKER",
        "transaction_hash": trade.tx_hash or None,
        "type": "TRADE",
    }


def _maker_order(leg: Leg) -> Message:
    maker = leg.maker
    return {
        "asset_id": str(maker.request.token),
        "fee_rate_bps": FEE_RATE_BPS,
        "maker_address": checksummed(maker.request.wallet),
        "matched_amount": text(leg.shares),
        "order_id": maker.id,
        "outcome": maker.market.outcomes[maker.outcome],
        "outcome_index": maker.outcome,
        "owner": maker.request.owner,
        "price": text(maker.price),
        "side": maker.side.name,
    }


# the market channel


def book_message(market: Market, outcome: int, book: Book, now_ms: int) -> Message:
    """A snapshot of one outcome's book; the best levels stand last on both sides, as in `/book`."""
    message: Message = {
        "asks": _levels(book, outcome, Side.SELL),
        "asset_id": str(market.tokens[outcome]),
        "bids": _levels(book, outcome, Side.BUY),
        "event_type": "book",
        "market": market.condition_id,
        "timestamp": str(now_ms),
    }
    return message | {"hash": _hash(repr(message))}


def _levels(book: Book, outcome: int, side: Side) -> list[Message]:
    return [{"price": text(price), "size": text(size)} for price, size in reversed(book.side(outcome, side))]


def _hash(content: str) -> str:
    """40 hex digits, as the venue's hashes have; a client can only compare them."""
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def best_prices(book: Book, outcome: int) -> tuple[int, int]:
    """Best bid and ask in micro; an empty side counts as 0 and 1 (official example of `price_change`)."""
    bid, ask = book.best(outcome, Side.BUY), book.best(outcome, Side.SELL)
    return 0 if bid is None else bid, ONE if ask is None else ask


def price_change_message(market: Market, book: Book, change: tuple[Side, int, int], now_ms: int) -> Message:
    """The new total of a level, for both outcomes; *change* is (side, price, size) of outcome 0."""
    side, price, size = change
    other = Side.SELL if side is Side.BUY else Side.BUY
    rows = [(0, side, price), (1, other, ONE - price)]
    return {
        "event_type": "price_change",
        "market": market.condition_id,
        "price_changes": [_change(market, book, row, size, now_ms) for row in rows],
        "timestamp": str(now_ms),
    }


def _change(market: Market, book: Book, row: tuple[int, Side, int], size: int, now_ms: int) -> Message:
    outcome, side, price = row
    bid, ask = best_prices(book, outcome)
    token = str(market.tokens[outcome])
    return {
        "asset_id": token,
        "best_ask": text(ask),
        "best_bid": text(bid),
        "hash": _hash(f"{token}/{side}/{price}/{size}/{now_ms}"),
        "price": text(price),
        "side": side.name,
        "size": text(size),
    }


def last_trade_message(trade: Trade, now_ms: int) -> Message:
    """The last price, of the taker's token; there is no trade id in it."""
    return {
        "asset_id": str(trade.taker.request.token),
        "event_type": "last_trade_price",
        "fee_rate_bps": FEE_RATE_BPS,
        "market": trade.market.condition_id,
        "price": text(trade.price),
        "side": trade.taker.side.name,
        "size": text(trade.shares),
        "timestamp": str(now_ms),
    }


def tick_message(market: Market, outcome: int, ticks: tuple[int, int], now_ms: int) -> Message:
    """The price grid changed from the first of *ticks* to the second (micro)."""
    return {
        "asset_id": str(market.tokens[outcome]),
        "event_type": "tick_size_change",
        "market": market.condition_id,
        "new_tick_size": text(ticks[1]),
        "old_tick_size": text(ticks[0]),
        "timestamp": str(now_ms),
    }


def best_message(market: Market, outcome: int, best: tuple[int, int], now_ms: int) -> Message:
    """The best bid and ask (micro) of one outcome."""
    return {
        "asset_id": str(market.tokens[outcome]),
        "best_ask": text(best[1]),
        "best_bid": text(best[0]),
        "event_type": "best_bid_ask",
        "market": market.condition_id,
        "spread": text(best[1] - best[0]),
        "timestamp": str(now_ms),
    }


def new_market_message(market: Market, now_ms: int) -> Message:
    """A market began to trade."""
    tokens = [str(token) for token in market.tokens]
    return {
        "active": True,
        "assets_ids": tokens,
        "clob_token_ids": tokens,
        "condition_id": market.condition_id,
        "description": market.question,
        "event_message": {
            "description": market.event_title,
            "id": market.event_id,
            "slug": market.event_slug,
            "ticker": market.event_slug,
            "title": market.event_title,
        },
        "event_type": "new_market",
        "game_start_time": "",
        "group_item_title": "",
        "id": str(market.number),
        "line": "",
        "market": market.condition_id,
        "order_price_min_tick_size": text(market.tick),
        "outcomes": list(market.outcomes),
        "question": market.question,
        "slug": market.slug,
        "sports_market_type": "",
        "tags": [],
        "timestamp": str(now_ms),
    }


def resolved_message(market: Market, now_ms: int) -> Message | None:
    """A market was resolved; None when no outcome takes all, for which the message has no form."""
    if market.payouts is None or ONE not in market.payouts:
        return None
    winner = market.payouts.index(ONE)
    return {
        "assets_ids": [str(token) for token in market.tokens],
        "event_type": "market_resolved",
        "id": str(market.number),
        "market": market.condition_id,
        "tags": [],
        "timestamp": str(now_ms),
        "winning_asset_id": str(market.tokens[winner]),
        "winning_outcome": market.outcomes[winner],
    }
