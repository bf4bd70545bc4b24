"""CLOB trades, from the user channel and from REST: one FillObserved for each own leg (polymarket.md 3.1, rules 1-4).

The top level of a trade describes the taker, even when we made the market; `maker_orders` holds every maker of the
match. Several own legs in one trade are normal, and so is a leg on the other outcome's token (MINT, MERGE).
"""

from __future__ import annotations

from typing import Any

from tieout.ledger.facts import FillObserved, Role, Side
from tieout.ledger.units import cash_of
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
        "taker_order_id",
        "market",
        "asset_id",
        "token_id",
        "side",
        "size",
        "price",
        "fee_rate_bps",
        "status",
        "match_time",
        "matchtime",
        "match_time_nano",
        "last_update",
        "outcome",
        "outcome_index",
        "owner",
        "trade_owner",
        "maker_address",
        "transaction_hash",
        "bucket_index",
        "trader_side",
        "timestamp",
        "err_msg",
        "error_msg",
        "maker_orders",
        "builder_fee",
        "builder_code",
    ]
)
_KNOWN_LEG = frozenset(
    [
        "order_id",
        "owner",
        "maker_address",
        "matched_amount",
        "price",
        "fee_rate_bps",
        "asset_id",
        "token_id",
        "outcome",
        "outcome_index",
        "side",
        "builder_fee",
        "builder_code",
    ]
)
_STATUSES = frozenset(("MATCHED_NOT_BROADCASTED", "MATCHED", "MINED", "RETRYING", "CONFIRMED", "FAILED"))


def decode_trade(row: Row, identity: Identity, out: Decoded) -> None:
    """Facts of one trade: its own legs, each on its own; a bad leg does not take a good one with it."""
    out.note_fields(row, _KNOWN)
    common = _common(row, out)
    before = len(out.problems)
    found = 0
    if _taker_is_ours(row, identity):
        found += 1
        _add_leg(row, None, common, out)
    makers = row.get("maker_orders")
    if makers is not None and type(makers) is not list:
        raise WireError(f"maker_orders: expected a list, was {shown(makers)}")
    for leg in makers or ():
        if type(leg) is not dict:
            out.problem("undecodable", f"maker_orders: expected objects, was {shown(leg)}")
        elif identity.is_wallet(leg.get("maker_address")) or identity.is_owner(leg.get("owner")):
            found += 1
            _add_leg(row, leg, common, out)
    if not found and len(out.problems) == before:
        out.problem("no_own_leg", f"trade {shown(common['trade_id'])} has no leg of {identity.wallet}")


def _common(row: Row, out: Decoded) -> dict[str, Any]:
    """What all legs of the trade share, as fields of FillObserved."""
    status = fields.text(row, "status").removeprefix("TRADE_STATUS_")
    if not status:
        raise WireError(f"status: expected a trade status, was {shown(row.get('status'))}")
    if status not in _STATUSES:
        out.note("status", status)
    at_ms = fields.instant(row, "match_time") or fields.instant(row, "matchtime")
    return {
        "trade_id": fields.ident(row, "id"),
        "status": status,
        "condition_id": fields.condition(row),
        "occurred_at_ms": at_ms,
        "tx_hash": fields.tx_hash(row),
        "bucket_index": fields.whole(row, "bucket_index"),
    }


def _taker_is_ours(row: Row, identity: Identity) -> bool:
    """Whether the top level is our own order.

    In messages of role MAKER `owner` was seen equal to the taker's key and `maker_address` to the taker's wallet, so
    a wallet that is named and is not ours refuses: the books are of one wallet.
    """
    wallet = row.get("maker_address")
    if identity.is_wallet(wallet):
        return True
    role = row.get("trader_side")
    if role == "TAKER":
        return identity.is_owner(row.get("owner")) or identity.is_owner(row.get("trade_owner"))
    named = type(wallet) is str and bool(wallet.strip("0xX"))
    return identity.is_owner(row.get("owner")) and not (role == "MAKER" and named)


def _add_leg(row: Row, leg: Row | None, common: dict[str, Any], out: Decoded) -> None:
    """Adds the fill of one own leg: the taker's (leg None) or a maker's."""
    try:
        fill = _taker_fill(row, common) if leg is None else _maker_fill(row, leg, common)
    except WireError as error:
        where = "" if leg is None else "maker_orders."
        out.problem("undecodable", f"{where}{error}")
        return
    if leg is not None:
        out.note_fields(leg, _KNOWN_LEG)
    out.facts.append(fill)
    for listing in listings(fill.condition_id, fill.token_id):
        if listing not in out.facts:
            out.facts.append(listing)


def _taker_fill(row: Row, common: dict[str, Any]) -> FillObserved:
    """Our taker leg. Its fee is not in the trade (`fee_rate_bps` is not the fee paid, polymarket.md 7): None."""
    shares = fields.positive(row, "size")
    return FillObserved(
        order_id=fields.ident(row, "taker_order_id"),
        token_id=fields.token(row),
        side=fields.side(row),
        shares=shares,
        collateral=cash_of(shares, fields.price(row)),
        role=Role.TAKER,
        **common,
    )


def _maker_fill(row: Row, leg: Row, common: dict[str, Any]) -> FillObserved:
    """Our maker leg at our own price: price improvement goes to the taker. Makers pay no fee."""
    shares = fields.positive(leg, "matched_amount")
    token_id = fields.token(leg)
    return FillObserved(
        order_id=fields.ident(leg, "order_id"),
        token_id=token_id,
        side=_maker_side(row, leg, token_id),
        shares=shares,
        collateral=cash_of(shares, fields.price(leg)),
        fee=0,
        role=Role.MAKER,
        **common,
    )


def _maker_side(row: Row, leg: Row, token_id: str) -> Side:
    """The leg's own side; where the old shape lacks it: same token as the taker -> opposite, other token -> same."""
    if leg.get("side"):
        return fields.side(leg)
    taker = fields.side(row)
    if fields.token(row) != token_id:
        return taker
    return Side.SELL if taker is Side.BUY else Side.BUY
