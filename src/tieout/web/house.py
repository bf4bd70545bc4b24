"""What every request of the desk shares: the database, the time, who may do what, and who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from fastapi import Request

from tieout.store.connect import LOST, shown
from tieout.store.errors import StoreError
from tieout.web.hub import Hub
from tieout.web.sessions import Sessions

POOL_MAX = 8


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """How the desk is served. *token* "": nobody can do anything but look, and only on this machine."""

    dsn: str = field(repr=False)
    token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8321
    hosts: tuple[str, ...] = ()
    """Further names by which the desk may be asked for."""
    is_behind_tls: bool = False
    """Somebody before the desk speaks TLS: cookies are for it alone."""

    @property
    def is_local(self) -> bool:
        """Only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class House:
    """The desk's own state; `open` before the first request."""

    def __init__(self, settings: DeskSettings, now_ms: Callable[[], int]) -> None:
        self.settings = settings
        self.now_ms = now_ms
        self.sessions = Sessions(settings.token, now_ms)
        self.hub = Hub()
        self.slow = asyncio.Semaphore(1)
        """Rebuilding books takes a processor: one at a time."""
        self._pool: asyncpg.Pool | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """For the time of the context. Raises StoreError when the database cannot be reached."""
        dsn = self.settings.dsn
        try:
            pool = await asyncpg.create_pool(
                dsn, min_size=1, max_size=POOL_MAX, server_settings={"application_name": "tieout desk"}
            )
        except (OSError, *LOST, asyncpg.PostgresError, TimeoutError) as error:
            raise StoreError(f"cannot reach the database {shown(dsn)}: {error or type(error).__name__}") from error
        self._pool = pool
        listening = asyncio.create_task(self.hub.run(dsn), name="desk listens")
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            self._pool = None
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the pool."""
        if self._pool is None:
            raise StoreError("the desk is not open")
        async with self._pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that sees one moment of the database and can change nothing."""
        async with self.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection


def house_of(request: Request) -> House:
    """The house that *request* came to."""
    house: House = request.app.state.house
    return house


def address_of(request: Request) -> str:
    """Whose connection it is; behind a proxy, the proxy's."""
    return request.client.host if request.client is not None else ""
