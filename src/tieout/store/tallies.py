"""Tallies: how often each job ended in each way, and the last comparison of all balances. The database keeps them as
runs end (`tally_run` in 0007_tallies.sql), so that nobody has to count records that grow for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from tieout.store.runs import Job, Outcome


@dataclass(frozen=True, slots=True)
class RunTally:
    """The runs of one job that ended in one way. Durations are milliseconds."""

    job: Job
    outcome: Outcome
    runs: int
    took_ms: int
    """Of all of them together."""
    last_took_ms: int
    last_ended_ms: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last comparison of all balances of a wallet. `block` is 0 where the Data API was the witness."""

    epoch: int
    """Of the worker that made it."""
    at_ms: int
    block: int
    balances: int
    differences: int
    pending: int
    """Movements that were on their way to the chain."""
    since_ms: int
    """From when on every comparison of that worker held; 0: this one did not."""
    clean_at_ms: int
    """When a comparison held last, by whichever worker; 0: none did."""
    clean_block: int


async def of_runs(connection: asyncpg.Connection, wallet_ids: Sequence[int]) -> Mapping[int, Sequence[RunTally]]:
    """The tallies of each wallet, by job and outcome."""
    rows = await connection.fetch(
        "SELECT wallet_id, job, outcome, runs, took_ms, last_took_ms, last_ended_ms FROM run_tally "
        "WHERE wallet_id = ANY ($1) ORDER BY wallet_id, job, outcome",
        list(wallet_ids),
    )
    found: dict[int, list[RunTally]] = {}
    for wallet_id, job, outcome, *figures in rows:
        found.setdefault(wallet_id, []).append(RunTally(Job(job), Outcome(outcome), *figures))
    return found


async def comparisons(connection: asyncpg.Connection, wallet_ids: Sequence[int]) -> Mapping[int, Comparison]:
    """The last comparison of each wallet that had one."""
    rows = await connection.fetch(
        "SELECT wallet_id, epoch, at_ms, block, balances, differences, pending, since_ms, clean_at_ms, clean_block "
        "FROM comparison WHERE wallet_id = ANY ($1)",
        list(wallet_ids),
    )
    return {wallet_id: Comparison(*figures) for wallet_id, *figures in rows}
