"""Simulated hours with all faults: no drift at any quiet point, and nothing corrected without a cause."""

from __future__ import annotations

import os

from e2e.day import day, through
from tieout.sim.virtual.run import run_virtual

HOURS = float(os.environ.get("TIEOUT_HOURS", "1"))
"""24 is what the project promises; the default lets every kind of fault have its turn."""


def test_A1_to_A7_T1_to_T5_books_tie_out_at_every_quiet_point_through_all_faults(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=50) as kept:
            struck = await through(kept, HOURS)
            assert len(kept.quiet) > HOURS
            assert all(found.holds for found in kept.quiet)
            fills = await kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind IN ('buy', 'sell')")
            assert fills > 20 * HOURS
            assert struck

    run_virtual(run, wall_limit_s=1_200 + 400 * HOURS)
