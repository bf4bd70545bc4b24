"""The wallets of a database, a page at a time, each with whether it ties out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.app.stored_answer import stored_answers
from tieout.app.tie_answer import Verdict


@dataclass(frozen=True, slots=True)
class WalletLine:
    """One wallet. `holder` is who writes it, or did last."""

    wallet_id: int
    address: str
    head_seq: int
    holder: str
    open_issues: int
    verdict: Verdict


async def wallet_lines(connection: asyncpg.Connection, now_ms: int, after_id: int, limit: int) -> Sequence[WalletLine]:
    """Wallets whose number is above *after_id*, in the order of their numbers."""
    rows = await connection.fetch(
        "SELECT w.wallet_id, w.address, w.head_seq, w.holder, (SELECT count(*) FROM sync_issue i "
        "WHERE i.wallet_id = w.wallet_id AND acknowledged_at_ms IS NULL) AS open_issues FROM wallet w "
        "WHERE w.wallet_id > $1 ORDER BY w.wallet_id LIMIT $2",
        after_id,
        limit,
    )
    answers = await stored_answers(connection, [row["wallet_id"] for row in rows], now_ms)
    return [WalletLine(**dict(row), verdict=answers[row["wallet_id"]].verdict) for row in rows]
