"""Hearing of what others commit: bookings and changes of control are announced on one channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

CHANNEL = "tieout"

CONTROL = "control"


@asynccontextmanager
async def listening(
    connection: asyncpg.Connection, address: str, control_changed: Callable[[str], None]
) -> AsyncIterator[None]:
    """For the time of the context *control_changed* hears the condition of every control of the wallet that is set.

    The condition is empty for the whole wallet. *connection* is for this alone.
    """

    def heard(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        of, _, rest = payload.partition(" ")
        what, _, condition = rest.partition(" ")
        if of == address and what == CONTROL:
            control_changed(condition)

    await connection.add_listener(CHANNEL, heard)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.remove_listener(CHANNEL, heard)
