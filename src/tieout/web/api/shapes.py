"""From what the desk reads to what the interface says: wallets, workers, controls, incidents."""

from __future__ import annotations

from dataclasses import asdict

from tieout.app.desk.incidents import Incident as FoundIncident
from tieout.app.issue_words import GUIDANCE
from tieout.app.operations import ControlView
from tieout.app.stored_answer import FRESH_MS
from tieout.app.tie_answer import Answer
from tieout.store.controls import Control as StoredControl
from tieout.store.controls import ControlEvent
from tieout.store.runs import Issue
from tieout.store.runs import Run as StoredRun
from tieout.store.statuses import Status
from tieout.web.api.models import (
    Control,
    ControlChange,
    Controls,
    Guide,
    Incident,
    IncidentStory,
    NamedId,
    Run,
    TieOut,
    Worker,
)


def tie_out(answer: Answer) -> TieOut:
    """The answer."""
    return TieOut(**{**asdict(answer), "verdict": answer.verdict.value})


def control(found: StoredControl) -> Control:
    """A control."""
    return Control(
        market=found.condition_id,
        state=found.state,
        reason=found.reason,
        who=found.who,
        at_ms=found.at_ms,
        lift=found.lift,
    )


def controls(view: ControlView) -> Controls:
    """All controls of a wallet."""
    return Controls(
        wallet=control(view.whole),
        markets=[control(each) for each in view.markets],
        changes=[_change(event) for event in view.history],
    )


def _change(event: ControlEvent) -> ControlChange:
    fields = asdict(event)
    return ControlChange(market=fields.pop("condition_id"), **fields)


def worker(status: Status | None, now_ms: int) -> Worker | None:
    """What the worker showed; what an older one does not tell is empty."""
    if status is None:
        return None
    shown = status.values
    return Worker(
        is_running=now_ms - status.at_ms < FRESH_MS and shown.get("phase") != "stopped",
        at_ms=status.at_ms,
        phase=shown.get("phase", ""),
        why_not=shown.get("why_not", ""),
        is_live=shown.get("is_live", False),
        feed_live=shown.get("feed_live", False),
        started_ms=shown.get("started_ms", 0),
        problem=shown.get("problem", ""),
        markets=shown.get("markets", 0),
    )


def incident(issue: Issue) -> Incident:
    """An incident as it stands in a list."""
    return Incident(
        incident_id=issue.issue_id,
        type=issue.type,
        severity=issue.severity,
        action=issue.action,
        summary=issue.summary,
        condition_id=issue.condition_id,
        token_id=issue.token_id,
        order_id=issue.order_id,
        first_at_ms=issue.at_ms,
        last_at_ms=issue.last_at_ms,
        times=issue.times,
        is_open=issue.is_open,
        acknowledged_by=issue.acknowledged_by,
        acknowledged_at_ms=issue.acknowledged_at_ms,
    )


def incident_story(found: FoundIncident) -> IncidentStory:
    """An incident with its evidence."""
    return IncidentStory(
        **incident(found.issue).model_dump(),
        evidence=found.issue.evidence,
        run=None if found.run is None else _run(found.run),
        ids=[NamedId(field=field, id=name) for field, name in found.names],
        guide=Guide(**GUIDANCE[found.issue.type]._asdict()),
    )


def _run(found: StoredRun) -> Run:
    return Run(**asdict(found))
