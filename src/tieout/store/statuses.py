"""What workers show of themselves and of their markets, and what markets are called. For people only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from tieout.store.listening import CHANNEL, STATUS


@dataclass(frozen=True, slots=True)
class MarketName:
    """What people call a market; `outcomes` in their order. Texts of strangers: escaped wherever they are shown."""

    condition_id: str
    question: str = ""
    slug: str = ""
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """A status as it was written at `at_ms`; the values are those of `app/publishing.py`."""

    at_ms: int
    values: dict[str, Any]


async def put_names(connection: asyncpg.Connection, wallet_id: int, names: Sequence[MarketName]) -> None:
    """Keep or renew names."""
    await connection.executemany(
        "INSERT INTO market_name (wallet_id, condition_id, question, slug, outcomes) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (wallet_id, condition_id) DO UPDATE SET question = EXCLUDED.question, slug = EXCLUDED.slug, "
        "outcomes = EXCLUDED.outcomes",
        [(wallet_id, name.condition_id, name.question, name.slug, list(name.outcomes)) for name in names],
    )


async def put_markets(connection: asyncpg.Connection, wallet_id: int, bodies: Mapping[str, bytes], at_ms: int) -> None:
    """Write over the status of each condition; *bodies* are JSON objects."""
    if bodies:
        await connection.execute(
            "INSERT INTO market_status SELECT $1, condition_id, $4, status::jsonb FROM unnest($2::text[], $3::text[]) "
            "AS given (condition_id, status) ON CONFLICT (wallet_id, condition_id) DO UPDATE SET "
            "at_ms = EXCLUDED.at_ms, status = EXCLUDED.status",
            wallet_id,
            list(bodies),
            [body.decode() for body in bodies.values()],
            at_ms,
        )


async def put_worker(connection: asyncpg.Connection, wallet_id: int, body: bytes, at_ms: int) -> None:
    """Write over the status of the worker, and announce it."""
    await connection.execute(
        "INSERT INTO worker_status VALUES ($1, $2, $3::jsonb) ON CONFLICT (wallet_id) DO UPDATE SET "
        "at_ms = EXCLUDED.at_ms, status = EXCLUDED.status",
        wallet_id,
        at_ms,
        body.decode(),
    )
    await connection.execute(
        "SELECT pg_notify($2, address || ' ' || $3) FROM wallet WHERE wallet_id = $1", wallet_id, CHANNEL, STATUS
    )


async def worker(connection: asyncpg.Connection, wallet_id: int) -> Status | None:
    """What the worker wrote last, None: no worker ran since the database started."""
    row = await connection.fetchrow("SELECT at_ms, status FROM worker_status WHERE wallet_id = $1", wallet_id)
    return None if row is None else Status(row["at_ms"], msgspec.json.decode(row["status"]))


async def markets(
    connection: asyncpg.Connection, wallet_id: int, only: Sequence[str] | None = None
) -> dict[str, Status]:
    """What the worker wrote last of each market, or *only* of some; of its book the best prices alone."""
    rows = await connection.fetch(
        "SELECT condition_id, at_ms, status - 'book' || jsonb_build_object('book', CASE jsonb_typeof(status -> 'book') "
        "WHEN 'object' THEN jsonb_build_object("
        "'bids', jsonb_build_array(jsonb_path_query_array(status, '$.book.bids[0][0]')), "
        "'asks', jsonb_build_array(jsonb_path_query_array(status, '$.book.asks[0][0]'))) END) AS status "
        "FROM market_status WHERE wallet_id = $1 AND ($2::text[] IS NULL OR condition_id = ANY ($2))",
        wallet_id,
        only,
    )
    return {row["condition_id"]: Status(row["at_ms"], msgspec.json.decode(row["status"])) for row in rows}


async def market(connection: asyncpg.Connection, wallet_id: int, condition_id: str) -> Status | None:
    """What the worker wrote last of one market."""
    row = await connection.fetchrow(
        "SELECT at_ms, status FROM market_status WHERE wallet_id = $1 AND condition_id = $2", wallet_id, condition_id
    )
    return None if row is None else Status(row["at_ms"], msgspec.json.decode(row["status"]))


async def names(
    connection: asyncpg.Connection, wallet_id: int, only: Sequence[str] | None = None
) -> dict[str, MarketName]:
    """The names of the wallet's markets, or *only* of some, by condition."""
    rows = await connection.fetch(
        "SELECT condition_id, question, slug, outcomes FROM market_name "
        "WHERE wallet_id = $1 AND ($2::text[] IS NULL OR condition_id = ANY ($2))",
        wallet_id,
        only,
    )
    return {cid: MarketName(cid, question, slug, tuple(outcomes)) for cid, question, slug, outcomes in rows}
