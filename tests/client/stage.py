"""Real servers on loopback that answer what a test says, a clock that a test moves, and a recorder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tieout.client.clob import Clob, Desk
from tieout.client.endpoints import Endpoints
from tieout.client.keys import Credentials, PrivateKey
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.signer_limits import SignerLimiter
from tieout.client.transport import Carrier, HttpCarrier, RawBody, Timeouts

START_MS = 1_795_000_000_000
KEY = PrivateKey("0x" + "a1" * 32)
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
CREDENTIALS = Credentials("00000000-0000-0000-0000-000000000001", SECRET, "planted-passphrase")


class Clock:
    """Stands still until moved; whoever sleeps is woken in order of time. With `jumps` a sleep moves it itself."""

    def __init__(self, *, jumps: bool = False) -> None:
        self.ms = START_MS
        self.slept: list[int] = []
        self._jumps = jumps
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now_ms(self) -> int:
        return self.ms

    async def sleep(self, ms: int) -> None:
        self.slept.append(ms)
        if self._jumps:
            self.ms += ms
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.ms + ms, woken))
        self._changed.set()
        await woken

    async def advance(self, ms: int, *, sleepers: int = 1) -> None:
        """Wait until so many sleep, then let *ms* pass at once."""
        while sum(not woken.done() for _, woken in self._sleepers) < sleepers:
            self._changed.clear()
            await self._changed.wait()
        self.ms += ms
        due = sorted((entry for entry in self._sleepers if entry[0] <= self.ms), key=lambda entry: entry[0])
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self.ms]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Says:
    """An answer. `cut` is how many bytes of the body are sent before the connection is aborted."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


CUT = Says(cut=-1)
"""The connection ends after the request was read, without a word."""

Answer = Callable[[Asked], Says | Awaitable[Says]]


class Site:
    """An HTTP/1.1 server written out, because real ones do not misbehave."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Answer = lambda _: Says(404, {"error": "not found"})
        self.tasks: set[asyncio.Task[None] | None] = set()
        self.writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    def script(self, *says: Says) -> None:
        """Answer with each in turn; the last one from then on."""
        left = list(says)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        self.writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path, _, query = target.partition("?")
        self.asked.append(Asked(method, path, dict(parse_qsl(query)), headers, body))
        said = self.answer(self.asked[-1])
        says = said if isinstance(said, Says) else await said
        if says.cut == -1:
            writer.transport.abort()
            return False
        lines = [f"HTTP/1.1 {says.status} X", f"Content-Length: {len(says.bytes)}"]
        lines += [f"{name}: {value}" for name, value in says.headers.items()]
        sent = says.bytes if says.cut is None else says.bytes[: says.cut]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + sent)
        await writer.drain()
        if says.cut is not None:
            writer.transport.abort()
        return says.cut is None


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.close()
        for writer in site.writers:
            writer.close()
        await asyncio.gather(*site.tasks, return_exceptions=True)


@dataclass
class Client:
    """The client under test, looking at one site."""

    site: Site
    clock: Clock
    net: Net
    endpoints: Endpoints
    clob: Clob
    desk: Desk
    recorded: list[RawBody]

    def kinds(self) -> list[str]:
        return [raw.kind for raw in self.recorded]


def desk_of(net: Net, endpoints: Endpoints) -> Desk:
    return Desk.of(net, endpoints, CREDENTIALS, KEY.address, SignerLimiter(net.clock))


@asynccontextmanager
async def visiting(*, timeouts: Timeouts | None = None, carrier: Carrier | None = None) -> AsyncIterator[Client]:
    """A site and a client of it."""
    recorded: list[RawBody] = []

    async def record(raw: RawBody) -> None:
        recorded.append(raw)

    async with serving() as site, HttpCarrier(timeouts=timeouts) as own:
        clock = Clock(jumps=True)
        net = Net(carrier or own, clock, Limiter(clock), record)
        endpoints = Endpoints.of(site.url)
        yield Client(site, clock, net, endpoints, Clob.of(net, endpoints, KEY.scrub), desk_of(net, endpoints), recorded)


def page(rows: Sequence[Any], next_cursor: str = "LTE=", **more: Any) -> Says:
    return Says(body={"limit": 100, "count": len(rows), "next_cursor": next_cursor, "data": list(rows), **more})
