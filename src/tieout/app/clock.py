"""The clock: the one place that reads the time."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Milliseconds of Unix time."""
    return time.time_ns() // 1_000_000
