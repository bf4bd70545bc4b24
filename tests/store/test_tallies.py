"""Tallies: what is counted as runs end equals what the records say, also of runs before there were tallies."""

from __future__ import annotations

import os
from typing import Any

import asyncpg

from store.operations import leased
from support.database import ADDRESS, connected, in_loop
from support.schemas import database_at
from tieout.store import runs, tallies
from tieout.store.runs import Job, Outcome
from tieout.store.schema import migrate
from tieout.store.tallies import Comparison, RunTally
from tieout.store.wallets import Lease, acquire

BALANCES, CLEAN = {"block": 7, "tokens": 4, "pending": 1}, {"block": 7, "tokens": 4, "differences": 0, "pending": 1}

Step = tuple[Job, Outcome, int, dict[str, Any]]
STEPS: list[Step] = [
    (Job.FULL_SYNC, Outcome.OK, 100, {"positions": CLEAN}),
    (Job.POSITION_SYNC, Outcome.OK, 200, {**CLEAN, "block": 8}),
    (Job.POSITION_SYNC, Outcome.FAILED, 300, {"error": "the node is away"}),
    (Job.POSITION_SYNC, Outcome.ISSUES, 400, {**BALANCES, "differences": 2}),
    (Job.ORDER_SYNC, Outcome.OK, 450, {"tokens": 9, "differences": 0}),
    (Job.POSITION_SYNC, Outcome.OK, 500, {"tokens": 5, "differences": 0}),
    (Job.POSITION_SYNC, Outcome.OK, 600, {**CLEAN, "block": 9}),
    (Job.POSITION_SYNC, Outcome.OK, 700, {"tokens": "many", "differences": 0}),
]


async def lived(connection: asyncpg.Connection, lease: Lease, steps: list[Step]) -> None:
    """Each step is a run that took a tenth of the time at which it ended."""
    for job, outcome, at_ms, detail in steps:
        run_id = await runs.start(connection, lease, job, "schedule", at_ms - at_ms // 10)
        await runs.finish(connection, lease, run_id, outcome, at_ms, detail)


async def compared(connection: asyncpg.Connection, wallet_id: int) -> Comparison:
    return (await tallies.comparisons(connection, [wallet_id]))[wallet_id]


@in_loop
async def test_runs_are_counted_as_they_end_by_job_and_outcome(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        await lived(connection, lease, STEPS)
        await runs.start(connection, lease, Job.SETTLE, "schedule", 800)
        found = (await tallies.of_runs(connection, [lease.wallet_id, 99]))[lease.wallet_id]
        assert RunTally(Job.POSITION_SYNC, Outcome.OK, 4, 20 + 50 + 60 + 70, 70, 700) in found
        assert RunTally(Job.POSITION_SYNC, Outcome.FAILED, 1, 30, 30, 300) in found
        assert sum(tally.runs for tally in found) == len(STEPS), "a run that goes on is not counted"


@in_loop
async def test_the_last_comparison_is_kept_with_since_when_they_held(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet_id, epoch = lease.wallet_id, lease.epoch
        assert await tallies.comparisons(connection, [wallet_id]) == {}
        await lived(connection, lease, STEPS[:3])
        assert await compared(connection, wallet_id) == Comparison(epoch, 200, 8, 4, 0, 1, 100, 200, 8)
        await lived(connection, lease, STEPS[3:5])
        assert await compared(connection, wallet_id) == Comparison(epoch, 400, 7, 4, 2, 1, 0, 200, 8)
        await lived(connection, lease, STEPS[5:6])
        assert await compared(connection, wallet_id) == Comparison(epoch, 500, 0, 5, 0, 0, 500, 500, 0)
        await lived(connection, lease, STEPS[6:])
        assert await compared(connection, wallet_id) == Comparison(epoch, 600, 9, 4, 0, 1, 500, 600, 9)
    async with connected(dsn) as connection:
        later = await acquire(connection, ADDRESS, exclusive=True)
        await lived(connection, later, [(Job.POSITION_SYNC, Outcome.OK, 900, CLEAN)])
        assert (await compared(connection, later.wallet_id)).since_ms == 900, "another worker, which looked first then"


@in_loop
async def test_runs_from_before_the_tallies_are_counted_by_the_migration(server, dsn: str) -> None:
    old = await database_at(server, f"tallies_{os.getpid()}", "0006")
    found = []
    for place in (dsn, old):
        async with connected(place) as connection:
            lease = await acquire(connection, ADDRESS, exclusive=True)
            await lived(connection, lease, STEPS)
            if place is old:
                await migrate(old)
            counted = await tallies.of_runs(connection, [lease.wallet_id])
            found.append((counted[lease.wallet_id], await compared(connection, lease.wallet_id)))
    (counted, last), (before, last_before) = found
    assert before == counted
    # Nobody noted since when they held: what is sure is the last one.
    assert last_before == Comparison(last.epoch, 600, 9, 4, 0, 1, 600, 600, 9)
