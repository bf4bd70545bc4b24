"""Alerts over a real HTTP server and to a real child process: what is sent, what is only counted, and what fails."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from client.stage import CUT, START_MS, Clock, Says, Site, serving
from support.database import in_loop, until
from tieout.app import alert_outbox
from tieout.app.alert import Alert
from tieout.app.alert_channels import DeliveryError, Message, Program
from tieout.app.alert_settings import AlertSettings
from tieout.app.alerts import Alerts, alerting
from tieout.app.worker_state import MarketState, WorkerState
from tieout.client.markets import MarketInfo
from tieout.store.controls import WHOLE_WALLET, Control, Lift, State
from tieout.store.runs import Action, Finding, IssueType, Severity

WALLET = "0x" + "5a" * 20
CONDITION = "0x" + "c1" * 32
SPACING_MS = 600_000
PATH = "/services/planted-key-123/"
NOTHING = Message(title="", text="", severity=Severity.INFO, body=b"{}")


def state_of(clock: Clock) -> WorkerState:
    state = WorkerState(WALLET, is_live=True, started_ms=clock.now_ms())
    market = MarketInfo(
        CONDITION, "v1", ("1", "2"), ("Yes", "No"), 10_000, 5_000_000, False, True, question="Will it rain?"
    )
    state.markets[CONDITION] = MarketState(market=market)
    return state


def drift(severity: Severity = Severity.ERROR, condition_id: str = CONDITION, what: str = "2 is not 1") -> Finding:
    return Finding(IssueType.POSITION_DRIFT, severity, Action.LOGGED, what, condition_id)


class Post:
    """Alerts by webhook, and what arrived there."""

    def __init__(self, site: Site, clock: Clock, alerts: Alerts, state: WorkerState, over: asyncio.Event) -> None:
        self.site, self.clock, self.alerts, self.state = site, clock, alerts, state
        self.over = over
        """Set when the alerts have ended."""

    @property
    def arrived(self) -> list[dict[str, Any]]:
        return [asked.json for asked in self.site.asked]

    async def until_arrived(self, count: int) -> None:
        async def there() -> bool:
            return self.state.alerts.sent + self.state.alerts.failed >= count

        await until(there, f"{count} deliveries")


@asynccontextmanager
async def posting(**changes: Any) -> AsyncIterator[Post]:
    clock, over = Clock(), asyncio.Event()
    state = state_of(clock)
    async with serving() as site:
        site.script(Says(200))
        settings = AlertSettings(**({"webhook": site.url + PATH} | changes))
        try:
            async with alerting(settings, clock, state) as alerts:
                yield Post(site, clock, alerts, state, over)
        finally:
            over.set()


@in_loop
async def test_an_issue_is_posted_with_all_that_a_person_needs() -> None:
    async with posting() as post:
        post.alerts.issue(drift(), START_MS)
        await post.until_arrived(1)
        (asked,) = post.site.asked
        assert (asked.method, asked.path, asked.headers["content-type"]) == ("POST", PATH, "application/json")
        assert asked.json == {
            "text": f"ERROR POSITION_DRIFT [Will it rain?]: 2 is not 1 (wallet {WALLET})",
            "severity": "ERROR",
            "type": "POSITION_DRIFT",
            "action": "LOGGED",
            "wallet": WALLET,
            "condition_id": CONDITION,
            "market": "Will it rain?",
            "at_ms": START_MS,
            "first_at_ms": START_MS,
            "times": 1,
        }
        assert (post.state.alerts.sent, post.state.alerts.failed) == (1, 0)


@in_loop
async def test_what_is_less_grave_than_asked_for_is_not_sent() -> None:
    async with posting(severity=Severity.CRITICAL) as post:
        for severity in Severity:
            post.alerts.issue(drift(severity), START_MS)
        await post.until_arrived(1)
    assert [each["severity"] for each in post.arrived] == ["CRITICAL"]


@in_loop
async def test_a_storm_is_one_alert_and_then_one_with_the_count() -> None:
    async with posting() as post:
        for number in range(1_000):
            post.alerts.issue(drift(what=f"drift {number}"), START_MS + number)
        other = "0x" + "c2" * 32
        post.alerts.issue(drift(condition_id=other), START_MS)
        await post.until_arrived(2)
        assert [(each["condition_id"], each["times"]) for each in post.arrived] == [(CONDITION, 1), (other, 1)]
        await post.clock.advance(SPACING_MS)
        await post.until_arrived(3)
        last = post.arrived[2]
        assert (last["times"], last["first_at_ms"], last["at_ms"]) == (999, START_MS + 1, START_MS + 999)
        assert "drift 999 (999 times)" in last["text"]
        await post.clock.advance(SPACING_MS)
        post.alerts.issue(drift(what="the next day"), post.clock.ms)
        await post.until_arrived(4)
        assert post.arrived[3]["times"] == 1


@in_loop
async def test_something_graver_of_the_same_kind_does_not_wait() -> None:
    async with posting() as post:
        post.alerts.issue(drift(), START_MS)
        post.alerts.issue(drift(), START_MS + 1)
        post.alerts.issue(drift(Severity.CRITICAL, what="much worse"), START_MS + 2)
        await post.until_arrived(2)
        assert [(each["severity"], each["times"]) for each in post.arrived] == [("ERROR", 1), ("CRITICAL", 2)]


@in_loop
async def test_pauses_and_halts_since_the_start_are_told_once_whoever_set_them() -> None:
    async with posting(severity=Severity.CRITICAL) as post:
        before = Control("0xold", State.PAUSED, "news", "ann", START_MS - 1, Lift.PERSON)
        paused = Control(CONDITION, State.PAUSED, "too much", "worker", START_MS, Lift.PERSON)
        halted = Control(WHOLE_WALLET, State.HALTED, "a look", "bob", START_MS + 5, Lift.PERSON)
        lifted = Control(CONDITION, State.ACTIVE, "fine", "bob", START_MS + 9, Lift.PERSON)
        for found in ([before], [before, paused], [before, paused], [before, paused, halted], [lifted, halted]):
            post.alerts.controls({control.condition_id: control for control in found})
        await post.until_arrived(2)
    assert [(each["type"], each["severity"], each["condition_id"]) for each in post.arrived] == [
        ("PAUSED", "ERROR", CONDITION),
        ("HALTED", "CRITICAL", WHOLE_WALLET),
    ]
    assert "halted by bob: a look" in post.arrived[1]["text"]


@in_loop
async def test_the_end_of_the_worker_by_an_error_waits_until_it_is_told_and_so_does_what_was_only_counted() -> None:
    kept: list[Post] = []

    async def end() -> None:
        async with posting() as post:
            kept.append(post)
            for _ in range(4):
                post.alerts.issue(drift(), START_MS)
            error = RuntimeError("by design")
            post.alerts.ended(error)
            raise error

    with pytest.raises(RuntimeError, match="by design"):
        await end()
    (post,) = kept
    assert [(each["type"], each["times"]) for each in post.arrived] == [
        ("POSITION_DRIFT", 1),
        ("ENDED", 1),
        ("POSITION_DRIFT", 3),
    ]
    assert "RuntimeError: by design" in post.arrived[1]["text"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Says(500), "the webhook answered 500"),
        (Says(302, headers={"Location": "http://127.0.0.1:9/"}), "the webhook answered 302"),
        (CUT, "the webhook gave no answer: remote protocol error"),
    ],
)
def test_a_webhook_that_fails_is_counted_with_a_reason_that_has_no_address(answer: Says, words: str) -> None:
    @in_loop
    async def run() -> None:
        async with posting() as post:
            post.site.script(answer, Says(200))
            post.alerts.issue(drift(), START_MS)
            await post.until_arrived(1)
            assert (post.state.alerts.sent, post.state.alerts.failed) == (0, 1)
            assert post.state.alerts.problem == words
            post.alerts.ended(ValueError("later"))
            await post.until_arrived(3)
            assert (post.state.alerts.sent, post.state.alerts.problem) == (2, "")
        assert [each["type"] for each in post.arrived] == ["POSITION_DRIFT", "ENDED", "POSITION_DRIFT"]

    run()


@in_loop
async def test_a_webhook_that_never_answers_blocks_nobody_and_drops_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_outbox, "WAITING_MAX", 3)
    asked = asyncio.Event()

    async def never(_: object) -> Says:
        asked.set()
        await post.over.wait()
        return Says(200)

    async with posting(timeout_ms=200) as post:
        post.site.answer = never
        post.alerts.issue(drift(), START_MS)
        await asked.wait()
        for number in range(10):
            post.alerts.issue(drift(condition_id=f"0x{number}"), START_MS)
        assert post.state.alerts.dropped == 7
    assert (post.state.alerts.sent, post.state.alerts.problem) == (
        0,
        "the webhook gave no answer: no complete answer within 0.2 s",
    )
    assert post.state.alerts.dropped == 11, "what was told is delivered or counted as dropped"


@in_loop
async def test_secret_fields_are_replaced() -> None:
    async with posting() as post:
        post.alerts.issue(drift(what='it said {"passphrase": "correct horse"}'), START_MS)
        await post.until_arrived(1)
        assert b"correct horse" not in post.site.asked[0].body
        assert "planted-key" not in repr(AlertSettings(webhook=post.site.url + PATH))


CHILD = """
import json, os, sys
alert = json.load(sys.stdin)
kept = {name: value for name, value in os.environ.items() if name.startswith(("TIEOUT_", "PATH"))}
open(sys.argv[1], "w").write(json.dumps([alert, kept]))
"""


@in_loop
async def test_a_program_gets_the_alert_on_its_input_and_nothing_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_PRIVATE_KEY", "0x" + "d1" * 32)
    clock = Clock()
    state = state_of(clock)
    command = (sys.executable, "-c", CHILD, str(tmp_path / "heard"))
    async with alerting(AlertSettings(command=command), clock, state) as alerts:
        alerts.issue(drift(), START_MS)
    alert, environ = json.loads((tmp_path / "heard").read_text())
    assert (alert["type"], alert["times"]) == ("POSITION_DRIFT", 1)
    assert environ.keys() == {"PATH"}
    assert state.alerts.sent == 1


HANG = """
import subprocess, sys
started = subprocess.Popen(["sleep", "1000"])
open(sys.argv[1], "w").write(str(started.pid))
started.wait()
"""


def lives(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((sys.executable, "-c", "raise SystemExit(3)"), "the program ended with 3"),
        (("/nowhere/at/all",), "the program cannot be run: No such file or directory"),
    ],
)
def test_a_program_that_fails_is_told(command: tuple[str, ...], words: str) -> None:
    @in_loop
    async def run() -> None:
        with pytest.raises(DeliveryError) as told:
            await Program(command, 60_000).deliver(NOTHING)
        assert str(told.value) == words

    run()


@in_loop
async def test_a_program_that_hangs_ends_with_everything_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(DeliveryError, match="longer than 3000 ms"):
        await Program((sys.executable, "-c", HANG, str(child)), 3_000).deliver(NOTHING)
    pid = int(child.read_text())

    async def gone() -> bool:
        return not lives(pid)

    await until(gone, "the end of what the program started")


@in_loop
async def test_both_channels_get_it_and_one_that_fails_does_not_keep_it_from_the_other(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit(1)")
    async with posting(command=command) as post:
        post.alerts.tell(Alert("ENDED", Severity.CRITICAL, "x", START_MS, START_MS))
        await post.until_arrived(2)
        assert (post.state.alerts.sent, post.state.alerts.failed) == (1, 1)
        assert len(post.arrived) == 1


@in_loop
async def test_without_a_channel_nothing_is_kept() -> None:
    clock = Clock()
    state = state_of(clock)
    async with alerting(AlertSettings(), clock, state) as alerts:
        alerts.issue(drift(), START_MS)
        assert await alerts.test("ann") == ()
    assert (state.alerts.sent, state.alerts.failed, state.alerts.dropped) == (0, 0, 0)
