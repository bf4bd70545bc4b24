"""Answers to placing and canceling (polymarket.md 1.3).

A placement answer does not name the side, so `makingAmount` and `takingAmount` claim nothing here; `success` is true
even for a refused leg of a batch, so the id and the error text decide. A cancel answer is HTTP 200 either way.
"""

from __future__ import annotations

from tieout.ledger.facts import CancelRefused, MatchClaimed, OrderClosed, OrderRejected
from tieout.venue import fields
from tieout.venue.decoded import Decoded
from tieout.venue.identity import Identity
from tieout.venue.wire import Row, WireError, shown

_KNOWN = frozenset(
    [
        "success",
        "errorMsg",
        "error",
        "error_msg",
        "orderID",
        "status",
        "makingAmount",
        "takingAmount",
        "tradeIDs",
        "transactionsHashes",
        "transactionHashes",
        "code",
    ]
)
_STATUSES = frozenset(("", "live", "matched", "delayed", "unmatched"))


def decode_order_answer(row: Row, _: Identity, out: Decoded) -> None:
    """A refusal, the trades made at placement, or nothing (a plain acceptance says no more than the order will)."""
    out.note_fields(row, _KNOWN)
    error = fields.text(row, "errorMsg") or fields.text(row, "error") or fields.text(row, "error_msg")
    status = fields.text(row, "status")
    if status.lower() not in _STATUSES:
        out.note("status", status)
    if not row.get("orderID"):
        out.problem("unsupported", f"the answer names no order; the venue says: {shown(error)}")
        return
    order_id = fields.ident(row, "orderID")
    trades = fields.ident_list(row, "tradeIDs")
    if error or row.get("success") is False:
        out.facts.append(OrderRejected(order_id=order_id, reason=error or "success: false"))
    elif trades:
        out.facts.append(MatchClaimed(order_id=order_id, size_matched=0, trade_ids=trades))


def decode_cancel_answer(row: Row, _: Identity, out: Decoded) -> None:
    """OrderClosed for each id canceled, CancelRefused for each that was not (which may be filled: ask)."""
    out.note_fields(row, frozenset(("canceled", "not_canceled")))
    canceled, refused = row.get("canceled"), row.get("not_canceled")
    if canceled is not None and type(canceled) is not list:
        raise WireError(f"canceled: expected a list of ids, was {shown(canceled)}")
    if refused is not None and type(refused) is not dict:
        raise WireError(f"not_canceled: expected an object of reasons by id, was {shown(refused)}")
    for value in canceled or ():
        try:
            out.facts.append(OrderClosed(order_id=fields.ident_of(value, "canceled"), reason="CANCELED"))
        except WireError as error:
            out.problem("undecodable", str(error))
    for key, value in (refused or {}).items():
        try:
            order_id = fields.ident_of(key, "not_canceled")
            out.facts.append(CancelRefused(order_id=order_id, reason=fields.text({"reason": value}, "reason")))
        except WireError as error:
            out.problem("undecodable", str(error))
