"""One WebSocket as the venue sees it: text comes in, text goes out, either end may close. No network here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

ABRUPT = 1006
"""A close code that no frame carries (RFC 6455, 7.4.1): the transport goes away without a word."""


class Connection:
    """The client's end. `send` and `close` are given by whoever carries the frames."""

    def __init__(self, send: Callable[[str], None], close: Callable[[int, str], None]) -> None:
        self.send = send
        self.close = close


class Session(Protocol):
    """The venue's end of one connection."""

    def receive(self, text: str) -> None:
        """Take a text frame."""
        ...

    def closed(self) -> None:
        """The connection has ended: stop listening."""
        ...
