"""WebSockets as a carrier of text, and that over the network by `websockets`."""

from __future__ import annotations

from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from tieout.client.quiet import hush

FRAME_MAX = 32 * 1024 * 1024
"""Bytes of one message; a snapshot of 500 deep books stays far below."""


class SocketClosedError(Exception):
    """The connection is over, or never began. `reason` has no address and nothing of what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Socket(Protocol):
    """One open connection."""

    async def send(self, text: str) -> None:
        """Raises SocketClosedError."""
        ...

    async def receive(self) -> bytes:
        """The next message. Raises SocketClosedError."""
        ...

    async def close(self) -> None:
        """End the connection; never raises."""
        ...


class SocketCarrier(Protocol):
    """Opens connections."""

    async def open(self, url: str) -> Socket:
        """Raises SocketClosedError."""
        ...


class WebSocketCarrier:
    """The network. Keep-alive is the venue's text PING, so that of the protocol is off."""

    def __init__(self, *, proxy: str | None = None, open_s: float = 10.0, close_s: float = 2.0) -> None:
        hush()
        self._proxy = proxy
        self._open_s = open_s
        self._close_s = close_s

    async def open(self, url: str) -> Socket:
        """Raises SocketClosedError."""
        try:
            connection = await connect(
                url,
                proxy=self._proxy,
                open_timeout=self._open_s,
                close_timeout=self._close_s,
                ping_interval=None,
                max_size=FRAME_MAX,
                max_queue=None,  # the mailbox bounds what waits, and says when it overflows
            )
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise SocketClosedError(f"not opened: {type(error).__name__}") from None
        return _WebSocket(connection)


class _WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as closed:
            raise SocketClosedError(_ending(closed)) from None

    async def receive(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise SocketClosedError(_ending(closed)) from None

    async def close(self) -> None:
        await self._connection.close()


def _ending(closed: ConnectionClosed) -> str:
    """How the other side ended it."""
    if closed.rcvd is None:
        return "cut without a close frame"
    reason = f" {closed.rcvd.reason[:80]!r}" if closed.rcvd.reason else ""
    return f"closed by the venue with {closed.rcvd.code}{reason}"
