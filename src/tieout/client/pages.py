"""Listings that come in pages: every row on its own, and whether the whole of it was seen.

A malformed row is counted and its page kept. A listing is complete only when the venue said that it ends, no page was
short of its own count, and no row was unreadable: the missing order might be that row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tieout.client.errors import ErrorKind, VenueError
from tieout.venue.wire import Row, WireError, shown

T = TypeVar("T")

PAGES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that says nothing usable: its place in the page, and what was wrong."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `next` is where the following one begins, "" after the last; `flaw` says why it may not be whole."""

    rows: tuple[T, ...]
    bad_rows: tuple[BadRow, ...] = ()
    next: str = ""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """All pages together. `flaw` says why the listing is not complete, "" when it is.

    More than one page is more than one moment: rows may have moved between pages while they were read.
    """

    rows: tuple[T, ...]
    bad_rows: tuple[BadRow, ...]
    pages: int
    flaw: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether a row that is not here was not there."""
        return not self.flaw and not self.bad_rows


def as_row(value: Any, name: str = "row") -> Row:
    """*value*, an object. Raises WireError when it is none."""
    if type(value) is not dict:
        raise WireError(f"{name}: expected an object, was {shown(value)}")
    return value


def as_list(value: Any, name: str) -> list[Any]:
    """*value*, a list. Raises WireError when it is none."""
    if type(value) is not list:
        raise WireError(f"{name}: expected a list, was {shown(value)}")
    return value


def read_rows(rows: Iterable[Any], read: Callable[[Row], T]) -> tuple[tuple[T, ...], tuple[BadRow, ...]]:
    """Each of *rows* through *read*; those that raise WireError, or are no objects, as bad rows."""
    good: list[T] = []
    bad: list[BadRow] = []
    for index, row in enumerate(rows):
        try:
            good.append(read(as_row(row)))
        except WireError as error:
            bad.append(BadRow(index, str(error)))
    return tuple(good), tuple(bad)


async def walk(
    fetch: Callable[[str], Awaitable[Page[T]]], *, start: str = "", pages_max: int = PAGES_MAX
) -> Listing[T]:
    """Pages from *start* until the venue says it was the last, a cursor comes back, or *pages_max* were read.

    A cursor that the venue refuses for good, its own, ends the listing, too: what came before it stands. Raises
    VenueError for anything else.
    """
    rows: list[T] = []
    bad: list[BadRow] = []
    cursor, seen, flaw, count = start, {start}, "", 0
    while True:
        try:
            page = await fetch(cursor)
        except VenueError as error:
            if cursor == start or error.kind is not ErrorKind.PERMANENT:
                raise
            flaw = flaw or f"after {count} pages the venue refused its own cursor: {error}"
            break
        count += 1
        rows += page.rows
        bad += page.bad_rows
        flaw = flaw or page.flaw
        cursor = page.next
        if not cursor:
            break
        if cursor in seen:
            flaw = flaw or f"cursor {shown(cursor)} came a second time after {count} pages"
            break
        if count >= pages_max:
            flaw = flaw or f"no end after {count} pages"
            break
        seen.add(cursor)
    return Listing(tuple(rows), tuple(bad), count, flaw)
