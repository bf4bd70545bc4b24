"""Marks: what a whole wallet was worth at a time, for charts and for the daily loss cap. Micro-units throughout."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

DAY_MS = 86_400_000

NEAR_MIDNIGHT_MS = 3_600_000
"""A mark from so long before midnight still tells what the day began with; an older one would hide days in between."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A wallet at `at_ms` (Unix ms). `cash` None: nobody could tell.

    `cost_basis` is that of all `positions`; the `unpriced` among them are in `market_value` at their cost.
    """

    at_ms: int
    cash: int | None
    market_value: int
    cost_basis: int
    realized_pnl: int
    """Before fees."""
    fees: int
    rewards: int
    """Rewards and rebates received."""
    positions: int
    unpriced: int

    @property
    def unrealized_pnl(self) -> int:
        """What the positions are worth beyond their cost."""
        return self.market_value - self.cost_basis

    @property
    def pnl(self) -> int:
        """Everything earned since the books began: realized, unrealized and rewards, after fees."""
        return self.realized_pnl + self.unrealized_pnl + self.rewards - self.fees


_COLUMNS = "at_ms, cash, market_value, cost_basis, realized_pnl, fees, rewards, positions, unpriced"
_OF_WALLET = f"SELECT {_COLUMNS} FROM portfolio_mark WHERE wallet_id = $1"


async def append(connection: asyncpg.Connection, wallet_id: int, mark: Mark) -> None:
    """Keep *mark*."""
    await connection.execute(
        f"INSERT INTO portfolio_mark (wallet_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        wallet_id,
        mark.at_ms,
        mark.cash,
        mark.market_value,
        mark.cost_basis,
        mark.realized_pnl,
        mark.fees,
        mark.rewards,
        mark.positions,
        mark.unpriced,
    )


async def latest(connection: asyncpg.Connection, wallet_id: int) -> Mark | None:
    """The last mark, None when there is none."""
    row = await connection.fetchrow(f"{_OF_WALLET} ORDER BY at_ms DESC, seq DESC LIMIT 1", wallet_id)
    return _mark(row)


async def since(connection: asyncpg.Connection, wallet_id: int, at_ms: int) -> list[Mark]:
    """The marks from *at_ms* on, oldest first."""
    rows = await connection.fetch(f"{_OF_WALLET} AND at_ms >= $2 ORDER BY at_ms, seq", wallet_id, at_ms)
    return [Mark(*row) for row in rows]


async def at_day_start(connection: asyncpg.Connection, wallet_id: int, now_ms: int) -> Mark | None:
    """What the UTC day of *now_ms* began with: the last mark of the hour before midnight, else the first of the day.

    None when there is neither.
    """
    midnight = now_ms - now_ms % DAY_MS
    row = await connection.fetchrow(
        f"{_OF_WALLET} AND at_ms BETWEEN $2 AND $3 ORDER BY at_ms DESC, seq DESC LIMIT 1",
        wallet_id,
        midnight - NEAR_MIDNIGHT_MS,
        midnight,
    )
    if row is None:
        row = await connection.fetchrow(
            f"{_OF_WALLET} AND at_ms BETWEEN $2 AND $3 ORDER BY at_ms, seq LIMIT 1", wallet_id, midnight, now_ms
        )
    return _mark(row)


def _mark(row: asyncpg.Record | None) -> Mark | None:
    return None if row is None else Mark(*row)
