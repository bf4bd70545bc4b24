"""Position sync without a node: what the Data API says is held, against the books at some moment within its lag.

The index shows the books as of a time that it does not name. So a statement is explained when it is what the books
held after some of the movements that are younger than the lag: then nobody has to wait, and nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from tieout.client.clock import Clock
from tieout.client.data_api import DataApi
from tieout.client.data_rows import PositionRow
from tieout.client.pages import Listing
from tieout.jobs.data_feed import DataFeed
from tieout.jobs.drift_cause import may_have_held
from tieout.jobs.drift_findings import Drift, drift_finding, explained
from tieout.jobs.job import BookFacts, Result
from tieout.jobs.repeated_drift import repeated
from tieout.ledger.facts import AdjustmentInferred
from tieout.ledger.fills import ON_CHAIN
from tieout.ledger.rows import share_changes
from tieout.store.moving import MOVING
from tieout.store.runs import Action, Finding, Severity

WITNESS = "the Data API states"

_HELD = "SELECT token_id, condition_id, shares, unsettled_shares FROM positions WHERE wallet_id = $1"
_YOUNG = (
    "SELECT key, kind, token_id, shares, legs, status FROM movements WHERE wallet_id = $1 "
    f"AND (occurred_at_ms >= $2 OR {MOVING})"
)


async def compared(
    connection: asyncpg.Connection,
    wallet_id: int,
    stated: Sequence[PositionRow],
    young_from_ms: int,
    *,
    whole: bool,
    step: int,
) -> list[Drift]:
    """Where books and statement differ, and whether young movements explain it.

    *young_from_ms*: what is younger need not show yet. *whole*: a token that is not stated is stated as 0. *step*: the
    micro-shares to whose multiples statements are cut; what was cut is taken to be what the books have.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        held = await connection.fetch(_HELD, wallet_id)
        young = await connection.fetch(_YOUNG, wallet_id, young_from_ms)
    books = {row["token_id"]: (row["condition_id"], row["shares"]) for row in held if row["token_id"].isdecimal()}
    said = {row.token_id: row for row in stated}
    changes = _changes(held, young)
    found = []
    for token_id in sorted(said.keys() | (books.keys() if whole else set())):
        condition_id, shares = books.get(token_id, (said[token_id].condition_id if token_id in said else "", 0))
        truth = said[token_id].shares if token_id in said else 0
        if not 0 <= shares - truth < step:
            recent = changes.get(token_id, [])
            held_once = may_have_held(shares, truth, recent, step)
            truth += shares % step if truth else 0
            found.append(Drift(token_id, shares, truth, sum(recent), condition_id, len(recent), held_once))
    return found


def _changes(held: Sequence[asyncpg.Record], young: Sequence[asyncpg.Record]) -> dict[str, list[int]]:
    """Signed shares of each token that need not show yet: of what is *young*, and of every fill that is not settled.

    Those in a status that nobody knows are in no index of movements: they are what the others leave of the sum.
    """
    changes: dict[str, list[int]] = {}
    rest = {row["token_id"]: row["unsettled_shares"] for row in held if row["unsettled_shares"]}
    for row in young:
        for token_id, change in share_changes(row):
            changes.setdefault(token_id, []).append(change)
            if token_id in rest and row["key"].startswith("fill/") and row["status"] not in ON_CHAIN:
                rest[token_id] -= change
    for token_id, change in rest.items():
        if change:
            changes.setdefault(token_id, []).append(change)
    return changes


