"""The worker's records on the command line: runs, issues, quotes, and steering it."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from cli.command_line import PATIENCE_S, PROGRAM, CommandLine
from tieout.app.issue_words import GUIDANCE, Guidance
from tieout.cli.runs import duration
from tieout.ledger.facts import Side
from tieout.store import controls, quotes, runs
from tieout.store.connect import connect
from tieout.store.controls import Actor, Command, State
from tieout.store.embedded import EmbeddedServer
from tieout.store.quotes import QuoteEvent, QuoteEventKind
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.wallets import Lease, acquire

START_MS = 1_789_000_000_000
MARKET = "0x" + "c1" * 32
OTHER = "0x" + "c2" * 32
TOKEN = "1234567890" * 7
ORDER = "0x" + "ab" * 32
SIGNED = ("--why", "a look at the news", "--who", "ada", "--yes")
Prepare = Callable[[Callable[[asyncpg.Connection, Lease], Awaitable[Any]]], Any]


@pytest.fixture
def prepare(tieout: CommandLine, wallet: str) -> Prepare:
    """Does as a worker would, with the lease of the wallet."""
    tieout("db", "migrate")

    def run(work: Callable[[asyncpg.Connection, Lease], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            with EmbeddedServer.start(tieout.home / "postgres") as server:
                connection = await connect(server.dsn())
                try:
                    return await work(connection, await acquire(connection, wallet, exclusive=True))
                finally:
                    await connection.close()

        return asyncio.run(connected())

    return run


async def nothing(_connection: asyncpg.Connection, _lease: Lease) -> None:
    """The wallet alone."""


def drift(severity: Severity = Severity.ERROR) -> Finding:
    summary = f"token {TOKEN}: the chain holds 2500000 micro-shares more than the books"
    evidence = {"block": 70_000_000, "tx_hash": "0x" + "fe" * 32}
    action = Action.REQUIRES_MANUAL if severity.is_grave else Action.LOGGED
    return Finding(IssueType.POSITION_DRIFT, severity, action, summary, MARKET, TOKEN, "", evidence)


# --- runs -------------------------------------------------------------------------------------------------------------


async def three_runs(connection: asyncpg.Connection, lease: Lease) -> None:
    first = await runs.start(connection, lease, Job.CATCH_UP, "on start", START_MS)
    await runs.raise_issue(connection, lease.wallet_id, drift(), START_MS, first)
    await runs.finish(connection, lease, first, Outcome.ISSUES, START_MS + 65_300, {"trades": 12})
    second = await runs.start(connection, lease, Job.SETTLE, "schedule", START_MS)
    await runs.finish(connection, lease, second, Outcome.OK, START_MS + 850)
    await runs.start(connection, lease, Job.FULL_SYNC, "schedule", START_MS + 70_000)


def test_runs_tell_outcome_duration_and_issues(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(three_runs)
    shown = tieout("runs", "--wallet", wallet).out.splitlines()
    assert [line.split()[1] for line in shown[1:4]] == ["full_sync", "settle", "catch_up"]
    assert [name in shown[0] for name in ("took", "outcome", "issues")] == [True] * 3
    assert "running" in shown[1]
    assert "850 ms  ok" in shown[2]
    assert "1 min 05 s  issues        1  on start  trades 12" in shown[3]
    assert shown[4] == "3 runs"
    found = tieout("runs", "--wallet", wallet, "--json", "--job", "catch_up").json
    assert [(run["job"], run["outcome"], run["duration_ms"], run["issues"], run["detail"]) for run in found] == [
        ("catch_up", "issues", 65_300, 1, {"trades": 12})
    ]
    assert len(tieout("runs", "--wallet", wallet, "--json", "--limit", "2").json) == 2
    tieout("runs", "--wallet", wallet, "--job", "dancing", code=2)


def test_a_wallet_without_runs_says_so(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(nothing)
    assert "no runs" in tieout("runs", "--wallet", wallet).out


@pytest.mark.parametrize("verb", [["runs"], ["issues"], ["quotes"], ["control"], ["pause", *SIGNED]])
def test_an_unknown_wallet_ends_with_2(tieout: CommandLine, wallet: str, verb: list[str]) -> None:
    assert f"no books of wallet {wallet}" in tieout(*verb, "--wallet", wallet, code=2).err


def test_durations_are_rounded_down() -> None:
    assert [duration(ms) for ms in (0, 999, 1_099, 59_999, 60_000, 3_605_000)] == [
        *("0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 00 s", "60 min 05 s")
    ]


# --- issues -----------------------------------------------------------------------------------------------------------


def test_every_issue_type_has_words_of_its_own() -> None:
    assert set(GUIDANCE) == set(IssueType)
    for field in Guidance._fields:
        texts = [getattr(guidance, field) for guidance in GUIDANCE.values()]
        assert all(text.endswith(".") and len(text) > 30 for text in texts)
    assert len({guidance.happened for guidance in GUIDANCE.values()}) == len(IssueType)


def test_an_open_error_ends_with_1_and_says_what_how_and_what_to_do(
    tieout: CommandLine, wallet: str, prepare: Prepare
) -> None:
    async def twice(connection: asyncpg.Connection, lease: Lease) -> int:
        await runs.raise_issue(connection, lease.wallet_id, drift(), START_MS)
        return await runs.raise_issue(connection, lease.wallet_id, drift(), START_MS + 10_000)

    issue_id = prepare(twice)
    done = tieout("issues", "--wallet", wallet, code=1)
    guidance = GUIDANCE[IssueType.POSITION_DRIFT]
    assert f"ERROR     POSITION_DRIFT  REQUIRES_MANUAL  #{issue_id}  2 times from 2026-09-10" in done.out
    assert "token 12345678…567890: the chain holds 2.500000 shares more than the books" in done.out
    assert all(sentence in done.out for sentence in guidance)
    assert "block 70000000  tx_hash 0xfefefe…fefefe" in done.out
    assert "1 grave issue open of 1" in done.out
    (found,) = tieout("issues", "--wallet", wallet, "--json", code=1).json
    assert (found["times"], found["evidence"]["block"], found["to_do"]) == (2, 70_000_000, guidance.to_do)


def test_an_acknowledged_issue_is_no_longer_open(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    issue_id = prepare(lambda connection, lease: runs.raise_issue(connection, lease.wallet_id, drift(), START_MS))
    seen = ("issues", "--wallet", wallet, "--ack", str(issue_id), "--who")
    assert f"issue {issue_id} POSITION_DRIFT: acknowledged by ada at" in tieout(*seen, "ada").out
    assert "acknowledged by ada at" in tieout(*seen, "bob").out, "the first one stays"
    assert "no open issues" in tieout("issues", "--wallet", wallet).out
    shown = tieout("issues", "--wallet", wallet, "--all").out
    assert "seen by        ada at" in shown
    assert "no open issues" in shown
    assert tieout("issues", "--wallet", wallet, "--json").json == []
    assert f"has no issue {issue_id + 1}" in tieout(*seen[:4], str(issue_id + 1), "--who", "ada", code=2).err
    assert "--who NAME go together" in tieout(*seen[:5], code=2).err


def test_a_warning_alone_ends_with_0(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(lambda connection, lease: runs.raise_issue(connection, lease.wallet_id, drift(Severity.WARN), START_MS))
    assert "1 issue open, none of them grave" in tieout("issues", "--wallet", wallet).out


@pytest.mark.parametrize("width", [60, 100])
def test_issues_and_runs_fit_the_terminal(tieout: CommandLine, wallet: str, prepare: Prepare, width: int) -> None:
    prepare(three_runs)
    for verb in ("runs", "issues"):
        shown = tieout.screen(width, verb, "--wallet", wallet)
        assert max(len(line) for line in shown) <= width, shown


# --- quotes -----------------------------------------------------------------------------------------------------------


async def three_quotes(connection: asyncpg.Connection, lease: Lease) -> None:
    def event(at_ms: int, kind: QuoteEventKind, size: int, market: str = MARKET, order: str = ORDER) -> QuoteEvent:
        fields = (market, TOKEN, 0, Side.BUY, 1, 480_000, size, order, kind, False, "wanted")
        return QuoteEvent(START_MS + at_ms, *fields)

    life = [event(0, QuoteEventKind.PLACED, 20_000_000), event(1_000, QuoteEventKind.FILL, 20_000_000)]
    other = event(500, QuoteEventKind.PLACED, 5_000_000, OTHER, "0x" + "cd" * 32)
    await quotes.append(connection, lease.wallet_id, [life[0], other, life[1]])


def test_quotes_of_a_wallet_a_market_and_an_order(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(three_quotes)
    shown = tieout("quotes", "--wallet", wallet).out.splitlines()
    assert [line.split()[2] for line in shown[1:4]] == ["FILL", "PLACED", "PLACED"]
    assert "0.480000  20.000000" in shown[1]
    assert shown[4] == "3 quote events"
    of_market = tieout("quotes", "--wallet", wallet, "--market", MARKET.upper().replace("0X", "0x"), "--json").json
    assert [(one["event"], one["size"], one["tier"]) for one in of_market] == [
        ("FILL", "20000000", 1),
        ("PLACED", "20000000", 1),
    ]
    of_order = tieout("quotes", "--wallet", wallet, "--order", ORDER, "--json").json
    assert [one["event"] for one in of_order] == ["PLACED", "FILL"]
    both = tieout("quotes", "--wallet", wallet, "--order", ORDER, "--market", MARKET, code=2)
    assert "exclude each other" in both.err


# --- steering ---------------------------------------------------------------------------------------------------------


def test_pausing_and_resuming_a_market_says_what_it_did(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(three_quotes)
    one = ("--wallet", wallet, "--market", MARKET)
    done = tieout("pause", *one, *SIGNED)
    assert done.out.splitlines()[0].startswith(f"market {MARKET} is now paused: no new quotes")
    assert "paused already; nothing was changed" in tieout("pause", *one, *SIGNED).out
    view = tieout("control", "--wallet", wallet, "--json").json
    assert view["whole"]["state"] == "active"
    assert [(m["condition_id"], m["state"], m["who"]) for m in view["markets"]] == [(MARKET, "paused", "ada")]
    shown = tieout("control", "--wallet", wallet).out
    assert "a look at the news" in shown
    assert "active → paused" in shown
    assert "is now active" in tieout("resume", *one, *SIGNED).out
    states = [event["state"] for event in tieout("control", "--wallet", wallet, "--json").json["history"]]
    assert states == ["active", "paused"]


def test_a_market_stays_held_by_the_wallet_and_the_wallet_resumes_without_its_markets(
    tieout: CommandLine, wallet: str, prepare: Prepare
) -> None:
    prepare(three_quotes)
    tieout("halt", "--wallet", wallet, *SIGNED)
    tieout("pause", "--wallet", wallet, "--market", MARKET, *SIGNED)
    resumed = tieout("resume", "--wallet", wallet, "--market", OTHER, *SIGNED).out
    assert "is active already" in resumed
    assert "but the whole wallet is halted since" in resumed
    assert "but 1 of its markets still not" in tieout("resume", "--wallet", wallet, *SIGNED).out


def test_the_halt_of_an_invariant_takes_force(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    halt = Command("", State.HALTED, "L2: the log is broken at entry 7", "invariant L2", Actor.INVARIANT)
    prepare(lambda connection, lease: controls.set_state(connection, lease.wallet_id, halt, START_MS))
    for verb in ("resume", "pause"):
        refused = tieout(verb, "--wallet", wallet, *SIGNED, code=2)
        assert "halted by invariant L2 (L2: the log is broken at entry 7)" in refused.err
        assert "tieout resume --force" in refused.err
    assert "a person, --force" in tieout("control", "--wallet", wallet).out
    assert "is now active" in tieout("resume", "--wallet", wallet, *SIGNED, "--force").out
    assert "(forced)" in tieout("control", "--wallet", wallet).out


@pytest.mark.parametrize(("answer", "state"), [("y\n", "paused"), ("n\n", "active"), ("\n", "active"), ("", "active")])
def test_it_asks_back_and_only_yes_is_yes(
    tieout: CommandLine, wallet: str, prepare: Prepare, answer: str, state: str
) -> None:
    prepare(nothing)
    done = subprocess.run(
        [PROGRAM, "pause", "--wallet", wallet, *SIGNED[:-1]],
        env=tieout.environment(),
        input=answer.encode(),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == (0 if state == "paused" else 2)
    assert b"-> paused: no new quotes" in done.stderr
    assert (b"nothing was changed" in done.stderr) == (state == "active")
    assert tieout("control", "--wallet", wallet, "--json").json["whole"]["state"] == state


def test_what_it_needs_is_asked_for(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(nothing)
    assert "--why" in tieout("pause", "--wallet", wallet, "--who", "ada", "--yes", code=2).err
    assert "--who" in tieout("pause", "--wallet", wallet, "--why", "x", "--yes", code=2).err
    assert "expected words" in tieout("pause", "--wallet", wallet, "--why", " ", "--who", "ada", "--yes", code=2).err
    assert "expected a condition id" in tieout("pause", "--wallet", wallet, "--market", "0x12", *SIGNED, code=2).err
    unknown = tieout("pause", "--wallet", wallet, "--market", MARKET, *SIGNED)
    assert "note: the wallet never held, ordered or quoted anything of this market" in unknown.out


def test_colors_tell_the_severity(tieout: CommandLine, wallet: str, prepare: Prepare) -> None:
    prepare(lambda connection, lease: runs.raise_issue(connection, lease.wallet_id, drift(), START_MS))
    ours, theirs = pty.openpty()
    subprocess.run(
        [PROGRAM, "issues", "--wallet", wallet],
        env=tieout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65_536)
    os.close(ours)
    assert b"\x1b[31mERROR" in shown
