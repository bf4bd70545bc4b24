"""Fixtures of the tests of this folder."""

from __future__ import annotations

import asyncio
import itertools
import os

import pytest

from support.database import connected
from tieout.store.embedded import EmbeddedServer

_numbers = itertools.count()


@pytest.fixture
def other_dsn(server: EmbeddedServer) -> str:
    """A second database."""
    name = f"other_{os.getpid()}_{next(_numbers)}"

    async def create() -> None:
        async with connected(server.dsn()) as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_tieout")

    asyncio.run(create())
    return server.dsn(name)
