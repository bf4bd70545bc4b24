"""Order sync: the live orders of the books against the venue's, both ways, each disagreement asked for singly.

An empty or short list never closes anything (A1): what is missing is looked for in a second reading, then asked for by
id, then its trades are read, and only what the venue denies all along is closed, with that as its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from tieout.client.clob_account import ClobAccount
from tieout.client.clock import Clock
from tieout.client.pages import Listing
from tieout.client.rows import OpenOrder
from tieout.jobs.order_desk import READ_BACK_S, BookFacts
from tieout.ledger.facts import OrderClosed

YOUNG_MS = 15_000
"""An order is not missed before this age: its request, or the venue's list, may be that late."""

GONE = "not open at the venue: missing in two whole lists, and denied when asked for by its id"


@dataclass(frozen=True, slots=True)
class OrderSyncReport:
    """What the comparison found. `is_complete` False: the venue's list did not come whole, so nothing was concluded."""

    is_complete: bool
    live: int = 0
    """Live in the books before."""
    closed: tuple[str, ...] = ()
    """Live in the books, gone at the venue."""
    denied_by_list: tuple[str, ...] = ()
    """Missing in both lists, yet open when asked for by id: the lists lie."""
    foreign: tuple[str, ...] = ()
    """Open at the venue, unknown to the books until now; they are booked."""


class OrderSync:
    """Compares the orders of one wallet. The client's recorder books whatever is read on the way."""

    def __init__(
        self, connection: asyncpg.Connection, wallet_id: int, account: ClobAccount, book: BookFacts, clock: Clock
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._account = account
        self._book = book
        self._clock = clock

    async def run(self) -> OrderSyncReport:
        """One comparison. Raises VenueError; what was booked until then stays."""
        before = await self._orders()
        first = await self._account.open_orders()
        if not first.is_complete:
            return OrderSyncReport(is_complete=False)
        old_enough = self._clock.now_ms() - YOUNG_MS
        live = {
            row["order_id"]: row
            for row in before.values()
            if row["state"] in ("live", "intended") and row["placed_at_ms"] < old_enough
        }
        foreign = tuple(sorted(_ids(first) - before.keys()))
        missing = live.keys() - _ids(first)
        if missing:
            second = await self._account.open_orders()
            if not second.is_complete:
                return OrderSyncReport(is_complete=False)
            missing -= _ids(second)
        lied: list[str] = []
        gone: list[str] = []
        for order_id in sorted(missing):
            (lied if await self._account.open_order(order_id) is not None else gone).append(order_id)
        await self._close(live[order_id] for order_id in gone)
        return OrderSyncReport(True, len(live), tuple(gone), tuple(lied), foreign)

    async def _orders(self) -> dict[str, asyncpg.Record]:
        rows = await self._connection.fetch(
            "SELECT order_id, token_id, condition_id, state, placed_at_ms FROM orders WHERE wallet_id = $1",
            self._wallet_id,
        )
        return {row["order_id"]: row for row in rows}

    async def _close(self, rows: Iterable[asyncpg.Record]) -> None:
        """Read the trades first: an order is closed when its fills are booked (O3)."""
        gone = list(rows)
        if not gone:
            return
        since_s = min(row["placed_at_ms"] for row in gone) // 1000 - READ_BACK_S
        await self._account.trades(after_s=max(since_s, 0))
        await self._book(
            [
                OrderClosed(
                    order_id=row["order_id"],
                    token_id=row["token_id"],
                    condition_id=row["condition_id"],
                    reason=GONE,
                    occurred_at_ms=self._clock.now_ms(),
                )
                for row in gone
            ]
        )


def _ids(listing: Listing[OpenOrder]) -> set[str]:
    return {order.order_id for order in listing.rows}
