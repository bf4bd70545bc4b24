"""Taking everything off the book: at the end, and when the whole wallet is halted."""

from __future__ import annotations

import asyncpg

from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.jobs.order_desk import OrderDesk

TRIES = 8
RETRY_MS = 500
"""Doubled with every try: a venue that restarts is back within about a minute."""

_LIVE = (
    "SELECT order_id, placed_at_ms FROM orders WHERE wallet_id = $1 AND state IN ('intended', 'live', 'closing') "
    "AND side <> '' AND NOT order_id = ANY ($2)"
)


async def cancel_everything(
    connection: asyncpg.Connection,
    wallet_id: int,
    desk: OrderDesk,
    clock: Clock,
    *,
    untouched: frozenset[str] = frozenset(),
    tries: int = TRIES,
) -> tuple[str, ...]:
    """Cancel every order the books hold as open, but *untouched*; the ids that may rest still.

    The venue's word closes them, one by one; whatever goes wrong is tried again.
    """
    left: tuple[str, ...] = ()
    for attempt in range(tries):
        rows = await connection.fetch(_LIVE, wallet_id, sorted(untouched))
        left = tuple(row["order_id"] for row in rows)
        if not left:
            break
        if attempt:
            await clock.sleep(RETRY_MS << (attempt - 1))
        since_s = min(row["placed_at_ms"] for row in rows) // 1000
        try:
            await desk.cancel(left, "", since_s)
        except VenueError:
            continue
    else:
        rows = await connection.fetch(_LIVE, wallet_id, sorted(untouched))
        left = tuple(row["order_id"] for row in rows)
    return left
