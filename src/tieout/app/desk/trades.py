"""Movements, fills and orders a page at a time, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import asyncpg

from tieout.ledger.rows import MovementRow, OrderRow

T = TypeVar("T")

PAGE = 100


class Place(NamedTuple):
    """Where a page ended: the next one begins below it. Written "milliseconds/key"."""

    at_ms: int
    key: str

    def __str__(self) -> str:
        """As it is written in an address."""
        return f"{self.at_ms}/{self.key}"


def place_of(written: str) -> Place | None:
    """The place that *written* names, None for "". Raises ValueError."""
    if not written:
        return None
    at_ms, slash, key = written.partition("/")
    if not slash or not at_ms.lstrip("-").isdecimal() or len(at_ms) > 18:
        raise ValueError(f"expected a place as MILLISECONDS/KEY, was {written[:80]!r}")
    return Place(int(at_ms), key)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows, and where the next page begins; None: these were the last."""

    rows: Sequence[T]
    next: Place | None


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Empty: everything."""

    kinds: tuple[str, ...] = ()
    condition_id: str = ""
    token_id: str = ""
    order_id: str = ""
    status: str = ""


class ShownMovement(NamedTuple):
    """A movement with the outcome of its token, -1 while unknown; `price` in micro, rounded down, 0 without shares."""

    row: MovementRow
    outcome_index: int

    @property
    def price(self) -> int:
        """Collateral a share."""
        return self.row.collateral * 1_000_000 // self.row.shares if self.row.shares else 0

    @property
    def trade_id(self) -> str:
        """Of a fill: the venue's id of the trade, or the transaction of its log."""
        return self.row.key.split("/")[1] if "/" in self.row.key else ""


_MOVEMENT = ", ".join("m." + name for name in MovementRow._fields).replace(
    "m.condition_id", "COALESCE(NULLIF(m.condition_id, ''), p.condition_id, '')"
)
"""A log of the chain names the token alone: the books know its condition."""


async def movements(
    connection: asyncpg.Connection,
    wallet_id: int,
    wanted: MovementFilter,
    below: Place | None = None,
    limit: int = PAGE,
) -> Page[ShownMovement]:
    """Movements below a place, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_MOVEMENT}, COALESCE(p.outcome_index, -1) "
        "FROM movements m LEFT JOIN positions p ON p.wallet_id = m.wallet_id AND p.token_id = m.token_id "
        "WHERE m.wallet_id = $1 AND ($2::bigint IS NULL OR (m.occurred_at_ms, m.key) < ($2, $3)) "
        "AND (cardinality($4::text[]) = 0 OR m.kind = ANY ($4)) "
        "AND ($5 = '' OR m.condition_id = $5 OR p.condition_id = $5) "
        "AND ($6 = '' OR m.token_id = $6) AND ($7 = '' OR m.order_id = $7) AND ($8 = '' OR m.status = $8) "
        "ORDER BY m.occurred_at_ms DESC, m.key DESC LIMIT $9",
        wallet_id,
        None if below is None else below.at_ms,
        "" if below is None else below.key,
        list(wanted.kinds),
        wanted.condition_id,
        wanted.token_id,
        wanted.order_id,
        wanted.status,
        limit + 1,
    )
    found = [ShownMovement(MovementRow(*tuple(row)[:-1]), row[-1]) for row in rows[:limit]]
    last = found[-1].row if len(rows) > limit else None
    return Page(found, Place(last.occurred_at_ms, last.key) if last else None)


async def count_movements(connection: asyncpg.Connection, wallet_id: int, kinds: Sequence[str]) -> int:
    """How many movements of these kinds there are."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM movements WHERE wallet_id = $1 AND kind = ANY ($2)", wallet_id, list(kinds)
        )
    )


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Empty: everything."""

    states: tuple[str, ...] = ()
    condition_id: str = ""


class ShownOrder(NamedTuple):
    """An order with the outcome of its token, -1 while unknown."""

    row: OrderRow
    outcome_index: int

    @property
    def remaining(self) -> int:
        """What is not filled, micro-shares."""
        return max(self.row.size - self.row.filled, 0)


async def orders(
    connection: asyncpg.Connection,
    wallet_id: int,
    wanted: OrderFilter,
    below: Place | None = None,
    limit: int = PAGE,
) -> Page[ShownOrder]:
    """Orders below a place, those placed last first."""
    rows = await connection.fetch(
        f"SELECT {', '.join('o.' + name for name in OrderRow._fields)}, COALESCE(p.outcome_index, -1) "
        "FROM orders o LEFT JOIN positions p ON p.wallet_id = o.wallet_id AND p.token_id = o.token_id "
        "WHERE o.wallet_id = $1 AND ($2::bigint IS NULL OR (o.placed_at_ms, o.order_id) < ($2, $3)) "
        "AND (cardinality($4::text[]) = 0 OR o.state = ANY ($4)) AND ($5 = '' OR o.condition_id = $5) "
        "ORDER BY o.placed_at_ms DESC, o.order_id DESC LIMIT $6",
        wallet_id,
        None if below is None else below.at_ms,
        "" if below is None else below.key,
        list(wanted.states),
        wanted.condition_id,
        limit + 1,
    )
    found = [ShownOrder(OrderRow(*tuple(row)[:-1]), row[-1]) for row in rows[:limit]]
    last = found[-1].row if len(rows) > limit else None
    return Page(found, Place(last.placed_at_ms, last.order_id) if last else None)
