"""What becomes of orders that the books hold as open and the venue denies: in two lists, and asked for by their ids.

Lists and single answers come from the same reading side of the venue, which has been seen to lie as a whole (A1). The
word of its book is worth more: an order of ours is cancelled, and only a refusal that says there is nothing to cancel
closes it. Where nothing may be cancelled (orders of others that are to be left, a dry run), denial that lasts does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.client.withheld import WITHHELD
from tieout.jobs.foreign_orders import untouchable
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.order_questions import trades_from_s
from tieout.ledger.facts import OrderClosed

GONE = "not open at the venue: missing in every whole list, and denied by its id, for two minutes"
"""Of an order that may not be cancelled to make sure."""

DENIED_MS = 120_000
"""How long an order that may not be cancelled has to be denied, whenever it is asked for."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Orders that were denied: those that are closed now, and those that rested all the same and were cancelled."""

    closed: tuple[tuple[asyncpg.Record, str], ...] = ()
    """With the reason: the venue's word, or GONE."""
    rested: tuple[asyncpg.Record, ...] = ()


class DeniedOrders:
    """Finds out about denied orders of one wallet, over any number of runs of order sync."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, desk: OrderDesk, policy: ForeignOrders) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._desk = desk
        self._policy = policy
        self._since_ms: dict[str, int] = {}
        """Of those that may not be cancelled: when they were denied first."""

    async def settle(self, denied: Sequence[asyncpg.Record]) -> Proven:
        """Close what is proven to be gone; the rest of *denied* stays as it is. Raises VenueError.

        None is closed when trades do not come whole: an order is closed when its fills are booked (O3).
        """
        ids = [row["order_id"] for row in denied]
        theirs = await untouchable(self._connection, self._wallet_id, self._policy, ids)
        ours = [row for row in denied if row["order_id"] not in theirs]
        since_s = min((row["placed_at_ms"] for row in ours), default=0) // 1000
        report = await self._desk.cancel([row["order_id"] for row in ours], "", since_s)
        waiting = [
            row for row in denied if row["order_id"] in theirs or report.resting.get(row["order_id"]) == WITHHELD
        ]
        gone = await self._lasting(waiting)
        return Proven(
            tuple((row, report.ended[row["order_id"]]) for row in ours if row["order_id"] in report.ended)
            + tuple((row, GONE) for row in gone),
            tuple(row for row in ours if row["order_id"] in report.canceled),
        )

    async def _lasting(self, waiting: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
        """Close those of *waiting* that have been denied for long enough, and return them."""
        now_ms = self._desk.clock.now_ms()
        self._since_ms = {row["order_id"]: self._since_ms.get(row["order_id"], now_ms) for row in waiting}
        gone = [row for row in waiting if now_ms - self._since_ms[row["order_id"]] >= DENIED_MS]
        if not gone:
            return []
        trades = await self._desk.account.trades(after_s=trades_from_s(min(row["placed_at_ms"] for row in gone)))
        if not trades.is_complete:
            return []
        await self._desk.book([closure(row, GONE, now_ms) for row in gone])
        return gone


def closure(row: asyncpg.Record, reason: str, now_ms: int) -> OrderClosed:
    """The fact that an order of the books (a row of `orders`) is closed."""
    return OrderClosed(
        order_id=row["order_id"],
        token_id=row["token_id"],
        condition_id=row["condition_id"],
        reason=reason,
        occurred_at_ms=now_ms,
    )
