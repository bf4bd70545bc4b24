"""What a job is, and the one place that runs jobs: one at a time on a wallet, each recorded with what it found (R1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.ledger.facts import AnyFact
from tieout.store import runs
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.wallets import Lease


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to: the issues it found, and figures for whoever reads the record (JSON values only)."""

    findings: Sequence[Finding] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


BookFacts = Callable[[Sequence[AnyFact]], Awaitable[None]]
"""Books facts of our own, all of one call together; returns when they are committed."""

Told = Callable[[Finding, int, int], None]
"""Hears of every issue that is raised, when, and by which id it is kept. It returns at once and raises nothing."""

Work = Callable[[], Awaitable[Result]]
"""The work of a job. Raises VenueError or CallFailedError when the venue does not let it be done."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over. `problem` says why it failed, "" when it did not."""

    job: Job
    at_ms: int
    outcome: Outcome
    result: Result
    problem: str = ""

    @property
    def is_clean(self) -> bool:
        """It ran to its end and found nothing that makes the books doubtful where something may be quoted."""
        return self.outcome is not Outcome.FAILED and not any(
            found.severity.is_grave and found.action not in (Action.CORRECTED, Action.HALTED)
            for found in self.result.findings
        )


UNAVAILABLE = {"clob": IssueType.CLOB_UNAVAILABLE, "data-api": IssueType.DATA_API_UNAVAILABLE}


class JobRunner:
    """Runs the jobs of one wallet. Whoever waits takes turns in the order of asking, so none starves."""

    def __init__(
        self, connection: asyncpg.Connection, lease: Lease, clock: Clock, told: Told = lambda *_: None
    ) -> None:
        """*connection* is for the records alone: no job may use it."""
        self._told = told
        self._connection = connection
        self._lease = lease
        self._clock = clock
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self.last: dict[Job, Ended] = {}
        """How each job ended last."""

    async def run(self, job: Job, reason: str, work: Work) -> Ended:
        """Wait for the turn, run *work*, record it. A failure of the venue is recorded and returned.

        Anything else that *work* raises is recorded as a failed run, too, and goes on to the caller.
        """
        async with self._turn:
            async with self._writing:
                run_id = await runs.start(self._connection, self._lease, job, reason, self._clock.now_ms())
            try:
                result = await work()
            except (VenueError, CallFailedError) as error:
                ended = self._ended(job, Outcome.FAILED, Result((failure(job, error),)), str(error))
            except BaseException as error:
                problem = f"{type(error).__name__}: {error}"
                await self._record(run_id, self._ended(job, Outcome.FAILED, Result(), problem))
                raise
            else:
                ended = self._ended(job, Outcome.ISSUES if result.findings else Outcome.OK, result)
            await self._record(run_id, ended)
            self.last[job] = ended
            return ended

    async def raise_issue(self, finding: Finding) -> None:
        """Keep an issue that no run found."""
        now_ms = self._clock.now_ms()
        async with self._writing:
            issue_id = await runs.raise_issue(self._connection, self._lease.wallet_id, finding, now_ms)
        self._told(finding, now_ms, issue_id)

    def _ended(self, job: Job, outcome: Outcome, result: Result, problem: str = "") -> Ended:
        return Ended(job, self._clock.now_ms(), outcome, result, problem)

    async def _record(self, run_id: int, ended: Ended) -> None:
        detail = {**ended.result.detail, **({"error": ended.problem} if ended.problem else {})}
        # One statement alone needs no transaction, and most runs find nothing.
        async with self._writing, self._connection.transaction() if ended.result.findings else nullcontext():
            raised = [
                await runs.raise_issue(self._connection, self._lease.wallet_id, finding, ended.at_ms, run_id)
                for finding in ended.result.findings
            ]
            await runs.finish(self._connection, self._lease, run_id, ended.outcome, ended.at_ms, detail)
        for finding, issue_id in zip(ended.result.findings, raised, strict=True):
            self._told(finding, ended.at_ms, issue_id)


def failure(job: Job, error: VenueError | CallFailedError) -> Finding:
    """The issue of a run that the venue did not let end."""
    service = error.service if isinstance(error, VenueError) else "chain"
    return Finding(
        UNAVAILABLE.get(service, IssueType.SYNC_FAILED),
        Severity.WARN,
        Action.LOGGED,
        f"{job.value} could not be done: {error}",
        evidence={"service": service, "error": str(error)},
    )
