"""What happened to a worker between two looks at it, as events with stable names: what `tieout run --log` writes.

The worker knows nothing of it. Everything follows from what it shows and records anyway: its state, its runs, issues
and controls. The names and their fields are in docs/operations.md; programs of others go by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from tieout.app.showing import Shown
from tieout.app.tie_answer import Verdict, answer_of
from tieout.app.worker_state import AlertFigures, WorkerState
from tieout.jobs.job import Ended
from tieout.store.controls import Control, State
from tieout.store.runs import Issue, Outcome, Severity


class Name(StrEnum):
    """Every event there is."""

    WORKER_STARTED = "worker_started"
    WORKER_PHASE = "worker_phase"
    WORKER_STOPPED = "worker_stopped"
    WORKER_FAILED = "worker_failed"
    ORDERS_LEFT_OPEN = "orders_left_open"
    VERDICT_CHANGED = "verdict_changed"
    QUOTING_CHANGED = "quoting_changed"
    RUN_FOUND = "run_found"
    RUN_FAILED = "run_failed"
    ISSUES_OPEN = "issues_open"
    ISSUE_RAISED = "issue_raised"
    ISSUE_ACKNOWLEDGED = "issue_acknowledged"
    CONTROL_CHANGED = "control_changed"
    ORDERS_SENT = "orders_sent"
    FILLS_BOOKED = "fills_booked"
    FEED_CHANGED = "feed_changed"
    HEADS_CHANGED = "heads_changed"
    SERVICE_AWAY = "service_away"
    SERVICE_BACK = "service_back"
    VENUE_TROUBLE = "venue_trouble"
    ALERTS_FAILED = "alerts_failed"
    LOG_GAP = "log_gap"


class Level(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `fields` are JSON values."""

    name: Name
    level: Level
    fields: Mapping[str, Any]


def _event(name: Name, level: Level = Level.INFO, **fields: Any) -> Event:
    return Event(name, level, fields)


_LEVELS = {
    Severity.INFO: Level.INFO,
    Severity.WARN: Level.WARNING,
    Severity.ERROR: Level.ERROR,
    Severity.CRITICAL: Level.ERROR,
}
_BAD = {Verdict.DOES_NOT: Level.ERROR, Verdict.CANNOT_TELL: Level.WARNING}


