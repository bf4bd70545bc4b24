"""Who may ask: what is checked of a request before anything of it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from tieout.web.api.problems import PREFIX, ApiError, Misread, problem
from tieout.web.house import address_of, house_of
from tieout.web.pages.visit import session_of
from tieout.web.sessions import TooManyTriesError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

CHALLENGE = 'Bearer realm="tieout"'
TOKEN_MAX = 500
"""Characters of a token that is looked at."""


def may_read(request: Request) -> None:
    """As of the pages: everybody on this machine, and beyond it whoever has the token or a session. Raises ApiError."""
    if not house_of(request).settings.is_local and session_of(request) is None:
        _require_token(request)


def may_act(request: Request) -> None:
    """Only by the token itself: a cookie is sent by a browser whoever asks for it. Raises ApiError."""
    if not house_of(request).sessions.can_act:
        raise ApiError(
            403,
            "this desk was started without a token: nobody can act; "
            "`tieout desk --token-file FILE` or TIEOUT_DESK_TOKEN gives it one",
        )
    _require_token(request)


def _require_token(request: Request) -> None:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not told.strip():
        raise ApiError(
            401, "expected the desk's token as `Authorization: Bearer TOKEN`", {"www-authenticate": CHALLENGE}
        )
    # A header is bytes, told as Latin-1; a token is text.
    token = told.strip()[:TOKEN_MAX].encode("latin-1").decode("utf-8", "replace")
    try:
        right = house_of(request).sessions.is_token(token, address_of(request))
    except TooManyTriesError as error:
        raise ApiError(429, str(error), {"retry-after": str(-(-error.wait_ms // 1_000))}) from error
    if not right:
        raise ApiError(401, "that is not the token", {"www-authenticate": f'{CHALLENGE}, error="invalid_token"'})


def unknown_of(request: Request, known: dict[str, bool]) -> list[Misread]:
    """Parameters that are not in *known*, by name with whether it may come more than once, or come twice."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    names = ", ".join(sorted(known)) or "none"
    found = [
        Misread(where="query", name=name[:80], what=f"unknown; known: {names}") for name in times if name not in known
    ]
    found += [
        Misread(where="query", name=name, what="expected once")
        for name, number in times.items()
        if number > 1 and known.get(name) is False
    ]
    return found


class _Checked(APIRoute):
    """A route that answers only what it knows. The parameters it knows are those of the OpenAPI document."""

    def get_route_handler(self) -> Handler:
        """The handler with its checks, which come before the body is read."""
        inner = super().get_route_handler()

        async def checked(request: Request) -> Response:
            self.admit(request)
            unknown = unknown_of(request, request.app.state.api_parameters.get((request.method, self.path_format), {}))
            if unknown:
                return problem(400, "; ".join(f"{each.name}: {each.what}" for each in unknown), misread=unknown)
            return await inner(request)

        return checked

    def admit(self, request: Request) -> None:
        """Let *request* in. Raises ApiError."""
        raise NotImplementedError


class Reading(_Checked):
    """Something to read."""

    def admit(self, request: Request) -> None:
        """Whoever may read."""
        may_read(request)


class Acting(_Checked):
    """Something to do."""

    def admit(self, request: Request) -> None:
        """Whoever has the token."""
        may_act(request)


class Open(_Checked):
    """For everybody who can reach the desk."""

    def admit(self, request: Request) -> None:
        """Everybody."""


def router(tag: str, route_class: type[APIRoute], prefix: str = "/wallets/{wallet}") -> APIRouter:
    """An empty router of the interface."""
    return APIRouter(prefix=PREFIX + prefix, tags=[tag], route_class=route_class)
