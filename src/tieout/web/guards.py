"""What is checked before any page: the name the desk was asked by, where a change comes from, what a browser may do.

Asked by a name it does not have, the desk answers nothing: a page of another site that points its own name at this
machine (DNS rebinding) reads nothing and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tieout.web.api.problems import is_api, problem

LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

BODY_MAX = 64_000
"""Bytes of a form."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""Nothing comes from anywhere else, nothing runs that is not one of our files, and nobody puts us into a frame."""


class Guards:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """*hosts*: names without ports that the desk answers to, beside those of this machine."""
        self._app = app
        self._hosts = frozenset((*LOCAL, *(host.lower() for host in hosts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _unreadable(scope) or self._refusal(scope["method"], headers)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    own[name] = value
                own.setdefault("cache-control", "no-store")
            await send(message)

        if refusal:
            status, words = refusal
            answer = problem(status, words) if is_api(scope["path"]) else PlainTextResponse(words + "\n", status)
            await answer(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return 421, "the desk has no such name here; `tieout desk --allow-host NAME` gives it one"
        if method in SAFE:
            return None
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "refused: the request comes from another site"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "refused: the request comes from another site"
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > BODY_MAX:
            return 413, f"refused: expected a body with its length, of at most {BODY_MAX} bytes"
        return None


def _unreadable(scope: Scope) -> tuple[int, str] | None:
    """No text of the database can hold a NUL, and no page has one in its address."""
    asked = scope["raw_path"] + b"?" + scope["query_string"]
    return (400, "refused: an address with a NUL in it") if b"%00" in asked or b"\0" in asked else None


def _name(host: str) -> str:
    """A host without its port."""
    return (host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host).lower()
