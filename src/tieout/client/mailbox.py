"""The queue between sockets and the one who reads them: bounded, and never short of a frame without saying so."""

from __future__ import annotations

import asyncio
from collections import deque

from tieout.client.signals import Connected, Frame, Gap, Signal

FRAMES_MAX = 10_000


class Mailbox:
    """Signals of one or several feeds, in order. When *frames_max* frames wait, they go and a Gap says so."""

    def __init__(self, frames_max: int = FRAMES_MAX) -> None:
        self._signals: deque[Signal] = deque()
        self._frames_max = frames_max
        self._frames = 0
        self._ready = asyncio.Event()
        self._connected: set[str] = set()
        self._failure: BaseException | None = None
        self._over = False

    def put(self, signal: Signal) -> None:
        """Add a signal; after `finish` it is not taken."""
        if self._over:
            return
        if isinstance(signal, Connected):
            self._connected.add(signal.feed)
        elif isinstance(signal, Gap):
            self._connected.discard(signal.feed)
        elif isinstance(signal, Frame):
            if self._frames >= self._frames_max:
                self._overflow(signal.received_ms)
            self._frames += 1
        self._signals.append(signal)
        self._ready.set()

    def finish(self, failure: BaseException | None = None) -> None:
        """Nothing more comes. What waits is still read; then *failure* is raised, if there is one."""
        self._failure = self._failure or failure
        self._over = True
        self._ready.set()

    async def take(self) -> Signal | None:
        """The next signal, None when there is none any more."""
        while not self._signals:
            if self._over:
                if self._failure is not None:
                    raise self._failure
                return None
            self._ready.clear()
            await self._ready.wait()
        signal = self._signals.popleft()
        if isinstance(signal, Frame):
            self._frames -= 1
        return signal

    def _overflow(self, now_ms: int) -> None:
        """Drop the frames that wait; for each feed a Gap since its first, and Connected again where it is connected."""
        lost: dict[str, list[int]] = {}
        kept: deque[Signal] = deque()
        for signal in self._signals:
            if isinstance(signal, Frame):
                lost.setdefault(signal.feed, []).append(signal.received_ms)
            else:
                kept.append(signal)
        for feed, times in lost.items():
            kept.append(Gap(feed, "the queue is full", min(times), dropped=len(times)))
            if feed in self._connected:
                kept.append(Connected(feed, now_ms))
        self._signals, self._frames = kept, 0
