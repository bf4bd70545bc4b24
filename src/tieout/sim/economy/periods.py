"""Regular moments of simulated time, counted from the epoch: midnight in UTC for a period of a day."""

from __future__ import annotations

from collections.abc import Callable

from tieout.sim.scheduler import Scheduler

DAY_MS = 86_400_000
MINUTE_MS = 60_000
LEAST_PAID = 1_000_000
"""Less than 1 collateral is not paid out (docs.polymarket.com/market-makers/liquidity-rewards)."""


def day_of(at_ms: int) -> int:
    """The day of a moment, in UTC, as a number of days since the epoch."""
    return at_ms // DAY_MS


def at_every(scheduler: Scheduler, period_ms: int, action: Callable[[], None]) -> None:
    """Run *action* at every whole multiple of *period_ms*, the next one first."""

    def run() -> None:
        action()
        scheduler.after(period_ms, run)

    scheduler.at((scheduler.now_ms // period_ms + 1) * period_ms, run)
