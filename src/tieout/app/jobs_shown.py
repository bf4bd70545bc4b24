"""The last run of every job, for whoever looks."""

from __future__ import annotations

import json
from collections.abc import Mapping

import asyncpg

from tieout.store.runs import Job, Outcome, Run


async def last_runs(connection: asyncpg.Connection, wallet_id: int) -> Mapping[Job, Run]:
    """The newest run of each job that ended; a job that never did is not in it."""
    rows = await connection.fetch(
        "SELECT r.run_id, j.job, r.reason, r.started_at_ms, r.ended_at_ms, r.outcome, r.issues, r.detail "
        "FROM unnest($2::text[]) AS j (job) CROSS JOIN LATERAL (SELECT * FROM sync_run s WHERE s.wallet_id = $1 "
        "AND s.job = j.job AND s.ended_at_ms IS NOT NULL ORDER BY s.run_id DESC LIMIT 1) r",
        wallet_id,
        [job.value for job in Job],
    )
    return {
        Job(job): Run(run_id, Job(job), reason, started, ended, Outcome(outcome), issues, json.loads(detail))
        for run_id, job, reason, started, ended, outcome, issues, detail in rows
    }
