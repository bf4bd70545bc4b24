"""Watermarks: how far each source was read, so that a restart reads on from there."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a source was read: a time, a block number or a cursor, as text; and when that was."""

    value: str
    at_ms: int


async def get(connection: asyncpg.Connection, wallet_id: int, source: str) -> Watermark | None:
    """How far *source* was read, None when it never was."""
    row = await connection.fetchrow(
        "SELECT value, at_ms FROM watermark WHERE wallet_id = $1 AND source = $2", wallet_id, source
    )
    return None if row is None else Watermark(row["value"], row["at_ms"])


async def put(
    connection: asyncpg.Connection, wallet_id: int, source: str, watermark: Watermark, *, forced: bool = False
) -> bool:
    """Set how far *source* was read; False when that would go back, which only *forced* does.

    Whole numbers are compared as such, anything else (a cursor has no order of its own) by when it was read.
    """
    done = await connection.execute(
        "INSERT INTO watermark AS known VALUES ($1, $2, $3, $4) ON CONFLICT (wallet_id, source) "
        "DO UPDATE SET value = EXCLUDED.value, at_ms = EXCLUDED.at_ms "
        "WHERE $5 OR not_behind(EXCLUDED.value, EXCLUDED.at_ms, known.value, known.at_ms)",
        wallet_id,
        source,
        watermark.value,
        watermark.at_ms,
        forced,
    )
    return str(done) == "INSERT 0 1"
