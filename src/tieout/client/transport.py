"""HTTP as values, and a carrier of them over the network: no retry, no redirect, no proxy but the one given.

What a failure means for a write depends on one thing, whether anything had been sent; the carrier says it exactly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import httpx

from tieout.client.quiet import hush


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. The repr shows neither headers nor body nor address: all three may hold secrets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer; header names are lower-case. The repr hides what it says (new API keys come this way)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The header, "" when it is missing."""
        return self.headers.get(name, "")

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class CarrierError(Exception):
    """No answer. `sent` is False only when it is certain that nothing of the request left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class Carrier(Protocol):
    """Takes a request to the venue and its answer back."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises CarrierError."""
        ...


@dataclass(frozen=True, slots=True)
class RawBody:
    """An answer as it came, before anything looks into it. `kind` is one of `venue.kinds.KINDS`."""

    kind: str
    body: bytes
    source: str
    origin: str


Recorder = Callable[[RawBody], Awaitable[None]]
"""Awaited with each body before it is parsed: the caller journals and books it. What it raises ends the call."""


async def no_recorder(_: RawBody) -> None:
    """For calls whose answers nobody keeps."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each phase; `total_s` ends an answer that trickles."""

    connect_s: float = 5.0
    write_s: float = 5.0
    read_s: float = 10.0
    pool_s: float = 5.0
    total_s: float = 30.0


BODY_MAX = 64 * 1024 * 1024
"""Bytes of one answer, decompressed."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class HttpCarrier:
    """The network, by httpx. Use as a context, or call `close`."""

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        http2: bool = False,
        connections_max: int = 64,
        idle_s: float = 20.0,
        body_max: int = BODY_MAX,
    ) -> None:
        hush()
        self._timeouts = timeouts or Timeouts()
        self._body_max = body_max
        limits = httpx.Limits(
            max_connections=connections_max, max_keepalive_connections=connections_max, keepalive_expiry=idle_s
        )
        times = self._timeouts
        self._client = httpx.AsyncClient(
            http2=http2,
            proxy=proxy,
            trust_env=False,
            follow_redirects=False,
            limits=limits,
            timeout=httpx.Timeout(connect=times.connect_s, write=times.write_s, read=times.read_s, pool=times.pool_s),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises CarrierError."""
        left = _Departure()
        try:
            async with asyncio.timeout(self._timeouts.total_s):
                return await self._exchange(request, left)
        except TimeoutError:
            reason = f"no complete answer within {self._timeouts.total_s:g} s"
            raise CarrierError(reason, sent=left.begun) from None
        except _NEVER_SENT as error:
            raise CarrierError(_reason(error), sent=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise CarrierError(_reason(error), sent=left.begun) from None

    async def _exchange(self, request: HttpRequest, left: _Departure) -> HttpResponse:
        async with self._client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body or None,
            extensions={"trace": left.notice},
        ) as answer:
            pieces: list[bytes] = []
            size = 0
            async for piece in answer.aiter_bytes():
                size += len(piece)
                if size > self._body_max:
                    raise CarrierError(f"the answer has more than {self._body_max} bytes", sent=True)
                pieces.append(piece)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return HttpResponse(answer.status_code, headers, b"".join(pieces))


class _Departure:
    """Notices when the first byte of a request may have left (httpcore's trace extension)."""

    def __init__(self) -> None:
        self.begun = False

    async def notice(self, event: str, _: Mapping[str, Any]) -> None:
        """One event of the connection, as in "http11.send_request_headers.started"."""
        if event.endswith(".send_request_headers.started"):
            self.begun = True


def _reason(error: Exception) -> str:
    """The kind of failure; its text may name addresses with keys in them, so it stays out."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in type(error).__name__)
    return words.strip()