class Changes:
    """Remembers what it saw last. `of` may be asked as often as one likes; what did not change is not told again."""

    def __init__(self) -> None:
        self._phase = ""
        self._is_first = True
        self._answer: tuple[Verdict, str] | None = None
        self._why_not = ""
        self._problem = ""
        self._runs = 0
        self._issues: dict[int, Issue] = {}
        self._controls: dict[str, Control] = {}
        self._sent: dict[str, int] = {}
        self._fills = -1
        self._feed_live = False
        self._heads = ""
        self._away: dict[str, str] = {}
        self._alerts = AlertFigures()

    def of(self, state: WorkerState, shown: Shown, now_ms: int) -> list[Event]:
        """What is new since the last time, in an order that reads well."""
        events = [*self._life(state), *self._reach(state), *self._jobs(state), *self._raised(state, shown)]
        events += [*self._held(state), *self._traded(state, shown), *self._verdict(state, now_ms), *self._told(state)]
        return events

    def _life(self, state: WorkerState) -> Iterator[Event]:
        if self._is_first:
            self._is_first = False
            yield _event(Name.WORKER_STARTED, is_live=state.is_live, phase=state.phase)
        elif state.phase != self._phase:
            yield _event(Name.WORKER_PHASE, phase=state.phase)
        self._phase = state.phase

    def _reach(self, state: WorkerState) -> Iterator[Event]:
        """The feeds, the node's heads, and services that are away."""
        if state.feed_live != self._feed_live:
            self._feed_live = state.feed_live
            yield _event(Name.FEED_CHANGED, Level.INFO if state.feed_live else Level.WARNING, is_live=state.feed_live)
        if state.heads.value != self._heads:
            yield _event(Name.HEADS_CHANGED, now=state.heads.value, before=self._heads)
            self._heads = state.heads.value
        for service, error in state.away.items():
            if service not in self._away:
                yield _event(Name.SERVICE_AWAY, Level.WARNING, service=service, error=error)
        for service in self._away:
            if service not in state.away:
                yield _event(Name.SERVICE_BACK, service=service)
        self._away = dict(state.away)

    def _jobs(self, state: WorkerState) -> Iterator[Event]:
        """Runs that failed or found something, each once, also where a job ran twice between two looks."""
        total = sum(state.runs.values())
        new = min(total - self._runs, len(state.ended))
        self._runs = total
        for ended in islice(state.ended, len(state.ended) - new, None):
            if ended.outcome is Outcome.FAILED:
                yield _event(Name.RUN_FAILED, Level.WARNING, job=ended.job.value, problem=ended.problem)
            elif ended.result.findings:
                yield _found(ended)

    def _raised(self, state: WorkerState, shown: Shown) -> Iterator[Event]:
        """Issues that are new or graver than they were, and those that somebody has seen."""
        if shown.seq < 0:
            return
        now = {issue.issue_id: issue for issue in shown.issues}
        old = [issue for issue in now.values() if issue.last_at_ms < state.started_ms]
        if old and not self._issues:
            gravest = max((issue.severity for issue in old), key=list(Severity).index)
            yield _event(Name.ISSUES_OPEN, _LEVELS[gravest], issues=len(old), gravest=gravest.value)
            self._issues = {issue.issue_id: issue for issue in old}
        for issue in now.values():
            known = self._issues.get(issue.issue_id)
            if known is None or known.severity is not issue.severity:
                yield _raised(issue)
        for issue in self._issues.values():
            if issue.issue_id not in now:
                yield _event(Name.ISSUE_ACKNOWLEDGED, issue_id=issue.issue_id, type=issue.type.value)
        self._issues = now

    def _held(self, state: WorkerState) -> Iterator[Event]:
        for condition, control in state.controls.items():
            if control != self._controls.get(condition, Control(condition)):
                level = Level.INFO if control.state is State.ACTIVE else Level.WARNING
                yield _event(
                    Name.CONTROL_CHANGED,
                    level,
                    condition_id=condition,
                    state=control.state.value,
                    who=control.who,
                    reason=control.reason,
                )
        self._controls = dict(state.controls)

    def _traded(self, state: WorkerState, shown: Shown) -> Iterator[Event]:
        new = {name: count - self._sent.get(name, 0) for name, count in state.sent.items()}
        if any(new.values()):
            level = Level.WARNING if new.get("unknown") else Level.INFO
            yield _event(Name.ORDERS_SENT, level, **{name: count for name, count in sorted(new.items()) if count})
            self._sent = dict(state.sent)
        if shown.seq < 0:
            return
        if shown.fills_total > self._fills >= 0:
            yield _event(Name.FILLS_BOOKED, fills=shown.fills_total - self._fills, total=shown.fills_total)
        self._fills = shown.fills_total

    def _verdict(self, state: WorkerState, now_ms: int) -> Iterator[Event]:
        answer = answer_of(state, now_ms)
        subject = answer.subject[0], _gist(answer.subject[1])
        if subject != self._answer:
            self._answer = subject
            yield _event(
                Name.VERDICT_CHANGED,
                _BAD.get(answer.verdict, Level.INFO),
                verdict=answer.verdict.value,
                words=answer.words,
                to_do=answer.to_do,
                block=answer.block,
            )
        if _gist(state.why_not) != _gist(self._why_not):
            yield _event(Name.QUOTING_CHANGED, may_quote=not state.why_not, why_not=state.why_not)
        self._why_not = state.why_not
        if _gist(state.problem) != _gist(self._problem) and state.problem:
            yield _event(Name.VENUE_TROUBLE, Level.WARNING, problem=state.problem)
        self._problem = state.problem

    def _told(self, state: WorkerState) -> Iterator[Event]:
        before, now = self._alerts, state.alerts
        failed, dropped = now.failed - before.failed, now.dropped - before.dropped
        if failed > 0 or dropped > 0:
            yield _event(Name.ALERTS_FAILED, Level.ERROR, failed=failed, dropped=dropped, problem=now.problem)
        self._alerts = AlertFigures(failed=now.failed, dropped=now.dropped)


def stopped(state: WorkerState, code: int) -> list[Event]:
    """The end of a worker, and what it left; *code* is the program's exit code."""
    left = list(state.left_open)
    told = [_event(Name.ORDERS_LEFT_OPEN, Level.ERROR, orders=len(left), first=left[0])] if left else []
    return [*told, _event(Name.WORKER_STOPPED, Level.ERROR if code == 1 else Level.INFO, phase=state.phase, code=code)]


def failed(error: BaseException) -> Event:
    """The worker ended by an error."""
    return _event(Name.WORKER_FAILED, Level.ERROR, kind=type(error).__name__, problem=str(error))


def gap(lines: int) -> Event:
    """So many events could not be written."""
    return _event(Name.LOG_GAP, Level.WARNING, events=lines)


def _gist(words: str) -> str:
    """A sentence without its details, which may change with every try."""
    return words.partition(":")[0]


def _found(ended: Ended) -> Event:
    findings = ended.result.findings
    gravest = max((found.severity for found in findings), key=list(Severity).index)
    types = sorted({found.type.value for found in findings})
    return _event(Name.RUN_FOUND, _LEVELS[gravest], job=ended.job.value, findings=len(findings), types=types)


def _raised(issue: Issue) -> Event:
    return _event(
        Name.ISSUE_RAISED,
        _LEVELS[issue.severity],
        issue_id=issue.issue_id,
        type=issue.type.value,
        severity=issue.severity.value,
        action=issue.action.value,
        summary=issue.summary,
        condition_id=issue.condition_id,
        token_id=issue.token_id,
        order_id=issue.order_id,
    )
