"""What the doctor sees of the database in one look: whether it is there, who holds the wallet, what is kept and open.

It changes nothing: a schema that is not the newest is left as it is, and then no more of it is read.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass

import asyncpg

from tieout.app.database import SCHEMES, embedded_place, newest_schema
from tieout.app.settings import Settings
from tieout.app.stored_answer import stored_answers
from tieout.app.tie_answer import Answer
from tieout.store import controls, runs, tallies
from tieout.store.connect import connected, shown
from tieout.store.controls import Control
from tieout.store.embedded import EmbeddedServer
from tieout.store.errors import StoreError
from tieout.store.runs import Issue
from tieout.store.tallies import Comparison
from tieout.store.wallets import LOCK_CLASS, wallet_id_of

_HELD = (
    "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND classid::bigint = $1 AND objid::bigint = $2 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Who has the lease: an advisory lock with two keys."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database keeps of the wallet beside its books. `comparison` None: no worker ever compared."""

    answer: Answer
    comparison: Comparison | None
    issues: tuple[Issue, ...]
    """The open ones, the gravest first."""
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The database. `schema` None: it is empty. `kept` None: the wallet is not known, or the schema is not `newest`."""

    place: str
    size_bytes: int
    free_bytes: int | None
    """On the disk of the embedded server; None: another server's disk cannot be seen from here."""
    schema: str | None
    newest: str
    holder: str = ""
    """Who writes the wallet now, "" nobody."""
    kept: Kept | None = None


async def look(settings: Settings, wallet: str, now_ms: int) -> Seen:
    """The database of *settings*. Raises StoreError, EmbeddedServerError, asyncpg.PostgresError."""
    if settings.db:
        if not settings.db.startswith(SCHEMES):
            raise StoreError(f"TIEOUT_DB: expected an address that starts with {SCHEMES[0]}")
        return await _look(settings.db, shown(settings.db), None, wallet, now_ms)
    place = embedded_place(settings)
    server = await asyncio.to_thread(EmbeddedServer.start, place)
    with server:
        free = shutil.disk_usage(place).free
        return await _look(server.dsn(), f"embedded, {place}", free, wallet, now_ms)


async def _look(dsn: str, place: str, free: int | None, wallet: str, now_ms: int) -> Seen:
    async with connected(dsn) as connection:
        size = int(await connection.fetchval("SELECT pg_database_size(current_database())"))
        newest, schema = newest_schema(), await _schema(connection)
        if schema is None:
            return Seen(place, size, free, schema, newest)
        wallet_id = await wallet_id_of(connection, wallet)
        if wallet_id is None:
            return Seen(place, size, free, schema, newest)
        holder = await _holder(connection, wallet_id)
        kept = await _kept(connection, wallet_id, now_ms) if schema == newest else None
        return Seen(place, size, free, schema, newest, holder, kept)


async def _schema(connection: asyncpg.Connection) -> str | None:
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return None if revision is None else str(revision)


async def _holder(connection: asyncpg.Connection, wallet_id: int) -> str:
    """Who holds the wallet's lease; "" when it is free."""
    if not await connection.fetch(_HELD, LOCK_CLASS, wallet_id):
        return ""
    holder = await connection.fetchval("SELECT holder FROM wallet WHERE wallet_id = $1", wallet_id)
    return str(holder or "another process")


async def _kept(connection: asyncpg.Connection, wallet_id: int, now_ms: int) -> Kept:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        answer = (await stored_answers(connection, [wallet_id], now_ms))[wallet_id]
        return Kept(
            answer,
            (await tallies.comparisons(connection, [wallet_id])).get(wallet_id),
            tuple(await runs.open_issues(connection, wallet_id)),
            tuple(await controls.all_controls(connection, wallet_id)),
        )
