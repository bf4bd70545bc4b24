"""What is known of each kind of payload: the recordings, and for some fields and kinds only a description of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sim.shapes.classes import Union
from support.shared import SHARED

FILES: dict[str, tuple[str, ...]] = {
    "user order": (
        "samples/nt_ws_user_order_*.json", "samples/official_ws_user_order.json", "samples/ws_user_order_*.json",
        "real/user-channel/test_order_*.json",
    ),
    "user trade": (
        "samples/nt_ws_user_trade.json", "samples/official_ws_user_trade.json", "samples/ws_user_trade_*.json",
        "real/user-channel/test_trade_*.json",
    ),
    "ws book": ("samples/ws_market_book.json",),
    "ws price_change": ("samples/ws_market_price_change.json",),
    "ws last_trade_price": ("samples/ws_market_last_trade_price.json",),
    "ws tick_size_change": ("samples/ws_market_tick_size_change.json",),
    "ws best_bid_ask": ("samples/nt_ws_market_best_bid_ask_msg.json",),
    "ws new_market": ("samples/nt_ws_market_new_market_msg.json",),
    "ws market_resolved": ("samples/nt_ws_market_resolved_msg.json",),
    "book": ("samples/clob_book.json", "samples/nt_clob_book_response.json"),
    "market": ("samples/clob_market.json",),
    "open order": ("samples/nt_http_open_order*.json",),
    "trade": ("samples/nt_http_trade*.json",),
    "order answer": ("samples/post_order_response_rest.json",),
    "batch refusal": ("samples/post_orders_batch_postonly_reject.json",),
    "error": ("samples/nt_http_order_response_error_500.json",),
    "cancel answer": ("samples/nt_http_cancel_response_*.json", "samples/nt_http_batch_cancel_response.json"),
    "wrong heartbeat": ("samples/heartbeat_400.json",),
    "fee rate": ("samples/nt_clob_fee_rate_response_nonzero.json",),
    "gamma market": ("samples/nt_gamma_market*.json",),
    "position v1": ("samples/nt_data_api_positions_response.json", "real/wallet/positions.json"),
    "activity v1": ("real/activity/*.json", "real/wallet/activity*.json"),
    "data trade v1": (
        "samples/data_api_v1_trades.json", "samples/nt_data_api_trades_response.json", "real/wallet/trades.json",
    ),
    "position v2": ("samples/data_api_v2_positions.json",),
    "activity v2": ("samples/data_api_v2_activity.json",),
    "data trade v2": ("samples/data_api_v2_trades.json",),
    "receipt": ("real/receipts/*.json",),
}  # fmt: skip
"""Files of recordings by kind; rows inside pages and lists count singly."""

PAGES: dict[str, tuple[str, ...]] = {
    "page": ("samples/nt_http_open_orders_page.json", "samples/nt_http_trades_page.json"),
    "page v2": (
        "samples/data_api_v2_positions.json", "samples/data_api_v2_activity.json", "samples/data_api_v2_trades.json",
    ),
}  # fmt: skip
"""The envelopes around rows, without the rows."""

DESCRIBED: dict[str, dict[str, str]] = {
    # polymarket.md 1.3, GET /data/orders; the recordings lack the two numbers
    "page": {".limit": "int", ".count": "int"},
    # polymarket.md 1.3, Books/markets
    "book": {
        ".timestamp": "milliseconds", ".hash": "digest", ".min_order_size": "decimal", ".tick_size": "decimal",
        ".neg_risk": "bool", ".last_trade_price": "decimal empty",
    },
    # polymarket.md 1.3: decimals as text, "" when nothing matched, trade ids are uuids
    "order answer": {
        ".makingAmount": "decimal", ".takingAmount": "decimal", ".tradeIDs[]": "uuid", ".orderID": "hash",
    },
    # polymarket.md 2: the killed order's id may come along
    "error": {".orderID": "hash"},
    # polymarket.md 1.3, GET /data/trades: forms of time and hash that the hand-made fixture lacks
    "trade": {
        ".id": "uuid", ".match_time": "seconds", ".last_update": "seconds", ".transaction_hash": "hash empty null",
        ".taker_order_id": "hash",
    },
    # polymarket.md 3.1 and 1.3: the date of a GTD order, unix seconds as text
    "user order": {".expiration": "seconds"},
    # polymarket.md 1.3
    "open order": {".associate_trades[]": "uuid", ".expiration": "seconds whole null", ".created_at": "int seconds"},
    # polymarket.md 1.3: {balance: "<base units>", allowances: {spender: "<base units>"}}
    "balance allowance": {
        "": "object", ".balance": "whole", ".allowances": "object", ".allowances.{}": "whole token ?",
    },
    # polymarket.md 1.3, compact market; TS2 MarketDetails: what is false is left out
    "compact market": {
        "": "object", ".c": "hash", ".t": "array", ".t[]": "object ?", ".t[].t": "token ?", ".t[].o": "text ?",
        ".mts": "float", ".mos": "float", ".nr": "bool ?", ".fd": "object", ".fd.r": "float", ".fd.e": "int",
        ".fd.to": "bool", ".mbf": "int", ".tbf": "int", ".r": "object", ".r.mi": "float", ".r.ma": "float",
        ".r.e": "bool", ".r.smoa": "bool ?", ".r.moas": "int ?", ".ao": "bool ?", ".sd": "int", ".gst": "iso null",
        ".cbos": "bool ?", ".aot": "iso", ".rfqe": "bool ?", ".itode": "bool ?", ".ibce": "bool ?",
    },
    # polymarket.md 1.3, the small answers
    "midpoint": {"": "object", ".mid": "decimal"},
    "price": {"": "object", ".price": "decimal"},
    "spread": {"": "object", ".spread": "decimal"},
    "last trade price": {"": "object", ".price": "decimal", ".side": "text empty"},
    "tick size": {"": "object", ".minimum_tick_size": "float"},
    "neg risk": {"": "object", ".neg_risk": "bool"},
    "by token": {"": "object", ".condition_id": "hash", ".primary_token_id": "token", ".secondary_token_id": "token"},
    "heartbeat": {"": "object", ".heartbeat_id": "uuid"},
    "wrong heartbeat": {".heartbeat_id": "uuid empty"},
    "closed only": {"": "object", ".closed_only": "bool"},
    "scoring": {"": "object", ".scoring": "bool"},
    "api keys": {"": "object", ".apiKeys": "array", ".apiKeys[]": "uuid ?"},
}  # fmt: skip
"""Classes (several with spaces between) of paths that no recording has, each from the source above it.

