"""The database in turn: one request at a time, so that how connections interleave follows from the seed alone.

Real backends work at once, and which of two answers comes first is nobody's to say. So a request waits until nothing
else can happen; then it is sent, its answer is waited for and told, and whatever follows from that happens before the
next request. Only a request that waits for a lock lets others go first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from tieout.sim.virtual.database import Bytes, Conversation, Conversations, Hearing, is_database

LOCKED_S = 5.0
"""A request that was not answered for so long (real seconds) waits for a lock that another connection holds."""

FREED_S = 0.02
"""So long a request that waited for a lock is waited for when the lock may be free again (real seconds)."""

SHUT_DOWN = "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
"""What PostgreSQL says to each connection as it shuts down."""

TERMINATE = b"X"


class Owner(Protocol):
    """Whose connection it is: dies at statements."""

    dead: bool

    def sending(self) -> bool:
        """A statement is about to be sent; False when it is not to be."""

    def hearing(self) -> None:
        """The database has done a statement."""


class TurnConversation(Conversation):
    """A connection to the database, maybe somebody's who can die."""

    def __init__(self, all_of_them: TurnConversations, owner: Owner | None) -> None:
        super().__init__(all_of_them)
        self.turns = all_of_them
        self.owner = owner
        self.protocol: Any = None

    def sent(self, data: bytes) -> None:
        """As it is; the transport is gone already when the owner dies of it."""
        if self.owner is None or self.owner.sending():
            super().sent(data)

    def heard(self, data: bytes) -> bytes:
        """Nothing, when the owner dies as the answer comes."""
        told = super().heard(data)
        answered = self not in self.turns.owing
        if answered:
            self.turns.done(self)
        if self.owner is None:
            return told
        if answered:
            self.owner.hearing()
        return b"" if self.owner.dead else told

    def over(self) -> None:
        """As it is, and its turn is over."""
        super().over()
        self.turns.done(self)

    def shut_down(self) -> None:
        """The server ends the connection, with its usual words."""
        text = SHUT_DOWN.encode()
        if self.transport.is_closing():
            return
        self.protocol.data_received(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        self.transport.abort()


class TurnConversations(Conversations):
    """All connections; one of them at a time has the turn. *real_s* is the real time."""

    def __init__(self, real_s: Callable[[], float], owner: Callable[[], Owner | None]) -> None:
        super().__init__()
        self._real_s = real_s
        self._owner = owner
        self.requests: list[tuple[TurnConversation, bytes]] = []
        """Written and not sent."""
        self.answers: list[tuple[TurnHearing, bytes]] = []
        """Heard and not told."""
        self.locked: dict[TurnConversation, None] = {}
        self.locks = 0
        """How often a request waited for a lock."""
        self._turn: TurnConversation | None = None
        self._since_s = 0.0

    def overhearing(self, factory: Callable[[], Any]) -> Callable[[], Any]:
        """As it is, in turn."""
        owner = self._owner()

        def make() -> Any:
            protocol = factory()
            if not is_database(protocol):
                return protocol
            conversation = TurnConversation(self, owner)
            conversation.protocol = protocol
            return TurnHearing(protocol, conversation)

        return make

    def may_write(self, conversation: TurnConversation) -> bool:
        """Whether it has the turn, or needs none: an empty query is asked when nobody has it."""
        return conversation is self._turn or conversation not in self.owing or conversation in self.locked

    def done(self, conversation: TurnConversation) -> None:
        """Its request is answered, or never will be."""
        self.locked.pop(conversation, None)
        if conversation not in self.owing:
            self.requests = [each for each in self.requests if each[0] is not conversation]
        if self._turn is conversation:
            self._turn = None
            self._since_s = self._real_s()

    def go_on(self) -> bool:
        """Nothing else can happen: tell what was answered, and return True; or send the next request."""
        waited_s = self._real_s() - self._since_s
        if self._turn is not None and waited_s < LOCKED_S:
            return False
        if self._turn is not None:
            self.locked[self._turn] = None
            self.locks += 1
            self._turn = None
        if self.answers and not self.asked:
            answers, self.answers = self.answers, []
            for hearing, data in answers:
                hearing.tell(data)
            return True
        if self.requests and not (self.locked and waited_s < FREED_S):
            self._send()
        return False

    def _send(self) -> None:
        """The next one has the turn."""
        turn = self._turn = self.requests[0][0]
        self._since_s = self._real_s()
        mine = [data for conversation, data in self.requests if conversation is turn]
        self.requests = [each for each in self.requests if each[0] is not turn]
        turn.transport.write(b"".join(mine))


class TurnHearing(Hearing):
    """Hears at once, and tells in turn."""

    conversation: TurnConversation

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """What the protocol writes waits for its turn."""
        super().connection_made(in_turn(transport, self.conversation))

    def data_received(self, data: bytes) -> None:
        """Keep it until nothing else can happen."""
        data = self.conversation.heard(data)
        if data:
            self.conversation.turns.answers.append((self, data))

    def connection_lost(self, exc: Exception | None) -> None:
        """First what came before the end."""
        turns = self.conversation.turns
        mine = [data for hearing, data in turns.answers if hearing is self]
        turns.answers = [each for each in turns.answers if each[0] is not self]
        for data in mine:
            self.tell(data)
        super().connection_lost(exc)

    def tell(self, data: bytes) -> None:
        """Now, unless its owner is dead."""
        owner = self.conversation.owner
        if owner is None or not owner.dead:
            self.protocol.data_received(data)


class InTurn:
    """The transport of a connection that writes in turn; all else is the loop's transport's."""

    def __init__(self, transport: asyncio.Transport, conversation: TurnConversation) -> None:
        self._transport = transport
        self._conversation = conversation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: Bytes) -> None:
        """Write now, or when it is its turn. A farewell needs no answer."""
        turns = self._conversation.turns
        if turns.may_write(self._conversation) or bytes(data[:1]) == TERMINATE:
            self._transport.write(data)
        else:
            turns.requests.append((self._conversation, bytes(data)))


def in_turn(transport: Any, conversation: TurnConversation) -> Any:
    """*transport* as a connection may see it; typed as any transport, which it is by its methods."""
    return InTurn(transport, conversation)
