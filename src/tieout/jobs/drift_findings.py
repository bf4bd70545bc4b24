"""Drifts as findings: each with its figures, its likely cause, and a severity by its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from tieout.jobs.drift_cause import Cause, Evidence, likely_cause
from tieout.jobs.log_reading import payout_vectors
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity

WARN_FROM, ERROR_FROM = 10_000, 100_000
"""Micro-shares of drift from which an issue is a warning, and an error (catalog)."""

RECENT_MS = 3_600_000
"""How far back a sale may explain what is missing."""

_PLACES = "SELECT token_id, condition_id FROM positions WHERE wallet_id = $1 AND token_id = ANY ($2)"
_SOLD = (
    "SELECT token_id, sum(shares)::bigint AS shares FROM movements WHERE wallet_id = $1 AND kind = 'sell' "
    "AND token_id = ANY ($2) AND occurred_at_ms >= $3 GROUP BY token_id"
)


@dataclass(frozen=True, slots=True)
class Drift:
    """A token whose books differ from what a witness says, in micro-shares."""

    token_id: str
    books: int
    truth: int
    pending: int = 0
    """Signed shares of movements that the witness may not show yet."""
    condition_id: str = ""
    moving: int = 0
    """How many those are."""
    is_explained: bool = False
    """Whether some of them, and nothing else, make the difference."""
    cause: Cause = Cause.FEED_LAG

    @property
    def size(self) -> int:
        """Books minus truth."""
        return self.books - self.truth


async def explained(
    connection: asyncpg.Connection, wallet_id: int, drifts: Sequence[Drift], now_ms: int, *, has_node: bool
) -> list[Drift]:
    """*drifts* with their condition and the cause that the books' evidence makes likely."""
    if not drifts:
        return []
    tokens = [drift.token_id for drift in drifts]
    places = {row[0]: row[1] for row in await connection.fetch(_PLACES, wallet_id, tokens)}
    since_ms = now_ms - RECENT_MS
    sold = {row[0]: row[1] for row in await connection.fetch(_SOLD, wallet_id, tokens, since_ms)}
    resolved = await payout_vectors(connection, wallet_id, sorted({place for place in places.values() if place}))
    found = []
    for drift in drifts:
        condition_id = drift.condition_id or places.get(drift.token_id, "")
        others = [other for other in drifts if other is not drift]
        seen = Evidence(
            books=drift.books,
            truth=drift.truth,
            pending=drift.pending,
            sibling_drift=sum(each.size for each in others if condition_id == places.get(each.token_id, "") != ""),
            recent_sells=sold.get(drift.token_id, 0),
            is_resolved=condition_id in resolved,
            gained_elsewhere=any(each.size == -drift.size for each in others),
            has_node=has_node,
        )
        found.append(replace(drift, condition_id=condition_id, cause=likely_cause(seen)))
    return found


def severity_of(size: int) -> Severity:
    """How grave a drift of *size* micro-shares is; any is kept."""
    return Severity.ERROR if abs(size) >= ERROR_FROM else Severity.WARN if abs(size) >= WARN_FROM else Severity.INFO


def drift_finding(
    drift: Drift, witness: str, action: Action, evidence: Mapping[str, Any], severity: Severity | None = None
) -> Finding:
    """*drift* against *witness* ("the wallet at block 7"); *evidence* is added to its figures."""
    return Finding(
        IssueType.POSITION_DRIFT,
        severity_of(drift.size) if severity is None else severity,
        action,
        f"the books hold {decimal_text(drift.books)} shares, {witness} {decimal_text(drift.truth)}: "
        f"likely {drift.cause.value}",
        condition_id=drift.condition_id,
        token_id=drift.token_id,
        evidence={
            "books": drift.books,
            "truth": drift.truth,
            "drift": drift.size,
            "pending": drift.pending,
            "cause": drift.cause.value,
            **evidence,
        },
    )


def collateral_finding(drift: Drift, witness: str, action: Action, evidence: Mapping[str, Any]) -> Finding:
    """*drift* of the wallet's collateral, in micro-units, against *witness*."""
    return Finding(
        IssueType.COLLATERAL_DRIFT,
        severity_of(drift.size),
        action,
        f"by the books there are {decimal_text(drift.books)} of collateral, {witness} holds "
        f"{decimal_text(drift.truth)}",
        evidence={
            "books": drift.books,
            "truth": drift.truth,
            "drift": drift.size,
            "pending": drift.pending,
            **evidence,
        },
    )
