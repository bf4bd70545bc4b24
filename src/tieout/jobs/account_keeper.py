"""Keeping the books of an account from the CLOB: its user channel, and REST for what the channel cannot have said.

The channel has no replay, no sequence and no gap signal (`polymarket.md` 3.1). So after every connect the open orders
and the trades are read again before the feed counts as live, and as well when it is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable

from tieout.client.clob_account import ClobAccount
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.signals import Frame, Gap, Signal
from tieout.intake.intake import Incoming

Put = Callable[[Incoming], Awaitable[None]]
"""Journals and books a message; returns when it is committed (`intake.IntakeQueue.put`)."""

OVERLAP_S = 60
"""Trades are read from so long before the last one known: the bounds of the venue's filter are not documented."""

RETRY_MS = 1_000

FRAMES_MAX = 2_000
"""Frames that wait for the database; beyond them the feed's own queue fills, and says so by a gap."""


class AccountKeeper:
    """Hears one account. What it reads by REST is booked by the recorder of its client.

    `live` says whether everything up to now is in the books; while it is False nothing may be quoted. `since_s` is
    where trades are read from: no trade before it can still change.
    """

    def __init__(self, account: ClobAccount, put: Put, clock: Clock, since_s: int = 0) -> None:
        self._account = account
        self._put = put
        self._clock = clock
        self._frames = 0
        self._room = asyncio.Semaphore(FRAMES_MAX)
        self.since_s = since_s
        self.heard: Callable[[bytes, int], None] = lambda _raw, _ms: None
        """Told each frame that is booked, and how many milliseconds after the socket brought it (T4)."""
        self.live = False
        self.catch_ups = 0

    async def run(self, signals: AsyncIterable[Signal]) -> None:
        """Follow the feed until it ends. What the intake raises ends it too, in a group.

        Frames do not wait for each other: those that come while one is written are booked together, and books do not
        depend on the order in which facts are heard.
        """
        async with asyncio.TaskGroup() as booking:
            async for signal in signals:
                if isinstance(signal, Frame):
                    await self._room.acquire()
                    booking.create_task(self._hear(signal))
                elif isinstance(signal, Gap):
                    self.live = False
                else:  # connected, or silent: compare with REST
                    await self._until_caught_up()

    async def _hear(self, frame: Frame) -> None:
        self._frames += 1
        try:
            await self._put(Incoming(frame.raw, "user channel", f"frame {self._frames} at {frame.received_ms}"))
            self.heard(frame.raw, self._clock.now_ms() - frame.received_ms)
        finally:
            self._room.release()

    async def _until_caught_up(self) -> None:
        """Read until a whole reading succeeds; frames wait in the feed's queue, and a full one says so by a gap."""
        while True:
            try:
                self.live = await self.catch_up()
            except VenueError:
                self.live = False
            if self.live:
                return
            await self._clock.sleep(RETRY_MS)

    async def catch_up(self) -> bool:
        """Read open orders and trades again. False when a list did not come whole. Raises VenueError.

        Every trade from the oldest that is not final is read, since its end may be what was missed.
        """
        orders = await self._account.open_orders()
        trades = await self._account.trades(after_s=max(self.since_s - OVERLAP_S, 0))
        if not (orders.is_complete and trades.is_complete):
            return False
        open_since = [t.matched_at_ms for t in trades.rows if not t.status.endswith(("CONFIRMED", "FAILED"))]
        newest = max((t.matched_at_ms for t in trades.rows), default=self.since_s * 1000)
        self.since_s = max(self.since_s, min([*open_since, newest]) // 1000)
        self.catch_ups += 1
        return True
