"""The same answer as a worker gives of itself (`tie_answer.py`), from what it wrote into the database: for faces in
other processes, and for when no worker runs. It reads the records of runs, issues and controls alone; what a running
worker shows of itself only tells how late is late, and what it waits for before its first comparison.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg

from tieout.app.queries import require_wallet
from tieout.app.readiness import UNSEEN_MS
from tieout.app.tie_answer import COMPARING, Answer, Verdict, answer_of, compared
from tieout.app.worker_state import WorkerState
from tieout.jobs.job import Ended, Result
from tieout.store import tallies
from tieout.store.controls import WHOLE_WALLET, Control, Lift, State
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.tallies import Comparison

FRESH_MS = 15_000
"""A worker shows itself once a second; one that did not for so long is not there."""

_WALLETS = (
    "SELECT w.wallet_id, w.address, w.epoch, s.at_ms AS shown_ms, s.status, c.state, c.reason, c.who, c.at_ms, c.lift "
    "FROM wallet w LEFT JOIN worker_status s USING (wallet_id) "
    "LEFT JOIN control c ON c.wallet_id = w.wallet_id AND c.condition_id = '' WHERE w.wallet_id = ANY ($1)"
)
_LAST_RUNS = (
    "SELECT r.wallet_id, run_id, job, outcome, ended_at_ms, detail FROM "
    "(SELECT wallet_id, max(last_run_id) AS run_id FROM run_tally WHERE wallet_id = ANY ($1) GROUP BY wallet_id, job) "
    "AS last JOIN sync_run r USING (wallet_id, run_id) JOIN wallet w USING (wallet_id) WHERE r.epoch = w.epoch"
)
"""How each job of the worker that has the wallet now, or had it last, ended last."""

_ISSUES = (
    "SELECT wallet_id, run_id, type, severity, action, condition_id, token_id, order_id, summary, last_at_ms "
    "FROM sync_issue WHERE wallet_id = ANY ($1) "
    "AND (run_id = ANY ($2) OR acknowledged_at_ms IS NULL AND last_at_ms >= $3) ORDER BY issue_id"
)


async def stored_answer(connection: asyncpg.Connection, wallet: str, now_ms: int) -> Answer:
    """Whether everything ties out, as far as the database knows. Raises UnknownWalletError."""
    wallet_id = await require_wallet(connection, wallet)
    return (await stored_answers(connection, [wallet_id], now_ms))[wallet_id]


async def stored_answers(
    connection: asyncpg.Connection, wallet_ids: Sequence[int], now_ms: int
) -> Mapping[int, Answer]:
    """The same of several wallets, in four queries."""
    ids = list(wallet_ids)
    wallets = await connection.fetch(_WALLETS, ids)
    runs = await connection.fetch(_LAST_RUNS, ids)
    last = await tallies.comparisons(connection, ids)
    issues: list[asyncpg.Record] = []
    if runs:
        oldest_ms = min(run["ended_at_ms"] for run in runs)
        issues = await connection.fetch(_ISSUES, ids, [run["run_id"] for run in runs], oldest_ms)
    found = {}
    for row in wallets:
        wallet_id = row["wallet_id"]
        own = [run for run in runs if run["wallet_id"] == wallet_id]
        raised = [issue for issue in issues if issue["wallet_id"] == wallet_id]
        found[wallet_id] = _answer(row, own, raised, last.get(wallet_id), now_ms)
    return found


def _answer(
    row: asyncpg.Record,
    runs: Iterable[asyncpg.Record],
    issues: Sequence[asyncpg.Record],
    last: Comparison | None,
    now_ms: int,
) -> Answer:
    status: dict[str, Any] = json.loads(row["status"]) if row["status"] else {}
    jobs = {Job(run["job"]): _ended(run, issues) for run in runs}
    making = jobs.get(Job.MARKET_MAKING)
    state = WorkerState(
        row["address"],
        is_live=False,  # nothing here goes by it
        unseen_ms=int(status.get("unseen_ms", UNSEEN_MS)),
        phase="running",
        why_not=str(making.result.detail.get("why_not", "")) if making else "",
        controls={WHOLE_WALLET: _control(row)} if row["state"] else {},
        jobs=jobs,
        tied_out_since_ms=last.since_ms if last is not None and last.epoch == row["epoch"] else 0,
    )
    is_there = status and now_ms - row["shown_ms"] <= FRESH_MS
    if compared(state) is None and is_there:
        state.problem, state.why_not = str(status.get("problem", "")), str(status.get("why_not", ""))
    answer = answer_of(state, now_ms)
    heard_ms = max((ended.at_ms for ended in jobs.values()), default=0)
    if answer.verdict is Verdict.CATCHING_UP and not is_there and now_ms - heard_ms > state.unseen_ms:
        return _nobody(state.wallet, last, now_ms)
    return answer


def _nobody(wallet: str, last: Comparison | None, now_ms: int) -> Answer:
    """No worker is there, and the last one left nothing that is still worth telling."""
    if last is None:
        return Answer(Verdict.CANNOT_TELL, "no worker has compared these books yet", f"tieout audit {wallet}")
    words = f"no worker is running; nothing was compared for {(now_ms - last.at_ms) // 1_000} seconds"
    return Answer(Verdict.CANNOT_TELL, words, f"tieout runs --wallet {wallet}")


def _ended(run: asyncpg.Record, issues: Iterable[asyncpg.Record]) -> Ended:
    """A run as the worker knew it at its end, but for what its findings rest on."""
    detail = json.loads(run["detail"])
    job, outcome = Job(run["job"]), Outcome(run["outcome"])
    bare = Ended(job, run["ended_at_ms"], outcome, Result(detail=detail))
    is_equal = job in COMPARING and not (_figures(job, detail).get("differences") or 0)
    findings = [_finding(issue) for issue in issues if _is_of(issue, run, is_equal=is_equal)]
    problem = str(detail.get("error", "")) or "it was ended in the middle" if outcome is Outcome.FAILED else ""
    return Ended(job, bare.at_ms, outcome, Result(findings, detail), problem)


def _figures(job: Job, detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a run that compares balances says of them."""
    return detail if job is Job.POSITION_SYNC else detail.get("positions", {})


_OF_BALANCES = (IssueType.POSITION_DRIFT, IssueType.COLLATERAL_DRIFT)


def _is_of(issue: asyncpg.Record, run: asyncpg.Record, *, is_equal: bool) -> bool:
    """Whether the run found it: an issue keeps its gravest run, and when it was found last."""
    if issue["run_id"] == run["run_id"]:
        return True
    if issue["last_at_ms"] != run["ended_at_ms"] or issue["action"] == Action.CORRECTED.value:
        return False
    # Found again and less grave; a drift that was corrected leaves no difference, whatever it was before.
    return not (is_equal and issue["type"] in _OF_BALANCES)


def _finding(issue: asyncpg.Record) -> Finding:
    return Finding(
        IssueType(issue["type"]),
        Severity(issue["severity"]),
        Action(issue["action"]),
        issue["summary"],
        issue["condition_id"],
        issue["token_id"],
        issue["order_id"],
    )


def _control(row: asyncpg.Record) -> Control:
    return Control(WHOLE_WALLET, State(row["state"]), row["reason"], row["who"], row["at_ms"], Lift(row["lift"]))
