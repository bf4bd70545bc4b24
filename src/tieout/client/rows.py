"""Rows of the account as typed values, for control flow only: the books are made from the raw bodies.

Amounts and prices are micro-units, times milliseconds. Shapes: `polymarket.md` 1.3. Each reader raises WireError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tieout.client.pages import as_list, as_row
from tieout.ledger.facts import Side
from tieout.venue import fields
from tieout.venue.wire import Row


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that rests. `size_matched` is cumulative; `price` is the limit."""

    order_id: str
    status: str
    condition_id: str
    token_id: str
    side: Side
    price: int
    original_size: int
    size_matched: int
    trade_ids: tuple[str, ...]
    created_at_ms: int
    expiration_s: int
    order_type: str
    maker_address: str
    owner: str


@dataclass(frozen=True, slots=True)
class MakerLeg:
    """One maker of a match. `side` is None in the older shape."""

    order_id: str
    token_id: str
    side: Side | None
    matched: int
    price: int
    maker_address: str
    owner: str


@dataclass(frozen=True, slots=True)
class Trade:
    """A match. Side, size, price and token are the taker's, also where the account was a maker (`trader_side`)."""

    trade_id: str
    status: str
    condition_id: str
    token_id: str
    side: Side
    size: int
    price: int
    taker_order_id: str
    trader_side: str
    matched_at_ms: int
    tx_hash: str
    bucket_index: int
    maker_address: str
    owner: str
    legs: tuple[MakerLeg, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """A line of `/notifications`. Types 1 cancellation, 2 fill, 4 resolved, 8 order fill failed, 9 auto-redeemed."""

    number: int
    kind: int
    at_ms: int
    owner: str
    order_id: str
    trade_id: str
    tx_hash: str


def open_order(row: Row) -> OpenOrder:
    """A row of `/data/orders`."""
    return OpenOrder(
        order_id=fields.ident(row, "id"),
        status=fields.text(row, "status").removeprefix("ORDER_STATUS_"),
        condition_id=fields.condition(row),
        token_id=fields.token(row),
        side=fields.side(row),
        price=fields.price(row),
        original_size=fields.positive(row, "original_size"),
        size_matched=0 if row.get("size_matched") == "" else fields.amount(row, "size_matched"),
        trade_ids=fields.ident_list(row, "associate_trades"),
        created_at_ms=fields.instant(row, "created_at"),
        expiration_s=fields.whole(row, "expiration"),
        order_type=fields.text(row, "order_type"),
        maker_address=fields.text(row, "maker_address").lower(),
        owner=fields.text(row, "owner"),
    )


def trade(row: Row) -> Trade:
    """A row of `/data/trades`."""
    legs = as_list(row.get("maker_orders") or [], "maker_orders")
    return Trade(
        trade_id=fields.ident(row, "id"),
        status=fields.text(row, "status").removeprefix("TRADE_STATUS_"),
        condition_id=fields.condition(row),
        token_id=fields.token(row),
        side=fields.side(row),
        size=fields.positive(row, "size"),
        price=fields.price(row),
        taker_order_id=fields.ident(row, "taker_order_id"),
        trader_side=fields.text(row, "trader_side"),
        matched_at_ms=fields.instant(row, "match_time"),
        tx_hash=fields.tx_hash(row),
        bucket_index=fields.whole(row, "bucket_index"),
        maker_address=fields.text(row, "maker_address").lower(),
        owner=fields.text(row, "owner"),
        legs=tuple(_leg(leg) for leg in legs),
    )


def notification(row: Row) -> Notification:
    """A row of `/notifications`; the payload's names are those of orders (`polymarket.md` 1.3)."""
    payload = row.get("payload")
    told: Row = payload if type(payload) is dict else {}
    return Notification(
        number=fields.whole(row, "id"),
        kind=fields.whole(row, "type"),
        at_ms=fields.instant(row, "timestamp"),
        owner=fields.text(row, "owner"),
        order_id=fields.text(told, "order_id").lower(),
        trade_id=fields.text(told, "trade_id"),
        tx_hash=fields.tx_hash(told),
    )


def _leg(leg: Any) -> MakerLeg:
    leg = as_row(leg, "maker_orders")
    return MakerLeg(
        order_id=fields.ident(leg, "order_id"),
        token_id=fields.token(leg),
        side=fields.side(leg) if leg.get("side") else None,
        matched=fields.positive(leg, "matched_amount"),
        price=fields.price(leg),
        maker_address=fields.text(leg, "maker_address").lower(),
        owner=fields.text(leg, "owner"),
    )
