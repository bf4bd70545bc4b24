"""Connections: one place that knows how the database is reached."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import asyncpg

from tieout.store.errors import StoreError


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection to *dsn* (postgresql://...). Raises StoreError with the address, never the password."""
    try:
        return await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "tieout"})
    except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
        raise StoreError(f"cannot reach the database {shown(dsn)}: {error}") from error


def shown(dsn: str) -> str:
    """*dsn* without its password, for messages."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn
    return dsn.replace(f":{parts.password}@", ":***@", 1)


def sqlalchemy_url(dsn: str) -> str:
    """*dsn* as SQLAlchemy's asyncpg dialect wants it (the socket directory stays a query parameter)."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host = query.get("host", [""])[0]
    base = f"postgresql+asyncpg://{parts.netloc}{parts.path}"
    return f"{base}?host={quote(host, safe='/')}" if host else base
