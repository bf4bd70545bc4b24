"""The portfolio: every position marked to market, by what the worker saw of its book last, or by its payout."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.app.desk.markets import MarketLine, market_lines
from tieout.jobs.log_reading import payout_vectors
from tieout.ledger.rows import PositionRow
from tieout.ledger.units import MICRO, cash_of


@dataclass(frozen=True, slots=True)
class Holding:
    """One position; micro-units. `price` None: nobody told one, and `value` is its cost."""

    row: PositionRow
    line: MarketLine
    price: int | None
    value: int
    by: str
    """"payout", "midpoint" or "nothing"."""

    @property
    def unrealized(self) -> int:
        """What it is worth beyond its cost."""
        return self.value - self.row.cost_basis

    @property
    def average(self) -> int:
        """Cost a share, micro, rounded down; 0 when nothing is held."""
        return self.row.cost_basis * MICRO // self.row.shares if self.row.shares else 0


async def holdings(connection: asyncpg.Connection, wallet_id: int, *, every: bool = False) -> list[Holding]:
    """What is held, the most valuable first; *every*: also what was held once."""
    rows = await connection.fetch(
        f"SELECT {', '.join(PositionRow._fields)} FROM positions WHERE wallet_id = $1 AND (shares > 0 OR $2)",
        wallet_id,
        every,
    )
    conditions = sorted({row["condition_id"] for row in rows})
    lines = {line.condition_id: line for line in await market_lines(connection, wallet_id, conditions)}
    payouts = await payout_vectors(connection, wallet_id, [each for each in conditions if each])
    found = []
    for each in rows:
        row = PositionRow(*each)
        found.append(_marked(row, lines[row.condition_id], payouts.get(row.condition_id, ())))
    return sorted(found, key=lambda holding: (-holding.value, holding.row.token_id))


def _marked(row: PositionRow, line: MarketLine, payout: tuple[int, ...]) -> Holding:
    if 0 <= row.outcome_index < len(payout):
        price = payout[row.outcome_index] * MICRO // sum(payout)
        return Holding(row, line, price, row.shares * payout[row.outcome_index] // sum(payout), "payout")
    middle = line.middle
    if middle is not None and row.outcome_index in (0, 1):
        price = middle if row.outcome_index == 0 else MICRO - middle
        return Holding(row, line, price, cash_of(row.shares, price), "midpoint")
    return Holding(row, line, None, row.cost_basis, "nothing")
