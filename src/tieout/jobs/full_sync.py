"""Full sync: everything compared, in the order in which one explains the next."""

from __future__ import annotations

from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.job import Result, Work
from tieout.store.runs import Finding


class FullSync:
    """Trades and open orders since the last known, then each of *steps* by its name."""

    def __init__(self, keeper: AccountKeeper, steps: dict[str, Work]) -> None:
        self._keeper = keeper
        self._steps = steps

    async def run(self) -> Result:
        """Raises VenueError when a part cannot be read; what was booked until then stays."""
        if not await self._keeper.catch_up():
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, "catch up", "a list did not come whole")
        findings: list[Finding] = []
        detail: dict[str, object] = {}
        for name, work in self._steps.items():
            result = await work()
            findings += result.findings
            detail[name] = dict(result.detail)
        return Result(findings, detail)
