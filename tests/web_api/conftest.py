"""One database and its desks for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tieout.store.embedded import EmbeddedServer
from web_api.stage import Stage, client, furnish


@pytest.fixture(scope="session")
def stage(server: EmbeddedServer, shared: Path) -> Iterator[Stage]:
    """The furnished database, and a loop to serve it in."""
    made = Stage()
    try:
        made.dsn, made.names = made.run(furnish(server, f"api_{os.getpid()}", shared))
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def address(stage: Stage) -> str:
    """The desk of this machine alone."""
    return stage.serve()


@pytest.fixture(scope="session")
def desk(address: str) -> Iterator[httpx.Client]:
    """Somebody on this machine, without a token."""
    with client(address) as made:
        yield made
