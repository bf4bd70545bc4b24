"""Parameters of the Data API, its two kinds of pages, and its two forms of an error.

v1 answers `{"error"}`; v2 adds `code`, `retryable`, `trace_id` and often `parameter`. Texts were read live by others:
polyoxide (2026-09-14) and several scrapers of 2026 ("max historical trades offset of 10000 exceeded").
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from tieout.sim.engine.amounts import ONE
from tieout.sim.rng import Stream
from tieout.sim.wire.http import HttpError, Request, error_reply, json_reply

T = TypeVar("T")

MAX_OFFSET = 10_000
MAX_PAGE_V1 = 500
MAX_PAGE_V2 = 1000
DEFAULT_PAGE = 100

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NO_USER = "required query param 'user' not provided"

Refuse = Callable[[str, str], HttpError]
"""Makes the error for a message and the parameter it is about ("" for none)."""


def refuse_v1(message: str, _parameter: str = "") -> HttpError:
    """The error of an unversioned path."""
    return HttpError(error_reply(400, message))


class RefuseV2:
    """Makes the errors of v2 paths; every one has a trace id of its own."""

    def __init__(self, traces: Stream) -> None:
        self._traces = traces

    def __call__(self, message: str, parameter: str = "") -> HttpError:
        """The error about *parameter*."""
        body = {"error": message, "code": "invalid_request", "retryable": False}
        about = {"parameter": parameter} if parameter else {}
        return HttpError(json_reply({**body, **about, "trace_id": f"{self._traces.getrandbits(128):032x}"}, 400))


def user(request: Request, refuse: Refuse) -> str:
    """The wallet asked about, in lower case; one that is no address counts as missing."""
    found = optional_user(request)
    if not found:
        raise refuse(_NO_USER, "user")
    return found


def optional_user(request: Request) -> str:
    """The wallet asked about, "" when there is none."""
    value = request.query.get("user", "")
    return value.lower() if _ADDRESS.fullmatch(value) else ""


def listed(request: Request, name: str) -> list[str]:
    """A list joined by commas, in lower case."""
    return [value.strip().lower() for value in request.query.get(name, "").split(",") if value.strip()]


def conditions(request: Request, *names: str) -> set[str]:
    """Condition ids of any of the parameters; a Protocol V2 id of 31 bytes gets its last byte back."""
    found = [value for name in names for value in listed(request, name)]
    return {value + "00" if len(value) == 64 else value for value in found}


def whole(request: Request, name: str, default: int, refuse: Refuse) -> int:
    """A whole number of 0 or more."""
    value = request.query.get(name, "")
    if not value:
        return default
    if not value.isdecimal() or len(value) > 18:
        raise refuse(f"invalid query param '{name}'", name)
    return int(value)


def micro(request: Request, name: str, default: int, refuse: Refuse) -> int:
    """A decimal number of 0 or more, in micro-units."""
    value = request.query.get(name, "")
    if not value:
        return default
    try:
        found = round(float(value) * ONE)
    except (ValueError, OverflowError) as error:
        raise refuse(f"invalid query param '{name}'", name) from error
    if found < 0:
        raise refuse(f"invalid query param '{name}'", name)
    return found


def yes(request: Request, name: str, *, default: bool = False) -> bool:
    """A yes or no."""
    value = request.query.get(name, "").lower()
    return default if value == "" else value in ("true", "1")


def choice(request: Request, name: str, choices: Iterable[str], default: str, refuse: Refuse) -> str:
    """One word of several."""
    value = request.query.get(name, "") or default
    if value not in choices:
        raise refuse(f"invalid query param '{name}'", name)
    return value


def page_v1(request: Request, items: Sequence[T], what: str, *, largest: int = MAX_PAGE_V1) -> Sequence[T]:
    """The items at `offset`, at most `limit` of them; the limit is cut, an offset too deep is refused."""
    offset = whole(request, "offset", 0, refuse_v1)
    if offset > MAX_OFFSET:
        raise refuse_v1(f"max historical {what} offset of {MAX_OFFSET} exceeded")
    limit = min(whole(request, "limit", DEFAULT_PAGE, refuse_v1), largest)
    return items[offset : offset + limit]


class Page(NamedTuple):
    """A page of v2: its items and its `pagination`."""

    items: Sequence[Any]
    pagination: dict[str, Any]


class _Cursor(NamedTuple):
    """Where a walk is: the limit it began with, what it has shown, and the key of the last item shown."""

    limit: int
    shown: int
    key: tuple[int, ...]


def page_v2(
    request: Request,
    items: Iterable[T],
    key: Callable[[T], tuple[int, ...]],
    refuse: Refuse,
    *,
    largest: int = MAX_PAGE_V2,
) -> Page:
    """The next page by ascending *key*, which tells all items apart. `limit` is ignored beside a cursor.

    A limit above *largest* is refused, not cut (read live by others on 2026-09-25).
    """
    if "offset" in request.query:
        raise refuse("offset is not supported, use cursor", "offset")
    limit = whole(request, "limit", DEFAULT_PAGE, refuse)
    if not 1 <= limit <= largest:
        raise refuse(f"limit must be between 1 and {largest}", "limit")
    ordered, shown = sorted(items, key=key), 0
    if text := request.query.get("cursor"):
        cursor = _read_cursor(text, refuse)
        limit, shown = cursor.limit, cursor.shown
        ordered = [item for item in ordered if key(item) > cursor.key]
    page, more = ordered[:limit], len(ordered) > limit
    after = _Cursor(limit, shown + len(page), key(page[-1])) if more else None
    following = base64.urlsafe_b64encode(msgspec.json.encode(after)).decode() if after else None
    return Page(page, {"limit": limit, "offset": shown, "has_more": more, "next_cursor": following})


def _read_cursor(text: str, refuse: Refuse) -> _Cursor:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise refuse("invalid cursor", "cursor") from error
