"""HTTP to the simulated venue without a network: the client's request becomes the value that the services take.

Status, headers and body are those that would have come over a connection, but for `date` and `server`, which aiohttp
adds. So are the errors: what the gate does to an answer means the same here. There is no pool, so connections never
run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from tieout.client.transport import BODY_MAX, CarrierError, HttpRequest, HttpResponse, Timeouts
from tieout.sim.serve.clock import Clock
from tieout.sim.wire.http import Delivery, Reply, Request, joined

ADDRESS = "127.0.0.1"
"""Whoever asks, for the limits by address."""

Turns = Callable[[], int]
"""How many turns of the event loop something takes on its way: what else runs meanwhile is a matter of chance."""

NO_ANSWER = "remote protocol error"
"""What httpx calls it when a connection ends before its answer is whole."""


class MemoryHttp:
    """A carrier to the venue at *base* (scheme and host)."""

    def __init__(
        self,
        base: str,
        deliver: Callable[[Request], Delivery],
        clock: Clock,
        turns: Turns,
        is_up: Callable[[], bool],
        *,
        timeouts: Timeouts | None = None,
        body_max: int = BODY_MAX,
    ) -> None:
        self._base = base
        self._deliver = deliver
        self._clock = clock
        self._turns = turns
        self._is_up = is_up
        self._timeouts = timeouts or Timeouts()
        self._body_max = body_max

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises CarrierError."""
        value = to_request(request, self._base)
        await passing(self._turns())
        if value is None or not self._is_up():
            raise CarrierError("connect error", sent=False)
        self._clock.sync()
        delivery = self._deliver(value)
        if delivery.delay_ms:
            await self._wait(delivery.delay_ms)
        await passing(self._turns())
        return self._answer(delivery.reply)

    async def _wait(self, delay_ms: int) -> None:
        """The client waits for its first byte no longer than it may. Raises CarrierError."""
        times = self._timeouts
        try:
            async with asyncio.timeout(min(times.read_s, times.total_s)):
                await self._clock.wait(delay_ms)
        except TimeoutError:
            late = "read timeout" if times.read_s <= times.total_s else f"no complete answer within {times.total_s:g} s"
            raise CarrierError(late, sent=True) from None

    def _answer(self, reply: Reply | None) -> HttpResponse:
        if reply is None:
            raise CarrierError(NO_ANSWER, sent=True)
        size = str(len(reply.body))
        headers = {"content-type": "application/octet-stream", "content-length": size, **reply.headers}
        if headers["content-length"] != size:
            raise CarrierError(NO_ANSWER, sent=True)
        if len(reply.body) > self._body_max:
            raise CarrierError(f"the answer has more than {self._body_max} bytes", sent=True)
        return HttpResponse(reply.status, headers, reply.body)


def to_request(request: HttpRequest, base: str) -> Request | None:
    """The request as a value; None when it is for somebody else than the venue at *base*."""
    url = urlsplit(request.url)
    if f"{url.scheme}://{url.netloc}" != base:
        return None
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["host"] = url.netloc
    if request.body:
        headers["content-length"] = str(len(request.body))
    query = joined(parse_qsl(url.query, keep_blank_values=True))
    return Request(request.method, unquote(url.path) or "/", query, headers, request.body, ADDRESS)


async def passing(turns: int) -> None:
    """Let so many turns of the event loop pass."""
    for _ in range(turns):
        await asyncio.sleep(0)
