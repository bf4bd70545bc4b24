"""Databases at an older schema, as an older version of tieout has left them."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from support.database import connected
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer


async def database_at(server: EmbeddedServer, name: str, revision: str) -> str:
    """The address of a new database with the migrations up to *revision*."""
    async with connected(server.dsn()) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    dsn = server.dsn(name)

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(resources.files("tieout.store") / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: connect(dsn))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()
    return dsn
