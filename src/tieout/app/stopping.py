"""Taking everything off the book: at the end, and when the whole wallet is halted."""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.order_desk import OrderDesk

TRIES = 8
RETRY_MS = 500
"""Doubled with every try: a venue that restarts is back within about a minute."""

_LIVE = (
    "SELECT order_id, placed_at_ms FROM orders WHERE wallet_id = $1 AND state IN ('intended', 'live') AND side <> ''"
)
"""Not those that are closing: the venue has ended them, and what it calls matched may never have a trade (T1)."""


async def cancel_everything(
    connection: asyncpg.Connection,
    wallet_id: int,
    desk: OrderDesk,
    clock: Clock,
    *,
    spared: Spared,
    tries: int = TRIES,
) -> tuple[str, ...]:
    """Cancel every order the books hold as open, but those to be *spared*; the ids that may rest still.

    The venue's word closes them, one by one; whatever goes wrong is tried again. What the end of a worker cut off on
    its way has an unknown outcome, and is asked for from the second try on.
    """
    left = await _open(connection, wallet_id, spared)
    for attempt in range(tries):
        if attempt and left:
            await clock.sleep(RETRY_MS << (attempt - 1))
            await desk.settle_unknown()
            left = await _open(connection, wallet_id, spared)
        if not left:
            break
        with suppress(VenueError):
            await desk.cancel(tuple(left), "", min(left.values()) // 1000)
        left = await _open(connection, wallet_id, spared)
    return tuple(left)


async def _open(connection: asyncpg.Connection, wallet_id: int, spared: Spared) -> dict[str, int]:
    """Order id to when it was placed (ms), of what the books hold as open."""
    rows = await connection.fetch(_LIVE, wallet_id)
    theirs = await spared.among([row["order_id"] for row in rows])
    return {row["order_id"]: row["placed_at_ms"] for row in rows if row["order_id"] not in theirs}
