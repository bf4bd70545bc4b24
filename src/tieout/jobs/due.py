"""What is to be done again, and when: keys, each with the pause from which on it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tieout.client.clock import Clock

PAUSE_MS = 100


class Due:
    """Time is counted in pauses of its own, taken only while something waits."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._pauses = 0
        self._some = asyncio.Event()

    def add(self, keys: Iterable[str], pauses: int = 0) -> None:
        """Let these be done after so many *pauses*; those that wait already wait as before."""
        for key in keys:
            self._at.setdefault(key, self._pauses + pauses)
        self._some.set()

    async def run(self, clock: Clock, act: Callable[[list[str]], Awaitable[None]]) -> None:
        """Hand what is due to *act*, for ever, once in a pause at most. What is added meanwhile comes afterwards."""
        while True:
            due = [key for key, at in self._at.items() if at <= self._pauses]
            for key in due:
                del self._at[key]
            if due:
                await act(due)
            elif not self._at:
                self._some.clear()
                await self._some.wait()
                continue
            await clock.sleep(PAUSE_MS)
            self._pauses += 1
