"""A machine of the test's own, with the venue's contracts on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evm.ground import Ground
from evm.machine import running


@pytest.fixture
def ground() -> Iterator[Ground]:
    """A block is final when twenty more have come."""
    with running(final_after=10) as evm:
        yield Ground(evm)
