"""Who listens to the database: one connection hears every notice, and every open page is told what it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import asyncpg

from tieout.store.connect import connected
from tieout.store.errors import StoreError
from tieout.store.listening import CHANNEL, CONTROL, REQUEST, STATUS

RETRY_S = 2.0
BOOKED = "booked"
"""The books changed; the data of the event is the number of the last entry of the log."""

KEEP_ALIVE_S = 15.0
"""A comment so often, so that neither a proxy nor a browser takes the stream for dead."""

SUBSCRIBERS_MAX = 200


class Subscriber:
    """What one open page has not been told yet: the last of each kind is enough."""

    def __init__(self, wallet: str) -> None:
        self.wallet = wallet
        self._waiting: dict[str, str] = {}
        self._changed = asyncio.Event()

    def tell(self, what: str, subject: str) -> None:
        """Something happened."""
        self._waiting[what] = subject
        self._changed.set()

    async def next(self) -> list[tuple[str, str]]:
        """What happened since; waits for something to happen."""
        await self._changed.wait()
        self._changed.clear()
        told, self._waiting = list(self._waiting.items()), {}
        return told


class Hub:
    """Spreads notices; a wallet's pages hear of their wallet only."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self.is_listening = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether nobody more can listen."""
        return len(self._subscribers) >= SUBSCRIBERS_MAX

    @contextmanager
    def subscribed(self, wallet: str) -> Iterator[Subscriber]:
        """For the time of the context. Raises StoreError when too many listen."""
        if self.is_full:
            raise StoreError(f"{SUBSCRIBERS_MAX} streams are open already; close some pages")
        subscriber = Subscriber(wallet)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    async def run(self, dsn: str) -> None:
        """Until it is cancelled, whatever the database does; after an outage every page is told to look again."""
        while True:
            with suppress(StoreError, asyncpg.PostgresError):
                await self._listen(dsn)
            self.is_listening.clear()
            await asyncio.sleep(RETRY_S)

    async def _listen(self, dsn: str) -> None:
        async with connected(dsn) as connection:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda *_: gone.set())
            await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, payload: self.heard(payload))
            self.is_listening.set()
            for subscriber in self._subscribers:
                subscriber.tell(BOOKED, "")
            await gone.wait()

    def heard(self, payload: str) -> None:
        """One notice: "address seq", "address control cid", "address request id", "address status"."""
        address, _, rest = payload.partition(" ")
        what, _, subject = rest.partition(" ")
        if what not in (CONTROL, REQUEST, STATUS):
            what, subject = BOOKED, what
        for subscriber in self._subscribers:
            if subscriber.wallet == address:
                subscriber.tell(what, subject)


async def stream(hub: Hub, wallet: str) -> AsyncIterator[str]:
    """Server-sent events for one page, until it goes away."""
    with hub.subscribed(wallet) as subscriber:
        yield "retry: 2000\n\n"
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    told = await subscriber.next()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            yield "".join(f"event: {what}\ndata: {subject}\n\n" for what, subject in told)
