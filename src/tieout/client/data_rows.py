"""Rows of the Data API as typed values, v1 (camelCase) or v2 (snake_case); a third witness, for comparing only.

Shares and collateral are micro-units, the floats' binary noise rounded away; times are milliseconds.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.venue import fields
from tieout.venue.wire import Row, WireError


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What the index believes the wallet holds of one token."""

    token_id: str
    condition_id: str
    outcome_index: int
    shares: int
    redeemable: bool
    mergeable: bool
    average: int = 0
    """Average price paid by the index's own rules, 0 when it tells none; for comparing only."""
    realized: int | None = None
    """Realized PnL by the index's own rules, signed micro-units; None when it tells none."""
    last_event_ms: int = 0
    """When anything last happened to it; 0 when the index does not say (v1)."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A line of activity, or a trade (`type` TRADE): a sum over one transaction, token and side."""

    type: str
    at_ms: int
    tx_hash: str
    condition_id: str
    token_id: str
    side: Side | None
    shares: int
    collateral: int


def position_row(row: Row) -> PositionRow:
    """A row of `/positions` or `/v2/positions`. Raises WireError."""
    renamed = _renamed(row)
    size = "current_size" if "current_size" in renamed else "size"
    return PositionRow(
        token_id=fields.token(renamed, "token_id"),
        condition_id=fields.condition(renamed, "condition_id"),
        outcome_index=fields.whole(renamed, "outcome_index"),
        shares=fields.float_amount(renamed, size),
        redeemable=row.get("redeemable") is True,
        mergeable=row.get("mergeable") is True,
        average=_average(renamed),
        realized=_signed(renamed, "realized_pnl"),
        last_event_ms=_instant(renamed, "last_event_at"),
    )


def closed_row(row: Row) -> PositionRow:
    """A row of `/closed-positions`, which names no size: nothing is held. Raises WireError."""
    return position_row({"size": 0, **row})


def event_row(row: Row) -> EventRow:
    """A row of `/activity` or `/trades`, of either version. Raises WireError."""
    renamed = _renamed(row)
    return EventRow(
        type=fields.text(renamed, "type") or "TRADE",
        at_ms=fields.instant(renamed, "timestamp"),
        tx_hash=fields.tx_hash(renamed),
        condition_id=fields.condition(renamed, "condition_id"),
        token_id=fields.token(renamed, "token_id") if renamed.get("token_id") else "",
        side=fields.side(renamed) if renamed.get("side") else None,
        shares=_or_zero(renamed, "size"),
        collateral=_or_zero(renamed, "usdc_size"),
    )


_V2_NAMES = {
    "asset": "token_id",
    "avgPrice": "avg_price",
    "conditionId": "condition_id",
    "outcomeIndex": "outcome_index",
    "realizedPnl": "realized_pnl",
    "transactionHash": "transaction_hash",
    "usdcSize": "usdc_size",
}


def _renamed(row: Row) -> dict[str, Any]:
    """The row with the names of v2."""
    return {_V2_NAMES.get(name, name): value for name, value in row.items()}


def _average(row: Row) -> int:
    """Micro-units, rounded down; one that cannot be read is none, and takes no position with it."""
    with suppress(WireError):
        return int(fields.number(row, "avg_price") * MICRO)
    return 0


def _signed(row: Row, name: str) -> int | None:
    """Micro-units, also below zero; what cannot be read is none, and takes no position with it."""
    value = row.get(name)
    with suppress(WireError):
        if isinstance(value, int | Decimal) and value < 0:
            return -fields.float_amount({name: -value}, name)
        return fields.float_amount(row, name)
    return None


def _instant(row: Row, name: str) -> int:
    """Milliseconds; 0 for what cannot be read."""
    with suppress(WireError):
        return fields.instant(row, name)
    return 0


def _or_zero(row: Row, name: str) -> int:
    return 0 if row.get(name) in (None, "") else fields.float_amount(row, name)
