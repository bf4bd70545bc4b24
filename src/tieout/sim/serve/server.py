"""The site on a loopback port: HTTP requests and WebSockets become the values the services take, and back.

Everything runs on one event loop, one request at a time, so nothing needs a lock. Before a request or a frame is
handled the world is brought to now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import WSMsgType, web

from tieout.sim.serve.clock import Clock
from tieout.sim.serve.outbox import Outbox
from tieout.sim.site import Site
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Request, joined

HOST = "127.0.0.1"
FAREWELL_S = 1.0
"""How long a client may take to answer a close frame, and a request to end when the server stops (real seconds)."""

GOING_AWAY = 1001


class Server:
    """A running site. Made by `running`."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.clock = clock
        self.port = 0
        self._site = site
        self._outboxes: dict[Outbox, asyncio.Task[None]] = {}
        self._ticking = asyncio.create_task(clock.run())

    @property
    def http_url(self) -> str:
        """Where the CLOB is; the other services are under it."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The same for WebSockets."""
        return f"ws://{HOST}:{self.port}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request, or serve the WebSocket it opens."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._serve_socket(request)
        try:
            body = await request.read()
        except ConnectionResetError:
            # Whoever asked is gone before the request was whole: nothing was asked.
            return web.Response()
        self.clock.sync()
        delivery = self._site.deliver(to_request(request, body))
        if delivery.delay_ms:
            await self.clock.wait(delivery.delay_ms)
        reply = delivery.reply
        if reply is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        response = web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        if reply.headers.get("connection") == "close":
            response.force_close()
        return response

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        self.clock.sync()
        outbox = Outbox()
        session = self._site.open_socket(request.path, Connection(outbox.send, outbox.close))
        if session is None:
            return web.Response(status=404)
        try:
            socket = web.WebSocketResponse(timeout=FAREWELL_S, compress=False)
            await socket.prepare(request)
            writer = asyncio.create_task(outbox.write(socket, request.transport))
            self._outboxes[outbox] = writer
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self.clock.sync()
                        session.receive(message.data)
            finally:
                del self._outboxes[outbox]
                writer.cancel()
                with suppress(asyncio.CancelledError):
                    await writer
        finally:
            session.closed()
        return socket

    async def forever(self) -> None:
        """Return only by cancellation, or raise what made the clock fail."""
        await asyncio.shield(self._ticking)

    async def stop(self) -> None:
        """Close every WebSocket, then hold the clock. Raises what made the clock fail."""
        writers = list(self._outboxes.values())
        for outbox in list(self._outboxes):
            outbox.close(GOING_AWAY, "")
        if writers:
            await asyncio.wait(writers, timeout=FAREWELL_S)
        self.clock.give_up()
        self._ticking.cancel()
        with suppress(asyncio.CancelledError):
            await self._ticking


def to_request(request: web.BaseRequest, body: bytes) -> Request:
    """The request as a value."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.path, joined(request.query.items()), headers, body, request.remote or HOST)


@asynccontextmanager
async def running(
    site: Site, *, port: int = 0, speed: float = 1.0, period_s: float | None = None
) -> AsyncIterator[Server]:
    """Serve *site* on *port* (0: any free one) for the time of the context. Raises what made its clock fail.

    *period_s* is the clock's: how far apart the moments may be at which the world moves while nobody asks anything.
    """
    server = Server(site, Clock(site.world.scheduler, speed, period_s))
    runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=FAREWELL_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        server.port = runner.addresses[0][1]
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await runner.cleanup()
