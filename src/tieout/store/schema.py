"""Bringing a database to the newest schema with Alembic."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tieout.store.connect import connect, sqlalchemy_url

MIGRATION_LOCK = 0x7_1E_0F7
"""Advisory lock that keeps two processes from migrating at once."""


async def migrate(dsn: str) -> None:
    """Apply every migration that is missing; several processes may call this at once."""
    # Reached by the driver first: its error says what is wrong in one sentence.
    await (await connect(dsn)).close()
    engine = create_async_engine(sqlalchemy_url(dsn), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(resources.files("tieout.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
