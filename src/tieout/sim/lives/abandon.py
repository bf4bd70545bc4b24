"""A process that is gone without a word, inside of this process: kill -9 on the virtual event loop.

Every task that belongs to a *body* has its coroutine wrapped. When the body dies its connections end where they are, as
the kernel would end them, and no step of its coroutines is ever made again: no `finally` runs, no error handler, no
farewell. What is left of them is kept until the loop is over, so that nothing runs when it is cleared away either.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from types import TracebackType
from typing import Any

from tieout.sim.virtual.database import Conversation, Conversations
from tieout.sim.virtual.loop import VirtualLoop

AWAY = "the connection is refused: the database restarts"

SHUT_DOWN = "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
"""What PostgreSQL says to each connection as it shuts down."""


class Body:
    """What dies at once: tasks and connections. Counts steps and statements, for whoever waits for one of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.steps = 0
        self.statements = 0
        self.at_step: tuple[int, Callable[[], None]] | None = None
        """At which step what is to be done instead of it."""
        self.before: tuple[int, Callable[[], None]] | None = None
        """At which statement what is to be done instead of sending it."""
        self.after: tuple[int, Callable[[], None]] | None = None
        """At which statement what is to be done instead of hearing its answer."""
        self.placing: tuple[int, bool, Callable[[], None]] | None = None
        """At which placement from now what is to be done, and whether before the venue has it."""
        self.tasks: set[asyncio.Task[Any]] = set()
        self.transports: list[asyncio.BaseTransport] = []
        self.remains: list[object] = []

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run *work* and all that it starts as part of this body."""
        context = copy_context()
        context.run(BODY.set, self)
        return asyncio.get_running_loop().create_task(work, name=name, context=context)

    def die(self) -> None:
        """Now, wherever each of its tasks stands."""
        self.dead = True
        self.remains = [task.get_coro() for task in self.tasks]
        self.spare()
        for transport in self.transports:
            transport.abort()  # type: ignore[attr-defined]
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current:
                task.cancel()

    def spare(self) -> None:
        """No step, no statement and no placement is waited for any more."""
        self.at_step = self.before = self.after = self.placing = None

    def database_connections(self) -> int:
        """How many connections to the database are open."""
        conversations = (getattr(each, "_conversation", None) for each in self.transports if not each.is_closing())
        return sum(isinstance(each, LifeConversation) for each in conversations)

    def step(self) -> None:
        """One step of one task is about to be made."""
        self.steps += 1
        if self.at_step is not None and self.steps >= self.at_step[0]:
            act, self.at_step = self.at_step[1], None
            act()

    def sending(self) -> bool:
        """A statement is about to be sent; False when it is not to be."""
        self.statements += 1
        if self.before is not None and self.statements >= self.before[0]:
            act, self.before = self.before[1], None
            act()
        return not self.dead

    def places(self, *, is_before: bool) -> bool:
        """Orders are on their way to the venue, or there; False when the body dies of it now."""
        if self.placing is not None and self.placing[1] == is_before:
            left, _, act = self.placing
            self.placing = (left - 1, is_before, act)
            if left <= 1:
                act()
        return not self.dead

    def hearing(self) -> None:
        """The database has done a statement."""
        if self.after is not None and self.statements >= self.after[0]:
            act, self.after = self.after[1], None
            act()


BODY: ContextVar[Body | None] = ContextVar("body", default=None)


class Mortal(Coroutine[Any, Any, Any]):
    """A coroutine that makes no further step once its body is dead."""

    def __init__(self, work: Coroutine[Any, Any, Any], body: Body) -> None:
        self._work = work
        self._begun = False
        self.body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        raise RuntimeError("only a task runs this")

    def send(self, value: Any) -> Any:
        """One step."""
        body = self.body
        if body.dead or body.at_step is not None or not self._begun:
            self._step()
        else:
            body.steps += 1
        try:
            return self._work.send(value)
        finally:
            if body.dead:
                raise asyncio.CancelledError

    def throw(self, kind: Any, error: BaseException | None = None, trace: TracebackType | None = None) -> Any:  # type: ignore[override]
        """One step, with an error."""
        self._step()
        try:
            return self._work.throw(kind) if error is None else self._work.throw(kind, error, trace)
        finally:
            self._end_if_dead()

    def close(self) -> None:
        """Nothing: what is dead does not clean up."""

    def _step(self) -> None:
        """One step is about to be made, unless the body is dead, or dies of it."""
        self.body.step()
        if self.body.dead and not self._begun:
            self._work.close()  # without this Python complains that nobody ever ran it
        self._end_if_dead()
        self._begun = True

    def _end_if_dead(self) -> None:
        if self.body.dead:
            raise asyncio.CancelledError


class LifeConversation(Conversation):
    """A connection to the database that may belong to a body."""

    def __init__(self, all_of_them: Conversations, body: Body | None) -> None:
        super().__init__(all_of_them)
        self.body = body

    def sent(self, data: bytes) -> None:
        """As it is; the transport is gone already when the body dies of it."""
        if self.body is None or self.body.sending():
            super().sent(data)

    def heard(self, data: bytes) -> bytes:
        """Nothing, when the body dies as the answer comes."""
        was_owing = self in self._all.owing
        told = super().heard(data)
        if self.body is None:
            return told
        if was_owing and self not in self._all.owing:
            self.body.hearing()
        return b"" if self.body.dead else told

    def shut_down(self) -> None:
        """The server ends the connection, with its usual words."""
        text = SHUT_DOWN.encode()
        if self.hearing is None or self.transport.is_closing():
            return
        self.hearing.protocol.data_received(b"E" + (len(text) + 4).to_bytes(4, "big") + text)
        self.transport.abort()


class LifeConversations(Conversations):
    """All connections, each with its body."""

    def begun(self) -> Conversation:
        """One of the body that connects."""
        return LifeConversation(self, BODY.get())


class LifeLoop(VirtualLoop):
    """Virtual time, with bodies that can die and a database that can be away."""

    def __init__(self, wall_limit_s: float) -> None:
        super().__init__(wall_limit_s)
        self._conversations = LifeConversations()
        self.database_away = False
        self.complaints: list[str] = []
        """What went wrong in the tasks of the living without anybody noticing."""
        self.set_task_factory(_task)
        self.set_exception_handler(_complain)

    async def create_unix_connection(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """As the loop's; refused while the database is away, to those who have a body."""
        body = BODY.get()
        if body is not None and self.database_away:
            raise ConnectionRefusedError(AWAY)
        made = await super().create_unix_connection(protocol_factory, *args, **options)
        return self._owned(body, made)

    async def create_connection(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """As the loop's; the body's, if one asks for it."""
        made = await super().create_connection(protocol_factory, *args, **options)
        return self._owned(BODY.get(), made)

    def _owned(self, body: Body | None, made: Any) -> Any:
        if body is not None:
            body.transports = [each for each in body.transports if not each.is_closing()]
            body.transports.append(made[0])
        return made

    def shut_database_down(self, body: Body) -> None:
        """End every connection of *body* from the database's side."""
        for transport in body.transports:
            conversation = getattr(transport, "_conversation", None)
            if isinstance(conversation, LifeConversation):
                conversation.shut_down()

    async def shutdown_asyncgens(self) -> None:
        """Nothing: what the dead have left open stays as it is."""


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task of the living ended with and nobody asked for; the dead may leave what they like."""
    task = context.get("task") or context.get("future")
    if not isinstance(task, asyncio.Task):
        return
    work = task.get_coro()
    if isinstance(loop, LifeLoop) and isinstance(work, Mortal) and not work.body.dead:
        loop.complaints.append(f"{context.get('message')}: {task.get_name()}: {context.get('exception')!r}")


@contextmanager
def cleared_away() -> Iterator[None]:
    """What the dead of a loop left is cleared away after it, without a word: there is no loop left to complain to."""
    try:
        yield
    finally:
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            gc.collect()
        finally:
            sys.unraisablehook = hook


def _task(loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None) -> asyncio.Task[Any]:
    body = context.get(BODY) if context is not None else BODY.get()
    if body is None:
        return asyncio.Task(work, loop=loop, context=context)
    if body.dead:
        work.close()
    task: asyncio.Task[Any] = asyncio.Task(Mortal(work, body), loop=loop, context=context)
    body.tasks.add(task)
    task.add_done_callback(body.tasks.discard)
    return task
