"""Reconcile: the Data API beside the books, as a third witness. It explains and warns; it never changes a figure (S1).

Its activity is booked as evidence when it is read; its average prices are compared and never imported. When all that
could name a token has been read, those that nobody names are told, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg

from tieout.client.data_api import DataApi
from tieout.client.data_rows import PositionRow
from tieout.jobs.data_feed import DataFeed, Reading
from tieout.jobs.job import Result
from tieout.jobs.unknown_tokens import UnknownTokens
from tieout.ledger.units import MICRO, decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity

WIDE = 10_000
"""Micro-units of price from which two average costs are far apart: a cent..."""

WIDE_PER_MILLE = 20
"""...and so much of our own."""

_BY_OTHER_WAYS = (
    "SELECT EXISTS (SELECT FROM movements WHERE wallet_id = $1 AND kind NOT IN ('buy', 'sell', 'cash') "
    "AND (token_id = $2 OR strpos(legs, $2) > 0))"
)
_COSTS = "SELECT token_id, condition_id, shares, cost_basis FROM positions WHERE wallet_id = $1 AND shares > 0"


class Reconcile:
    """Reads *feed* on, then compares average costs and looks for tokens of no known market."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        data_api: DataApi,
        feed: DataFeed,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._data_api = data_api
        self._feed = feed
        self._unknown = UnknownTokens(connection, wallet_id)

    @property
    def stale(self) -> bool:
        """Whether the index is stuck."""
        return self._feed.stale

    async def run(self) -> Result:
        """Raises VenueError."""
        reading = await self._feed.read()
        listing = await self._data_api.positions(self._wallet)
        flaws = [flaw for flaw in (reading.flaw, listing.flaw) if flaw]
        findings = [_not_whole(flaw) for flaw in flaws]
        if self._feed.stale:
            findings.append(self._stuck())
        stated = () if self._feed.stale else listing.rows
        held = {row["token_id"]: row for row in await self._connection.fetch(_COSTS, self._wallet_id)}
        findings += await self._average_costs(held, stated)
        findings += await self._unknown.look(held, stated)
        return Result(findings, self._figures(reading, len(listing.rows)))

    def _figures(self, reading: Reading, positions: int) -> dict[str, object]:
        return {
            "since_s": reading.since_s,
            "rows": reading.rows,
            "positions": positions,
            "lag_ms": self._feed.lag_ms,
            "missing": len(self._feed.missing),
        }

    def _stuck(self) -> Finding:
        missing = self._feed.missing
        return Finding(
            IssueType.DATA_API_STALE,
            Severity.WARN,
            Action.LOGGED,
            f"the Data API does not show {len(missing)} fills that are proven, for longer than "
            f"{self._feed.lag_ms // 1000} s; nothing is concluded from it until it does",
            evidence={"transactions": list(missing[:20]), "lag_ms": self._feed.lag_ms},
        )

    async def _average_costs(self, books: Mapping[str, asyncpg.Record], stated: Sequence[PositionRow]) -> list[Finding]:
        """Only where both hold the same shares: otherwise the shares differ, and position sync says so."""
        step = self._data_api.position_step
        found = []
        for position in stated:
            ours = books.get(position.token_id)
            if ours is None or not position.average or position.shares != ours["shares"] // step * step:
                continue
            average = ours["cost_basis"] * MICRO // ours["shares"]
            gap = abs(average - position.average)
            if gap > WIDE and gap * 1000 > average * WIDE_PER_MILLE:
                bent = await self._connection.fetchval(_BY_OTHER_WAYS, self._wallet_id, position.token_id)
                found.append(_far_apart(position, ours["condition_id"], average, by_other_ways=bent))
        return found


def _not_whole(flaw: str) -> Finding:
    return Finding(
        IssueType.DATA_API_UNAVAILABLE,
        Severity.WARN,
        Action.LOGGED,
        f"the Data API's answer did not come whole: {flaw}",
        evidence={"flaw": flaw},
    )


def _far_apart(position: PositionRow, condition_id: str, average: int, *, by_other_ways: bool) -> Finding:
    """*by_other_ways*: shares came by splits or transfers, too; the index has rules of its own for their cost."""
    return Finding(
        IssueType.AVG_COST_DRIFT,
        Severity.INFO if by_other_ways else Severity.WARN,
        Action.LOGGED,
        f"our average cost is {decimal_text(average)} a share, the Data API says {decimal_text(position.average)}; "
        f"ours stays: {'not all of it was bought' if by_other_ways else 'is a trade from outside missing?'}",
        condition_id=condition_id,
        token_id=position.token_id,
        evidence={"average": average, "stated": position.average, "shares": position.shares},
    )
