"""What a WebSocket still has to send: frames in order, bounded, written by one task."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from tieout.sim.wire.connection import ABRUPT

LIMIT = 8192
"""Frames in wait; a client that lags further behind is cut off."""


class FarEnd(Protocol):
    """Whoever carries the frames on: aiohttp, or a client in the same process."""

    async def send_str(self, data: str) -> None:
        """A text frame."""
        ...

    async def close(self, *, code: int, message: bytes) -> object:
        """A close frame."""
        ...


class Transport(Protocol):
    """What is below the frames."""

    def abort(self) -> None:
        """End without a word."""
        ...


@dataclass(frozen=True, slots=True)
class Farewell:
    """A close frame in the queue."""

    code: int
    reason: str


class Outbox:
    """The frames of one connection. After `close`, or when too many wait, nothing more is taken."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._queue: deque[str | Farewell] = deque()
        self._ready = asyncio.Event()
        self._limit = limit
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether its end is queued or was sent."""
        return self._over

    def send(self, text: str) -> None:
        """Queue a text frame."""
        if self._over:
            return
        if len(self._queue) >= self._limit:
            self._queue.clear()
            self.close(ABRUPT, "")
            return
        self._queue.append(text)
        self._ready.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection after what was queued before."""
        if not self._over:
            self._over = True
            self._queue.append(Farewell(code, reason))
            self._ready.set()

    async def write(self, socket: FarEnd, transport: Transport | None) -> None:
        """Send what is queued until the connection ends, by either side."""
        with suppress(ConnectionError):
            while True:
                await self._ready.wait()
                self._ready.clear()
                while self._queue:
                    frame = self._queue.popleft()
                    if isinstance(frame, str):
                        await socket.send_str(frame)
                        continue
                    if frame.code == ABRUPT and transport is not None:
                        transport.abort()
                    else:
                        await socket.close(code=frame.code, message=frame.reason.encode())
                    return
