"""Order sync: the live orders of the books against the venue's, both ways, each disagreement asked for singly.

An empty or short list never closes anything (A1): what is missing is looked for in a second reading, then asked for by
id, and what is denied all along is cancelled to make sure (`denied_orders`), its trades are read, and it is closed with
the venue's word as its reason. The other way, what is open and not ours is dealt with by policy, and what is open
though the books call it closed is cancelled: the books cannot open it again, and an order that nobody counts must not
rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from tieout.client.errors import VenueError
from tieout.client.pages import Listing
from tieout.client.rows import OpenOrder
from tieout.jobs import order_findings as found
from tieout.jobs.denied_orders import DeniedOrders, closure
from tieout.jobs.foreign_orders import follow_policy
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.job import Result, failure
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.order_questions import or_error
from tieout.jobs.own_orders import own_intents
from tieout.ledger.facts import OrderIntended
from tieout.store.runs import Finding, Job

YOUNG_MS = 15_000
"""An order is not missed before this age: its request, or the venue's list, may be that late."""

TAKEN = "not open at the venue: known by its fills alone, and missing in two whole lists"


@dataclass(frozen=True, slots=True)
class OrderSyncReport:
    """What the comparison found. `is_complete` False: the venue's list did not come whole, so nothing was concluded."""

    is_complete: bool
    live: int = 0
    """Live in the books before."""
    closed: tuple[str, ...] = ()
    """Live in the books, gone at the venue."""
    denied_by_list: tuple[str, ...] = ()
    """Missing in both lists, yet open when asked for by id: the lists lie."""
    rested: tuple[str, ...] = ()
    """Missing in both lists and denied by id, yet there to be cancelled: all that is read there lies."""
    taken: tuple[str, ...] = ()
    """Known by their fills alone (takers, and orders from before our time), closed without asking for each."""
    foreign: tuple[str, ...] = ()
    """Open at the venue and not ours; they are booked."""
    findings: tuple[Finding, ...] = field(default=())

    def result(self) -> Result:
        """What a run came to, for its record."""
        figures = {"live": self.live, "closed": len(self.closed), "foreign": len(self.foreign)}
        return Result(self.findings, figures if self.is_complete else {})


