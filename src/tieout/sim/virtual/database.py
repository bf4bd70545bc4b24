"""PostgreSQL, which lives outside of virtual time: what it still owes, and one request after the other.

asyncpg makes its connections through the event loop. What it writes and what it hears passes through here, unchanged,
so nothing of the product knows about it. An answer is outstanding from the first byte of a request until ReadyForQuery;
a statement that is only prepared ends with Flush instead of Sync, and its answer with the description of its rows.

How fast the server is must not decide anything. So a request goes out when nothing else can happen in the run, while no
other one is under way, and its answer is told as a whole. Requests go in the order in which they were written, those of
open transactions first, since others may wait for their locks. Of a connection that ended, the server's end is waited
for: only then are its locks free.

Nothing else can happen meanwhile, so an answer is read right here, not by the loop: its transports never read, until
the server ends a connection.

A NOTIFY comes unasked. The backend that listens has been signalled when the one that notifies says it is ready, and it
tells what it was signalled before it is ready itself. So after an answer every listening connection is sent an empty
query, whose answer is taken out of what asyncpg hears. What comes before that answer is all there was to tell.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

Bytes = bytes | bytearray | memoryview

TELLING = b"ZTnEIRG"
"""Kinds of messages that may end an answer, or say what kind of an answer it is."""
READY_FOR_QUERY, ROW_DESCRIPTION, NO_DATA, ERROR, NOTHING_ASKED, AUTHENTICATION, COPY_IN = TELLING

HEAD = struct.Struct("!BI")
"""What comes before the body of a message: its kind, and the length of itself and the body."""

AT_ONCE = 1 << 18
"""Bytes read at once."""

EMPTY_QUERY = b"Q\x00\x00\x00\x05\x00"
FLUSH = b"H\x00\x00\x00\x04"
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""Answered with one bare byte: S for TLS, N for none."""

IDLE = ord("I")
"""In ReadyForQuery: no transaction is open."""

AUTHENTICATED = (0, 12)
"""Kinds of Authentication that ask for nothing: Ok, and the end of SASL."""

LOOKS_MAX = 20
"""Looks without a byte from the server, after which a request is taken to wait for the lock of another connection."""

END_S = 1.0
"""How long the server's end of a connection that ended is waited for at most (real seconds)."""


