"""External events: what moved shares on chain without an order of ours, told as it is booked (T2)."""

from __future__ import annotations

import asyncpg

from tieout.ledger.movement import LOG_BITS
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity

TOLD_MAX = 50
"""So many are told of in one run; all are in the books."""

# A fill that only the chain tells of is external when nobody knows the terms of its order either.
_EVENTS = (
    "SELECT m.key, m.kind, m.token_id, m.condition_id, m.shares, m.legs, m.tx_hash, m.order_id, "
    "m.chain_position >> $4 AS block FROM movements m LEFT JOIN orders o USING (wallet_id, order_id) "
    "WHERE m.wallet_id = $1 AND m.chain_position >= $2 AND m.chain_position < $3 AND m.kind <> 'cash' "
    "AND (m.kind NOT IN ('buy', 'sell') OR m.key LIKE 'log/%' AND COALESCE(o.side, '') = '') "
    "ORDER BY m.chain_position LIMIT $5"
)


async def external_events(connection: asyncpg.Connection, wallet_id: int, first: int, last: int) -> list[Finding]:
    """A finding for each movement in the blocks from *first* to *last*, both included, that no order explains."""
    rows = await connection.fetch(_EVENTS, wallet_id, first << LOG_BITS, (last + 1) << LOG_BITS, LOG_BITS, TOLD_MAX)
    return [_finding(row) for row in rows]


def _finding(row: asyncpg.Record) -> Finding:
    amount = f"{decimal_text(row['shares'])} shares" if row["shares"] else "all shares"
    return Finding(
        IssueType.POSITION_DRIFT,
        Severity.INFO,
        Action.CORRECTED,
        f"{row['kind']} of {amount} in transaction {row['tx_hash']}, not by an order known here; it is booked",
        condition_id=row["condition_id"],
        token_id=row["token_id"],
        order_id=row["order_id"],
        evidence={
            "cause": row["kind"],
            "shares": row["shares"],
            "legs": row["legs"],
            "tx_hash": row["tx_hash"],
            "block": row["block"],
            "movement": row["key"],
        },
    )
