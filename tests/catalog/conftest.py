"""The wallet under test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.world import World


@pytest.fixture
def world(dsn: str) -> Iterator[World]:
    with World(dsn) as opened:
        yield opened
