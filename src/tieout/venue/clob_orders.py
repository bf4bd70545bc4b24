"""CLOB orders, from the user channel and from REST, as facts (polymarket.md 1.3, 2 and 3.1).

One order said by either source gives the same OrderPlaced, byte for byte: its time is `created_at` cut to the second,
because REST gives seconds and the socket seconds or milliseconds.
"""

from __future__ import annotations

from typing import Any

from tieout.ledger.facts import MatchClaimed, OrderClosed, OrderPlaced
from tieout.venue import fields
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.listings import listings
from tieout.venue.wire import Row, WireError, shown

_KNOWN = frozenset(
    [
        "event_type",
        "type",
        "id",
        "owner",
        "order_owner",
        "market",
        "asset_id",
        "token_id",
        "side",
        "original_size",
        "size_matched",
        "price",
        "associate_trades",
        "outcome",
        "created_at",
        "expiration",
        "order_type",
        "status",
        "maker_address",
        "timestamp",
    ]
)
_EVENT_TYPES = frozenset(("PLACEMENT", "UPDATE", "CANCELLATION"))
_RESTING = frozenset(("LIVE", "UNMATCHED", "DELAYED", "MATCHED"))
_OVER = ("CANCELED", "CANCELLED", "INVALID", "EXPIRED")
_DUST = 10_000
"""The CLOB cuts matched sizes to steps of 0.01 share, so so much may be left at MATCHED (polymarket.md 2)."""


def decode_order(row: Row, identity: Identity, out: Decoded) -> None:
    """Facts of one order message or row: its terms, what is claimed as matched, and whether it rests no more."""
    out.note_fields(row, _KNOWN)
    order_id = fields.ident(row, "id")
    if not _ours(row, identity):
        maker = shown(row.get("maker_address"), quoted=False)
        out.problem("foreign", f"order {shown(order_id)} belongs to {maker}, expected {identity.wallet}")
        return
    named: dict[str, Any] = {"order_id": order_id, "token_id": fields.token(row), "condition_id": fields.condition(row)}
    placed = _placed(row, named)
    matched, trades = _matched(row), fields.ident_list(row, "associate_trades")
    at_ms = fields.instant(row, "timestamp")
    reason = _closing(row, placed.size, matched, out)
    out.facts.append(placed)
    if matched > 0:
        out.facts.append(
            MatchClaimed(occurred_at_ms=at_ms, size_matched=matched, observed_at_ms=at_ms, trade_ids=trades, **named)
        )
    if reason is not None:
        out.facts.append(OrderClosed(occurred_at_ms=at_ms, reason=reason, **named))
    out.facts.extend(listings(placed.condition_id, placed.token_id))


def _placed(row: Row, named: dict[str, Any]) -> OrderPlaced:
    """The order's terms."""
    return OrderPlaced(
        occurred_at_ms=fields.instant(row, "created_at") // 1000 * 1000,
        side=fields.side(row),
        price=fields.price(row),
        size=fields.amount(row, "original_size"),
        order_type=fields.text(row, "order_type"),
        expiration_s=fields.instant(row, "expiration") // 1000,
        **named,
    )


def _ours(row: Row, identity: Identity) -> bool:
    """Whether the order is ours by API key or by funding wallet."""
    return (
        identity.is_owner(row.get("owner"))
        or identity.is_owner(row.get("order_owner"))
        or identity.is_wallet(row.get("maker_address"))
    )


def _matched(row: Row) -> int:
    """Cumulative matched size; "" (seen on a FOK kill) and null are 0."""
    value = row.get("size_matched")
    return 0 if value is None or value == "" else fields.amount(row, "size_matched")


def _closing(row: Row, size: int, matched: int, out: Decoded) -> str | None:
    """The venue's reason when the order rests no more, else None. A CANCELLATION always closes (expiry is one too)."""
    event = row.get("type")
    if event is not None and type(event) is not str:
        raise WireError(f"type: expected PLACEMENT, UPDATE or CANCELLATION, was {shown(event)}")
    if event is not None and event not in _EVENT_TYPES:
        out.note("type", event)
    status = fields.text(row, "status").removeprefix("ORDER_STATUS_")
    if not status and event not in _EVENT_TYPES:
        raise WireError(f"status: expected an order status, was {shown(row.get('status'))}")
    upper = status.upper()
    if upper.startswith(_OVER) or (upper == "MATCHED" and matched >= size - _DUST):
        return status
    if status and upper not in _RESTING:
        out.note("status", status)
    return status or "CANCELLATION" if event == "CANCELLATION" else None
