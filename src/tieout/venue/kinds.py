"""What a parsed message is, told by its field names (the venue labels only its socket events)."""

from __future__ import annotations

_EVENTS: dict[str, str] = {
    "order": "user_order",
    "trade": "user_trade",
    "book": "book",
    "price_change": "market_event",
    "last_trade_price": "market_event",
    "best_bid_ask": "market_event",
    "tick_size_change": "tick_size_change",
    "new_market": "new_market",
    "market_resolved": "market_resolved",
}

_SHAPES: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (kind, frozenset(names.split()))
    for kind, names in (
        ("subscribe", "auth"),
        ("subscribe", "operation markets"),
        ("subscribe", "operation assets_ids"),
        ("clob_trade", "taker_order_id maker_orders"),
        ("clob_trade", "taker_order_id match_time"),
        ("open_order", "original_size side"),
        ("position", "proxyWallet avgPrice"),
        ("position", "proxy_wallet current_size"),
        ("position", "proxy_wallet avg_price"),
        ("activity", "proxyWallet type"),
        ("activity", "proxy_wallet type"),
        ("data_trade", "proxyWallet side"),
        ("data_trade", "proxy_wallet side"),
        ("chain_log", "topics data"),
        ("receipt", "logs"),
        ("chain_version", "version removed receipt"),
        ("chain_event", "event transactionHash"),
        ("cancel_answer", "canceled"),
        ("cancel_answer", "not_canceled"),
        ("order_request", "order orderType"),
        ("signed_order", "makerAmount takerAmount salt"),
        ("order_answer", "orderID success"),
        ("order_answer", "orderID errorMsg"),
        ("order_answer", "orderID status"),
        ("order_answer", "errorMsg"),
        ("heartbeat", "heartbeat_id"),
        ("error_answer", "error"),
        ("error_answer", "error_msg"),
        ("balance_allowance", "balance"),
        ("fee_rate", "base_fee"),
        ("gamma_market", "conditionId clobTokenIds"),
        ("clob_market", "condition_id tokens"),
        ("clob_market_compact", "c t mts"),
        ("book", "bids asks"),
        ("vector", "maker_amount_filled taker_amount_filled fee_rate"),
        ("vector", "case takerFee makerFees"),
    )
)

KINDS: tuple[str, ...] = tuple(
    dict.fromkeys(("order_null", "chain_window", *(kind for kind, _ in _SHAPES), *_EVENTS.values(), "error_answer"))
)
"""Every kind name the decoder knows."""

_ORDER_EVENTS = frozenset(("PLACEMENT", "UPDATE", "CANCELLATION"))


def detect(payload: object) -> str | None:
    """The kind of ONE parsed message or row; None when nothing known has its field names.

    `null` is the CLOB's answer for an order that is no longer open (polymarket.md 1.3): "order_null".
    """
    if payload is None:
        return "order_null"
    if not isinstance(payload, dict):
        return None
    event = payload.get("event_type")
    if event is not None:
        return _EVENTS.get(event) if isinstance(event, str) else None
    names = payload.keys()
    for kind, needed in _SHAPES:
        if needed <= names:
            if kind == "clob_trade" and payload.get("type") == "TRADE":
                return "user_trade"
            if kind == "open_order" and str(payload.get("type")).upper() in _ORDER_EVENTS:
                return "user_order"
            return kind
    return None
