"""Restoring a backup into an empty database, in one transaction: all of it, checked, or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from tieout.store.archive import ArchiveReader, BackupError, Head, Manifest, Table, Told
from tieout.store.backing_up import quoted
from tieout.store.connect import connect, shown
from tieout.store.log_chain import chain_breaks
from tieout.store.schema import MIGRATION_LOCK, require_version, upgrade

_OURS = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') "
    "ORDER BY oid"
)
_NUMBERED = (
    "SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS numbers "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attidentity <> ''"
)


async def restore(dsn: str, archive: ArchiveReader, told: Told) -> Manifest:
    """Put *archive* into the database, checked against its manifest and by the hash chain of every log, then bring it
    to the newest schema.

    Raises BackupError, and then the database is as it was; StoreError when it cannot be reached.
    """
    await require_version(dsn)
    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await _require_empty(driver, archive.head, shown(dsn))
            await _to_schema(connection, archive.head.schema)
            try:
                manifest = await _load(driver, archive, told)
            except asyncpg.PostgresError as error:
                archive.drain()  # a damaged file is told as such
                words = f"the database refuses what the backup holds: {error}; nothing was restored"
                raise BackupError(words) from error
            await _check(driver, archive.head)
            await _to_schema(connection, "head")
            return manifest
    finally:
        await engine.dispose()


async def _require_empty(connection: asyncpg.Connection, head: Head, place: str) -> None:
    """Raises BackupError unless there are no tables, or those of the backup's schema without a row."""
    there = [row["relname"] for row in await connection.fetch(_OURS)]
    if not there:
        return
    for name in there:
        if name != "alembic_version" and await connection.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(name)})"):
            raise BackupError(
                f"{place} is not empty: {name} has rows. A backup is restored into an empty database only: name "
                "another one by TIEOUT_DB, or another directory by TIEOUT_HOME"
            )
    has_schema = "alembic_version" in there
    schema = await connection.fetchval("SELECT version_num FROM alembic_version") if has_schema else None
    if schema != head.schema:
        raise BackupError(
            f"{place} has tables already, of schema {schema}; a backup of schema {head.schema} needs a database "
            "without any: name another one by TIEOUT_DB, or another directory by TIEOUT_HOME"
        )


async def _to_schema(connection: AsyncConnection, revision: str) -> None:
    try:
        await connection.run_sync(upgrade, revision)
    except CommandError as error:
        raise BackupError(
            f"the backup has the schema {revision}, which this tieout does not know; update it"
        ) from error


async def _load(connection: asyncpg.Connection, archive: ArchiveReader, told: Told) -> Manifest:
    loaded = {}
    known = {row["relname"] for row in await connection.fetch(_OURS)}
    for table, pieces in archive.tables(told):
        if table.name not in known:
            raise BackupError(f"the backup has a table {table.name}, which schema {archive.head.schema} has not")
        loaded[table.name] = await _load_table(connection, table, pieces)
    manifest = archive.finish()
    for name, rows in manifest.rows.items():
        if loaded[name] != rows:
            raise BackupError(f"{name}: {loaded[name]:,} rows came out of the backup, its manifest says {rows:,}")
    for table_name, column, numbers in await connection.fetch(_NUMBERED):
        highest = await connection.fetchval(f"SELECT max({quoted(column)}) FROM {quoted(table_name)}")
        await connection.execute("SELECT setval($1::text::regclass, $2::bigint, false)", numbers, (highest or 0) + 1)
    return manifest


async def _load_table(connection: asyncpg.Connection, table: Table, pieces: Iterator[bytes]) -> int:
    """How many rows were put in; every constraint and trigger is on."""

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    done = await connection.copy_to_table(table.name, source=source(), columns=table.columns, format="text")
    return int(done.rpartition(" ")[2])


async def _check(connection: asyncpg.Connection, head: Head) -> None:
    """Every log ends where the head of the backup says, and its hash chain holds (L2). Raises BackupError."""
    rows = await connection.fetch("SELECT wallet_id, address, head_seq, head_hash FROM wallet ORDER BY wallet_id")
    ends = [(address, seq, bytes(last).hex()) for _, address, seq, last in rows]
    if ends != [(wallet.address, wallet.seq, wallet.hash) for wallet in head.wallets]:
        raise BackupError("the wallets of the backup are not those of its head; use another backup")
    for row in rows:
        if broken := await chain_breaks(connection, row["wallet_id"], 1):
            raise BackupError(f"the log of {row['address']} is broken in the backup: {broken[0]}; use another backup")
