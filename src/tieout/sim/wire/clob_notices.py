"""Payloads of notifications (`polymarket-client` 0.14.0, `models/clob/notifications.py`)."""

from __future__ import annotations

from typing import Any

from tieout.sim.engine.amounts import text
from tieout.sim.model import Market, Order, Trade
from tieout.sim.wire.market_shapes import long_market


def order_payload(order: Order, trade: Trade | None) -> dict[str, Any]:
    """What kinds 1 (cancellation), 2 (fill) and 8 (fill failed) carry; the last two name their *trade*."""
    market = order.market
    return {
        "asset_id": str(order.request.token),
        "market": market.condition_id,
        "order_id": order.id,
        "side": order.side.name,
        "type": str(order.request.kind),
        "price": text(order.price),
        "original_size": text(order.size),
        "matched_size": text(order.matched),
        "remaining_size": text(order.remaining),
        "outcome": market.outcomes[order.outcome],
        "outcome_index": order.outcome,
        "transaction_hash": trade.tx_hash if trade else "",
        "trade_id": trade.id if trade else "",
        "question": market.question,
        "market_slug": market.slug,
        "icon": "",
        "image": "",
        "eventSlug": market.event_slug,
        "seriesSlug": "",
    }


def market_payload(market: Market) -> dict[str, Any]:
    """What kind 4 (market resolved) carries: the market in its long form."""
    return {**long_market(market, None), "eventSlug": market.event_slug}
