"""The rows of a worker's database that the oracle judges, read with plain SQL: no code of the books is in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import asyncpg


class PositionSeen(NamedTuple):
    """A position as the database has it. Amounts are micro-units."""

    token_id: str
    shares: int
    cost_basis: int
    realized_pnl: int
    fees: int
    unexplained_shares: int
    unexplained_proceeds: int
    provisional_shares: int
    unsettled_shares: int


class OrderSeen(NamedTuple):
    """An order as the database has it."""

    order_id: str
    token_id: str
    side: str
    price: int
    size: int
    state: str
    claimed: int
    filled: int
    failed: int
    rejected_shares: int

    @property
    def gap(self) -> int:
        """Micro-shares that are claimed, and neither covered by a fill nor rejected: provisional."""
        return max(0, self.claimed - self.filled - self.failed - self.rejected_shares)


class MovementSeen(NamedTuple):
    """A movement as the database has it; `legs` is "token:shares,...>token:shares,..."."""

    key: str
    kind: str
    token_id: str
    shares: int
    collateral: int
    fee: int
    cash: int
    status: str
    order_id: str
    tx_hash: str
    legs: str


@dataclass(frozen=True, slots=True)
class BookRows:
    """The state of one wallet at one moment."""

    positions: tuple[PositionSeen, ...]
    orders: tuple[OrderSeen, ...]
    movements: tuple[MovementSeen, ...]


async def read_rows(connection: asyncpg.Connection, wallet_id: int) -> BookRows:
    """All rows of a wallet, of one moment. *connection* must not be in a transaction of another kind."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return BookRows(
            tuple(PositionSeen(*row) for row in await connection.fetch(_select(PositionSeen, "positions"), wallet_id)),
            tuple(OrderSeen(*row) for row in await connection.fetch(_select(OrderSeen, "orders"), wallet_id)),
            tuple(MovementSeen(*row) for row in await connection.fetch(_select(MovementSeen, "movements"), wallet_id)),
        )


def _select(kind: type[PositionSeen | OrderSeen | MovementSeen], table: str) -> str:
    columns = ", ".join(kind._fields)
    return f"SELECT {columns} FROM {table} WHERE wallet_id = $1 ORDER BY {kind._fields[0]}"
