"""Transactions read above the finalized block, with the version of what was last said about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, slots=True)
class Provisional:
    """A transaction as last seen in `block`. `receipt` is JSON; `version` rises each time it goes or comes back."""

    tx_hash: str
    block: int
    block_hash: str
    version: int
    is_gone: bool
    receipt: str


async def all_of(connection: asyncpg.Connection, wallet_id: int) -> dict[str, Provisional]:
    """Every one that is kept, by transaction."""
    rows = await connection.fetch(
        "SELECT tx_hash, block, block_hash, version, is_gone, receipt FROM provisional WHERE wallet_id = $1", wallet_id
    )
    return {row["tx_hash"]: Provisional(**row) for row in rows}


async def put(connection: asyncpg.Connection, wallet_id: int, seen: Provisional) -> None:
    """Keep *seen* in place of what was kept of its transaction."""
    await connection.execute(
        "INSERT INTO provisional VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (wallet_id, tx_hash) DO UPDATE SET "
        "block = EXCLUDED.block, block_hash = EXCLUDED.block_hash, version = EXCLUDED.version, "
        "is_gone = EXCLUDED.is_gone, receipt = EXCLUDED.receipt",
        wallet_id,
        seen.tx_hash,
        seen.block,
        seen.block_hash,
        seen.version,
        seen.is_gone,
        seen.receipt,
    )


async def forget(connection: asyncpg.Connection, wallet_id: int, tx_hashes: Iterable[str]) -> None:
    """Keep nothing more of *tx_hashes*."""
    if gone := list(tx_hashes):
        await connection.execute("DELETE FROM provisional WHERE wallet_id = $1 AND tx_hash = ANY ($2)", wallet_id, gone)
