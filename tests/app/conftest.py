"""Fixtures of the tests of this folder."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path

import pytest

from app.exported import furnish
from tieout.sim.lives.cluster import fresh
from tieout.store.embedded import EmbeddedServer

_numbers = itertools.count()


@pytest.fixture
def other_dsn(server: EmbeddedServer) -> str:
    """A second database."""
    return _created(server, f"other_{os.getpid()}_{next(_numbers)}")


@pytest.fixture(scope="session")
def exported_dsn(server: EmbeddedServer, shared: Path) -> str:
    """A database with the wallets of `exported`, for tests that only read."""
    dsn = _created(server, f"exported_{os.getpid()}")
    asyncio.run(furnish(dsn, shared))
    return dsn


def _created(server: EmbeddedServer, name: str) -> str:
    asyncio.run(fresh(server.dsn(), name))
    return server.dsn(name)
