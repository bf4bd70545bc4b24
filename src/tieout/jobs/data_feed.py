"""The Data API as a feed: activity read on from where it was read, its lag measured, and whether it is stuck (A2).

The index says neither up to which block it has read nor that it has stopped. What tells is what it fails to show: a
fill that the chain or the CLOB proves, absent for longer than it ever took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.client.clock import Clock
from tieout.client.data_api import DataApi
from tieout.client.data_rows import EventRow
from tieout.store import watermarks
from tieout.store.watermarks import Watermark

ACTIVITY = "data activity"
"""Watermark: the time of the newest row, unix seconds."""

LAG = "data lag"
"""Watermark: the longest lag ever seen, ms."""

OVERLAP_S = 600
"""Rows are read again from so long before the newest one: the index may take blocks in late."""

LAG_MS = 120_000
"""The lag that is allowed before any was measured: twice what others observed (`polymarket.md` 4.3)."""

MARGIN_MS = 30_000
"""Added to the longest lag seen, for that of the next one."""

_PROVEN = (
    "SELECT key, tx_hash, occurred_at_ms, status FROM movements WHERE wallet_id = $1 AND kind IN ('buy', 'sell') "
    "AND status IN ('SETTLED', 'CONFIRMED') AND tx_hash <> '' AND occurred_at_ms >= $2"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: how many rows came from `since_s` on, and what is wrong with them, "" when nothing is."""

    since_s: int
    rows: int
    flaw: str


class DataFeed:
    """The Data API of one wallet. The recorder of its client books the rows."""

    def __init__(
        self, connection: asyncpg.Connection, wallet_id: int, wallet: str, data_api: DataApi, clock: Clock
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._wallet = wallet
        self._data_api = data_api
        self._clock = clock
        self._shown: set[str] = set()
        """Transactions that the window of the last reading has."""
        self._noticed: dict[str, int] = {}
        """Proven fills that it has not -> since when they are proven for certain, ms."""
        self._read_at_ms = 0
        self._lag_ms = 0
        self.missing: tuple[str, ...] = ()
        """Transactions of fills that are proven and absent for longer than the lag allows."""

    @property
    def stale(self) -> bool:
        """Whether the index is stuck: nothing may be concluded from what it shows, or does not show."""
        return bool(self.missing)

    @property
    def lag_ms(self) -> int:
        """How old a row may be before it has to show."""
        return max(LAG_MS, self._lag_ms + MARGIN_MS)

    async def read(self) -> Reading:
        """Read on, measure, judge. Raises VenueError."""
        known = await watermarks.get(self._connection, self._wallet_id, ACTIVITY)
        since_s = max(int(known.value) - OVERLAP_S, 0) if known else 0
        listing = await self._data_api.activity(self._wallet, since_s=since_s)
        now_ms = self._clock.now_ms()
        if listing.is_complete:
            await self._measure(listing.rows, now_ms)
            newest = max((row.at_ms for row in listing.rows), default=0) // 1000
            if newest:
                await watermarks.put(self._connection, self._wallet_id, ACTIVITY, Watermark(str(newest), now_ms))
            await self._judge(since_s, now_ms)
        self._read_at_ms = now_ms if listing.is_complete else 0
        return Reading(since_s, len(listing.rows), listing.flaw or _bad(len(listing.bad_rows)))

    async def _measure(self, rows: Sequence[EventRow], now_ms: int) -> None:
        """A row that the reading before did not have was late by the time from its block to that reading, at least.

        What comes after the index was stuck tells of that, and nothing of its lag.
        """
        if not self._lag_ms:
            known = await watermarks.get(self._connection, self._wallet_id, LAG)
            self._lag_ms = int(known.value) if known else 0
        lags = [self._read_at_ms - row.at_ms for row in rows if row.tx_hash not in self._shown]
        self._shown = {row.tx_hash for row in rows}
        longest = max(lags, default=0)
        if self._read_at_ms and not self.stale and longest > self._lag_ms:
            self._lag_ms = longest
            await watermarks.put(self._connection, self._wallet_id, LAG, Watermark(str(longest), now_ms))

    async def _judge(self, since_s: int, now_ms: int) -> None:
        """Which proven fills of the window are missing. One of the CLOB has no block time: it counts from now on."""
        proven = await self._connection.fetch(_PROVEN, self._wallet_id, since_s * 1000)
        absent: dict[str, int] = {}
        for row in proven:
            if row["tx_hash"] not in self._shown:
                since_ms = row["occurred_at_ms"] if row["status"] == "SETTLED" else now_ms
                absent[row["tx_hash"]] = min(since_ms, self._noticed.get(row["tx_hash"], since_ms))
        self._noticed = absent
        self.missing = tuple(sorted(tx for tx, since_ms in absent.items() if now_ms - since_ms > self.lag_ms))


def _bad(count: int) -> str:
    return f"{count} rows cannot be read" if count else ""