class Conversations:
    """All connections to the database."""

    def __init__(self) -> None:
        self.owing: dict[Conversation, None] = {}
        """Those with a request that is not answered, or not even sent."""
        self.asked: dict[Conversation, None] = {}
        """Those with an empty query of ours, likewise."""
        self.listening: dict[Conversation, None] = {}
        self.answered = False
        """An answer came, since which nobody who listens was asked."""
        self.came = False
        """Something was heard when it was gone on last."""
        self._open: dict[Conversation, None] = {}
        self._waiting: dict[Conversation, None] = {}
        self._under_way: dict[Conversation, None] = {}
        self._ended: list[socket.socket] = []
        self._looks = 0

    def overhearing(self, factory: Callable[[], Any]) -> Callable[[], Any]:
        """*factory* of protocols as the loop may have it: those of asyncpg come inside of a `Hearing`."""

        def make() -> Any:
            protocol = factory()
            return Hearing(protocol, self.begun()) if is_database(protocol) else protocol

        return make

    def begun(self) -> Conversation:
        """A new one; asked for by whoever connects."""
        return Conversation(self)

    def go_on(self, patience_s: float = 0.0) -> bool:
        """Nothing else can happen: send what is next, and wait *patience_s* for what is under way (real seconds).

        Whether there was anything to wait for; `came` says whether any of it came.
        """
        self.see_off()
        if self.answered and not self.owing:
            self.ask()
        if not self._under_way or self._looks >= LOOKS_MAX:
            self._send_next()
        self._looks += 1
        is_waiting = bool(self._under_way)
        self.came = is_waiting and self._hear(patience_s)
        return is_waiting

    def _hear(self, patience_s: float) -> bool:
        poll = select.poll()
        by_number = {each.number: each for each in self._under_way}
        for number in by_number:
            poll.register(number, select.POLLIN)
        ready = sorted(number for number, _ in poll.poll(patience_s * 1_000))
        for number in ready:
            by_number[number].read()
        return bool(ready)

    def ask(self) -> None:
        """Ask those who listen whether there was a NOTIFY, and hear the others who have anything to say."""
        self.answered = False
        for conversation in self.listening:
            conversation.ask()
        poll = select.poll()
        silent = {each.number: each for each in self._open if each not in self.owing and each not in self.asked}
        for number in silent:
            poll.register(number, select.POLLIN)
        for number in sorted(number for number, _ in poll.poll(0)):
            self._begin(silent[number])

    def _send_next(self) -> None:
        if self._waiting:
            conversation = next((each for each in self._waiting if each.in_transaction), next(iter(self._waiting)))
            del self._waiting[conversation]
            self._begin(conversation)
            conversation.send()

    def _begin(self, conversation: Conversation) -> None:
        self._looks = 0
        self._under_way[conversation] = None

    def see_off(self) -> None:
        """Wait until the server has let go of connections that ended."""
        while self._ended:
            with self._ended.pop() as end, suppress(OSError):
                while end.recv(4096):
                    pass

    # what a conversation says of itself

    def opened(self, conversation: Conversation) -> None:
        """Nothing is heard of it until it is its turn."""
        self._open[conversation] = None

    def wait(self, conversation: Conversation) -> None:
        """It has something to send."""
        self._waiting[conversation] = None

    def is_under_way(self, conversation: Conversation) -> bool:
        """Whether it is its turn."""
        return conversation in self._under_way

    def heard(self) -> None:
        """The server is there."""
        self._looks = 0

    def done(self, conversation: Conversation) -> None:
        """Its turn is over."""
        self._under_way.pop(conversation, None)

    def ended(self, conversation: Conversation) -> None:
        """The server ended it: nothing more is to be heard, but for the end."""
        self._open.pop(conversation, None)
        self._under_way.pop(conversation, None)

    def over(self, conversation: Conversation) -> None:
        """Its connection is gone; the server may not know yet."""
        for some in self.owing, self.asked, self.listening, self._waiting, self._under_way:
            some.pop(conversation, None)
        self.answered = True
        if self._open.pop(conversation, self) is None:
            end = conversation.transport.get_extra_info("socket").dup()
            end.settimeout(END_S)
            with suppress(OSError):
                end.shutdown(socket.SHUT_WR)
            self._ended.append(end)


