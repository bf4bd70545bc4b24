"""Which database, and a connection to it: any server by TIEOUT_DB, the embedded one otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import asyncpg

from tieout.app.settings import Settings
from tieout.store.connect import connected, shown
from tieout.store.embedded import EmbeddedServer
from tieout.store.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The address of a database at the newest schema, for as long as the context is open. Raises StoreError."""
    async with bare_database(settings) as dsn:
        await _at_newest(dsn)
        yield dsn


@asynccontextmanager
async def bare_database(settings: Settings) -> AsyncIterator[str]:
    """The same at whatever schema it has, which may be none. Raises StoreError, EmbeddedServerError."""
    if settings.db:
        if not settings.db.startswith(SCHEMES):
            # The address itself is not shown: whatever it is, it may hold a password.
            raise StoreError(f"TIEOUT_DB: expected an address that starts with {SCHEMES[0]}")
        yield settings.db
        return
    with EmbeddedServer.start(embedded_place(settings)) as server:
        yield server.dsn()


def embedded_place(settings: Settings) -> Path:
    """Where the embedded server keeps its data."""
    return settings.home / "postgres"


async def _at_newest(dsn: str) -> None:
    """Migrate the database when its schema is not the newest; usually it is, and nothing is loaded for it."""
    if await _schema_of(dsn) == newest_schema():
        return
    # Loaded late: Alembic and SQLAlchemy take longer to load than most commands take to run.
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from tieout.store.schema import migrate

    try:
        await migrate(dsn)
    except CommandError as error:
        raise StoreError(
            f"the database {shown(dsn)} has a schema this version of tieout does not know; update tieout ({error})"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the schema of {shown(dsn)} cannot be brought up to date: {cause}") from error


def newest_schema() -> str:
    """The revision of the last migration: its file's name begins with it."""
    versions = resources.files("tieout.store") / "migrations" / "versions"
    return max(file.name.partition("_")[0] for file in versions.iterdir() if file.name[:1].isdigit())


async def _schema_of(dsn: str) -> str | None:
    """The revision of the database, None when it has none yet. Raises StoreError."""
    async with connected(dsn) as connection:
        try:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return None
    return None if revision is None else str(revision)


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that database."""
    async with database(settings) as dsn, connected(dsn) as connection:
        yield connection
