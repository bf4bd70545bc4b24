"""What the tests of the worker's records share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from support.database import ADDRESS, connected
from tieout.store.wallets import Lease, acquire


@asynccontextmanager
async def leased(dsn: str, address: str = ADDRESS) -> AsyncIterator[tuple[asyncpg.Connection, Lease]]:
    """A connection that holds the wallet exclusively."""
    async with connected(dsn) as connection:
        yield connection, await acquire(connection, address, exclusive=True)