A field of a kind without recordings may be absent only where it says "?".
"""


def rows(payload: Any) -> Iterator[Any]:
    """The rows of a page or list; anything else is one."""
    if isinstance(payload, dict):
        payload = next((payload[name] for name in ("data", "rows") if isinstance(payload.get(name), list)), [payload])
    yield from payload


def envelope(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name != "data"}


def _files(patterns: tuple[str, ...]) -> Iterator[Any]:
    for pattern in patterns:
        files = sorted(SHARED.glob(pattern))
        assert files, f"no recording fits {pattern}"
        for file in files:
            yield json.loads(file.read_text())


def known() -> dict[str, Union]:
    """The union of every kind."""
    unions: dict[str, Union] = {}
    for kind, patterns in FILES.items():
        for payload in _files(patterns):
            for row in rows(payload):
                unions.setdefault(kind, Union()).add(row)
    for kind, patterns in PAGES.items():
        for payload in _files(patterns):
            unions.setdefault(kind, Union()).add(envelope(payload))
    for kind, paths in DESCRIBED.items():
        union = unions.setdefault(kind, Union())
        for path, text in paths.items():
            classes, may_lack, _ = text.partition(" ?")
            named = {"int seconds"} if classes == "int seconds" else set(classes.split())
            union.classes.setdefault(path, set()).update(named)
            if kind not in FILES and kind not in PAGES and not may_lack:
                union.described.add(path)
    return unions
