"""The wallet's figures in one reading: what it earned, what it holds, what is open. Micro-units throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.app.showing import OPEN
from tieout.jobs.portfolio import rewards_received
from tieout.ledger.units import MICRO
from tieout.store import marks
from tieout.store.marks import Mark

POINTS_MAX = 2_000
"""Of a chart: more than a screen has columns."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`realized` is before fees. `buying` is the collateral that open buys may take."""

    realized: int
    fees: int
    cost_basis: int
    unexplained_shares: int
    provisional_positions: int
    positions_held: int
    rewards: int
    open_orders: int
    buying: int
    mark: Mark | None
    day_start: Mark | None

    @property
    def pnl(self) -> int:
        """After fees, with rewards, marked to market where a mark is known."""
        return self.mark.pnl if self.mark else self.realized - self.fees + self.rewards

    @property
    def pnl_before_fees(self) -> int:
        """The same without fees."""
        return self.pnl + (self.mark.fees if self.mark else self.fees)

    @property
    def pnl_today(self) -> int | None:
        """Since the UTC day began, after fees; None while no mark tells what it began with."""
        return None if self.mark is None or self.day_start is None else self.mark.pnl - self.day_start.pnl

    @property
    def pnl_today_before_fees(self) -> int | None:
        """The same without fees."""
        today = self.pnl_today
        if today is None or self.mark is None or self.day_start is None:
            return None
        return today + self.mark.fees - self.day_start.fees

    @property
    def exposure(self) -> int:
        """What may be lost: the cost of what is held, and what open buys may take."""
        return self.cost_basis + self.buying


async def figures(connection: asyncpg.Connection, wallet_id: int, now_ms: int) -> Figures:
    """The figures as stored; to be read inside one transaction with what is shown beside them."""
    held = await connection.fetchrow(
        "SELECT COALESCE(sum(realized_pnl), 0)::bigint AS realized, COALESCE(sum(fees), 0)::bigint AS fees, "
        "COALESCE(sum(cost_basis), 0)::bigint AS cost_basis, "
        "COALESCE(sum(unexplained_shares), 0)::bigint AS unexplained_shares, "
        "count(*) FILTER (WHERE provisional_shares <> 0) AS provisional_positions, "
        "count(*) FILTER (WHERE shares > 0) AS positions_held "
        "FROM positions WHERE wallet_id = $1",
        wallet_id,
    )
    orders = await connection.fetchrow(
        "SELECT count(*) AS open, COALESCE(sum(div(price::numeric * GREATEST(size - filled, 0), $2::bigint)) "
        "FILTER (WHERE side = 'BUY'), 0)::bigint AS buying "
        f"FROM orders WHERE wallet_id = $1 AND {OPEN}",
        wallet_id,
        MICRO,
    )
    rewards = await rewards_received(connection, wallet_id)
    mark = await marks.latest(connection, wallet_id)
    start = await marks.at_day_start(connection, wallet_id, now_ms)
    return Figures(
        **held, rewards=rewards, open_orders=orders["open"], buying=orders["buying"], mark=mark, day_start=start
    )


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the profit over time."""

    at_ms: int
    after_fees: int
    before_fees: int
    exposure: int
    rewards: int


async def profit_over_time(
    connection: asyncpg.Connection, wallet_id: int, since_ms: int, until_ms: int
) -> Sequence[Point]:
    """The last mark of every equal part of the time, at most POINTS_MAX of them, the oldest first."""
    width = max((until_ms - since_ms) // POINTS_MAX, 1)
    rows = await connection.fetch(
        "SELECT DISTINCT ON ((at_ms - $2) / $4) at_ms, realized_pnl, fees, rewards, market_value, cost_basis "
        "FROM portfolio_mark WHERE wallet_id = $1 AND at_ms BETWEEN $2 AND $3 "
        "ORDER BY (at_ms - $2) / $4, at_ms DESC, seq DESC",
        wallet_id,
        since_ms,
        until_ms,
        width,
    )
    found = []
    for at_ms, realized, fees, rewards, value, cost in rows:
        before = realized + value - cost + rewards
        found.append(Point(at_ms, before - fees, before, cost, rewards))
    return found


async def first_mark_ms(connection: asyncpg.Connection, wallet_id: int) -> int | None:
    """When the wallet was marked first."""
    return await connection.fetchval("SELECT min(at_ms) FROM portfolio_mark WHERE wallet_id = $1", wallet_id)  # type: ignore[no-any-return]
