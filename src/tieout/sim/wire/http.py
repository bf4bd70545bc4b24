"""Requests and replies as values, and a router: the wire of the simulated venue without any network.

A server turns sockets into these and back; a simulation hands them over in memory. Handlers are plain functions of a
request; nothing here waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower-case; `query` joins repeated names with commas."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    ip: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of an answer on its way: *reply* None means that the connection ends without one."""

    reply: Reply | None
    delay_ms: int = 0


Handler = Callable[[Request, Mapping[str, str]], Reply]
"""Called with the request and the values of the `{names}` in its route."""


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The names and values of a query as a `Request` has them."""
    query: dict[str, str] = {}
    for name, value in pairs:
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """*value* as a JSON answer."""
    kept = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return Reply(status, msgspec.json.encode(value), kept)


def error_reply(status: int, message: str) -> Reply:
    """The CLOB's form of an error."""
    return json_reply({"error": message}, status)


class HttpError(Exception):
    """Raised by a handler: the request ends with this answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Router:
    """Finds the handler of a path. Routes look like `/data/order/{id}`."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, route: str, handler: Handler) -> None:
        """Serve *route* with *handler*."""
        if "{" not in route:
            self._fixed[method, route] = handler
            return
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route))
        self._patterns.append((method, pattern, handler))

    def handle(self, request: Request) -> Reply:
        """The answer to *request*; 404 and 405 in the CLOB's form."""
        path = request.path.rstrip("/") or "/"
        try:
            if handler := self._fixed.get((request.method, path)):
                return handler(request, {})
            for method, pattern, handler in self._patterns:
                if method == request.method and (match := pattern.fullmatch(path)):
                    return handler(request, match.groupdict())
        except HttpError as error:
            return error.reply
        known = any(fixed == path for _, fixed in self._fixed) or any(p.fullmatch(path) for _, p, _ in self._patterns)
        return error_reply(405, "method not allowed") if known else error_reply(404, "not found")
