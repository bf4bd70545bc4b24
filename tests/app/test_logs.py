"""What a worker's log says, and that its file may be moved, cut off and full."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tieout.app.log_events import Level, Name
from tieout.app.logs import LogFormat, WorkerLog, opened
from tieout.app.showing import Shown
from tieout.app.waking import Hearing
from tieout.app.worker_state import WorkerState
from tieout.jobs.job import Ended, Result
from tieout.store.controls import WHOLE_WALLET, Control, Lift, State
from tieout.store.errors import BrokenInvariantError, StoreError
from tieout.store.runs import Action, Finding, Issue, IssueType, Job, Outcome, Severity

NOW = 1_790_000_000_000
WALLET = "0x" + "5a" * 20
DRIFT = Finding(IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, "the books hold 2.0", "0xc1", "77")
ISSUE = Issue(
    3, 9, DRIFT.type, DRIFT.severity, DRIFT.action, "0xc1", "77", "", DRIFT.summary, {}, NOW, NOW, 1, None, None
)  # fmt: skip
TIED = {"block": 94_100_021, "tokens": 4, "differences": 0, "pending": 2}


class Story:
    """A worker whose state a test changes, and what is written of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = WorkerState(WALLET, is_live=True, started_ms=NOW - 60_000)
        self.shown = Shown(seq=7)
        self._read = 0

    def ran(self, job: Job, *findings: Finding, problem: str = "", **detail: object) -> None:
        outcome = Outcome.FAILED if problem else Outcome.ISSUES if findings else Outcome.OK
        ended = Ended(job, NOW, outcome, Result(findings, detail), problem)
        self.state.jobs[job] = ended
        self.state.runs[job] += 1
        self.state.ended.append(ended)

    def told(self, log: WorkerLog) -> list[dict[str, Any]]:
        """What a look at the worker writes, without what every event has."""
        log.see(self.state, self.shown)
        return self.new()

    def new(self) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines()[self._read :]
        self._read += len(lines)
        events = [json.loads(line) for line in lines]
        for event in events:
            assert list(event)[:4] == ["at", "level", "event", "wallet"]
            assert (event.pop("at"), event.pop("wallet")) == ("2026-09-21T14:13:20.000Z", WALLET)
            assert event["level"] in list(Level)
            assert event["event"] in list(Name)
        return events


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "tieout.log")


