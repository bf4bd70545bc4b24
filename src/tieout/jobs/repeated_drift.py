"""I1: a market that drifts again and again is not understood, and is to be paused until a person has looked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import asyncpg

from tieout.jobs.drift_findings import Drift
from tieout.store.runs import Action, Finding, IssueType, Severity

TIMES = 3
WITHIN_MS = 3_600_000
"""So many runs with a drift on one market, within so long (catalog, I1)."""

_RUNS_MAX = 8_000
"""Runs that are looked at: one every half second fits, as new heads may ask for."""

_DRIFTED = (
    "SELECT drifted FROM (SELECT ended_at_ms, COALESCE(detail->'drifted', detail->'positions'->'drifted') AS drifted "
    "FROM sync_run WHERE wallet_id = $1 AND job IN ('position_sync', 'full_sync') "
    f"ORDER BY run_id DESC LIMIT {_RUNS_MAX}) AS recent WHERE ended_at_ms >= $2 AND drifted IS NOT NULL"
)


async def repeated(
    connection: asyncpg.Connection, wallet_id: int, drifts: Sequence[Drift], now_ms: int
) -> tuple[list[Finding], tuple[tuple[str, str], ...]]:
    """Findings, and (condition, reason) to pause, for the markets of *drifts* that drifted often enough before."""
    here = sorted({drift.condition_id for drift in drifts if drift.condition_id})
    if not here:
        return [], ()
    times = Counter(here)
    for row in await connection.fetch(_DRIFTED, wallet_id, now_ms - WITHIN_MS):
        times.update(json.loads(row["drifted"]))
    often = [condition_id for condition_id in here if times[condition_id] >= TIMES]
    findings = [
        Finding(
            IssueType.INVARIANT_VIOLATED,
            Severity.ERROR,
            Action.REQUIRES_MANUAL,
            f"I1: the shares of this market did not equal the wallet's in {times[condition_id]} comparisons within an "
            "hour; it is paused until somebody has looked",
            condition_id=condition_id,
            evidence={"invariant": "I1", "times": times[condition_id], "within_ms": WITHIN_MS},
        )
        for condition_id in often
    ]
    return findings, tuple((found.condition_id, found.summary) for found in findings)
