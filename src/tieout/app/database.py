"""Which database, and a connection to it: any server by TIEOUT_DB, the embedded one otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from tieout.app.settings import Settings
from tieout.store.connect import connect, shown
from tieout.store.embedded import EmbeddedServer
from tieout.store.errors import StoreError
from tieout.store.schema import migrate

SCHEMES = ("postgresql://", "postgres://")


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The address of a database at the newest schema, for as long as the context is open. Raises StoreError."""
    if settings.db:
        if not settings.db.startswith(SCHEMES):
            # The address itself is not shown: whatever it is, it may hold a password.
            raise StoreError(f"TIEOUT_DB: expected an address that starts with {SCHEMES[0]}")
        await _at_newest(settings.db)
        yield settings.db
        return
    with EmbeddedServer.start(embedded_place(settings)) as server:
        dsn = server.dsn()
        await _at_newest(dsn)
        yield dsn


def embedded_place(settings: Settings) -> Path:
    """Where the embedded server keeps its data."""
    return settings.home / "postgres"


async def _at_newest(dsn: str) -> None:
    try:
        await migrate(dsn)
    except CommandError as error:
        raise StoreError(
            f"the database {shown(dsn)} has a schema this version of tieout does not know; update tieout ({error})"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the schema of {shown(dsn)} cannot be brought up to date: {cause}") from error


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to *dsn*, closed at the end."""
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that database."""
    async with database(settings) as dsn, connected(dsn) as connection:
        yield connection
