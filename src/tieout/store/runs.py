"""Runs of the jobs and the issues they raise: what the worker did, what did not tie out, who has seen it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import asyncpg

from tieout.store.errors import LeaseLostError, StoreError
from tieout.store.journal import redacted
from tieout.store.wallets import Lease


class RunUnderWayError(StoreError):
    """The job is running already on this wallet; one at a time (R1)."""


class Job(StrEnum):
    """What the worker does on a schedule."""

    MARKET_MAKING = "market_making"
    POSITION_SYNC = "position_sync"
    ORDER_SYNC = "order_sync"
    QUICK_SYNC = "quick_sync"
    FULL_SYNC = "full_sync"
    SETTLE = "settle"
    RECONCILE = "reconcile"
    PORTFOLIO = "portfolio"
    CATCH_UP = "catch_up"


class Outcome(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    OK = "ok"
    ISSUES = "issues"
    FAILED = "failed"
    SKIPPED = "skipped"


class IssueType(StrEnum):
    """What did not tie out, or could not be told."""

    ORDER_IN_DB_NOT_CLOB = "ORDER_IN_DB_NOT_CLOB"
    ORDER_IN_CLOB_NOT_DB = "ORDER_IN_CLOB_NOT_DB"
    ORDER_MISMATCH = "ORDER_MISMATCH"
    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"  # noqa: S105 - an outcome token
    POSITION_DRIFT = "POSITION_DRIFT"
    COLLATERAL_DRIFT = "COLLATERAL_DRIFT"
    AVG_COST_DRIFT = "AVG_COST_DRIFT"
    PNL_MISMATCH = "PNL_MISMATCH"
    ORPHAN_ORDER = "ORPHAN_ORDER"
    CLOB_UNAVAILABLE = "CLOB_UNAVAILABLE"
    DATA_API_UNAVAILABLE = "DATA_API_UNAVAILABLE"
    DATA_API_STALE = "DATA_API_STALE"
    SYNC_FAILED = "SYNC_FAILED"
    FILL_UNVERIFIED = "FILL_UNVERIFIED"
    INVARIANT_VIOLATED = "INVARIANT_VIOLATED"


class Severity(StrEnum):
    """How grave an issue is; in this order."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def is_grave(self) -> bool:
        """Whether the books cannot be said to hold while it is open."""
        return self in (Severity.ERROR, Severity.CRITICAL)


class Action(StrEnum):
    """What was done about an issue when it was found."""

    CORRECTED = "CORRECTED"
    LOGGED = "LOGGED"
    REQUIRES_MANUAL = "REQUIRES_MANUAL"
    HALTED = "HALTED"


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job. `ended_at_ms` is None while it runs; `issues` counts those it raised."""

    run_id: int
    job: Job
    reason: str
    started_at_ms: int
    ended_at_ms: int | None
    outcome: Outcome
    issues: int
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """An issue as a job raises it. Its subject is the condition, token and order, as far as it has them."""

    type: IssueType
    severity: Severity
    action: Action
    summary: str
    """One sentence."""
    condition_id: str = ""
    token_id: str = ""
    order_id: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Raw ids and figures; amounts are micro-units."""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as it is kept: equal findings while it is open are counted in `times`.

    Severity, action, summary, evidence and run are those of its gravest time, the last among equals.
    """

    issue_id: int
    run_id: int | None
    type: IssueType
    severity: Severity
    action: Action
    condition_id: str
    token_id: str
    order_id: str
    summary: str
    evidence: dict[str, Any]
    at_ms: int
    last_at_ms: int
    times: int
    acknowledged_by: str | None
    acknowledged_at_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether nobody has acknowledged it yet."""
        return self.acknowledged_at_ms is None


def _document(fields: Mapping[str, Any]) -> str:
    """JSON of *fields*, with the values of secret names replaced, as in the journal."""
    return redacted(json.dumps(dict(fields)).encode()).decode()


async def start(connection: asyncpg.Connection, lease: Lease, job: Job, reason: str, at_ms: int) -> int:
    """The id of a new run of *job*, begun at *at_ms* for *reason* ("schedule", "on start").

    Raises RunUnderWayError when the job is running already, LeaseLostError when the wallet was taken over.
    """
    try:
        # The wallet's row is shared until the end of the statement: a take-over comes before it or after it.
        run_id = await connection.fetchval(
            "INSERT INTO sync_run (wallet_id, epoch, job, reason, started_at_ms) SELECT wallet_id, epoch, $3, $4, $5 "
            "FROM wallet WHERE wallet_id = $1 AND epoch = $2 FOR SHARE RETURNING run_id",
            lease.wallet_id,
            lease.epoch,
            job.value,
            reason,
            at_ms,
        )
    except asyncpg.UniqueViolationError as error:
        raise RunUnderWayError(f"{job.value} is running already on wallet {lease.address}") from error
    if run_id is None:
        raise LeaseLostError(f"lease lost: wallet {lease.address} was taken over from epoch {lease.epoch}")
    return int(run_id)


