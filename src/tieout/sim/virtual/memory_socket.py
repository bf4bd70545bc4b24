"""WebSockets to the simulated venue without a network: frames in order, and every way in which a connection ends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from tieout.client.sockets import Socket, SocketClosedError
from tieout.sim.serve.clock import Clock
from tieout.sim.serve.outbox import Outbox
from tieout.sim.virtual.memory_http import Turns, passing
from tieout.sim.wire.connection import Connection, Session

Opener = Callable[[str, Connection], Session | None]
"""The venue's end of a new WebSocket at a path; None when there is none."""


class MemorySockets:
    """A carrier to the venue at *base* (scheme and host). *writers* are its outboxes and what empties them."""

    def __init__(
        self,
        base: str,
        opener: Opener,
        clock: Clock,
        turns: Turns,
        is_up: Callable[[], bool],
        writers: dict[Outbox, asyncio.Task[None]],
    ) -> None:
        self._base = base
        self._opener = opener
        self._clock = clock
        self._turns = turns
        self._is_up = is_up
        self._writers = writers
        self._open: dict[MemorySocket, None] = {}

    async def open(self, url: str) -> Socket:
        """Raises SocketClosedError."""
        parts = urlsplit(url)
        await passing(self._turns())
        if f"{parts.scheme}://{parts.netloc}" != self._base or not self._is_up():
            raise SocketClosedError("not opened: ConnectionRefusedError")
        self._clock.sync()
        outbox = Outbox()
        session = self._opener(unquote(parts.path), Connection(outbox.send, outbox.close))
        if session is None:
            raise SocketClosedError("not opened: InvalidStatus")
        arrivals = _Arrivals()
        writer = asyncio.create_task(outbox.write(arrivals, arrivals), name=f"venue's frames at {parts.path}")
        socket = MemorySocket(session, outbox, arrivals, writer, self._clock)
        self._writers[outbox] = writer
        self._open[socket] = None

        def over(_: asyncio.Task[None]) -> None:
            del self._writers[outbox], self._open[socket]
            session.closed()

        writer.add_done_callback(over)
        return socket

    async def close(self) -> None:
        """End every connection, as the end of a process does."""
        for socket in tuple(self._open):
            await socket.close()


class MemorySocket:
    """The client's end of one connection."""

    def __init__(
        self, session: Session, outbox: Outbox, arrivals: _Arrivals, writer: asyncio.Task[None], clock: Clock
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._arrivals = arrivals
        self._writer = writer
        self._clock = clock

    async def send(self, text: str) -> None:
        """Raises SocketClosedError. What crosses the venue's own end of the connection is lost without a word."""
        self._arrivals.check()
        self._clock.sync()
        if not self._outbox.is_over:
            self._session.receive(text)

    async def receive(self) -> bytes:
        """The next message. Raises SocketClosedError."""
        return await self._arrivals.next()

    async def close(self) -> None:
        """End the connection; never raises."""
        self._arrivals.end("closed by us")
        self._writer.cancel()
        await asyncio.wait([self._writer])


class _Arrivals:
    """What came from the venue and was not read yet; then how it ended."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ending = ""

    async def send_str(self, data: str) -> None:
        """A text frame."""
        self._frames.append(data.encode())
        self._news.set()

    async def close(self, *, code: int, message: bytes) -> None:
        """A close frame."""
        reason = f" {message.decode()[:80]!r}" if message else ""
        self.end(f"closed by the venue with {code}{reason}")

    def abort(self) -> None:
        """The transport goes away."""
        self.end("cut without a close frame")

    def end(self, ending: str) -> None:
        """Nothing more comes; the first reason counts."""
        self._ending = self._ending or ending
        self._news.set()

    def check(self) -> None:
        """Raises SocketClosedError when the end was heard of."""
        if self._ending:
            raise SocketClosedError(self._ending)

    async def next(self) -> bytes:
        """What came before the end is told before it. Raises SocketClosedError."""
        while not self._frames:
            self.check()
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()
