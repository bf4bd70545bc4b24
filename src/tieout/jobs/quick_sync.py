"""Quick sync: open orders and positions compared and nothing corrected; a mismatch asks for a full sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import asyncpg

from tieout.client.clob_account import ClobAccount
from tieout.client.clock import Clock
from tieout.client.rows import OpenOrder
from tieout.jobs.job import Result
from tieout.jobs.order_sync import YOUNG_MS
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity

_ORDERS = (
    "SELECT order_id, token_id, condition_id, side, price, size, state, placed_at_ms FROM orders WHERE wallet_id = $1 "
    "AND (state IN ('live', 'intended') OR order_id = ANY ($2))"
)


class Comparing(Protocol):
    """A position sync, as far as it only compares."""

    async def compare(self) -> list[Finding]:
        """What differs now."""
        ...


class QuickSync:
    """`wants_full_sync` says whether the last run found a mismatch."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        account: ClobAccount,
        positions: Comparing,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._account = account
        self._positions = positions
        self._clock = clock
        self.wants_full_sync = False

    async def run(self) -> Result:
        """Raises VenueError, CallFailedError."""
        # The recorder books what the list shows, so what the books know is read first.
        known = await self._known([])
        listing = await self._account.open_orders()
        closed = await self._known([order.order_id for order in listing.rows if order.order_id not in known])
        before = {**{key: row for key, row in closed.items() if row["state"] in ("closed", "rejected")}, **known}
        old = self._clock.now_ms() - YOUNG_MS
        findings = [found for order in listing.rows if (found := _compared(order, before.get(order.order_id), old))]
        if listing.is_complete:
            findings += _missing(known, listing.rows, old)
        findings += await self._positions.compare()
        self.wants_full_sync = bool(findings) or not listing.is_complete
        return Result(
            findings, {"orders": len(listing.rows), "flaw": listing.flaw, "wants_full_sync": self.wants_full_sync}
        )

    async def _known(self, order_ids: Sequence[str]) -> dict[str, asyncpg.Record]:
        """Orders that may rest, and those named, as the books have them."""
        rows = await self._connection.fetch(_ORDERS, self._wallet_id, list(order_ids))
        return {row["order_id"]: row for row in rows}


def _compared(order: OpenOrder, known: asyncpg.Record | None, old_ms: int) -> Finding | None:
    """An order that is open at the venue, against the books; None when both agree, or when it is too young to tell."""
    if known is None:
        text = "an order rests at the venue that the books do not know"
        return None if order.created_at_ms > old_ms else _finding(IssueType.ORDER_IN_CLOB_NOT_DB, text, order)
    if known["state"] in ("closed", "rejected"):
        text = f"an order rests at the venue that the books call {known['state']}"
        return _finding(IssueType.ORPHAN_ORDER, text, order)
    ours = (known["token_id"], known["side"], known["price"], known["size"])
    if ours == (order.token_id, order.side.value, order.price, order.original_size) or not known["side"]:
        return None
    text = (
        f"the books have an order as {known['side']} {decimal_text(known['size'])} at {decimal_text(known['price'])}, "
        f"the venue as {order.side.value} {decimal_text(order.original_size)} at {decimal_text(order.price)}"
    )
    return _finding(IssueType.ORDER_MISMATCH, text, order)


def _missing(known: Mapping[str, asyncpg.Record], open_orders: Sequence[OpenOrder], old_ms: int) -> list[Finding]:
    """Orders with known terms only: of the others the books know a fill, and nobody said that they ever rested."""
    shown = {order.order_id for order in open_orders}
    return [
        Finding(
            IssueType.ORDER_IN_DB_NOT_CLOB,
            Severity.WARN,
            Action.LOGGED,
            "an order that the books call live is not in the venue's list of open orders",
            row["condition_id"],
            row["token_id"],
            row["order_id"],
            {"state": row["state"]},
        )
        for row in known.values()
        if row["side"] and row["order_id"] not in shown and row["placed_at_ms"] < old_ms
    ]


def _finding(kind: IssueType, text: str, order: OpenOrder) -> Finding:
    evidence = {"price": order.price, "size": order.original_size, "matched": order.size_matched}
    return Finding(
        kind, Severity.WARN, Action.LOGGED, text, order.condition_id, order.token_id, order.order_id, evidence
    )
