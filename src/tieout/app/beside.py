"""Tasks that run beside a block of code: one that fails ends the block, and the end of the block ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

from tieout.client.clock import Clock
from tieout.client.errors import ErrorKind, VenueError

T = TypeVar("T")

RETRY_MS, RETRY_MAX_MS = 1_000, 30_000


class Beside:
    """Use as a context. What a task or the block raises comes out as itself, not in a group."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    def start(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Run *work* from now on."""
        task = self._group.create_task(work, name=name)
        self._tasks.append(task)
        return task


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def until_done(
    work: Callable[[], Awaitable[T]], clock: Clock, stop: asyncio.Event, told: Callable[[str], None]
) -> T | None:
    """What *work* gives, tried again while the venue is away; None when *stop* came first.

    *told* hears why it is not there yet. Raises VenueError when the venue says that it never will be.
    """
    wait_ms = RETRY_MS
    while not stop.is_set():
        try:
            return await work()
        except VenueError as error:
            if error.kind is ErrorKind.PERMANENT:
                raise
            told(str(error))
            await first_to_end(clock.sleep(max(wait_ms, error.retry_after_ms)), stop.wait())
            wait_ms = min(wait_ms * 2, RETRY_MAX_MS)
    return None


async def first_to_end(*works: Coroutine[object, object, object]) -> None:
    """Return when one of *works* has ended; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