class Conversation:
    """One connection."""

    def __init__(self, all_of_them: Conversations) -> None:
        self.transport: Any = None
        self.hearing: Hearing | None = None
        self.number = -1
        """Of its socket."""
        self.in_transaction = False
        self._all = all_of_them
        self._to_send = b""
        self._bare = False
        self._ends: tuple[int, ...] = ()
        self._part = b""
        """What came of a message that is not whole."""
        self._kept = bytearray()
        """What came of an answer that is not whole."""

    def opened(self, transport: Any) -> None:
        """The connection is made."""
        self.transport = transport
        self.number = transport.get_extra_info("socket").fileno()
        transport.pause_reading()
        self._all.opened(self)

    def read(self) -> None:
        """Tell what came; the loop is left to see the end of the connection."""
        try:
            data = os.read(self.number, AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and self.hearing is not None:
            self.hearing.data_received(data)
        elif not data:
            self._all.ended(self)
            self.transport.resume_reading()

    def sent(self, data: bytes) -> None:
        """Bytes for the server. Whoever writes waits for an answer, or for the end of the connection."""
        if not data:
            return
        is_going_on = self in self._all.owing and self not in self._all.asked and self._all.is_under_way(self)
        self._all.owing[self] = None
        if b"LISTEN " in data:
            self._all.listening[self] = None
        self._to_send += data
        if is_going_on:
            self.send()
            return
        if not self._all.is_under_way(self):
            self._all.asked.pop(self, None)  # the answer tells as much
        self._all.wait(self)

    def ask(self) -> None:
        """Send the empty query when it is time, unless something else is to be sent."""
        if self not in self._all.owing:
            self._all.asked[self] = None
            self._all.wait(self)

    def send(self) -> None:
        """It is time."""
        if self in self._all.asked:
            self.transport.write(EMPTY_QUERY)
            return
        data, self._to_send = self._to_send, b""
        self._bare = data == SSL_REQUEST
        self._ends = (READY_FOR_QUERY, ROW_DESCRIPTION, NO_DATA, ERROR) if data.endswith(FLUSH) else (READY_FOR_QUERY,)
        self.transport.write(data)

    def heard(self, data: bytes) -> bytes:
        """Bytes from the server, cut anywhere; returns those for asyncpg, answers as a whole.

        Raises RuntimeError for TLS, behind which no answer can be seen.
        """
        self._all.heard()
        if self._bare:
            self._bare = False
            if data == b"S":
                raise RuntimeError("a run in virtual time needs its database without TLS (sslmode=disable)")
            self._answered()
            return data
        is_over = self._all.is_under_way(self) and self not in self._all.asked and self not in self._all.owing
        is_whole = is_over or not self._all.is_under_way(self)
        data = self._part + data if self._part else data
        at = told = 0
        while len(data) - at >= HEAD.size:
            kind, size = HEAD.unpack_from(data, at)
            end = at + 1 + size
            if end > len(data):
                break
            if kind in TELLING:
                self._kept += data[told:at]
                told = end
                is_whole |= self._take(data, at, end)
            at = end
        self._kept += data[told:at]
        self._part = data[at:]
        if is_over:
            self._all.done(self)
        return self.rest() if is_whole else b""

    def _take(self, data: bytes, at: int, end: int) -> bool:
        """One message; whether what came so far is to be told."""
        kind = data[at]
        is_ours = self in self._all.asked
        if not is_ours or kind not in (NOTHING_ASKED, READY_FOR_QUERY):
            self._kept += data[at:end]
        if is_ours and kind == READY_FOR_QUERY:
            del self._all.asked[self]
            self._all.done(self)
            return True
        if kind == READY_FOR_QUERY:
            self.in_transaction = data[at + HEAD.size] != IDLE
        if not is_ours and self in self._all.owing and kind in self._ends:
            self._answered()
            return True
        if kind == AUTHENTICATION:
            return int.from_bytes(data[at + HEAD.size : at + HEAD.size + 4], "big") not in AUTHENTICATED
        return kind == COPY_IN

    def rest(self) -> bytes:
        """What was not told yet."""
        data, self._kept = self._kept, bytearray()
        return bytes(data)

    def over(self) -> None:
        """The connection is gone: nothing comes any more."""
        self._all.over(self)

    def _answered(self) -> None:
        self._all.owing.pop(self, None)
        self._all.answered = True
        self._all.done(self)


class Hearing(asyncio.Protocol):
    """Stands between the loop's transport and the protocol that reads from it."""

    def __init__(self, protocol: asyncio.Protocol, conversation: Conversation) -> None:
        self.protocol = protocol
        self.conversation = conversation
        conversation.hearing = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The protocol gets a transport that tells what is written to it."""
        self.conversation.opened(transport)
        self.protocol.connection_made(speaking(transport, self.conversation))

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the conversation, too; what it was told last is told before."""
        data = self.conversation.rest()
        self.conversation.over()
        if data:
            self.protocol.data_received(data)
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
        """Write when it is time."""
        self._conversation.sent(bytes(data))

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """Write when it is time."""
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
