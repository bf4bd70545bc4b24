"""Whether PostgreSQL, which lives outside of virtual time, still owes an answer.

asyncpg makes its connections through the event loop. What it writes and what it hears passes through here, unchanged,
so nothing of the product knows about it. An answer is outstanding from the first byte of a request until ReadyForQuery;
a statement that is only prepared ends with Flush instead of Sync, and its answer with the description of its rows.

A NOTIFY comes unasked. The backend that listens has been signalled when the one that notifies says it is ready, and it
tells what it was signalled before it is ready itself. So after an answer every listening connection is sent an empty
query, whose answer is taken out of what asyncpg hears. What comes before that answer is all there was to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

Bytes = bytes | bytearray | memoryview

READY_FOR_QUERY, ROW_DESCRIPTION, NO_DATA, ERROR, NOTHING_ASKED = b"ZTnEI"
HEADER = 5
"""Bytes before the body of a message: its kind, and the length of itself and the body (4 bytes, big-endian)."""

EMPTY_QUERY = b"Q\x00\x00\x00\x05\x00"
FLUSH = b"H\x00\x00\x00\x04"
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""Answered with one bare byte: S for TLS, N for none."""


class Conversations:
    """All connections to the database."""

    def __init__(self) -> None:
        self.owing: set[Conversation] = set()
        """Those with an answer outstanding."""
        self.asked: set[Conversation] = set()
        """Those with an answer to the empty query outstanding."""
        self.listening: dict[Conversation, None] = {}
        self.answered = False
        """An answer came, since which nobody who listens was asked."""

    def overhearing(self, factory: Callable[[], Any]) -> Callable[[], Any]:
        """*factory* of protocols as the loop may have it: those of asyncpg come inside of a `Hearing`."""

        def make() -> Any:
            protocol = factory()
            return Hearing(protocol, Conversation(self)) if is_database(protocol) else protocol

        return make

    def ask(self) -> None:
        """Ask those who listen whether there was a NOTIFY."""
        self.answered = False
        for conversation in self.listening:
            conversation.ask()


class Conversation:
    """One connection."""

    def __init__(self, all_of_them: Conversations) -> None:
        self.transport: Any = None
        self._all = all_of_them
        self._part = b""
        self._bare = False
        self._ends: tuple[int, ...] = ()

    def sent(self, data: bytes) -> None:
        """Bytes to the server. Whoever writes waits for an answer, or for the end of the connection."""
        if not data:
            return
        self._all.owing.add(self)
        self._bare = data == SSL_REQUEST
        self._ends = (READY_FOR_QUERY, ROW_DESCRIPTION, NO_DATA, ERROR) if data.endswith(FLUSH) else (READY_FOR_QUERY,)
        if b"LISTEN " in data:
            self._all.listening[self] = None

    def ask(self) -> None:
        """Send the empty query, unless something else is under way."""
        if self not in self._all.owing and not self._part:
            self._all.asked.add(self)
            self.transport.write(EMPTY_QUERY)

    def heard(self, data: bytes) -> bytes:
        """Bytes from the server, cut anywhere; returns those for asyncpg.

        Raises RuntimeError for TLS, behind which no answer can be seen.
        """
        if self._bare:
            self._bare = False
            if data == b"S":
                raise RuntimeError("a run in virtual time needs its database without TLS (sslmode=disable)")
            self._answered()
            return data
        told = b""
        if self in self._all.asked:
            told, data = self._without_answer(self._part + data)
            self._part = b""
            if self in self._all.asked:
                self._part = data
                return told
        self._follow(data)
        return told + data

    def _without_answer(self, data: bytes) -> tuple[bytes, bytes]:
        """The messages before the answer to the empty query; what is not read yet, or comes after it."""
        told, at = b"", 0
        while self in self._all.asked and (end := _end(data, at)):
            if data[at] == READY_FOR_QUERY:
                self._all.asked.discard(self)
            elif data[at] != NOTHING_ASKED:
                told += data[at:end]
            at = end
        return told, data[at:]

    def _follow(self, data: bytes) -> None:
        """Notice the end of an answer."""
        data = self._part + data
        at = 0
        while end := _end(data, at):
            if data[at] in self._ends:
                self._answered()
            at = end
        self._part = data[at:]

    def over(self) -> None:
        """The connection is gone: nothing comes any more."""
        self._answered()
        self._all.asked.discard(self)
        self._all.listening.pop(self, None)

    def _answered(self) -> None:
        self._all.owing.discard(self)
        self._all.answered = True


def _end(data: bytes, at: int) -> int:
    """Where the message that begins *at* ends; 0 when it is not whole."""
    if len(data) - at < HEADER:
        return 0
    end = at + 1 + int.from_bytes(data[at + 1 : at + HEADER], "big")
    return end if end <= len(data) else 0


class Hearing(asyncio.Protocol):
    """Stands between the loop's transport and the protocol that reads from it."""

    def __init__(self, protocol: asyncio.Protocol, conversation: Conversation) -> None:
        self.protocol = protocol
        self.conversation = conversation

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The protocol gets a transport that tells what is written to it."""
        self.conversation.transport = transport
        self.protocol.connection_made(speaking(transport, self.conversation))

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the conversation, too."""
        self.conversation.over()
        self.protocol.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Heard here first: what the protocol writes in answer to it is a new request."""
        data = self.conversation.heard(data)
        if data:
            self.protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """As the protocol wants it."""
        return self.protocol.eof_received()

    def pause_writing(self) -> None:
        """As the protocol wants it."""
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        """As the protocol wants it."""
        self.protocol.resume_writing()


class Speaking:
    """The transport that a protocol writes to; all but writing and changing the protocol is the loop's transport's."""

    def __init__(self, transport: asyncio.Transport, conversation: Conversation) -> None:
        self._transport = transport
        self._conversation = conversation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: Bytes) -> None:
        """Tell, and write."""
        self._conversation.sent(bytes(data))
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """Tell, and write."""
        self.write(b"".join(list_of_data))

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        """After the question for TLS, asyncpg puts the protocol of the database in the place of the first."""
        self._transport.set_protocol(Hearing(protocol, self._conversation))


def speaking(transport: Any, conversation: Conversation) -> Any:
    """*transport* as a protocol of *conversation* may see it; typed as any transport, which it is by its methods."""
    return Speaking(transport, conversation)


def is_database(protocol: object) -> bool:
    """Whether *protocol* is one of asyncpg's: of a connection, of its question for TLS, or of a cancellation."""
    return type(protocol).__module__.partition(".")[0] == "asyncpg"
