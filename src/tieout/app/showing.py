"""What the live view of a worker asks of the database: inventory, fills on their way, what a quiet point waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import asyncpg

from tieout.store import marks, runs
from tieout.store.marks import Mark
from tieout.store.moving import MOVING
from tieout.store.runs import Issue
from tieout.store.wallets import wallet_id_of

FILLS = 30
"""The last ones, for the view."""

FILL_KINDS = ("buy", "sell")

OPEN_STATES = ("intended", "live", "closing")
OPEN = f"state IN {OPEN_STATES} AND side <> ''"
"""Of the table of orders: those that may rest."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """One market; pairs are in outcome order, micro-units. `realized` is before fees."""

    shares: tuple[int, int] = (0, 0)
    cost: tuple[int, int] = (0, 0)
    realized: int = 0
    fees: int = 0


@dataclass(frozen=True, slots=True)
class ShownFill:
    """A fill of ours; price and shares in micro, the price rounded down. `outcome_index` -1: nobody says."""

    at_ms: int
    condition_id: str
    outcome_index: int
    side: str
    price: int
    shares: int
    status: str
    trade_id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The wallet as stored. `fills` are the newest, newest first; `issues` the open ones, the gravest first."""

    seq: int = -1
    """Of the last entry of the log; -1: the database does not know the wallet yet."""
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    fills: tuple[ShownFill, ...] = ()
    fills_total: int = 0
    moving: int = 0
    """Fills whose end is still to come."""
    open_orders: int = 0
    issues: tuple[Issue, ...] = ()
    mark: Mark | None = None
    day_start: Mark | None = None

    @property
    def pnl_today(self) -> tuple[int, int] | None:
        """Earned since the UTC day began, before and after fees; None before the wallet was marked."""
        if self.mark is None or self.day_start is None:
            return None
        after = self.mark.pnl - self.day_start.pnl
        return after + self.mark.fees - self.day_start.fees, after


async def shown(connection: asyncpg.Connection, wallet: str, before: Shown, now_ms: int) -> Shown:
    """The wallet as it is now. What only bookings change is read again only after one."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await wallet_id_of(connection, wallet)
        if wallet_id is None:
            return before
        seq = await connection.fetchval("SELECT head_seq FROM wallet WHERE wallet_id = $1", wallet_id)
        mark = await marks.latest(connection, wallet_id)
        start = await marks.at_day_start(connection, wallet_id, now_ms)
        issues = tuple(await runs.open_issues(connection, wallet_id))
        if seq == before.seq:
            return replace(before, issues=issues, mark=mark, day_start=start)
        total, moving = await connection.fetchrow(
            f"SELECT count(*), count(*) FILTER (WHERE {MOVING}) FROM movements "
            "WHERE wallet_id = $1 AND kind = ANY ($2)",
            wallet_id,
            FILL_KINDS,
        )
        return Shown(
            seq=seq,
            inventories=await _inventories(connection, wallet_id),
            fills=await _fills(connection, wallet_id),
            fills_total=total,
            moving=moving,
            open_orders=await open_orders(connection, wallet_id),
            issues=issues,
            mark=mark,
            day_start=start,
        )


async def open_orders(connection: asyncpg.Connection, wallet_id: int) -> int:
    """How many orders the books hold as open."""
    count = await connection.fetchval(f"SELECT count(*) FROM orders WHERE wallet_id = $1 AND {OPEN}", wallet_id)
    return int(count)


async def on_the_way(connection: asyncpg.Connection, wallet_id: int) -> tuple[int, int]:
    """(open orders, movements whose end is still to come): both 0 at a quiet point."""
    moving = await connection.fetchval(
        f"SELECT (SELECT count(*) FROM movements WHERE wallet_id = $1 AND {MOVING}) "
        "+ (SELECT count(*) FROM orders WHERE wallet_id = $1 AND provisional > 0)",
        wallet_id,
    )
    return await open_orders(connection, wallet_id), int(moving)


async def _inventories(connection: asyncpg.Connection, wallet_id: int) -> dict[str, Inventory]:
    rows = await connection.fetch(
        "SELECT condition_id, outcome_index, shares, cost_basis, realized_pnl, fees FROM positions "
        "WHERE wallet_id = $1 AND outcome_index IN (0, 1)",
        wallet_id,
    )
    found: dict[str, Inventory] = {}
    for condition, outcome, shares, cost, realized, fees in rows:
        known = found.get(condition, Inventory())
        found[condition] = Inventory(
            _with(known.shares, outcome, shares),
            _with(known.cost, outcome, cost),
            known.realized + realized,
            known.fees + fees,
        )
    return found


def _with(pair: tuple[int, int], outcome: int, amount: int) -> tuple[int, int]:
    """*pair* with *amount* more at *outcome*: a market that moved to other tokens has two rows for one outcome."""
    return (pair[0] + amount, pair[1]) if outcome == 0 else (pair[0], pair[1] + amount)


async def _fills(connection: asyncpg.Connection, wallet_id: int) -> tuple[ShownFill, ...]:
    rows = await connection.fetch(
        "SELECT m.occurred_at_ms, m.condition_id, COALESCE(p.outcome_index, -1) AS outcome, m.kind, m.collateral, "
        "m.shares, m.status, split_part(m.key, '/', 2) AS trade_id "
        "FROM movements m LEFT JOIN positions p ON p.wallet_id = m.wallet_id AND p.token_id = m.token_id "
        "WHERE m.wallet_id = $1 AND m.kind = ANY ($2) ORDER BY m.occurred_at_ms DESC, m.key LIMIT $3",
        wallet_id,
        FILL_KINDS,
        FILLS,
    )
    return tuple(
        ShownFill(
            row["occurred_at_ms"],
            row["condition_id"],
            row["outcome"],
            row["kind"].upper(),
            row["collateral"] * 1_000_000 // row["shares"] if row["shares"] else 0,
            row["shares"],
            row["status"],
            row["trade_id"],
        )
        for row in rows
    )