class OrderSync:
    """Compares the orders of one wallet. The client's recorder books whatever is read on the way.

    *quoted* says whether a market (by condition id) is one that somebody quotes; an order of ours that rests in any
    other is cancelled.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        wallet_id: int,
        desk: OrderDesk,
        quoted: Callable[[str], bool],
        policy: ForeignOrders,
    ) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._desk = desk
        self._quoted = quoted
        self._policy = policy
        self._denied = DeniedOrders(connection, wallet_id, desk, policy)

    async def work(self) -> Result:
        """`run`, as a job. Raises VenueError."""
        return (await self.run()).result()

    async def run(self) -> OrderSyncReport:
        """One comparison. Raises VenueError when that ends it before anything was found; what was booked stays.

        Later, such an error is one of the issues: what was found, and done about it, must not go unrecorded.
        """
        findings: list[Finding] = []
        try:
            return await self._compare(findings)
        except VenueError as error:
            if not findings:
                raise
            return OrderSyncReport(is_complete=False, findings=(*findings, failure(Job.ORDER_SYNC, error)))

    async def _compare(self, findings: list[Finding]) -> OrderSyncReport:
        live = await self._old_enough()
        first = await self._desk.account.open_orders()
        if not first.is_complete:
            return OrderSyncReport(is_complete=False, findings=(found.incomplete(first),))
        shown = {order.order_id: order for order in first.rows}
        intents = await own_intents(self._connection, self._wallet_id, shown)
        foreign = [order for order_id, order in sorted(shown.items()) if order_id not in intents]
        findings += await follow_policy(self._connection, self._wallet_id, self._policy, foreign, self._desk)
        findings += await self._shown(shown, intents)
        missing = live.keys() - shown.keys()
        second = await self._desk.account.open_orders() if missing else first
        if not second.is_complete:
            return OrderSyncReport(is_complete=False, findings=(*findings, found.incomplete(second)))
        missing -= _ids(second)
        rows = [live[order_id] for order_id in sorted(missing)]
        taken = [row for row in rows if not row["side"]]
        if taken:
            now_ms = self._desk.clock.now_ms()
            await self._desk.book([closure(row, TAKEN, now_ms) for row in taken])
        closed, lied, rested = await self._missing([row for row in rows if row["side"]], findings)
        return OrderSyncReport(
            is_complete=True,
            live=len(live),
            closed=closed,
            denied_by_list=lied,
            rested=rested,
            taken=tuple(row["order_id"] for row in taken),
            foreign=tuple(order.order_id for order in foreign),
            findings=tuple(findings),
        )

    async def _old_enough(self) -> dict[str, asyncpg.Record]:
        """Orders that the books hold as open and that are old enough to be missed; not those being placed now."""
        rows = await self._connection.fetch(
            "SELECT order_id, token_id, condition_id, side, state, placed_at_ms FROM orders "
            "WHERE wallet_id = $1 AND state IN ('live', 'intended') AND placed_at_ms < $2",
            self._wallet_id,
            self._desk.clock.now_ms() - YOUNG_MS,
        )
        return {row["order_id"]: row for row in rows if not self._desk.is_in_flight(row["order_id"])}

    async def _shown(self, shown: Mapping[str, OpenOrder], intents: Mapping[str, OrderIntended]) -> list[Finding]:
        """What is wrong with orders of ours that the venue shows."""
        findings = [
            found.mismatch(shown[order_id], intent, differing)
            for order_id, intent in sorted(intents.items())
            if (differing := found.differing(shown[order_id], intent))
        ]
        rows = await self._connection.fetch(
            "SELECT order_id, reason FROM orders WHERE wallet_id = $1 AND state IN ('closing', 'closed') "
            "AND order_id = ANY ($2) ORDER BY order_id",
            self._wallet_id,
            list(intents),
        )
        closed = {row["order_id"]: row["reason"] for row in rows}
        orphans = [
            order_id
            for order_id in sorted(intents)
            if order_id not in closed and not self._quoted(shown[order_id].condition_id)
        ]
        # The list may be late by an order that was cancelled just now, so each is asked for.
        asked = await asyncio.gather(*(self._desk.account.open_order(order_id) for order_id in closed))
        undead = [order_id for order_id, order in zip(closed, asked, strict=True) if order is not None]
        resting = await self._cancel([shown[order_id] for order_id in (*undead, *orphans)])
        findings += [found.undead(shown[each], closed[each], resting.get(each)) for each in undead]
        findings += [found.orphan(shown[each], resting.get(each)) for each in orphans]
        return findings

    async def _cancel(self, orders: Collection[OpenOrder]) -> Mapping[str, str]:
        """Cancel; what rests still, with the reason."""
        if not orders:
            return {}
        since_s = min(order.created_at_ms for order in orders) // 1000
        return (await self._desk.cancel([order.order_id for order in orders], "", since_s)).resting

    async def _missing(
        self, missing: Sequence[asyncpg.Record], findings: list[Finding]
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Those closed, those that are open all the same, and those that rested until now; their issues are added."""
        asked = [row for row in missing if row["state"] == "live"]
        orders = await asyncio.gather(*(or_error(self._desk.account.open_order(row["order_id"])) for row in asked))
        lied = [row for row, order in zip(asked, orders, strict=True) if isinstance(order, OpenOrder)]
        findings += [found.denied_by_list(row) for row in lied]
        proven = await self._denied.settle([row for row, order in zip(asked, orders, strict=True) if order is None])
        findings += [found.denied_by_all(row) for row in proven.rested]
        closed = (*proven.closed, *await self._never_arrived([row for row in missing if row["state"] == "intended"]))
        findings += [found.gone(row, why) for row, why in closed]
        for order in orders:
            if isinstance(order, VenueError):
                raise order
        return tuple(sorted(row["order_id"] for row, _ in closed)), _ids_of(lied), _ids_of(proven.rested)

    async def _never_arrived(self, rows: Sequence[asyncpg.Record]) -> list[tuple[asyncpg.Record, str]]:
        """Ask about orders with nothing but an intent as after a crash; those that are not there, with the reason."""
        if not rows:
            return []
        settled = {each.order_id: each for each in await self._desk.resume(self._connection, self._wallet_id)}
        return [
            (row, settled[row["order_id"]].text)
            for row in rows
            if row["order_id"] in settled and settled[row["order_id"]].fate.is_closed
        ]


def _ids_of(rows: Sequence[asyncpg.Record]) -> tuple[str, ...]:
    return tuple(row["order_id"] for row in rows)


def _ids(listing: Listing[OpenOrder]) -> set[str]:
    return {order.order_id for order in listing.rows}
