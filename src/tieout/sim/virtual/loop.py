"""An event loop whose time is virtual: it stands still while anything happens, and jumps to the next timer when nothing
does.

What is real is waited for, and takes no virtual time: bytes on sockets between parts of this very process, which the
kernel delivers at once; connections being made; work in threads; and answers of PostgreSQL (`database.py`).
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

from tieout.sim.virtual.database import Conversations, Hearing, speaking

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PATIENCE_S = 0.05
"""How long one wait for something real lasts before the end of the run is looked for again (real seconds)."""

LAST_S = 90 * 86_400.0
"""Virtual seconds. Later than this a floating-point time is coarser than asyncio's resolution of a nanosecond."""

OWN_FILES = 1
"""What the loop watches when nothing has a socket: the pipe by which threads and signals wake it."""

SELDOM = 256
"""Every so many rounds the real clock is looked at, and the loop's own pipe."""

CLEAN_UP_S = 5.0
"""What is left for the end of the tasks when the real time is over."""


class VirtualTimeError(Exception):
    """The run cannot go on: the text says why, and what was waiting."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at time 0. Once *wall_limit_s* of real time have passed, whatever runs on it fails."""

    def __init__(self, wall_limit_s: float) -> None:
        self._moment = 0.0
        self._jobs = 0
        self._conversations = Conversations()
        self._wall_limit_s = wall_limit_s
        self._end_s = super().time() + wall_limit_s
        super().__init__(_Selector(self._idle, self._watch_wall))

    def close(self) -> None:
        """As the loop's, once the database has let go of every connection that ended."""
        self._conversations.see_off()
        super().close()

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._moment

    def _idle(self, timeout: float | None) -> float:
        """Nothing is ready: how long to wait for real. 0 when the database was waited for instead, or when time has
        jumped by *timeout*, virtual seconds.

        Raises VirtualTimeError when nothing can ever happen again, or time is over.
        """
        is_waiting = self._conversations.go_on(0.0 if self._jobs else PATIENCE_S)
        if is_waiting or self._jobs:
            return PATIENCE_S if self._jobs and not self._conversations.came else 0.0
        if timeout is None:
            raise VirtualTimeError(f"deadlock at {self._moment:.3f} virtual seconds: {self._waiting()}")
        self._moment += timeout
        if self._moment > LAST_S:
            raise VirtualTimeError(f"virtual time ends after 90 days: {self._waiting()}")
        return 0.0

    def _watch_wall(self) -> None:
        if (real_s := super().time()) > self._end_s:
            self._end_s = real_s + CLEAN_UP_S
            limit = f"more than {self._wall_limit_s:g} real seconds"
            raise VirtualTimeError(f"{limit} at {self._moment:.3f} virtual seconds: {self._waiting()}")

    def _waiting(self) -> str:
        """What is not over, for a message."""
        tasks = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        named = "; ".join(f"{task.get_name()} {_place(task)}" for task in tasks) or "none"
        return (
            f"{len(self._conversations.owing)} database answers and {self._jobs} jobs are outstanding, "
            f"pending tasks: {named}"
        )

    async def create_connection(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """As the loop's; what asyncpg says and hears is heard here, too."""
        connect = super().create_connection
        return await self._connecting(lambda factory: connect(factory, *args, **options), protocol_factory)

    async def create_unix_connection(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """As the loop's; what asyncpg says and hears is heard here, too."""
        connect = super().create_unix_connection
        return await self._connecting(lambda factory: connect(factory, *args, **options), protocol_factory)

    async def _connecting(self, connect: Callable[[Callable[[], Any]], Any], factory: Callable[[], Any]) -> Any:
        self._jobs += 1
        try:
            transport, protocol = await connect(self._conversations.overhearing(factory))
        finally:
            self._jobs -= 1
        if isinstance(protocol, Hearing):
            return speaking(transport, protocol.conversation), protocol.protocol
        return transport, protocol

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """As the loop's; time stands still until the work is done."""
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: object) -> None:
        self._jobs -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        """As the loop's, which waits for a thread of its own."""
        self._jobs += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._jobs -= 1


class _Selector(selectors.DefaultSelector):
    """Asks *idle* what to do when nothing is ready, two looks in a row."""

    def __init__(self, idle: Callable[[float | None], float], watch: Callable[[], None]) -> None:
        super().__init__()
        self._idle = idle
        self._watch = watch
        self._looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """*timeout*: virtual seconds to the next timer, None without one."""
        has_work = timeout is not None and timeout <= 0
        self._looks += 1
        if self._looks % SELDOM == 0:
            self._watch()
        elif len(self.get_map()) <= OWN_FILES:
            return [] if has_work else self._wait(timeout)
        ready = super().select(0)
        if ready or has_work:
            return ready
        return super().select(0) or self._wait(timeout)

    def _wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        self._watch()
        wait_s = self._idle(timeout)
        return super().select(wait_s) if wait_s else []


def _place(task: asyncio.Task[Any]) -> str:
    """Where *task* stands, as far as its own coroutine shows it."""
    frames = task.get_stack(limit=1)
    return f"at {frames[0].f_code.co_qualname}:{frames[0].f_lineno}" if frames else "(not begun)"