async def finish(
    connection: asyncpg.Connection,
    lease: Lease,
    run_id: int,
    outcome: Outcome,
    at_ms: int,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """End a run. A clock that went back meanwhile gives a run of no duration.

    Raises LeaseLostError when the run is closed already: whoever took the wallet over has done that.
    """
    done = await connection.execute(
        "UPDATE sync_run SET outcome = $3, ended_at_ms = GREATEST($4, started_at_ms), detail = $5::jsonb "
        "WHERE wallet_id = $1 AND run_id = $2 AND outcome = 'running'",
        lease.wallet_id,
        run_id,
        outcome.value,
        at_ms,
        _document(detail or {}),
    )
    if done != "UPDATE 1":
        raise LeaseLostError(f"run {run_id} of wallet {lease.address} is closed already: the wallet was taken over")


async def close_abandoned(connection: asyncpg.Connection, lease: Lease, at_ms: int) -> list[int]:
    """Close as failed what workers before this one left running, killed or taken over; the ids of those runs.

    To be called after the wallet was acquired exclusively.
    """
    rows = await connection.fetch(
        "UPDATE sync_run SET outcome = 'failed', ended_at_ms = GREATEST($3, started_at_ms), "
        "detail = detail || '{\"abandoned\": true}' "
        "WHERE wallet_id = $1 AND epoch < $2 AND outcome = 'running' RETURNING run_id",
        lease.wallet_id,
        lease.epoch,
        at_ms,
    )
    return sorted(int(row["run_id"]) for row in rows)


async def recent(
    connection: asyncpg.Connection, wallet_id: int, *, job: Job | None = None, limit: int = 50
) -> list[Run]:
    """The last runs, newest first; of one job if given."""
    rows = await connection.fetch(
        f"SELECT {_RUN} FROM sync_run "
        f"WHERE wallet_id = $1 {'' if job is None else 'AND job = $3'} ORDER BY run_id DESC LIMIT $2",
        *(wallet_id, limit) if job is None else (wallet_id, limit, job.value),
    )
    return [_run(row) for row in rows]


async def get_run(connection: asyncpg.Connection, wallet_id: int, run_id: int) -> Run | None:
    """One run, None when there is none."""
    row = await connection.fetchrow(
        f"SELECT {_RUN} FROM sync_run WHERE wallet_id = $1 AND run_id = $2", wallet_id, run_id
    )
    return None if row is None else _run(row)


async def last_of_each(connection: asyncpg.Connection, wallet_id: int) -> Mapping[Job, Run]:
    """The newest run of each job that ended; a job that never did is not in it."""
    rows = await connection.fetch(
        f"SELECT r.* FROM unnest($2::text[]) AS j (job) CROSS JOIN LATERAL (SELECT {_RUN_OF_S} FROM sync_run s "
        "WHERE s.wallet_id = $1 AND s.job = j.job AND s.ended_at_ms IS NOT NULL ORDER BY s.run_id DESC LIMIT 1) r",
        wallet_id,
        [job.value for job in Job],
    )
    return {run.job: run for run in map(_run, rows)}


_RUN = "run_id, job, reason, started_at_ms, ended_at_ms, outcome, issues, detail"
_RUN_OF_S = ", ".join(f"s.{name}" for name in _RUN.split(", "))


def _run(row: asyncpg.Record) -> Run:
    run_id, job, reason, started, ended, outcome, issues, detail = row
    return Run(run_id, Job(job), reason, started, ended, Outcome(outcome), issues, json.loads(detail))


async def raise_issue(
    connection: asyncpg.Connection, wallet_id: int, finding: Finding, at_ms: int, run_id: int | None = None
) -> int:
    """Keep *finding* and return the id of its issue: a new one, or the equal one that is still open."""
    return int(
        await connection.fetchval(
            "SELECT raise_issue($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11)",
            wallet_id,
            run_id,
            finding.type.value,
            finding.severity.value,
            finding.action.value,
            finding.condition_id,
            finding.token_id,
            finding.order_id,
            finding.summary,
            _document(finding.evidence),
            at_ms,
        )
    )


_ISSUE = (
    "issue_id, run_id, type, severity, action, condition_id, token_id, order_id, summary, evidence, at_ms, "
    "last_at_ms, times, acknowledged_by, acknowledged_at_ms"
)


def _issue(row: asyncpg.Record) -> Issue:
    known = dict(row)
    return Issue(
        **{
            **known,
            "type": IssueType(known["type"]),
            "severity": Severity(known["severity"]),
            "action": Action(known["action"]),
            "evidence": json.loads(known["evidence"]),
        }
    )


async def open_issues(connection: asyncpg.Connection, wallet_id: int) -> list[Issue]:
    """Issues that nobody has acknowledged, the gravest first, then the latest."""
    rows = await connection.fetch(
        f"SELECT {_ISSUE} FROM sync_issue WHERE wallet_id = $1 AND acknowledged_at_ms IS NULL "
        "ORDER BY severity_rank(severity) DESC, last_at_ms DESC, issue_id DESC",
        wallet_id,
    )
    return [_issue(row) for row in rows]


async def all_issues(connection: asyncpg.Connection, wallet_id: int) -> list[Issue]:
    """Every issue, acknowledged ones too, the latest first."""
    rows = await connection.fetch(
        f"SELECT {_ISSUE} FROM sync_issue WHERE wallet_id = $1 ORDER BY last_at_ms DESC, issue_id DESC", wallet_id
    )
    return [_issue(row) for row in rows]


async def get_issue(connection: asyncpg.Connection, wallet_id: int, issue_id: int) -> Issue | None:
    """One issue, None when there is none."""
    row = await connection.fetchrow(
        f"SELECT {_ISSUE} FROM sync_issue WHERE wallet_id = $1 AND issue_id = $2", wallet_id, issue_id
    )
    return None if row is None else _issue(row)


async def acknowledge(
    connection: asyncpg.Connection, wallet_id: int, issue_id: int, who: str, at_ms: int
) -> Issue | None:
    """Mark an issue as seen by *who*; the first one stays. The issue as it is then, None when there is none."""
    await connection.execute(
        "UPDATE sync_issue SET acknowledged_by = $3, acknowledged_at_ms = $4 "
        "WHERE wallet_id = $1 AND issue_id = $2 AND acknowledged_at_ms IS NULL",
        wallet_id,
        issue_id,
        who,
        at_ms,
    )
    return await get_issue(connection, wallet_id, issue_id)
