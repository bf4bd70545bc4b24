"""Which database, and a connection to it: any server by TIEOUT_DB, the embedded one otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tieout.app.settings import Settings
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The address of a database at the newest schema, for as long as the context is open."""
    if settings.db:
        await migrate(settings.db)
        yield settings.db
        return
    with EmbeddedServer.start(settings.home / "postgres") as server:
        dsn = server.dsn()
        await migrate(dsn)
        yield dsn


@asynccontextmanager
async def session(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that database."""
    async with database(settings) as dsn:
        connection = await connect(dsn)
        try:
            yield connection
        finally:
            await connection.close()
