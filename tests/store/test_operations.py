"""What the worker keeps beside the books: runs and issues."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from enum import StrEnum

import asyncpg
import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from store.operations import leased
from support.database import ADDRESS, connected, in_loop, until
from tieout.app.database import database, newest_schema
from tieout.app.settings import Settings
from tieout.store import runs
from tieout.store.connect import connect
from tieout.store.controls import Actor, Lift, State
from tieout.store.errors import LeaseLostError
from tieout.store.quotes import QuoteEventKind
from tieout.store.runs import Action, Finding, IssueType, Job, Outcome, RunUnderWayError, Severity
from tieout.store.wallets import acquire

DRIFT = Finding(
    IssueType.POSITION_DRIFT,
    Severity.WARN,
    Action.LOGGED,
    "the chain holds 10000 micro-shares more",
    condition_id="0xc1",
    token_id="11",
    evidence={"books": "5000000", "chain": "5010000", "block": 70_000_000},
)


# --- migration --------------------------------------------------------------------------------------------------------


def _to_0001(connection: Connection) -> None:
    from importlib import resources

    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("tieout.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


@in_loop
async def test_a_database_of_the_first_schema_migrates_by_itself_and_keeps_what_it_has(server) -> None:
    name = f"old_{os.getpid()}"
    async with connected(server.dsn()) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    dsn = server.dsn(name)
    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: connect(dsn))
    async with engine.begin() as old:
        await old.run_sync(_to_0001)
    await engine.dispose()
    async with connected(dsn) as connection:
        assert await connection.fetchval("SELECT to_regclass('sync_run')") is None
        before = await acquire(connection, ADDRESS, exclusive=True)
    async with database(Settings(db=dsn)) as found, connected(found) as connection:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest_schema() >= "0002"
        lease = await acquire(connection, ADDRESS, exclusive=True)
        assert (lease.wallet_id, lease.epoch) == (before.wallet_id, before.epoch + 1)
        assert await runs.start(connection, lease, Job.CATCH_UP, "on start", 1) == 1


# --- the database refuses ---------------------------------------------------------------------------------------------

_RUN = "INSERT INTO sync_run (wallet_id, epoch, job, reason, started_at_ms, ended_at_ms, outcome) VALUES "
_ISSUE = (
    "INSERT INTO sync_issue (wallet_id, type, severity, action, condition_id, token_id, order_id, summary, evidence, "
    "at_ms, last_at_ms, acknowledged_by, acknowledged_at_ms) VALUES "
)
_QUOTE = (
    "INSERT INTO quote_event (wallet_id, at_ms, condition_id, token_id, outcome_index, side, tier, price, size, "
    "order_id, event, dry, reason) VALUES "
)
REFUSED = [
    (f"{_RUN} (1, 1, 'dancing', 'r', 1, 2, 'ok')", "run_job"),
    (f"{_RUN} (1, 1, 'settle', 'r', 1, 2, 'fine')", "run_outcome"),
    (f"{_RUN} (1, 1, 'settle', 'r', 1, NULL, 'ok')", "run_ended_when_not_running"),
    (f"{_RUN} (1, 1, 'settle', 'r', 1, 2, 'running')", "run_ended_when_not_running"),
    (f"{_RUN} (1, 1, 'settle', 'r', 2, 1, 'ok')", "run_ends_after_it_starts"),
    (f"{_RUN} (9, 1, 'settle', 'r', 1, 2, 'ok')", "sync_run_wallet_id_fkey"),
    (f"{_ISSUE} (1, 'ODD', 'INFO', 'LOGGED', '', '', '', 's', '{{}}', 1, 1, NULL, NULL)", "issue_type"),
    (f"{_ISSUE} (1, 'PNL_MISMATCH', 'BAD', 'LOGGED', '', '', '', 's', '{{}}', 1, 1, NULL, NULL)", "issue_severity"),
    (f"{_ISSUE} (1, 'PNL_MISMATCH', 'INFO', 'NONE', '', '', '', 's', '{{}}', 1, 1, NULL, NULL)", "issue_action"),
    (
        f"{_ISSUE} (1, 'PNL_MISMATCH', 'INFO', 'LOGGED', '', '', '', 's', '{{}}', 1, 1, NULL, 5)",
        "issue_acknowledged_by_somebody",
    ),
    (f"{_ISSUE} (1, 'PNL_MISMATCH', 'INFO', 'LOGGED', '', '', '', 's', '[]', 1, 1, NULL, NULL)", "evidence_check"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'HOLD', 0, 500000, 1, 'o', 'PLACED', false, '')", "quote_side"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'BUY', 0, 1000000, 1, 'o', 'PLACED', false, '')", "quote_price_between_0_and_1"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'BUY', 0, 0, 1, 'o', 'PLACED', false, '')", "quote_price_between_0_and_1"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'BUY', 0, 500000, 0, 'o', 'PLACED', false, '')", "quote_size_positive"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'BUY', 0, 500000, 1, 'o', 'LOST', false, '')", "quote_event_kind"),
    (f"{_QUOTE} (1, 1, 'c', 't', 0, 'BUY', 0, 500000, 1, '', 'PLACED', false, '')", "quote_has_its_order"),
    ("INSERT INTO control VALUES (1, '', 'asleep', 'r', 'w', 1, 'anyone')", "control_state"),
    ("INSERT INTO control VALUES (1, '', 'paused', 'r', 'w', 1, 'nobody')", "control_lift"),
    ("INSERT INTO control VALUES (1, '', 'paused', 'r', '', 1, 'person')", "control_who_check"),
    ("INSERT INTO control VALUES (1, '', 'paused', '', 'w', 1, 'person')", "control_reason_check"),
    ("INSERT INTO control VALUES (1, '', 'active', 'r', 'w', 1, 'force')", "control_active_holds_nothing"),
    ("SELECT set_control(1, '', 'paused', 'r', 'w', 'god', false, 1)", "control_actor"),
    ("INSERT INTO watermark VALUES (1, '', '5', 1)", "watermark_source_check"),
]


@pytest.mark.parametrize(("statement", "constraint"), REFUSED, ids=[name for _, name in REFUSED])
def test_what_is_outside_the_closed_words_is_refused(dsn: str, statement: str, constraint: str) -> None:
    @in_loop
    async def run() -> None:
        async with leased(dsn) as (connection, _):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await connection.execute(statement)
            assert str(caught.value.constraint_name).endswith(constraint)

    run()


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("run_job", Job),
        ("run_outcome", Outcome),
        ("issue_type", IssueType),
        ("issue_severity", Severity),
        ("issue_action", Action),
        ("quote_event_kind", QuoteEventKind),
        ("control_state", State),
        ("control_lift", Lift),
        ("control_actor", Actor),
    ],
)
def test_the_database_and_the_program_have_the_same_closed_words(
    dsn: str, constraint: str, words: type[StrEnum]
) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            check = await connection.fetchval(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
            )
        assert sorted(check.split("'")[1::2]) == sorted(word.value for word in words)

    run()


# --- runs -------------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_run_is_running_until_it_is_finished_and_told_newest_first(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        first = await runs.start(connection, lease, Job.FULL_SYNC, "on start", 1_000)
        second = await runs.start(connection, lease, Job.SETTLE, "schedule", 1_500)
        await runs.finish(connection, lease, first, Outcome.OK, 3_000, {"orders": 12, "secret": "s3cr3t"})
        found = await runs.recent(connection, lease.wallet_id)
        assert [run.run_id for run in found] == [second, first]
        assert found[0] == runs.Run(second, Job.SETTLE, "schedule", 1_500, None, Outcome.RUNNING, 0, {})
        assert found[1] == runs.Run(
            first, Job.FULL_SYNC, "on start", 1_000, 3_000, Outcome.OK, 0, {"orders": 12, "secret": "[redacted]"}
        )
        assert [run.run_id for run in await runs.recent(connection, lease.wallet_id, job=Job.FULL_SYNC)] == [first]
        assert [run.run_id for run in await runs.recent(connection, lease.wallet_id, limit=1)] == [second]
        assert await runs.recent(connection, lease.wallet_id + 1) == []


@in_loop
async def test_a_clock_that_goes_back_gives_a_run_of_no_duration(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        run_id = await runs.start(connection, lease, Job.SETTLE, "schedule", 1_000)
        await runs.finish(connection, lease, run_id, Outcome.OK, 900)
        assert (await runs.recent(connection, lease.wallet_id))[0].ended_at_ms == 1_000


@in_loop
async def test_R1_of_two_connections_that_start_a_job_at_once_one_is_refused(dsn: str) -> None:
    async with leased(dsn) as (connection, lease), connected(dsn) as other:
        both = await asyncio.gather(
            runs.start(connection, lease, Job.FULL_SYNC, "schedule", 1),
            runs.start(other, lease, Job.FULL_SYNC, "by hand", 1),
            return_exceptions=True,
        )
        started = [one for one in both if isinstance(one, int)]
        refused = [one for one in both if isinstance(one, RunUnderWayError)]
        assert (len(started), len(refused)) == (1, 1)
        assert f"full_sync is running already on wallet {ADDRESS}" in str(refused[0])
        await runs.finish(connection, lease, started[0], Outcome.OK, 2)
        assert await runs.start(other, lease, Job.FULL_SYNC, "schedule", 3) > started[0]


@in_loop
async def test_R1_a_worker_that_was_taken_over_starts_and_finishes_nothing(dsn: str) -> None:
    async with leased(dsn) as (zombie, old), connected(dsn) as connection:
        run_id = await runs.start(zombie, old, Job.FULL_SYNC, "schedule", 1_000)
        lease = await acquire(connection, ADDRESS, exclusive=True, take_over=True)
        assert await runs.close_abandoned(connection, lease, 5_000) == [run_id]
        with pytest.raises(LeaseLostError, match="was taken over"):
            await runs.finish(zombie, old, run_id, Outcome.OK, 6_000)
        with pytest.raises(LeaseLostError, match="was taken over from epoch 1"):
            await runs.start(zombie, old, Job.SETTLE, "schedule", 6_000)
        (only,) = await runs.recent(connection, lease.wallet_id)
        assert (only.outcome, only.ended_at_ms, only.detail) == (Outcome.FAILED, 5_000, {"abandoned": True})


@in_loop
async def test_a_start_waits_for_a_take_over_that_is_not_decided_yet(dsn: str) -> None:
    async with leased(dsn) as (zombie, old), connected(dsn) as connection, connected(dsn) as watcher:
        deciding = connection.transaction()
        await deciding.start()
        await acquire(connection, ADDRESS, exclusive=True, take_over=True)
        starting = asyncio.create_task(runs.start(zombie, old, Job.SETTLE, "schedule", 1))
        waiting = (
            "SELECT EXISTS (SELECT FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO sync_run%')"
        )
        await until(lambda: watcher.fetchval(waiting), "the start to wait for the wallet's row")
        await deciding.commit()
        with pytest.raises(LeaseLostError):
            await starting


_KILLED = """
import asyncio, sys
from tieout.store import runs
from tieout.store.connect import connect
from tieout.store.wallets import acquire

