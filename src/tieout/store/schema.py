"""Bringing a database to the newest schema with Alembic."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tieout.store.connect import connect, shown
from tieout.store.errors import StoreError

VERSION_MIN = 16
"""The oldest PostgreSQL that the schema is tried on."""

MIGRATION_LOCK = 0x7_1E_0F7
"""Advisory lock that keeps two processes from migrating at once."""


async def migrate(dsn: str) -> None:
    """Apply every migration that is missing; several processes may call this at once."""
    await require_version(dsn)
    # The driver reads the address itself, so that every setting in it means the same here as everywhere else.
    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            await connection.run_sync(upgrade, "head")
    finally:
        await engine.dispose()


async def require_version(dsn: str) -> None:
    """Raises StoreError when the server is older than VERSION_MIN, or cannot be reached."""
    connection = await connect(dsn)
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
    finally:
        await connection.close()
    if number < VERSION_MIN * 10_000:
        raise StoreError(f"{shown(dsn)} is PostgreSQL {number // 10_000}; tieout needs {VERSION_MIN} or newer")


def upgrade(connection: Connection, revision: str) -> None:
    """Apply every migration up to and with *revision*, in the transaction of *connection*. Raises CommandError."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("tieout.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
