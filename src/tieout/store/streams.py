"""Long tables read piece by piece through a cursor of the server, so that no more than a piece is ever in memory.

A cursor lives in a transaction: the caller has one open, and everything read in it is of one moment. Windows are
Unix milliseconds, from the first one on and before the last; None leaves that side open.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import asyncpg

from tieout.ledger.rows import MovementRow, OrderRow, PositionRow
from tieout.store.marks import Mark

Window = tuple[int | None, int | None]
"""(from, before) in Unix milliseconds."""

CHUNK = 2_000
"""Rows of one piece: few enough that whoever shares the event loop is not kept waiting."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """The rows of one query, in its order."""

    connection: asyncpg.Connection
    columns: str
    source: str
    """What stands behind FROM."""
    order: str
    given: tuple[Any, ...]
    make: Callable[..., T]

    async def count(self) -> int:
        """How many rows there are."""
        return int(await self.connection.fetchval(f"SELECT count(*) FROM {self.source}", *self.given))

    async def chunks(self, size: int = CHUNK) -> AsyncGenerator[list[T]]:
        """All rows in pieces of *size*."""
        query = f"SELECT {self.columns} FROM {self.source} ORDER BY {self.order}"
        cursor = await self.connection.cursor(query, *self.given)
        while rows := await cursor.fetch(size):
            yield [self.make(*row) for row in rows]


def _within(time: str) -> str:
    return f"wallet_id = $1 AND ({time} >= $2 OR $2 IS NULL) AND ({time} < $3 OR $3 IS NULL)"


def movements(
    connection: asyncpg.Connection, wallet_id: int, window: Window, kinds: Sequence[str] | None = None
) -> Stream[MovementRow]:
    """Movements by time, place on chain and key; *kinds* None: all."""
    source = f"movements WHERE {_within('occurred_at_ms')} AND (kind = ANY ($4) OR $4 IS NULL)"
    order = 'occurred_at_ms, chain_position, key COLLATE "C"'
    columns = ", ".join(MovementRow._fields)
    return Stream(connection, columns, source, order, (wallet_id, *window, kinds), MovementRow)


def orders(connection: asyncpg.Connection, wallet_id: int, window: Window) -> Stream[OrderRow]:
    """Orders by when they were placed, and id."""
    source, order = f"orders WHERE {_within('placed_at_ms')}", 'placed_at_ms, order_id COLLATE "C"'
    return Stream(connection, ", ".join(OrderRow._fields), source, order, (wallet_id, *window), OrderRow)


def positions(connection: asyncpg.Connection, wallet_id: int) -> Stream[PositionRow]:
    """Positions by condition, outcome and token, closed ones too."""
    order = 'condition_id COLLATE "C", outcome_index, token_id COLLATE "C"'
    columns = ", ".join(PositionRow._fields)
    return Stream(connection, columns, "positions WHERE wallet_id = $1", order, (wallet_id,), PositionRow)


def marks(connection: asyncpg.Connection, wallet_id: int, window: Window) -> Stream[Mark]:
    """Marks of the wallet, the oldest first."""
    columns = "at_ms, cash, market_value, cost_basis, realized_pnl, fees, rewards, positions, unpriced"
    source = f"portfolio_mark WHERE {_within('at_ms')}"
    return Stream(connection, columns, source, "at_ms, seq", (wallet_id, *window), Mark)


_TITLED = "raw_message WHERE wallet_id = $1 AND (position($2 IN body) > 0 OR position($3 IN body) > 0)"


def titled(connection: asyncpg.Connection, wallet_id: int) -> Stream[bytes]:
    """Bodies of the journal that may name a market, the newest first."""
    return Stream(connection, "body", _TITLED, "raw_id DESC", (wallet_id, b'"title"', b'"question"'), bytes)


def listings(connection: asyncpg.Connection, wallet_id: int) -> Stream[str]:
    """Facts of the log that say which token is which outcome of which condition."""
    # A fact is canonical JSON: its kind comes first.
    source = """log WHERE wallet_id = $1 AND starts_with(fact, '{"kind":"token_listed"')"""
    return Stream(connection, "fact", source, "seq", (wallet_id,), str)
