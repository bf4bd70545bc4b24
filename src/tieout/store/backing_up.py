"""Making a backup: every table of one snapshot of the database, by COPY, whatever schema it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.store.archive import FORMAT, ArchiveWriter, Head, Manifest, Table, Told, WalletHead
from tieout.store.errors import StoreError

_TABLES = """
SELECT c.oid::bigint, c.relname, k.columns, f.needed FROM pg_class c
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY attnum) AS columns FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
) AS k
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(confrelid::bigint) FILTER (WHERE confrelid <> c.oid), '{}') AS needed FROM pg_constraint
    WHERE conrelid = c.oid AND contype = 'f'
) AS f
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
    AND c.relname <> 'alembic_version'
ORDER BY c.oid
"""
"""Every table that is kept for good, with the tables its rows point to. What is not logged is worth nothing later."""

_PRIMARY = (
    "SELECT attname FROM pg_index CROSS JOIN LATERAL unnest(indkey::int[]) WITH ORDINALITY AS key (number, place) "
    "JOIN pg_attribute ON attrelid = indrelid AND attnum = number WHERE indrelid = $1::bigint::oid AND indisprimary "
    "ORDER BY place"
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A table as the catalog has it; `order` is its primary key."""

    table: Table
    order: Sequence[str]


async def back_up(
    connection: asyncpg.Connection,
    archive: ArchiveWriter,
    made_at_ms: int,
    version: str,
    told: Told,
) -> tuple[Head, Manifest]:
    """Write everything of one moment into *archive*, while others go on writing. *version* is tieout's own.

    Raises StoreError, OSError.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL bytea_output = 'hex'")
        tables = await _tables(connection)
        head = await _head(connection, tables, made_at_ms, version)
        archive.head(head)
        for known in tables:
            archive.begin(known.table.name)

            async def add(data: bytes, name: str = known.table.name) -> None:
                archive.add(data)
                told(name, archive.written)

            done = await connection.copy_from_query(_query(known), output=add, format="text")
            archive.end(int(done.rpartition(" ")[2]))
        return head, archive.close()


def _query(known: _Known) -> str:
    columns = ", ".join(map(quoted, known.table.columns))
    order = f" ORDER BY {', '.join(map(quoted, known.order))}" if known.order else ""
    return f"SELECT {columns} FROM {quoted(known.table.name)}{order}"


def quoted(name: str) -> str:
    """*name* as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


async def _tables(connection: asyncpg.Connection) -> list[_Known]:
    """Every table, those first that others point to."""
    rows = {row["oid"]: row for row in await connection.fetch(_TABLES)}
    found: dict[int, _Known] = {}
    while len(found) < len(rows):
        ready = [oid for oid, row in rows.items() if oid not in found and found.keys() >= set(row["needed"])]
        if not ready:
            raise StoreError("the tables point to each other in a circle; this is a fault of tieout, please report it")
        for oid in ready:
            order = [row["attname"] for row in await connection.fetch(_PRIMARY, oid)]
            found[oid] = _Known(Table(rows[oid]["relname"], list(rows[oid]["columns"])), order)
    return list(found.values())


async def _head(connection: asyncpg.Connection, tables: Sequence[_Known], made_at_ms: int, version: str) -> Head:
    try:
        async with connection.transaction():
            schema = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        schema = None
    if schema is None:
        raise StoreError("there is nothing to back up: the database has no tables of tieout")
    wallets = await connection.fetch("SELECT address, head_seq, head_hash FROM wallet ORDER BY wallet_id")
    return Head(
        FORMAT,
        made_at_ms,
        version,
        await connection.fetchval("SHOW server_version"),
        schema,
        [WalletHead(address, seq, bytes(head).hex()) for address, seq, head in wallets],
        [known.table for known in tables],
    )
