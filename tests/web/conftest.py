"""One demo, one browser, a quiet wallet beside the demo's: for all tests of the desk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from web.demo_process import demo
from web.looking import Desk, chromium, opened


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """The desk of a running demo, to be looked at."""
    chromium()  # before the demo is started for nothing
    with demo() as running, opened(running) as found:
        yield found
