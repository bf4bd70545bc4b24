"""Fixtures that several folders share: one real PostgreSQL, a fresh database for every test."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate

_numbers = itertools.count()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recorded payloads."""
    return Path(os.environ.get("TIEOUT_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of this test process."""
    with EmbeddedServer.start(tmp_path_factory.mktemp("pg") / "data") as started:
        asyncio.run(_template(started))
        yield started


async def _template(started: EmbeddedServer) -> None:
    connection = await asyncpg.connect(started.dsn())
    await connection.execute("CREATE DATABASE template_tieout")
    await connection.close()
    await migrate(started.dsn("template_tieout"))


@pytest.fixture
def dsn(server: EmbeddedServer) -> str:
    """A fresh database at the newest schema."""
    name = f"test_{os.getpid()}_{next(_numbers)}"

    async def create() -> None:
        connection = await asyncpg.connect(server.dsn())
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_tieout")
        await connection.close()

    asyncio.run(create())
    return server.dsn(name)
