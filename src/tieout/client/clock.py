"""Time as an argument: what the client needs of it, and that on a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Milliseconds of Unix time, and waiting for some. A simulation hands in one whose time is not real."""

    def now_ms(self) -> int:
        """Milliseconds of Unix time."""
        ...

    async def sleep(self, ms: int) -> None:
        """Return *ms* milliseconds later."""
        ...


class LoopClock:
    """Real time: read by the function given, waited for on the event loop."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Milliseconds of Unix time."""
        return self._now_ms()

    async def sleep(self, ms: int) -> None:
        """Return *ms* milliseconds later."""
        await asyncio.sleep(ms / 1000)
