"""Connections: one place that knows how the database is reached."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from tieout.store.errors import StoreError

FIXED_OIDS = 10_000
"""Types below have the same number in every database (PostgreSQL manual, "System Catalog Initial Data")."""

_described: dict[frozenset[int], list[asyncpg.Record]] = {}
"""What the server said of types with fixed numbers."""


class _Described(NamedTuple):
    """In the place of the statement that would have asked: none was made anonymous by it."""

    name: str = "described before"


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that asks what PostgreSQL's own types are made of once a process.

    The question takes the server 10 ms, as long as some hundred others, and asyncpg asks it in every connection.
    """

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> Any:  # noqa: ASYNC109
        wanted = frozenset(typeoids)
        if (known := _described.get(wanted)) is not None:
            return known, _Described()
        answer = await super()._introspect_types(typeoids, timeout)
        if max(wanted) < FIXED_OIDS:
            _described[wanted] = answer[0]
        return answer


def forget_types() -> None:
    """Ask again, for whoever counts what is asked."""
    _described.clear()


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection to *dsn* (postgresql://...). Raises StoreError with the address, never the password."""
    address = shown(dsn)
    try:
        return await asyncpg.connect(
            dsn, timeout=10, server_settings={"application_name": "tieout"}, connection_class=Connection
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        raise StoreError(f"cannot reach the database {address}: {error or type(error).__name__}") from error


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to *dsn*, closed at the end. When it is lost meanwhile, that is a StoreError in one sentence."""
    connection = await connect(dsn)
    try:
        yield connection
    except LOST as error:
        raise StoreError(
            f"the database {shown(dsn)} was lost ({error or type(error).__name__}); what was booked stays booked, "
            "and the same command goes on from there"
        ) from error
    finally:
        with suppress(*LOST, TimeoutError):
            await connection.close(timeout=5)


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    ConnectionError,
)
"""What asyncpg raises when the server or the connection goes away."""


def shown(dsn: str) -> str:
    """*dsn* without its password, for messages.

    Raises StoreError, with nothing of the address, when it is no address: part of a password may stand anywhere then.
    """
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("postgresql", "postgres") or "@" in parts.path:
        raise StoreError(
            "the database address is not of the form postgresql://user:password@host:port/name "
            "(write special characters of a password as %XX)"
        )
    user = f"{parts.username}:***@" if parts.password is not None else f"{parts.username}@" if parts.username else ""
    where = f"{host}:{port}" if port else host
    query = re.sub(r"(password=)[^&]*", r"\1***", parts.query)
    return f"{parts.scheme}://{user}{where}{parts.path}{'?' + query if query else ''}"
