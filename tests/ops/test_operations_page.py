"""docs/operations.md: its events are those that are written, and what it tells to type can be typed."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from tieout.app import log_events
from tieout.app.log_events import Changes, Event, Name
from tieout.app.metrics_list import METRICS
from tieout.app.showing import Shown
from tieout.app.waking import Hearing
from tieout.app.worker_state import WorkerState
from tieout.cli.main import COMMANDS, app_of
from tieout.jobs.job import Ended, Result
from tieout.store.controls import WHOLE_WALLET, Control, State
from tieout.store.runs import Action, Finding, Issue, IssueType, Job, Outcome, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def table() -> dict[str, set[str]]:
    """The fields of each event, as the page has them."""
    part = PAGE.partition("| event | when | fields |")[2].partition("\n\n")[0]
    return {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in _ROW.findall(part)}


def everything() -> list[Event]:
    """Every event that there is, made by what makes it."""
    finding = Finding(IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, "differs")
    issue = Issue(1, 1, finding.type, finding.severity, finding.action, "", "", "", "differs", {}, 1, 1, 1, None, None)
    state, changes = WorkerState("0x1", is_live=True, started_ms=5), Changes()
    old, new = replace(issue, issue_id=2), replace(issue, last_at_ms=9)
    told = changes.of(state, Shown(seq=1, issues=(old,)), 10)
    state.phase, state.feed_live, state.heads, state.why_not = "running", True, Hearing.LIVE, ""
    state.away, state.problem = {"clob": "503"}, "no answer"
    for job, outcome, result in (
        (Job.SETTLE, Outcome.FAILED, Result()),
        (Job.RECONCILE, Outcome.OK, Result((finding,))),
    ):
        state.ended.append(Ended(job, 10, outcome, result, "away"))
        state.runs[job] += 1
    state.sent.update(placed=1, rejected=1, cancelled=1, unknown=1)
    state.controls = {WHOLE_WALLET: Control(WHOLE_WALLET, State.PAUSED, "x", "ann", 7)}
    state.alerts.failed = 1
    told += changes.of(state, Shown(seq=2, issues=(new,), fills_total=3), 10)
    state.away, state.left_open = {}, ("0x1",)
    told += changes.of(state, Shown(seq=2, issues=(new,), fills_total=3), 10)
    return [*told, *log_events.stopped(state, 1), log_events.failed(ValueError("x")), log_events.gap(2)]


def test_every_event_is_in_the_table_with_its_fields() -> None:
    written: dict[str, set[str]] = {}
    for event in everything():
        written.setdefault(event.name.value, set()).update(event.fields)
    assert sorted(written) == sorted(Name)
    assert table() == written


def test_metrics_that_are_named_are_exported() -> None:
    named = set(re.findall(r"`(tieout_\w+)`", PAGE))
    assert len(named) > 5
    assert named <= {exported.name for exported in METRICS}


def test_what_is_to_be_typed_can_be_typed() -> None:
    lines = re.findall(
        r"^(?:.*(?:/|\s))?(tieout [a-z].*)$", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)), re.MULTILINE
    )
    seen = 0
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        if words[0] not in COMMANDS:
            continue
        command: Any = typer.main.get_command(app_of(words))
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
        seen += 1
    assert seen > 12
