"""What the venue answered to a write: orders placed or rejected, cancels done or refused (`polymarket.md` 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tieout.client.errors import Meaning, Rejected, VenueError, meaning_of, printable
from tieout.client.pages import as_row
from tieout.venue import fields
from tieout.venue.wire import Row, WireError, shown

ACCEPTED = frozenset(("live", "matched", "delayed", "unmatched"))
"""`unmatched` rests on the book after a delay that found nothing, by the venue's older documents."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order the venue took. `trade_ids` are those of the placement only; amounts are micro, 0 when not told."""

    order_id: str
    status: str
    trade_ids: tuple[str, ...] = ()
    making: int = 0
    taking: int = 0


@dataclass(frozen=True, slots=True)
class CancelAnswer:
    """What became of cancels. A refused one may be filled, gone, or in its delay: re-read before anything is assumed.

    `failed` holds the parts of a large batch that got no answer, each with its error.
    """

    canceled: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[tuple[tuple[str, ...], VenueError], ...] = ()

    def unmentioned(self, order_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Those of *order_ids* of which the answers say nothing."""
        told = {*self.canceled, *self.refused}
        return tuple(order_id for order_id in order_ids if order_id not in told)


def placement(row: Any, *, status: int = 200) -> Placed | Rejected:
    """One order's answer. `success` decides nothing: it is true for the refused leg of a batch. Raises WireError."""
    row = as_row(row, "answer")
    order_id = fields.ident(row, "orderID") if row.get("orderID") else ""
    error = next((row[name] for name in ("errorMsg", "error", "error_msg") if row.get(name)), "")
    state = fields.text(row, "status").lower()
    if error or row.get("success") is False or not 200 <= status < 300:
        text = printable(str(error) or "success: false")
        meaning = meaning_of(text)
        return Rejected(order_id, text, Meaning.REFUSED if meaning is Meaning.UNKNOWN else meaning, status)
    if not order_id or (state and state not in ACCEPTED):
        raise WireError(f"answer: expected an order id and a known status, was status {shown(state)}")
    return Placed(
        order_id=order_id,
        status=state,
        trade_ids=fields.ident_list(row, "tradeIDs"),
        making=_told(row, "makingAmount"),
        taking=_told(row, "takingAmount"),
    )


def cancel_answer(row: Any) -> CancelAnswer:
    """`{"canceled": [ids], "not_canceled": {id: reason}}`. Raises WireError."""
    if type(row) is not dict or not {"canceled", "not_canceled"} & row.keys():
        raise WireError(f"answer: expected canceled and not_canceled, was {shown(row)}")
    refused = as_row(row.get("not_canceled") or {}, "not_canceled")
    return CancelAnswer(
        canceled=fields.ident_list(row, "canceled"),
        refused={fields.ident_of(key, "not_canceled"): printable(str(reason)) for key, reason in refused.items()},
    )


def _told(row: Row, name: str) -> int:
    return fields.amount(row, name) if row.get(name) not in (None, "") else 0
