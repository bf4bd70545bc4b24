"""The answer from records alone: what stands, what is over, whether a worker is there."""

from __future__ import annotations

import json
from dataclasses import replace

import asyncpg
import pytest

from store.operations import leased
from support.database import ADDRESS, connected, in_loop
from tieout.app.queries import UnknownWalletError
from tieout.app.stored_answer import FRESH_MS, stored_answer
from tieout.app.tie_answer import Answer, Verdict
from tieout.store import controls, runs, statuses
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, Severity
from tieout.store.wallets import Lease, acquire

NOW = 1_790_000_000_000
CLEAN = {"block": 7, "tokens": 4, "differences": 0, "pending": 1}
DRIFT = Finding(
    IssueType.POSITION_DRIFT, Severity.ERROR, Action.LOGGED, "the books hold 2.0", "0xc1", "77", evidence={"a": 1}
)
MISMATCH = Finding(IssueType.ORDER_MISMATCH, Severity.ERROR, Action.LOGGED, "another price", "0xc1", "77", "0x01")


async def ran(
    connection: asyncpg.Connection, lease: Lease, job: Job, at_ms: int, *findings: Finding, **detail: object
) -> None:
    """A run of *job* that ended at *at_ms*, recorded as the worker does it."""
    run_id = await runs.start(connection, lease, job, "schedule", at_ms)
    for finding in findings:
        await runs.raise_issue(connection, lease.wallet_id, finding, at_ms, run_id)
    failed = "error" in detail
    outcome = Outcome.FAILED if failed else Outcome.ISSUES if findings else Outcome.OK
    await runs.finish(connection, lease, run_id, outcome, at_ms, detail)


async def answer(connection: asyncpg.Connection, now_ms: int = NOW) -> Answer:
    return await stored_answer(connection, ADDRESS, now_ms)


@in_loop
async def test_a_wallet_that_nobody_compared_is_not_said_to_tie_out(dsn: str) -> None:
    async with connected(dsn) as connection:
        with pytest.raises(UnknownWalletError):
            await answer(connection)
        await acquire(connection, ADDRESS)
        found = await answer(connection)
        assert (found.verdict, found.to_do) == (Verdict.CANNOT_TELL, f"tieout audit {ADDRESS}")


@in_loop
async def test_a_comparison_holds_until_it_is_too_old_and_a_failed_one_cannot_tell(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.FULL_SYNC, NOW - 20_000, positions=CLEAN)
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 10_000, **{**CLEAN, "block": 8})
        found = await answer(connection)
        assert found == Answer(
            Verdict.TIES_OUT, "4 balances equal the chain at block 8", "", 8, 4, 1, NOW - 20_000, NOW - 10_000
        )
        late = await answer(connection, NOW + 50_001)
        assert (late.verdict, late.words) == (Verdict.CANNOT_TELL, "nothing was compared for 60 seconds")
        await statuses.put_worker(connection, lease.wallet_id, b'{"unseen_ms": 360000}', NOW)
        assert (await answer(connection, NOW + 50_001)).verdict is Verdict.TIES_OUT, "told to come seldom"
        await ran(connection, lease, Job.POSITION_SYNC, NOW, error="the node is away")
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.CANNOT_TELL, "the node is away")


@in_loop
async def test_what_holds_the_worker_back_is_told(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 10_000, **CLEAN)
        await ran(connection, lease, Job.MARKET_MAKING, NOW - 5_000, why_not="the user feed is not live")
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.CATCHING_UP, "the user feed is not live")
        await ran(connection, lease, Job.MARKET_MAKING, NOW)
        assert (await answer(connection)).verdict is Verdict.TIES_OUT


@in_loop
async def test_what_the_last_runs_found_stands_and_a_person_who_has_seen_it_does_not_change_that(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 9_000, DRIFT, **{**CLEAN, "differences": 1})
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.DOES_NOT, "the books hold 2.0")
        assert found.to_do == f"tieout explain 77 --wallet {ADDRESS}"
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 8_000, **CLEAN)
        await ran(connection, lease, Job.ORDER_SYNC, NOW - 7_000, MISMATCH)
        assert (await answer(connection)).words == "another price"
        for issue in await runs.open_issues(connection, lease.wallet_id):
            await runs.acknowledge(connection, lease.wallet_id, issue.issue_id, "ann", NOW - 6_000)
        assert (await answer(connection)).words == "another price"
        await ran(connection, lease, Job.ORDER_SYNC, NOW - 5_000)
        assert (await answer(connection)).verdict is Verdict.TIES_OUT


@in_loop
async def test_what_is_found_again_less_grave_stands_unless_it_was_corrected(dsn: str) -> None:
    smaller = replace(DRIFT, severity=Severity.INFO)
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 9_000, DRIFT, **{**CLEAN, "differences": 1})
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 8_000, smaller, **{**CLEAN, "differences": 1})
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.DOES_NOT, "the books hold 2.0")
        corrected = replace(smaller, action=Action.CORRECTED)
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 7_000, corrected, **CLEAN)
        found = await answer(connection)
        assert (found.verdict, found.since_ms) == (Verdict.TIES_OUT, NOW - 7_000)


@in_loop
async def test_a_halt_by_an_invariant_does_not_tie_out_until_it_is_lifted(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 10_000, **CLEAN)
        halt = Command(WHOLE_WALLET, State.HALTED, "L1: a row differs", "worker", Actor.INVARIANT)
        await controls.set_state(connection, lease.wallet_id, halt, NOW)
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.DOES_NOT, "L1: a row differs")
        lifted = Command(WHOLE_WALLET, State.PAUSED, "looked", "ann", Actor.PERSON, force=True)
        await controls.set_state(connection, lease.wallet_id, lifted, NOW)
        assert (await answer(connection)).verdict is Verdict.TIES_OUT, "a pause by a person says nothing of the books"


@in_loop
async def test_a_new_worker_catches_up_and_one_that_is_not_there_cannot_tell(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await ran(connection, lease, Job.POSITION_SYNC, NOW - 10_000, **CLEAN)
    async with leased(dsn) as (connection, lease):
        found = await answer(connection)
        assert (found.verdict, found.words) == (
            Verdict.CANNOT_TELL,
            "no worker is running; nothing was compared for 10 seconds",
        )
        shown = {"phase": "catching up", "why_not": "starting", "problem": "the venue is away"}
        await statuses.put_worker(connection, lease.wallet_id, json.dumps(shown).encode(), NOW)
        found = await answer(connection)
        assert (found.verdict, found.words) == (Verdict.CATCHING_UP, "the venue is away")
        assert (await answer(connection, NOW + FRESH_MS + 1)).verdict is Verdict.CANNOT_TELL
        await ran(connection, lease, Job.POSITION_SYNC, NOW, error="it is away")
        await ran(connection, lease, Job.PORTFOLIO, NOW)
        assert (await answer(connection)).words == "it is away"
