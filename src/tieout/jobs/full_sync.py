"""Full sync: everything compared, in the order in which one explains the next."""

from __future__ import annotations

from collections.abc import Mapping

from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.job import Result, Work, failure
from tieout.store.runs import Finding, Job

WITNESS = "data-api"
"""The service that the books can do without: it is a witness, and what it would have said is told as missing."""


class FullSync:
    """Trades and open orders since the last known, then each of *steps* by its name, in their order.

    The order that explains most: orders, positions, the Data API, the check of every market.
    """

    def __init__(self, keeper: AccountKeeper, steps: Mapping[str, Work]) -> None:
        self._keeper = keeper
        self._steps = steps

    async def run(self) -> Result:
        """Raises VenueError, CallFailedError when a part cannot be read; what was booked until then stays."""
        if not await self._keeper.catch_up():
            raise VenueError(
                ErrorKind.TRANSIENT, Meaning.UNREADABLE, "catch up", "a list did not come whole", service="clob"
            )
        findings: list[Finding] = []
        detail: dict[str, object] = {}
        for name, work in self._steps.items():
            try:
                result = await work()
            except VenueError as error:
                if error.service != WITNESS:
                    raise
                result = Result([failure(Job.RECONCILE, error)], {"error": str(error)})
            findings += result.findings
            detail[name] = dict(result.detail)
        return Result(findings, detail)
