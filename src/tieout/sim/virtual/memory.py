"""The site in the same process as its clients: nothing passes the kernel, and how things interleave is drawn.

A worker on a `MemoryServer` is given the server's `carriers`. The same bytes come and go as over loopback
(`tests/sim/test_memory_transport.py` compares them), and no port, address or hour of the machine is among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tieout.app.config import Config
from tieout.app.venue import Carriers
from tieout.sim.serve.clock import Clock
from tieout.sim.serve.server import Server
from tieout.sim.site import Site
from tieout.sim.virtual.memory_http import MemoryHttp, Turns
from tieout.sim.virtual.memory_socket import MemorySockets

NAME = "venue.simulated"
"""The host of its addresses; nobody looks it up."""

TURN_BITS = 2
"""One to four turns of the loop each way: longer than whatever waits for nothing but its turn."""


class MemoryServer(Server):
    """A site that is reached by `carriers` alone. Made by `in_memory`."""

    def __init__(self, site: Site, clock: Clock) -> None:
        super().__init__(site, clock)
        self._site = site
        self._is_up = True
        self._turns = turns_of(site)

    @property
    def http_url(self) -> str:
        """Where the CLOB is; the other services are under it."""
        return f"http://{NAME}"

    @property
    def ws_url(self) -> str:
        """The same for WebSockets."""
        return f"ws://{NAME}"

    def is_up(self) -> bool:
        """Whether it still takes requests."""
        return self._is_up

    def http(self) -> MemoryHttp:
        """A client's way for requests."""
        return MemoryHttp(self.http_url, self._site.deliver, self.clock, self._turns, self.is_up)

    def sockets(self) -> MemorySockets:
        """A client's way for WebSockets."""
        return MemorySockets(self.ws_url, self._site.open_socket, self.clock, self._turns, self.is_up, self._outboxes)

    @asynccontextmanager
    async def carriers(self, _: Config) -> AsyncIterator[Carriers]:
        """One worker's ways to the venue, as `Surroundings` takes them."""
        sockets = self.sockets()
        try:
            yield Carriers(self.http(), sockets)
        finally:
            await sockets.close()

    async def stop(self) -> None:
        """Refuse what comes, close every WebSocket, then hold the clock. Raises what made the clock fail."""
        self._is_up = False
        await super().stop()


def turns_of(site: Site) -> Turns:
    """Drawn from the seed of the world."""
    stream = site.world.chance.stream("turns of the memory transport")
    return lambda: 1 + stream.getrandbits(TURN_BITS)


@asynccontextmanager
async def in_memory(site: Site, *, speed: float = 1.0, period_s: float | None = None) -> AsyncIterator[MemoryServer]:
    """Serve *site* to clients of this process for the time of the context, as `running` does on a port."""
    server = MemoryServer(site, Clock(site.world.scheduler, speed, period_s))
    try:
        yield server
    finally:
        await server.stop()
