"""Quote history: what became of every quote. Append-only; a record for people, never read to make the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum

import asyncpg

from tieout.ledger.facts import Side


class QuoteEventKind(StrEnum):
    """What became of a quote."""

    PLACED = "PLACED"
    CANCELLED = "CANCELLED"
    PARTIAL_FILL = "PARTIAL_FILL"
    FILL = "FILL"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class QuoteEvent:
    """One step in the life of a quote; price and size in micro-units.

    `tier` counts from 0, the innermost; None: an order that is no tier of ours. `order_id` may be empty where no order
    was made: dry runs and rejections.
    """

    at_ms: int
    condition_id: str
    token_id: str
    outcome_index: int
    side: Side
    tier: int | None
    price: int
    size: int
    """Of the order when placed, of the fill when filled, what was left when it ended otherwise."""
    order_id: str
    event: QuoteEventKind
    dry: bool
    reason: str


_COLUMNS = "at_ms, condition_id, token_id, outcome_index, side, tier, price, size, order_id, event, dry, reason"

_APPEND = f"""
INSERT INTO quote_event (wallet_id, {_COLUMNS})
SELECT $1, {_COLUMNS} FROM unnest(
    $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::integer[], $8::bigint[], $9::bigint[],
    $10::text[], $11::text[], $12::boolean[], $13::text[]
) WITH ORDINALITY AS given ({_COLUMNS}, place) ORDER BY place
"""


async def append(connection: asyncpg.Connection, wallet_id: int, events: Sequence[QuoteEvent]) -> None:
    """Keep *events* in their order, all or none, in one round trip."""
    if events:
        columns = zip(*(astuple(event) for event in events), strict=True)
        await connection.execute(_APPEND, wallet_id, *(list(column) for column in columns))


async def of_market(
    connection: asyncpg.Connection, wallet_id: int, condition_id: str, *, limit: int = 100
) -> list[QuoteEvent]:
    """The last events of one market, newest first."""
    return await _events(connection, "condition_id = $2 ORDER BY seq DESC", wallet_id, condition_id, limit)


async def of_order(
    connection: asyncpg.Connection, wallet_id: int, order_id: str, *, limit: int = 1_000
) -> list[QuoteEvent]:
    """The life of one order, from its first event on."""
    return await _events(connection, "order_id = $2 AND order_id <> '' ORDER BY seq", wallet_id, order_id, limit)


async def of_wallet(connection: asyncpg.Connection, wallet_id: int, *, limit: int = 100) -> list[QuoteEvent]:
    """The last events of all markets, newest first."""
    return await _events(connection, "$2 = '' ORDER BY seq DESC", wallet_id, "", limit)


async def _events(
    connection: asyncpg.Connection, which: str, wallet_id: int, name: str, limit: int
) -> list[QuoteEvent]:
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM quote_event WHERE wallet_id = $1 AND {which} LIMIT $3", wallet_id, name, limit
    )
    return [_event(row) for row in rows]


def _event(row: asyncpg.Record) -> QuoteEvent:
    at_ms, condition_id, token_id, outcome_index, side, tier, price, size, order_id, event, dry, reason = row
    return QuoteEvent(
        at_ms,
        condition_id,
        token_id,
        outcome_index,
        Side(side),
        tier,
        price,
        size,
        order_id,
        QuoteEventKind(event),
        dry,
        reason,
    )
