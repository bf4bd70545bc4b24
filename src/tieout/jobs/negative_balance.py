"""I3: a stored balance below zero. The fold never gives one and a constraint refuses it, so the state was damaged."""

from __future__ import annotations

import asyncpg

from tieout.ledger.units import decimal_text
from tieout.store.errors import BrokenInvariantError

SHOWN = 5
"""Balances that the evidence quotes."""


async def require_no_negative_balance(connection: asyncpg.Connection, wallet_id: int) -> None:
    """Raises BrokenInvariantError with the balances that are below zero."""
    rows = await connection.fetch(
        "SELECT token_id, condition_id, shares FROM positions WHERE wallet_id = $1 AND shares < 0 ORDER BY token_id",
        wallet_id,
    )
    if rows:
        first = rows[0]
        raise BrokenInvariantError(
            f"I3: the books hold {decimal_text(first['shares'])} shares of token {first['token_id']}"
            + (f" and {len(rows) - 1} more balances below zero" if rows[1:] else "")
            + "; `tieout replay --verify` says whether the log gives that, `tieout db rebuild` makes the state again",
            {"invariant": "I3", "count": len(rows), "balances": [dict(row) for row in rows[:SHOWN]]},
        )
