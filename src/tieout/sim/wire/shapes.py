"""REST shapes of orders and trades, field for field as `polymarket.md` 1.3 and the samples have them.

Amounts and prices are decimal text without trailing zeros, times whole unix seconds.
"""

from __future__ import annotations

from typing import Any

from tieout.sim.engine.amounts import text
from tieout.sim.model import Leg, Order, Trade, TradeStatus
from tieout.sim.wire.wallets import checksummed

FEE_RATE_BPS = "0"
"""Not the fee paid: "0" in every capture we have (`samples/`), also of fee markets."""


def open_order(order: Order) -> dict[str, Any]:
    """A row of `/data/orders`. `price` is the limit; `size_matched` is cumulative."""
    request = order.request
    return {
        "id": order.id,
        "status": str(order.status),
        "owner": request.owner,
        "maker_address": checksummed(request.wallet),
        "market": order.market.condition_id,
        "asset_id": str(request.token),
        "side": order.side.name,
        "original_size": text(order.size),
        "size_matched": text(order.matched),
        "price": text(order.price),
        "outcome": order.market.outcomes[order.outcome],
        "expiration": str(request.expiration),
        "order_type": str(request.kind),
        "associate_trades": list(order.trades),
        "created_at": order.created_ms // 1000,
    }


def maker_order(leg: Leg) -> dict[str, Any]:
    """One maker's part of a trade, at the maker's own price and on the maker's own token."""
    order = leg.maker
    return {
        "order_id": order.id,
        "owner": order.request.owner,
        "maker_address": checksummed(order.request.wallet),
        "matched_amount": text(leg.shares),
        "price": text(order.price),
        "fee_rate_bps": FEE_RATE_BPS,
        "asset_id": str(order.request.token),
        "outcome": order.market.outcomes[order.outcome],
        "side": order.side.name,
    }


def trade_status(trade: Trade) -> str:
    """The status as REST writes it, with its prefix; a match that was not sent yet has a name of its own.

    `polymarket-client` 0.14.0, `models/clob/account.py`: the prefix is REST's, MATCHED_NOT_BROADCASTED too.
    """
    if trade.status is TradeStatus.MATCHED and not trade.tx_hash:
        return "TRADE_STATUS_MATCHED_NOT_BROADCASTED"
    return f"TRADE_STATUS_{trade.status}"


def trade_row(trade: Trade, viewer_signer: str) -> dict[str, Any]:
    """A row of `/data/trades` for one of its sides: all but `trader_side` describes the taker.

    A signer that was on both sides sees itself as TAKER.
    """
    taker = trade.taker
    return {
        "id": trade.id,
        "taker_order_id": taker.id,
        "market": taker.market.condition_id,
        "asset_id": str(taker.request.token),
        "side": taker.side.name,
        "size": text(trade.shares),
        "fee_rate_bps": FEE_RATE_BPS,
        "price": text(trade.price),
        "status": trade_status(trade),
        "match_time": str(trade.match_ms // 1000),
        "last_update": str(trade.updated_ms // 1000),
        "outcome": taker.market.outcomes[taker.outcome],
        "bucket_index": trade.bucket_index,
        "owner": taker.request.owner,
        "maker_address": checksummed(taker.request.wallet),
        "transaction_hash": trade.tx_hash,
        "maker_orders": [maker_order(leg) for leg in trade.legs],
        "trader_side": "TAKER" if taker.request.signer == viewer_signer else "MAKER",
    }


def placed(order_id: str, status: str, making: int | None, taking: int | None, trades: list[str]) -> dict[str, Any]:
    """The answer to an accepted order. Amounts in micro-units, None for "": nothing matched at placement.

    Matches are committed later, so there are trade ids but no transaction hashes (changelog 2026-07-17).
    """
    return {
        "success": True,
        "errorMsg": "",
        "orderID": order_id,
        "status": status,
        "makingAmount": "" if making is None else text(making),
        "takingAmount": "" if taking is None else text(taking),
        "tradeIDs": trades,
        "transactionsHashes": [],
    }
