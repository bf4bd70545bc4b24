"""New heads of the chain wake whoever looks at it; while they stay away the interval alone does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import assert_never

from tieout.app.beside import first_to_end
from tieout.client.chain_heads import ChainHeads, Head, Refused
from tieout.client.clock import Clock
from tieout.client.feed import FeedNet
from tieout.client.signals import Connected, Gap, Silent
from tieout.client.sockets import WebSocketCarrier

HEARD_MS, UNHEARD_MS = 500, 10_000
"""While heads arrive: between two looks at least, and at most."""


class Hearing(StrEnum):
    """Whether heads arrive, in a word; OFF is none."""

    OFF = ""
    LIVE = "live"
    AWAY = "away"
    SILENT = "silent"
    REFUSED = "refused"


async def _untold(_: str) -> None:
    """The word is enough."""


class HeadWatch:
    """Hears *heads*; `hearing` says how that goes."""

    def __init__(
        self,
        heads: ChainHeads,
        woken: Callable[[], None],
        changed: Callable[[Hearing], None] = lambda _: None,
        refused: Callable[[str], Awaitable[None]] = _untold,
    ) -> None:
        """*woken* is called at each head, *changed* with every new word, *refused* once, with the node's reason."""
        self._heads = heads
        self._woken = woken
        self._changed = changed
        self._refused = refused
        self.hearing = Hearing.OFF

    async def run(self) -> None:
        """Until the node refuses, or for ever."""
        self._say(Hearing.AWAY)
        async with self._heads:
            async for signal in self._heads:
                match signal:
                    case Connected():
                        self._say(Hearing.LIVE)
                        # What happened before it may be unread.
                        self._woken()
                    case Head():
                        self._woken()
                    case Silent():
                        self._say(Hearing.SILENT)
                    case Gap():
                        if self.hearing is not Hearing.SILENT:
                            self._say(Hearing.AWAY)
                    case Refused(_, reason):
                        self._say(Hearing.REFUSED)
                        await self._refused(reason)
                    case _:
                        assert_never(signal)

    def _say(self, hearing: Hearing) -> None:
        self.hearing = hearing
        self._changed(hearing)


class HeadWaiting:
    """Waits for the next look at the chain: the interval, or a head where heads arrive."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hearing = Hearing.OFF
        self.woken = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    def changed(self, hearing: Hearing) -> None:
        """Whether heads arrive is another than before; that ends a wait."""
        self.hearing = hearing
        self.woken.set()

    async def wait(self, poll_ms: int) -> None:
        """Return when it is time for the next look. Raises what ended the hearing of heads, a fault of ours."""
        self.woken.clear()
        await self._clock.sleep(min(poll_ms, HEARD_MS) if self.hearing is Hearing.LIVE else poll_ms)
        if self.hearing is Hearing.LIVE:
            await first_to_end(self._clock.sleep(UNHEARD_MS), self.woken.wait())
        if self.running is not None and self.running.done():
            self.running.result()


@asynccontextmanager
async def waiting_for_heads(url: str, clock: Clock) -> AsyncIterator[HeadWaiting]:
    """New heads for the time of the context, from the node at *url*; "" none."""
    waiting = HeadWaiting(clock)
    if not url:
        yield waiting
        return
    net = FeedNet(WebSocketCarrier(), clock, lambda most: secrets.randbelow(most + 1))
    watch = HeadWatch(ChainHeads(url, net), waiting.woken.set, waiting.changed)
    waiting.running = asyncio.create_task(watch.run(), name="heads")
    try:
        yield waiting
    finally:
        waiting.running.cancel()
        await asyncio.gather(waiting.running, return_exceptions=True)
