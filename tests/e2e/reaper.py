"""Kills a worker's process at a chosen moment: seen from the venue, which hears every request and tells every fill."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from multiprocessing.process import BaseProcess

from tieout.sim.events import Event, TradeChanged
from tieout.sim.rng import Stream
from tieout.sim.scenario import Scenario
from tieout.sim.site import Handle
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Delivery, Request

LONGEST_MS = 1_500
"""A life whose moment does not come ends then."""


class When(StrEnum):
    """Moments of a worker's life. After an answer or a frame some milliseconds pass, drawn anew for every life."""

    BIRTH = "while it starts"
    READING = "after a page of orders or trades"
    PLACE_LOST = "its order is on the way and never comes"
    PLACE_TAKEN = "its order is taken, the answer never comes"
    PLACED = "after the answer to an order"
    CANCEL_LOST = "its cancel is on the way and never comes"
    CANCEL_TAKEN = "its cancel is taken, the answer never comes"
    CANCELLED = "after the answer to a cancel"
    CHAIN = "after an answer of the node"
    FILL = "after a trade was told"
    ANY = "at any time"


AFTER_MS = {
    When.BIRTH: 300,
    When.READING: 40,
    When.PLACED: 30,
    When.CANCELLED: 30,
    When.CHAIN: 30,
    When.FILL: 15,
    When.ANY: LONGEST_MS,
}
"""How long at most from the event to the kill; the others are killed within the request."""


RARE = (When.CANCEL_LOST, When.CANCEL_TAKEN, When.CANCELLED)
"""The first is taken; of the others the first or the second."""


def _is_meant(when: When, prefix: str, request: Request) -> bool:
    """Whether *request* is what the moment waits for."""
    if when in (When.PLACE_LOST, When.PLACE_TAKEN, When.PLACED):
        return prefix == "/" and request.method == "POST" and request.path in ("/order", "/orders")
    if when in (When.CANCEL_LOST, When.CANCEL_TAKEN, When.CANCELLED):
        return prefix == "/" and request.method == "DELETE" and request.path in ("/order", "/orders")
    if when is When.READING:
        return prefix == "/" and request.path in ("/data/orders", "/data/trades")
    return when is When.CHAIN and prefix == "/rpc"


class Reaper:
    """Stands before the gate of the scenario's site from its making on; one victim at a time."""

    def __init__(self, scenario: Scenario, wallet: str, chance: Stream) -> None:
        self._gate = scenario.site.gate
        self._wallet = wallet
        self._chance = chance
        self._victim: BaseProcess | None = None
        self._when = When.ANY
        self._skip = 0
        self._struck = False
        self._over = asyncio.Event()
        scenario.site.gate = self
        scenario.world.hub.listen(self._told)

    async def reap(self, victim: BaseProcess, when: When) -> bool:
        """Kill *victim* at its moment; False when that did not come and the end of its time did."""
        self._victim, self._when, self._struck = victim, when, False
        self._skip = 0 if when in RARE else self._chance.randrange(2)
        self._over = asyncio.Event()
        if when in (When.BIRTH, When.ANY):
            self._strike()
        latest = asyncio.get_running_loop().call_later(2 * LONGEST_MS / 1_000, self._kill)
        await self._over.wait()
        latest.cancel()
        await asyncio.to_thread(victim.join)
        return self._struck

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:
        """The gate's answer, when the one who asked lives to see it."""
        if self._victim is None or self._struck or not _is_meant(self._when, prefix, request):
            return self._gate.http(prefix, request, handle)
        if self._skip:
            self._skip -= 1
            return self._gate.http(prefix, request, handle)
        if self._when in (When.PLACE_LOST, When.CANCEL_LOST):
            self._strike()
            return Delivery(None)
        delivery = self._gate.http(prefix, request, handle)
        self._strike()
        return delivery

    def socket(self, path: str, connection: Connection) -> Connection:
        """The gate's own."""
        return self._gate.socket(path, connection)

    def _told(self, event: Event) -> None:
        if self._victim is None or self._struck or self._when is not When.FILL:
            return
        if isinstance(event, TradeChanged) and self._wallet in event.trade.wallets:
            if self._skip:
                self._skip -= 1
            else:
                self._strike()

    def _strike(self) -> None:
        self._struck = True
        longest = AFTER_MS.get(self._when, 0)
        if longest:
            asyncio.get_running_loop().call_later(self._chance.random() * longest / 1_000, self._kill)
        else:
            self._kill()

    def _kill(self) -> None:
        if self._victim is not None:
            self._victim.kill()
            self._victim = None
            self._over.set()
