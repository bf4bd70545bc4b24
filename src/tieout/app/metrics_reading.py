"""What the metrics are made of, of every wallet of a database at one moment. Amounts are micro-units.

It is read every few seconds, of tables that grow for ever: every query here takes an index or a tally
(0007_tallies.sql, 0008_moving.sql), which `tests/app/test_metrics.py` holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from tieout.app.desk.figures import Figures, figures
from tieout.app.showing import FILL_KINDS
from tieout.app.stored_answer import stored_answers
from tieout.app.tie_answer import Answer
from tieout.store import statuses, tallies
from tieout.store.controls import State
from tieout.store.moving import MOVING
from tieout.store.statuses import Status
from tieout.store.tallies import Comparison, RunTally

MARKETS_MAX = 1_000
"""So many markets of a wallet at most may have series of their own."""

# What the partial indexes hold is written out: a parameter would not be known to be in them.
QUERIES = {
    "fills": "SELECT wallet_id, '' AS name, count(*) FROM movements WHERE wallet_id = ANY ($1) "
    f"AND kind IN ({', '.join(repr(kind) for kind in FILL_KINDS)}) GROUP BY wallet_id",
    "moving": "SELECT wallet_id, '' AS name, count(*) FROM movements WHERE wallet_id = ANY ($1) "
    f"AND {MOVING} GROUP BY wallet_id",
    "orders": "SELECT wallet_id, state AS name, count(*) FROM orders WHERE wallet_id = ANY ($1) "
    "AND state IN ('intended', 'live', 'closing') GROUP BY wallet_id, state",
    "provisional": "SELECT wallet_id, '' AS name, count(*) FROM orders WHERE wallet_id = ANY ($1) "
    "AND provisional > 0 GROUP BY wallet_id",
    "issues": "SELECT wallet_id, severity || ' ' || type AS name, count(*) FROM sync_issue "
    "WHERE wallet_id = ANY ($1) AND acknowledged_at_ms IS NULL GROUP BY wallet_id, severity, type",
    "problems": "SELECT m.wallet_id, p.code AS name, count(DISTINCT p.raw_id) FROM raw_problem p "
    "JOIN raw_message m USING (raw_id) WHERE p.code IN ('undecodable', 'unknown_kind') "
    "AND m.wallet_id = ANY ($1) GROUP BY m.wallet_id, p.code",
    "unknown": "SELECT wallet_id, kind AS name, count(*) FROM unknown_seen WHERE wallet_id = ANY ($1) "
    "GROUP BY wallet_id, kind",
    "unknown seen": "SELECT wallet_id, kind AS name, sum(times)::bigint FROM unknown_seen "
    "WHERE wallet_id = ANY ($1) GROUP BY wallet_id, kind",
    "controls": "SELECT wallet_id, state AS name, count(*) FROM control "
    "WHERE wallet_id = ANY ($1) AND condition_id <> '' GROUP BY wallet_id, state",
    "whole": "SELECT wallet_id, state AS name, 1::bigint FROM control WHERE wallet_id = ANY ($1) AND condition_id = ''",
}
"""Counts by a name, of each wallet of $1."""

_MARKETS = (
    "SELECT p.condition_id, COALESCE(n.slug, '') AS slug, sum(p.shares)::bigint, sum(p.cost_basis)::bigint, "
    "sum(p.realized_pnl)::bigint, sum(p.fees)::bigint FROM positions p "
    "LEFT JOIN market_name n USING (wallet_id, condition_id) WHERE p.wallet_id = $1 AND p.condition_id <> '' "
    "GROUP BY p.condition_id, n.slug ORDER BY sum(p.cost_basis) DESC, p.condition_id LIMIT $2"
)


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """One market, both outcomes together. `realized` is before fees."""

    condition_id: str
    slug: str
    shares: int
    cost_basis: int
    realized: int
    fees: int


@dataclass(frozen=True, slots=True)
class WalletMetrics:
    """One wallet. The counts are by name, as `QUERIES` has them."""

    address: str
    head_seq: int
    now_ms: int
    answer: Answer
    comparison: Comparison | None
    runs: Sequence[RunTally]
    money: Figures
    counts: Mapping[str, Mapping[str, int]]
    status: Status | None
    """What its worker shows of itself; None: none ever did."""
    markets: Sequence[MarketFigures]

    @property
    def control(self) -> State:
        """Of the whole wallet."""
        return State(next(iter(self.counts["whole"]), State.ACTIVE))


@dataclass(frozen=True, slots=True)
class DatabaseMetrics:
    """Everything of one database at one moment."""

    schema: str
    size_bytes: int
    wallets: Sequence[WalletMetrics]


async def read_metrics(connection: asyncpg.Connection, now_ms: int, markets: int = 0) -> DatabaseMetrics:
    """All wallets in one snapshot; of each the *markets* with the highest cost, at most MARKETS_MAX."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch("SELECT wallet_id, address, head_seq FROM wallet ORDER BY wallet_id")
        ids = [row["wallet_id"] for row in rows]
        answers = await stored_answers(connection, ids, now_ms)
        compared = await tallies.comparisons(connection, ids)
        runs = await tallies.of_runs(connection, ids)
        counts = await _counts(connection, ids)
        return DatabaseMetrics(
            await connection.fetchval("SELECT version_num FROM alembic_version"),
            await connection.fetchval("SELECT pg_database_size(current_database())"),
            [
                WalletMetrics(
                    address,
                    head_seq,
                    now_ms,
                    answers[wallet_id],
                    compared.get(wallet_id),
                    runs.get(wallet_id, ()),
                    await figures(connection, wallet_id, now_ms),
                    counts[wallet_id],
                    await statuses.worker(connection, wallet_id),
                    await _markets(connection, wallet_id, min(markets, MARKETS_MAX)),
                )
                for wallet_id, address, head_seq in rows
            ],
        )


async def _counts(connection: asyncpg.Connection, ids: list[int]) -> dict[int, dict[str, Counter[str]]]:
    found: dict[int, dict[str, Counter[str]]] = {each: {name: Counter() for name in QUERIES} for each in ids}
    for what, query in QUERIES.items():
        for wallet_id, name, count in await connection.fetch(query, ids):
            found[wallet_id][what][name] += count
    return found


async def _markets(connection: asyncpg.Connection, wallet_id: int, most: int) -> Sequence[MarketFigures]:
    if most <= 0:
        return ()
    return [MarketFigures(*row) for row in await connection.fetch(_MARKETS, wallet_id, most)]
