"""Settle: what the venue promised and has not settled is asked for again, and a gap that nothing proves is closed.

A *gap* is what an order's claim leaves uncovered by its fills. It ends when the trade comes; when none comes for the
TTL, counted from the last news of the order and only while the feeds are fresh (T1), the truth is asked once more, and
then the claim is rejected by a fact. Nothing is deleted: a trade that comes even later counts as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncpg

from tieout.client.chain import Chain
from tieout.client.clob_account import ClobAccount
from tieout.client.clock import Clock
from tieout.jobs.job import BookFacts, Result
from tieout.jobs.log_reading import last_match_heard
from tieout.jobs.order_questions import trades_from_s
from tieout.ledger.facts import ClaimRejected
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity

TTL_MS = 900_000
"""How long a gap may stay open after the last news of its order: the catalog's 15 minutes."""

BY_ID_MAX = 20
"""Trades asked for one by one; more are read as one list from the oldest on."""

UNVERIFIED = "no trade proves the match: asked again after its time was over, the venue has none"

_UNSETTLED = (
    "SELECT key, occurred_at_ms, tx_hash FROM movements WHERE wallet_id = $1 AND key LIKE 'fill/%' "
    "AND status NOT IN ('SETTLED', 'CONFIRMED', 'REPORTED') ORDER BY occurred_at_ms, key"
)
_GAPS = (
    "SELECT order_id, token_id, condition_id, placed_at_ms, claimed, filled, failed, provisional, rejected_shares "
    "FROM orders WHERE wallet_id = $1 AND provisional > 0 AND ($2::text[] IS NULL OR order_id = ANY ($2)) "
    "ORDER BY order_id"
)


class Settle:
    """Runs beside the feeds. *feeds_fresh* says whether the feeds that would settle a gap can be believed now."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        account: ClobAccount,
        chain: Chain | None,
        clock: Clock,
        book: BookFacts,
        ttl_ms: int = TTL_MS,
        feeds_fresh: Callable[[], bool] = lambda: True,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._account = account
        self._chain = chain
        self._clock = clock
        self._book = book
        self._ttl_ms = ttl_ms
        self._feeds_fresh = feeds_fresh
        self._was_fresh = True
        self._fresh_since_ms = 0
        """Since when the feeds are fresh again; no gap is older than that."""

    async def run(self) -> Result:
        """Raises VenueError, CallFailedError; what was booked until then stays."""
        fresh = self._note_freshness()
        unsettled = await self._connection.fetch(_UNSETTLED, self._wallet_id)
        gaps = await self._gaps()
        await self._ask_for_trades(unsettled, gaps)
        await self._ask_the_chain(unsettled)
        due = await self._due(await self._gaps()) if fresh else []
        rejected = [found for row in due if (found := await self._rejected(row)) is not None]
        return Result(
            rejected,
            {
                "unsettled": len(unsettled),
                "gaps": len(gaps),
                "rejected": len(rejected),
                "feeds_fresh": fresh,
            },
        )

    def _note_freshness(self) -> bool:
        fresh = self._feeds_fresh()
        if fresh and not self._was_fresh:
            self._fresh_since_ms = self._clock.now_ms()
        self._was_fresh = fresh
        return fresh

    async def _gaps(self, order_ids: Sequence[str] | None = None) -> list[asyncpg.Record]:
        return list(await self._connection.fetch(_GAPS, self._wallet_id, order_ids))

    async def _ask_for_trades(self, unsettled: Sequence[asyncpg.Record], gaps: Sequence[asyncpg.Record]) -> None:
        """Read again the trades that are not final, and those that gaps wait for; the recorder books them."""
        trade_ids = sorted({row["key"].split("/")[1] for row in unsettled})
        times = [row["placed_at_ms"] for row in gaps]
        if len(trade_ids) <= BY_ID_MAX:
            for trade_id in trade_ids:
                await self._account.trades(trade_id=trade_id)
        else:
            times.append(unsettled[0]["occurred_at_ms"])
        if times:
            await self._account.trades(after_s=trades_from_s(min(times)))

    async def _ask_the_chain(self, unsettled: Sequence[asyncpg.Record]) -> None:
        """Read the receipts of fills that are old and still not settled: a block of that age is final."""
        old = self._clock.now_ms() - self._ttl_ms
        hashes = sorted({row["tx_hash"] for row in unsettled if row["tx_hash"] and row["occurred_at_ms"] < old})
        if self._chain is not None and hashes:
            await self._chain.receipts(hashes)

    async def _due(self, gaps: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
        """The gaps whose time is over."""
        if not gaps:
            return []
        heard = await last_match_heard(self._connection, self._wallet_id, [row["order_id"] for row in gaps])
        latest = self._clock.now_ms() - self._ttl_ms
        return [row for row in gaps if max(heard.get(row["order_id"], 0), self._fresh_since_ms) <= latest]

    async def _rejected(self, row: asyncpg.Record) -> Finding | None:
        """Ask once more about one order; what is unknown then is rejected. None when the answer was news."""
        order_id = row["order_id"]
        await self._account.open_order(order_id)
        trades = await self._account.trades(market=row["condition_id"], after_s=trades_from_s(row["placed_at_ms"]))
        left = await self._gaps([order_id])
        if not trades.is_complete or not left or dict(left[0]) != dict(row):
            return None
        gap = row["provisional"]
        await self._book(
            [
                ClaimRejected(
                    order_id=order_id,
                    token_id=row["token_id"],
                    condition_id=row["condition_id"],
                    shares=row["rejected_shares"] + gap,
                    reason=UNVERIFIED,
                    occurred_at_ms=self._clock.now_ms(),
                )
            ]
        )
        return Finding(
            IssueType.FILL_UNVERIFIED,
            Severity.WARN,
            Action.CORRECTED,
            f"{decimal_text(gap)} shares that the venue called matched have no trade; they count no longer",
            condition_id=row["condition_id"],
            token_id=row["token_id"],
            order_id=order_id,
            evidence={"claimed": row["claimed"], "filled": row["filled"], "failed": row["failed"], "rejected": gap},
        )
