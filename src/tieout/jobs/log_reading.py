"""What jobs read of the log itself: the entries about one order or one condition, without folding the whole wallet."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from tieout.ledger.facts import ConditionResolved, decode
from tieout.ledger.registry import Registry

PARTS = (
    "WITH RECURSIVE up AS ("
    " SELECT node, book FROM node WHERE wallet_id = $1 AND node = ANY ($2)"
    " UNION SELECT up.node, j.into_book FROM up JOIN book_join j ON j.wallet_id = $1 AND j.book = up.book"
    "), part AS ("
    " SELECT node, book FROM up"
    " UNION SELECT part.node, j.book FROM part JOIN book_join j ON j.wallet_id = $1 AND j.into_book = part.book) "
)
"""Every book that a node's facts may be filed under: the one it was filed under first, and all joined with it since."""

_HEARD = (
    PARTS + "SELECT part.node, max(received_at_ms) AS at_ms FROM part JOIN log l ON l.wallet_id = $1 "
    "AND l.book = part.book WHERE strpos(l.fact, part.node) > 0 AND l.fact ~ $3 GROUP BY part.node"
)

_RESOLVED = (
    PARTS + "SELECT DISTINCT l.fact FROM part JOIN log l ON l.wallet_id = $1 AND l.book = part.book "
    'WHERE l.fact LIKE \'{"kind":"resolution"%\''
)

MATCHES = r'^\{"kind":"(match_claimed|fill|order_filled)"'
"""Facts that change what an order has matched, or how much of it is covered."""


async def last_match_heard(
    connection: asyncpg.Connection, wallet_id: int, order_ids: Collection[str]
) -> dict[str, int]:
    """Order id to when (Unix ms) something new was last heard of its matches."""
    rows = await connection.fetch(_HEARD, wallet_id, list(order_ids), MATCHES)
    return {row["node"]: row["at_ms"] for row in rows}


async def payout_vectors(
    connection: asyncpg.Connection, wallet_id: int, condition_ids: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Condition id to its payout numerators by outcome, for those of *condition_ids* that are resolved."""
    registry = Registry()
    for row in await connection.fetch(_RESOLVED, wallet_id, list(condition_ids)):
        fact = decode(row["fact"])
        if isinstance(fact, ConditionResolved):
            registry.resolve(fact)
    found = {condition_id: registry.numerators(condition_id) for condition_id in condition_ids}
    return {condition_id: numerators for condition_id, numerators in found.items() if sum(numerators)}