class DataPositionSync:
    """Position sync without a node. `lagging` are the differences of the last run that the index's lag explains."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        wallet: str,
        data_api: DataApi,
        feed: DataFeed,
        clock: Clock,
        book: BookFacts,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._data_api = data_api
        self._feed = feed
        self._clock = clock
        self._book = book
        self._quiet: frozenset[str] = frozenset()
        self._since: dict[str, tuple[int, int, int]] = {}
        """Token -> (books, stated, since when, ms) of differences that nothing explains."""
        self.lagging: dict[str, int] = {}
        self.pauses: tuple[tuple[str, str], ...] = ()

    async def run(self, *, at_once: bool = False) -> Result:
        """Compare; look for what explains; infer only what stayed the same for longer than the lag. Raises VenueError.

        A statement never undoes a fill: nothing is inferred while the index is stuck, the list is not whole, or
        anything of the token is younger than the lag. *at_once*: there will be no second reading. One is enough for a
        token to which nothing has happened for longer than the lag, by the index's own word: its row would show.
        """
        self.pauses = ()
        listing = await self._data_api.positions(self._wallet)
        self._quiet = await self._quiet_tokens(listing) if at_once else frozenset()
        drifts = await self._drifts(listing)
        if any(not drift.is_explained for drift in drifts):
            await self._feed.read()
            drifts = await self._drifts(listing)
        self.lagging = {drift.token_id: drift.size for drift in drifts if drift.is_explained}
        left = [] if self._feed.stale else [drift for drift in drifts if not drift.is_explained]
        now_ms = self._clock.now_ms()
        found = await explained(self._connection, self._wallet_id, left, now_ms, has_node=False)
        self._remember(found, now_ms)
        findings = [await self._finding(drift, now_ms, is_whole=listing.is_complete) for drift in found]
        sure = [drift for drift in found if self._is_old(drift, now_ms)]
        repeats, self.pauses = await repeated(self._connection, self._wallet_id, sure, now_ms)
        return Result(
            [*findings, *repeats],
            {
                "tokens": len(listing.rows),
                "differences": len(found),
                "feed_lag": self.lagging,
                "stale": self._feed.stale,
                "flaw": listing.flaw,
                "drifted": sorted({drift.condition_id for drift in sure}),
            },
        )

    async def compare(self) -> list[Finding]:
        """What differs and is not explained by the lag; nothing is remembered or inferred."""
        if self._feed.stale:
            return []
        drifts = await self._drifts(await self._data_api.positions(self._wallet))
        left = [drift for drift in drifts if not drift.is_explained]
        now_ms = self._clock.now_ms()
        found = await explained(self._connection, self._wallet_id, left, now_ms, has_node=False)
        return [drift_finding(drift, WITNESS, Action.LOGGED, {}) for drift in found]

    async def _quiet_tokens(self, listing: Listing[PositionRow]) -> frozenset[str]:
        """Tokens whose last event, by the index, is older than the lag; held or not."""
        until_ms = self._clock.now_ms() - self._feed.lag_ms
        rows = (*listing.rows, *(await self._data_api.closed(self._wallet)).rows)
        return frozenset(row.token_id for row in rows if 0 < row.last_event_ms <= until_ms)

    async def _drifts(self, listing: Listing[PositionRow]) -> list[Drift]:
        young_from_ms = self._clock.now_ms() - self._feed.lag_ms
        rows, whole = listing.rows, listing.is_complete
        step = self._data_api.position_step
        return await compared(self._connection, self._wallet_id, rows, young_from_ms, whole=whole, step=step)

    def _remember(self, found: Sequence[Drift], now_ms: int) -> None:
        """Since when each token is as it is; a change of either side begins anew."""
        before = self._since
        self._since = {}
        for drift in found:
            books, stated, since_ms = before.get(drift.token_id, (-1, -1, 0))
            same = (books, stated) == (drift.books, drift.truth)
            self._since[drift.token_id] = (drift.books, drift.truth, since_ms if same else now_ms)

    def _is_old(self, drift: Drift, now_ms: int) -> bool:
        """Whether it was the same in readings at least the lag apart, or cannot be of the time since."""
        return drift.token_id in self._quiet or now_ms - self._since[drift.token_id][2] >= self._feed.lag_ms

    async def _finding(self, drift: Drift, now_ms: int, *, is_whole: bool) -> Finding:
        evidence = {"since_ms": self._since[drift.token_id][2], "lag_ms": self._feed.lag_ms}
        if not self._is_old(drift, now_ms):
            return drift_finding(drift, WITNESS, Action.LOGGED, evidence, Severity.INFO)
        if drift.moving or not is_whole:
            return drift_finding(drift, WITNESS, Action.LOGGED, evidence)
        # What the index shows now is the state of so long ago at the latest, and nothing has moved since.
        at_ms = now_ms - self._feed.lag_ms
        await self._book(
            [
                AdjustmentInferred(
                    token_id=drift.token_id,
                    condition_id=drift.condition_id,
                    statement_id=f"data-api/{at_ms}",
                    shares=drift.truth,
                    cause=drift.cause.value,
                    occurred_at_ms=at_ms,
                )
            ]
        )
        return drift_finding(drift, WITNESS, Action.CORRECTED, {**evidence, "statement": f"data-api/{at_ms}"})
