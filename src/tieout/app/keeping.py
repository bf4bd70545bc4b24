"""What the database keeps: how much of each wallet, messages that could not be booked, names nobody knew."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class WalletKept:
    """How much is kept of one wallet. `problems` counts messages with at least one."""

    address: str
    entries: int
    messages: int
    positions: int
    problems: int
    epoch: int
    holder: str


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The server and what it keeps."""

    server: str
    size_bytes: int
    schema: str
    wallets: tuple[WalletKept, ...]


@dataclass(frozen=True, slots=True)
class ProblemKept:
    """Why a message, or a part of it, was not booked; the message itself is kept as it came."""

    wallet: str
    raw_id: int
    origin: str
    received_at_ms: int
    code: str
    message: str
    size: int
    """Bytes of the raw message."""
    body: bytes
    """Its first bytes, BODY_MAX at most."""


@dataclass(frozen=True, slots=True)
class UnknownKept:
    """A field or status nobody knew, counted; `origin` is the message that showed it first."""

    wallet: str
    kind: str
    what: str
    times: int
    raw_id: int
    origin: str


BODY_MAX = 4_000
"""Bytes of a raw message shown beside its problem; `raw_message` gives all of it."""


async def database_status(connection: asyncpg.Connection) -> DatabaseStatus:
    """The server, its schema, and every wallet."""
    rows = await connection.fetch(
        "SELECT address, head_seq, "
        "(SELECT count(*) FROM raw_message r WHERE r.wallet_id = w.wallet_id), "
        "(SELECT count(*) FROM positions p WHERE p.wallet_id = w.wallet_id), "
        "(SELECT count(DISTINCT raw_id) FROM raw_problem JOIN raw_message r USING (raw_id)"
        " WHERE r.wallet_id = w.wallet_id), epoch, COALESCE(holder, '') FROM wallet w ORDER BY address"
    )
    return DatabaseStatus(
        await connection.fetchval("SHOW server_version"),
        await connection.fetchval("SELECT pg_database_size(current_database())"),
        await connection.fetchval("SELECT version_num FROM alembic_version"),
        tuple(WalletKept(*row) for row in rows),
    )


async def problems(
    connection: asyncpg.Connection, wallet: str | None = None, code: str | None = None
) -> list[ProblemKept]:
    """Every message that could not be booked, as they came, in the order of their files; of one wallet or code if
    given.
    """
    rows = await connection.fetch(
        "SELECT address, raw_id, origin, received_at_ms, code, message, octet_length(body), substr(body, 1, $3) "
        "FROM raw_problem JOIN raw_message USING (raw_id) JOIN wallet USING (wallet_id) "
        "WHERE ($1::text IS NULL OR address = $1) AND ($2::text IS NULL OR code = $2)",
        wallet,
        code,
        BODY_MAX,
    )
    return sorted((ProblemKept(*tuple(row)) for row in rows), key=_as_they_came)


def _as_they_came(problem: ProblemKept) -> tuple[int, str, int, int, str, str]:
    """When it was heard, then file and line; messages of one batch are numbered in no order of their own."""
    file, _, line = problem.origin.rpartition(":")
    number = int(line) if line.isascii() and line.isdigit() else 0
    return problem.received_at_ms, file, number, problem.raw_id, problem.code, problem.message


async def unknown_names(connection: asyncpg.Connection, wallet: str | None = None) -> list[UnknownKept]:
    """Every unknown field and status, the most frequent first."""
    rows = await connection.fetch(
        "SELECT address, kind, what, times, u.raw_id, COALESCE(origin, '') FROM unknown_seen u "
        "JOIN wallet USING (wallet_id) LEFT JOIN raw_message USING (raw_id) "
        "WHERE ($1::text IS NULL OR address = $1) ORDER BY times DESC, kind, what, address",
        wallet,
    )
    return [UnknownKept(*tuple(row)) for row in rows]


async def raw_message(connection: asyncpg.Connection, raw_id: int) -> bytes:
    """The bytes of one message as it came. Raises StoreError when there is none of that number."""
    body = await connection.fetchval("SELECT body FROM raw_message WHERE raw_id = $1", raw_id)
    if body is None:
        raise StoreError(
            f"no message {raw_id} in this database; `tieout db problems` and `tieout log --json` name them"
        )
    return bytes(body)
