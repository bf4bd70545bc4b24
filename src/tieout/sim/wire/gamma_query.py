"""Gamma's lists: filters by name, an order of several fields, pages by offset or by a cursor behind the last row.

Words and limits of refusals: read live by others in 2026 (polyoxide SPEC_DEVIATIONS 2026-10-02: `order` takes the
camelCase names, offsets above 2000 are refused; 422 "order fields are not valid", "id is invalid").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from tieout.sim.wire.http import HttpError, Request, json_reply

MAX_OFFSET = 2000
MAX_KEYSET_PAGE = 100
MAX_PAGE = 500
DEFAULT_PAGE = 20

T = TypeVar("T")
Key = Callable[[T], int]
Filter = Callable[[T, Sequence[str]], bool]
"""Whether an item passes the values given for a name; several count as "one of"."""


def invalid(message: str) -> HttpError:
    """Gamma's form of a bad request."""
    return HttpError(json_reply({"type": "validation error", "error": message}, 422))


def absent(message: str) -> HttpError:
    """Gamma's form of a missing thing."""
    return HttpError(json_reply({"type": "not found error", "error": message}, 404))


def values(request: Request, name: str) -> list[str]:
    """The values of a parameter that may be given several times; they come joined by commas."""
    return [value for value in request.query.get(name, "").split(",") if value]


def boolean(request: Request, name: str) -> bool | None:
    """A yes or no; None when absent."""
    value = request.query.get(name)
    if value is None or value == "":
        return None
    if value.lower() not in ("true", "false", "1", "0"):
        raise invalid("invalid boolean")
    return value.lower() in ("true", "1")


def whole(request: Request, name: str, default: int) -> int:
    """A whole number of 0 or more."""
    value = request.query.get(name)
    if not value:
        return default
    if not value.isdecimal():
        raise invalid("invalid integer")
    return int(value)


NAMING = frozenset(("id", "slug", "condition_ids", "question_ids", "clob_token_ids", "position_ids"))
"""Filters that name what they want."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """How one kind of thing is listed. Every item has its own `number`, which ends every order."""

    path: str
    number: Key[T]
    filters: Mapping[str, Filter[T]]
    orders: Mapping[str, Key[T]]
    closed: Callable[[T], bool]

    def found(self, request: Request, items: Iterable[T]) -> list[T]:
        """The items that pass the filters, in order.

        Only open ones unless `closed` is given (since 2026-04-09), only those on the CTF unless `version` is given or
        something is asked for by name (SDK 0.14.0, `list_markets`).
        """
        closed = boolean(request, "closed") or False
        asked = {name: given for name in self.filters if (given := values(request, name))}
        if not NAMING & asked.keys():
            asked.setdefault("version", ["v1"])
        tests = [(self.filters[name], given) for name, given in asked.items()]
        kept = [item for item in items if self.closed(item) == closed and all(test(item, by) for test, by in tests)]
        return sorted(kept, key=self._key(request))

    def by_offset(self, request: Request, items: Iterable[T]) -> list[T]:
        """One page by `limit` and `offset`."""
        offset = whole(request, "offset", 0)
        if offset > MAX_OFFSET:
            raise invalid(f"offset too large, use {self.path}/keyset for deeper pagination")
        limit = min(whole(request, "limit", DEFAULT_PAGE), MAX_PAGE)
        return self.found(request, items)[offset : offset + limit]

    def by_cursor(self, request: Request, items: Iterable[T]) -> tuple[list[T], str | None]:
        """One page behind `after_cursor`, and the cursor behind it; None at the end. New items disturb no walk."""
        if "offset" in request.query:
            raise invalid("offset is not supported, use after_cursor")
        key = self._key(request)
        found = self.found(request, items)
        if cursor := request.query.get("after_cursor"):
            after = _read_cursor(cursor, len(self._fields(request)) + 1)
            found = [item for item in found if key(item) > after]
        limit = max(min(whole(request, "limit", DEFAULT_PAGE), MAX_KEYSET_PAGE), 1)
        page = found[:limit]
        return page, _cursor(key(page[-1])) if len(found) > limit else None

    def _fields(self, request: Request) -> list[str]:
        return [name.strip() for name in values(request, "order")]

    def _key(self, request: Request) -> Callable[[T], tuple[int, ...]]:
        fields = self._fields(request)
        if any(name not in self.orders for name in fields):
            raise invalid("order fields are not valid")
        sign = -1 if boolean(request, "ascending") is False else 1
        keys = [*(self.orders[name] for name in fields), self.number]
        return lambda item: tuple(sign * key(item) for key in keys)


def _cursor(key: tuple[int, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _read_cursor(cursor: str, length: int) -> tuple[int, ...]:
    try:
        key: Any = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[int, ...])
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise invalid("invalid cursor") from error
    if len(key) != length:
        raise invalid("invalid cursor")
    return tuple(key)
