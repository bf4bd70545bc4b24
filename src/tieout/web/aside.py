"""Work that takes a processor for seconds, done beside the desk's loop, so that pages and events go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from tieout.store.connect import connected
from tieout.web.house import House

T = TypeVar("T")


async def aside(house: House, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """What *work* gives, in a thread with a loop and a connection of its own; one at a time."""

    async def inside() -> T:
        async with connected(house.settings.dsn) as connection:
            return await work(connection)

    async with house.slow:
        return await asyncio.to_thread(lambda: asyncio.run(inside()))