def test_everything_that_matters_is_told_once(story: Story) -> None:
    state = story.state
    with opened(str(story.path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        assert [event["event"] for event in story.told(log)] == ["worker_started", "verdict_changed", "quoting_changed"]
        assert story.told(log) == []
        state.phase, state.feed_live, state.heads, state.why_not = "running", True, Hearing.LIVE, ""
        story.ran(Job.POSITION_SYNC, **TIED)
        assert story.told(log) == [
            {"level": "info", "event": "worker_phase", "phase": "running"},
            {"level": "info", "event": "feed_changed", "is_live": True},
            {"level": "info", "event": "heads_changed", "now": "live", "before": ""},
            {
                "level": "info",
                "event": "verdict_changed",
                "verdict": "TIES OUT",
                "words": "4 balances equal the chain at block 94,100,021",
                "to_do": "",
                "block": 94_100_021,
            },
            {"level": "info", "event": "quoting_changed", "may_quote": True, "why_not": ""},
        ]
        story.ran(Job.POSITION_SYNC, **{**TIED, "block": 94_100_025})
        assert story.told(log) == [], "a run that finds nothing is no event"
        story.ran(Job.SETTLE, problem="the node is away")
        story.ran(Job.SETTLE, problem="the node is away still")
        story.ran(Job.ORDER_SYNC, replace(DRIFT, severity=Severity.WARN), DRIFT)
        told = story.told(log)
        assert told[:2] == [
            {"level": "warning", "event": "run_failed", "job": "settle", "problem": "the node is away"},
            {"level": "warning", "event": "run_failed", "job": "settle", "problem": "the node is away still"},
        ]
        assert told[2] == {
            "level": "error",
            "event": "run_found",
            "job": "order_sync",
            "findings": 2,
            "types": ["POSITION_DRIFT"],
        }
        state.sent.update(placed=4, unknown=1)
        story.shown = replace(story.shown, fills_total=2)
        assert story.told(log) == [
            {"level": "warning", "event": "orders_sent", "placed": 4, "unknown": 1},
            {"level": "info", "event": "fills_booked", "fills": 2, "total": 2},
        ]
        state.sent.update(cancelled=4)
        assert story.told(log) == [{"level": "info", "event": "orders_sent", "cancelled": 4}]


def test_issues_and_controls_and_what_is_away(story: Story) -> None:
    state = story.state
    old = replace(ISSUE, issue_id=1, at_ms=NOW - 90_000, last_at_ms=NOW - 90_000, severity=Severity.WARN)
    story.shown = replace(story.shown, issues=(old,))
    story.ran(Job.POSITION_SYNC, **TIED)
    with opened(str(story.path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        told = story.told(log)
        assert told[1] == {"level": "warning", "event": "issues_open", "issues": 1, "gravest": "WARN"}
        story.shown = replace(story.shown, issues=(old, ISSUE))
        (raised,) = story.told(log)
        assert (raised["level"], raised["event"], raised["issue_id"]) == ("error", "issue_raised", 3)
        assert (raised["type"], raised["severity"], raised["token_id"]) == ("POSITION_DRIFT", "ERROR", "77")
        story.shown = replace(story.shown, issues=(old, replace(ISSUE, times=5, last_at_ms=NOW + 5)))
        assert story.told(log) == [], "counted, not told again"
        story.shown = replace(story.shown, issues=(replace(old, severity=Severity.CRITICAL),))
        assert story.told(log) == [
            {
                **raised,
                "issue_id": 1,
                "severity": "CRITICAL",
            },
            {"level": "info", "event": "issue_acknowledged", "issue_id": 3, "type": "POSITION_DRIFT"},
        ]
        state.controls = {WHOLE_WALLET: Control(WHOLE_WALLET, State.PAUSED, "a look", "ann", NOW, Lift.PERSON)}
        state.away = {"clob": "status 503"}
        state.problem, state.why_not = "GET /book: 503", "the order book is away: failed 5 times"
        assert story.told(log) == [
            {"level": "warning", "event": "service_away", "service": "clob", "error": "status 503"},
            {
                "level": "warning",
                "event": "control_changed",
                "condition_id": "",
                "state": "paused",
                "who": "ann",
                "reason": "a look",
            },
            {
                "level": "info",
                "event": "quoting_changed",
                "may_quote": False,
                "why_not": "the order book is away: failed 5 times",
            },
            {"level": "warning", "event": "venue_trouble", "problem": "GET /book: 503"},
        ]
        state.away, state.why_not = {"clob": "status 502"}, "the order book is away: failed 6 times"
        assert story.told(log) == [], "the same trouble with another number"
        state.away = {}
        state.alerts.failed, state.alerts.problems = 2, {"webhook": "the webhook answered 500"}
        assert [event["event"] for event in story.told(log)] == ["service_back", "alerts_failed"]


def test_the_end_says_what_was_left_and_an_error_what_it_was(story: Story) -> None:
    story.state.left_open = ("0x01", "0x02")
    with opened(str(story.path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        log.stopped(story.state, 1)
        log.failed(BrokenInvariantError("L1: a row differs"))
    assert story.new() == [
        {"level": "error", "event": "orders_left_open", "orders": 2, "first": "0x01"},
        {"level": "error", "event": "worker_stopped", "phase": "starting", "code": 1},
        {"level": "error", "event": "worker_failed", "kind": "BrokenInvariantError", "problem": "L1: a row differs"},
    ]


@pytest.mark.parametrize("written", LogFormat)
def test_no_secret_is_written_and_no_line_is_two(story: Story, written: LogFormat) -> None:
    hush = 'refused {"passphrase": "hush-1", "n": 1}\nand "api_secret":"hush-2'
    story.state.problem = hush
    story.state.away = {"clob": json.dumps({"error": json.dumps({"private_key": "hush-3"})})}
    with opened(str(story.path), written, WALLET, lambda: NOW) as log:
        log.see(story.state, story.shown)
        log.failed(StoreError(hush))
    text = story.path.read_text()
    assert "hush" not in text
    assert text.count("[redacted]") >= 4
    assert text.count("\n") == 6 == len(text.splitlines())


def test_text_is_written_as_names_and_values(story: Story) -> None:
    with opened(str(story.path), LogFormat.TEXT, WALLET, lambda: NOW) as log:
        story.ran(Job.ORDER_SYNC, DRIFT, replace(DRIFT, type=IssueType.ORPHAN_ORDER))
        log.see(story.state, story.shown)
    lines = story.path.read_text().splitlines()
    start = f"at=2026-09-21T14:13:20.000Z level=info event=worker_started wallet={WALLET} "
    assert lines[0] == start + "is_live=true phase=starting"
    assert lines[1].endswith("job=order_sync findings=2 types=ORPHAN_ORDER,POSITION_DRIFT")


def test_a_file_that_was_moved_or_cut_off_goes_on_under_its_name(story: Story) -> None:
    moved = story.path.with_suffix(".1")
    with opened(str(story.path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        story.told(log)
        story.path.rename(moved)
        story.state.phase = "running"
        log.see(story.state, story.shown)
        assert "worker_started" in moved.read_text()
        assert [json.loads(line)["phase"] for line in story.path.read_text().splitlines()] == ["running"]
        story.path.write_bytes(b"")  # as copytruncate does
        story.state.phase = "stopping"
        log.see(story.state, story.shown)
        assert [json.loads(line)["phase"] for line in story.path.read_text().splitlines()] == ["stopping"]


def test_a_full_disk_loses_events_and_says_how_many(tmp_path: Path) -> None:
    path, room = tmp_path / "log", tmp_path / "room"
    path.symlink_to("/dev/full")
    story = Story(path)
    with opened(str(path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        log.see(story.state, story.shown)
        path.unlink()
        path.symlink_to(room)
        story.state.phase = "running"
        assert [(event["event"], event.get("events")) for event in story.told(log)] == [
            ("log_gap", 3),
            ("worker_phase", None),
        ]


def test_half_a_line_that_a_full_disk_took_spoils_no_other(story: Story) -> None:
    """A limit on the size of the file cuts a write short, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(str(story.path), LogFormat.JSON, WALLET, lambda: NOW) as log:
        story.told(log)
        size = story.path.stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))
            story.state.phase = "running"
            log.see(story.state, story.shown)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert story.path.stat().st_size == size + 20
        story.state.phase = "stopping"
        log.see(story.state, story.shown)
    half, gap, last, end = story.path.read_bytes()[size:].split(b"\n")
    assert (len(half), end) == (20, b"")
    assert (json.loads(gap)["event"], json.loads(gap)["events"], json.loads(last)["phase"]) == (
        "log_gap",
        1,
        "stopping",
    )


@pytest.mark.parametrize("written", LogFormat)
def test_half_a_surrogate_pair_is_spelled_out(story: Story, written: LogFormat) -> None:
    with opened(str(story.path), written, WALLET, lambda: NOW) as log:
        log.failed(StoreError("refused: \ud83d, and é"))
    assert "\\ud83d" in story.path.read_text()


def test_a_log_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="absent/log: cannot be written: No such file"),
        opened(str(tmp_path / "absent" / "log"), LogFormat.JSON, WALLET, lambda: NOW),
    ):
        raise AssertionError
