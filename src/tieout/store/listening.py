"""Hearing of what others commit: bookings, changes of control, requests and what workers show of themselves.

Each notice is the address of the wallet, what it is about, and its subject: "0x… control 0xabc", "0x… request 7".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

CHANNEL = "tieout"

CONTROL = "control"
REQUEST = "request"
STATUS = "status"


@asynccontextmanager
async def listening(
    connection: asyncpg.Connection, address: str, told: Callable[[str, str], None]
) -> AsyncIterator[None]:
    """For the time of the context *told* hears what every notice of the wallet is about, and its subject.

    The subject of a control is its condition, empty for the whole wallet. *connection* is for this alone.
    """

    def heard(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        of, _, rest = payload.partition(" ")
        what, _, subject = rest.partition(" ")
        if of == address:
            told(what, subject)

    await connection.add_listener(CHANNEL, heard)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.remove_listener(CHANNEL, heard)