async def main():
    connection = await connect(sys.argv[1])
    lease = await acquire(connection, sys.argv[2], exclusive=True)
    for job in (runs.Job.MARKET_MAKING, runs.Job.POSITION_SYNC, runs.Job.ORDER_SYNC):
        last = await runs.start(connection, lease, job, "schedule", 1_000)
    await runs.finish(connection, lease, last, runs.Outcome.OK, 1_100)
    print("running", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def _start_and_kill(dsn: str) -> None:
    """A worker in a process of its own, killed in the middle of two runs."""
    process = subprocess.Popen([sys.executable, "-B", "-c", _KILLED, dsn, ADDRESS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.kill()
    process.communicate()


@in_loop
async def test_P1_runs_of_a_killed_worker_are_closed_as_failed_by_the_next_one(dsn: str) -> None:
    await asyncio.to_thread(_start_and_kill, dsn)
    async with connected(dsn) as connection:
        locks = (
            "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        await until(lambda: connection.fetchval(locks), "the lock of the killed worker to go")
        lease = await acquire(connection, ADDRESS, exclusive=True)
        own = await runs.start(connection, lease, Job.CATCH_UP, "on start", 2_000)
        assert len(await runs.close_abandoned(connection, lease, 2_000)) == 2
        found = {run.job: run for run in await runs.recent(connection, lease.wallet_id)}
        assert {job: run.outcome for job, run in found.items()} == {
            Job.MARKET_MAKING: Outcome.FAILED,
            Job.POSITION_SYNC: Outcome.FAILED,
            Job.ORDER_SYNC: Outcome.OK,
            Job.CATCH_UP: Outcome.RUNNING,
        }
        assert found[Job.CATCH_UP].run_id == own
        assert await runs.close_abandoned(connection, lease, 3_000) == []
        await runs.start(connection, lease, Job.MARKET_MAKING, "schedule", 3_000)


# --- issues -----------------------------------------------------------------------------------------------------------


@in_loop
async def test_an_equal_open_issue_is_counted_and_tells_of_its_gravest_time(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        run_id = await runs.start(connection, lease, Job.POSITION_SYNC, "schedule", 1)
        issue_id = await runs.raise_issue(connection, wallet, DRIFT, 10, run_id)
        graver = replace(DRIFT, severity=Severity.ERROR, action=Action.HALTED, summary="worse", evidence={"block": 2})
        milder = replace(DRIFT, severity=Severity.INFO, action=Action.CORRECTED, summary="milder")
        assert await runs.raise_issue(connection, wallet, graver, 20, run_id) == issue_id
        assert await runs.raise_issue(connection, wallet, milder, 30) == issue_id
        assert await runs.raise_issue(connection, wallet, milder, 5) == issue_id, "told late, of an earlier time"
        (found,) = await runs.open_issues(connection, wallet)
        assert (found.times, found.at_ms, found.last_at_ms, found.run_id) == (4, 10, 30, run_id)
        assert (found.severity, found.action, found.summary) == (Severity.ERROR, Action.HALTED, "worse")
        assert found.evidence == {"block": 2}
        latest = replace(graver, summary="as bad, later", evidence={"block": 3})
        await runs.raise_issue(connection, wallet, latest, 40)
        assert (await runs.open_issues(connection, wallet))[0].summary == "as bad, later"
        assert (await runs.recent(connection, wallet))[0].issues == 2


@pytest.mark.parametrize(
    "change",
    [
        {"type": IssueType.UNKNOWN_TOKEN},
        {"condition_id": "0xc2"},
        {"token_id": "12"},
        {"order_id": "0x01"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_issue_of_another_type_or_subject_is_another_issue(dsn: str, change: dict) -> None:
    @in_loop
    async def run() -> None:
        async with leased(dsn) as (connection, lease):
            one = await runs.raise_issue(connection, lease.wallet_id, DRIFT, 1)
            assert await runs.raise_issue(connection, lease.wallet_id, replace(DRIFT, **change), 1) != one
            assert len(await runs.open_issues(connection, lease.wallet_id)) == 2

    run()


@in_loop
async def test_two_connections_that_raise_the_same_issue_at_once_lose_no_time_of_it(dsn: str) -> None:
    async with leased(dsn) as (connection, lease), connected(dsn) as other:

        async def many(one: asyncpg.Connection) -> set[int]:
            return {await runs.raise_issue(one, lease.wallet_id, DRIFT, at) for at in range(1, 41)}

        first, second = await asyncio.gather(many(connection), many(other))
        assert first == second
        assert len(first) == 1
        (found,) = await runs.open_issues(connection, lease.wallet_id)
        assert (found.times, found.at_ms >= 1, found.last_at_ms) == (80, True, 40)


@in_loop
async def test_an_acknowledged_issue_is_closed_and_the_next_one_is_new(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        issue_id = await runs.raise_issue(connection, wallet, DRIFT, 10)
        seen = await runs.acknowledge(connection, wallet, issue_id, "ada", 20)
        assert seen is not None
        assert (seen.acknowledged_by, seen.acknowledged_at_ms, seen.is_open) == ("ada", 20, False)
        assert await runs.acknowledge(connection, wallet, issue_id, "bob", 30) == seen, "the first one stays"
        assert await runs.acknowledge(connection, wallet, issue_id + 9, "bob", 30) is None
        assert await runs.acknowledge(connection, wallet + 1, issue_id, "bob", 30) is None
        assert await runs.open_issues(connection, wallet) == []
        again = await runs.raise_issue(connection, wallet, DRIFT, 40)
        assert [issue.issue_id for issue in await runs.all_issues(connection, wallet)] == [again, issue_id]
        assert [issue.times for issue in await runs.open_issues(connection, wallet)] == [1]


@in_loop
async def test_open_issues_begin_with_the_gravest(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        for at_ms, severity in enumerate([Severity.WARN, Severity.CRITICAL, Severity.INFO, Severity.ERROR]):
            found = replace(DRIFT, severity=severity, order_id=f"0x{at_ms}")
            await runs.raise_issue(connection, lease.wallet_id, found, at_ms)
        await runs.raise_issue(connection, lease.wallet_id, replace(DRIFT, severity=Severity.ERROR), 9)
        issues = await runs.open_issues(connection, lease.wallet_id)
        assert [issue.severity for issue in issues] == ["CRITICAL", "ERROR", "ERROR", "WARN", "INFO"]
        assert issues[1].last_at_ms == 9
        assert [issue.severity.is_grave for issue in issues] == [True, True, True, False, False]


@in_loop
async def test_secrets_in_the_evidence_never_reach_the_database(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        evidence = {"answer": {"apiKey": "k", "secret": "c2VjcmV0"}, "raw": json.dumps({"passphrase": "geheim"})}
        await runs.raise_issue(connection, lease.wallet_id, replace(DRIFT, evidence=evidence), 1)
        kept = await connection.fetchval("SELECT evidence::text FROM sync_issue")
        assert "c2VjcmV0" not in kept
        assert "geheim" not in kept
        assert (await runs.open_issues(connection, lease.wallet_id))[0].evidence["answer"]["secret"] == "[redacted]"
