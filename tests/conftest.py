"""Fixtures that several folders share: one real PostgreSQL, a fresh database for every test."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tieout.sim.lives.cluster import cluster, drop, fresh, prepare
from tieout.store.embedded import EmbeddedServer

pytest_plugins = ("support.spread",)

_numbers = itertools.count()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recorded payloads."""
    return Path(os.environ.get("TIEOUT_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A server of this test process, as that of lives."""
    with cluster() as started:
        asyncio.run(prepare(started))
        yield started


@pytest.fixture
def dsn(server: EmbeddedServer) -> Iterator[str]:
    """A fresh database at the newest schema, gone after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(fresh(server.dsn(), name))
    yield server.dsn(name)
    asyncio.run(drop(server.dsn(), name))
