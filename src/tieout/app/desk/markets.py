"""Markets: what the books hold of each, and what the worker showed of it last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from tieout.ledger.units import MICRO, cash_of
from tieout.store import controls, statuses
from tieout.store.controls import Control
from tieout.store.statuses import MarketName, Status

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MarketLine:
    """One market. Pairs are in outcome order; micro-units. `fair`, `bid` and `ask` are prices of the first outcome.

    `value` is what the shares are worth at the middle of the book, None where nobody quotes it.
    """

    condition_id: str
    name: MarketName
    shares: Pair = (0, 0)
    cost: Pair = (0, 0)
    realized: int = 0
    fees: int = 0
    unexplained: int = 0
    tokens: tuple[str, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    """As `app/publishing.py` writes it; empty: no worker quotes it."""
    at_ms: int = 0
    control: Control | None = None

    @property
    def title(self) -> str:
        """The question, or the id where nobody told it."""
        return self.name.question or self.condition_id

    def outcome(self, index: int) -> str:
        """What the outcome is called."""
        names = self.name.outcomes or ("Yes", "No")
        return names[index] if 0 <= index < len(names) else "?"

    @property
    def book(self) -> Mapping[str, Any]:
        """Bids and asks of both outcomes, best first; empty where there is none."""
        return self.status.get("book") or {}

    @property
    def bid(self) -> int | None:
        """The best bid for the first outcome."""
        return _best(self.book.get("bids"))

    @property
    def ask(self) -> int | None:
        """The best ask for the first outcome."""
        return _best(self.book.get("asks"))

    @property
    def middle(self) -> int | None:
        """Between bid and ask, rounded down."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) // 2

    @property
    def value(self) -> int | None:
        """What the shares of both outcomes are worth at the middle; rounded down."""
        middle = self.middle
        if middle is None:
            return None
        return cash_of(self.shares[0], middle) + cash_of(self.shares[1], MICRO - middle)

    @property
    def pnl(self) -> int:
        """Realized after fees, and what the shares are worth beyond their cost where a price is known."""
        value = self.value
        return self.realized - self.fees + (0 if value is None else value - sum(self.cost))

    @property
    def skew(self) -> int:
        """Shares of the first outcome less those of the second."""
        return self.shares[0] - self.shares[1]

    @property
    def resting(self) -> Sequence[Mapping[str, Any]]:
        """Own orders as the worker saw them last."""
        return self.status.get("resting") or ()

    @property
    def why_not(self) -> str:
        """Why nothing is placed, "" when it is or when no worker quotes it."""
        return str(self.status.get("why_not") or "")


def _best(sides: Sequence[Sequence[Sequence[int]]] | None) -> int | None:
    return sides[0][0][0] if sides and sides[0] else None


async def market_lines(
    connection: asyncpg.Connection, wallet_id: int, only: Collection[str] | None = None
) -> list[MarketLine]:
    """Every market that the wallet holds, held, or quotes, or *only* some of them, by name.

    Of the books of the venue only the best prices are read.
    """
    wanted = None if only is None else list(only)
    rows = await connection.fetch(
        f"{_POSITIONS} AND ($2::text[] IS NULL OR condition_id = ANY ($2)) GROUP BY condition_id", wallet_id, wanted
    )
    shown = await statuses.markets(connection, wallet_id, wanted)
    names = await statuses.names(connection, wallet_id, wanted)
    held = {control.condition_id: control for control in await controls.all_controls(connection, wallet_id)}
    lines = {row["condition_id"]: _of_row(row, names) for row in rows}
    for condition_id in shown:
        lines.setdefault(condition_id, MarketLine(condition_id, names.get(condition_id, MarketName(condition_id))))
    found = [_with(line, shown.get(cid), held.get(cid)) for cid, line in lines.items()]
    return sorted(found, key=lambda line: (line.title.startswith("0x"), line.title.lower(), line.condition_id))


