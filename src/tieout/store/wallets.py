"""Wallets and their leases.

A lease lets one worker write a wallet (exclusive), or several importers (shared). It is an advisory lock of the
database, so it ends with the connection of a process that died, plus an epoch: taking over raises the epoch, and every
booking of an older epoch is refused by the database itself.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import asyncpg

from tieout.store.errors import LeaseHeldError

LOCK_CLASS = 0x71E0
"""First half of the advisory lock's key; the second is the wallet id."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a wallet's log ends."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one wallet, as long as `epoch` is the wallet's."""

    wallet_id: int
    address: str
    epoch: int
    holder: str
    exclusive: bool


async def wallet_id_of(connection: asyncpg.Connection, address: str) -> int | None:
    """The id of the wallet, None when the database does not know it."""
    value = await connection.fetchval("SELECT wallet_id FROM wallet WHERE address = $1", address.lower())
    return None if value is None else int(value)


async def add_wallet(connection: asyncpg.Connection, address: str) -> int:
    """The id of the wallet, added when it is new."""
    await connection.execute(
        "INSERT INTO wallet (address) VALUES ($1) ON CONFLICT (address) DO NOTHING", address.lower()
    )
    return int(await connection.fetchval("SELECT wallet_id FROM wallet WHERE address = $1", address.lower()))


async def head_of(connection: asyncpg.Connection, wallet_id: int) -> tuple[Head, int, int]:
    """(head of the log, epoch, next book number)."""
    row = await connection.fetchrow(
        "SELECT head_seq, head_hash, epoch, next_book FROM wallet WHERE wallet_id = $1", wallet_id
    )
    return Head(int(row["head_seq"]), bytes(row["head_hash"])), int(row["epoch"]), int(row["next_book"])


def this_process() -> str:
    """Who we are, for other processes that find the wallet held."""
    return f"{socket.gethostname()} pid {os.getpid()}"


async def acquire(
    connection: asyncpg.Connection, address: str, *, exclusive: bool = False, take_over: bool = False
) -> Lease:
    """The lease of the wallet, held as long as *connection* lives.

    *take_over* raises the epoch even where another writer holds the lock: its next booking is refused. Raises
    LeaseHeldError when the wallet is held otherwise.
    """
    wallet_id = await add_wallet(connection, address)
    function = "pg_try_advisory_lock" if exclusive else "pg_try_advisory_lock_shared"
    got = await connection.fetchval(f"SELECT {function}($1, $2)", LOCK_CLASS, wallet_id)
    holder = this_process()
    if not got and not take_over:
        held_by = await connection.fetchval("SELECT holder FROM wallet WHERE wallet_id = $1", wallet_id)
        raise LeaseHeldError(
            f"wallet {address} is being written by {held_by or 'another process'}: wait, stop it, or use --take-over"
        )
    if exclusive or take_over:
        epoch = await connection.fetchval(
            "UPDATE wallet SET epoch = epoch + 1, holder = $2 WHERE wallet_id = $1 RETURNING epoch", wallet_id, holder
        )
    else:
        epoch = await connection.fetchval(
            "UPDATE wallet SET holder = $2 WHERE wallet_id = $1 RETURNING epoch", wallet_id, holder
        )
    return Lease(wallet_id, address.lower(), int(epoch), holder, exclusive)