async def lines_of(connection: asyncpg.Connection, wallet_id: int, conditions: Iterable[str]) -> dict[str, MarketLine]:
    """The markets of *conditions*, by condition: for pages that name some of them."""
    wanted = {condition_id for condition_id in conditions if condition_id}
    return {line.condition_id: line for line in await market_lines(connection, wallet_id, wanted)} if wanted else {}


async def largest(connection: asyncpg.Connection, wallet_id: int, limit: int) -> tuple[list[MarketLine], int]:
    """The markets in which the most is at risk, by cost and then by name, and how many there are in all."""
    rows = await connection.fetch(
        "WITH own AS (SELECT condition_id, sum(cost_basis) AS cost FROM positions WHERE wallet_id = $1 GROUP BY 1), "
        "every AS (SELECT condition_id, COALESCE(cost, 0) AS cost FROM own FULL JOIN (SELECT condition_id "
        "FROM market_status WHERE wallet_id = $1) AS quoted USING (condition_id)) "
        "SELECT condition_id, count(*) OVER () AS every FROM every ORDER BY cost DESC, condition_id LIMIT $2",
        wallet_id,
        limit,
    )
    lines = await market_lines(connection, wallet_id, [row["condition_id"] for row in rows])
    return sorted(lines, key=lambda line: -sum(line.cost)), rows[0]["every"] if rows else 0


async def market_line(connection: asyncpg.Connection, wallet_id: int, condition_id: str) -> MarketLine | None:
    """One market, None when the wallet has nothing to do with it."""
    row = await connection.fetchrow(
        f"{_POSITIONS} AND condition_id = $2 GROUP BY condition_id", wallet_id, condition_id
    )
    shown = await statuses.market(connection, wallet_id, condition_id)
    names = await statuses.names(connection, wallet_id)
    if row is None and shown is None and condition_id not in names:
        return None
    line = _of_row(row, names) if row else MarketLine(condition_id, names.get(condition_id, MarketName(condition_id)))
    held = {control.condition_id: control for control in await controls.all_controls(connection, wallet_id)}
    return _with(line, shown, held.get(condition_id))


_POSITIONS = (
    "SELECT condition_id, "
    "COALESCE(sum(shares) FILTER (WHERE outcome_index = 0), 0)::bigint AS shares_0, "
    "COALESCE(sum(shares) FILTER (WHERE outcome_index <> 0), 0)::bigint AS shares_1, "
    "COALESCE(sum(cost_basis) FILTER (WHERE outcome_index = 0), 0)::bigint AS cost_0, "
    "COALESCE(sum(cost_basis) FILTER (WHERE outcome_index <> 0), 0)::bigint AS cost_1, "
    "sum(realized_pnl)::bigint AS realized, sum(fees)::bigint AS fees, "
    "sum(unexplained_shares)::bigint AS unexplained, array_agg(token_id ORDER BY outcome_index, token_id) AS tokens "
    "FROM positions WHERE wallet_id = $1"
)
"""A token whose outcome is unknown counts with the second: nothing may be left out of a sum."""


def _of_row(row: asyncpg.Record, names: Mapping[str, MarketName]) -> MarketLine:
    condition_id = row["condition_id"]
    return MarketLine(
        condition_id,
        names.get(condition_id, MarketName(condition_id)),
        (row["shares_0"], row["shares_1"]),
        (row["cost_0"], row["cost_1"]),
        row["realized"],
        row["fees"],
        row["unexplained"],
        tuple(row["tokens"]),
    )


_BLANK = {
    "tick": 0,
    "min_size": 0,
    "tokens": (),
    "fair": None,
    "why_not": "",
    "reasons": (),
    "book": None,
    "resting": (),
}
"""What a worker of an older version does not show of a market."""


def _with(line: MarketLine, status: Status | None, control: Control | None) -> MarketLine:
    shown = line if status is None else replace(line, status={**_BLANK, **status.values}, at_ms=status.at_ms)
    return replace(shown, control=control)
