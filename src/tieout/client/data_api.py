"""The Data API: positions, activity and trades of a wallet, with every default that hides rows turned off.

v1 pages by offset and never says where the end is: only an empty page ends it, and an offset beyond 10,000 is not
served. v2 pages by cursor. `polymarket.md` 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from tieout.client.data_rows import EventRow, PositionRow, closed_row, event_row, position_row
from tieout.client.pages import Listing, Page, as_list, as_row, read_rows, walk
from tieout.client.service import Call, Service
from tieout.venue.wire import Row

T = TypeVar("T")

PAGE_V1, PAGE_V2 = 500, 1_000
CLOSED_PAGE_V1 = 50
OFFSET_MAX = 10_000
"""The deepest offset that v1 serves."""

_V1: Mapping[str, Mapping[str, str]] = {
    "positions": {"sizeThreshold": "0", "includeArchived": "true"},
    "activity": {},
    "trades": {"takerOnly": "false"},
}
_V2: Mapping[str, Mapping[str, str]] = {
    "positions": {"filter_type": "TOKENS", "filter_amount": "0", "include_archived": "true"},
    "activity": {"exclude_deposits_withdrawals": "false", "start": "1"},
    "trades": {"taker_only": "false", "start": "1"},
}
_HELD = ("OPEN", "REDEEMABLE", "REDEEMABLE_LOST")
"""Statuses of v2 under which shares are still in the wallet (`polymarket-client` 0.14.0, models/data/common.py)."""

_GROUPS = {
    "positions": "data_api.positions",
    "closed-positions": "data_api.positions",
    "activity": "data_api",
    "trades": "data_api.trades",
}
_KINDS = {"positions": "position", "activity": "activity", "trades": "data_trade"}
"""What the journal keeps; closed positions state nothing that is held."""


class DataApi:
    """Rows of one wallet. Each call raises VenueError."""

    def __init__(self, service: Service, version: Literal["v1", "v2"] = "v2") -> None:
        self._service = service
        self._version = version

    @property
    def position_step(self) -> int:
        """Micro-shares to whose multiples positions are cut: v1 tells them with four decimals."""
        return 100 if self._version == "v1" else 1

    async def positions(self, wallet: str) -> Listing[PositionRow]:
        """Every position held, however small, also of resolved markets.

        v1 lists them together; v2 has a list for each status, and a position may be in several.
        """
        if self._version == "v1":
            return await self._listing("positions", wallet, position_row, {})
        parts = [await self._listing("positions", wallet, position_row, {"status": status}) for status in _HELD]
        rows = {row.token_id: row for part in parts for row in part.rows}
        return Listing(
            tuple(rows.values()),
            tuple(bad for part in parts for bad in part.bad_rows),
            sum(part.pages for part in parts),
            next((part.flaw for part in parts if part.flaw), ""),
        )

    async def closed(self, wallet: str) -> Listing[PositionRow]:
        """Every position that was bought once and of which nothing is held any more."""
        if self._version == "v2":
            return await self._listing("positions", wallet, position_row, {"status": "CLOSED"})
        query, seen = {"user": wallet, "limit": str(CLOSED_PAGE_V1)}, set[bytes]()
        return await walk(lambda offset: self._by_offset("closed-positions", query, offset, closed_row, seen))

    async def activity(self, wallet: str, *, since_s: int = 0) -> Listing[EventRow]:
        """Trades, splits, merges, redemptions, rewards, deposits and the rest, from *since_s* (unix s) on."""
        return await self._listing("activity", wallet, event_row, {"start": str(since_s)} if since_s else {})

    async def earliest(self, wallet: str) -> EventRow | None:
        """The oldest row of the wallet's activity; None when there is none."""
        if self._version == "v1":
            query = {"user": wallet, "limit": "1", "sortBy": "TIMESTAMP", "sortDirection": "ASC"}
            page = await self._by_offset("activity", query, "", event_row, set())
        else:
            query = {"user": wallet, "limit": "1", **_V2["activity"], "sort_direction": "ASC"}
            page = await self._by_cursor("activity", query, "", event_row)
        return page.rows[0] if page.rows else None

    async def trades(self, wallet: str, *, since_s: int = 0) -> Listing[EventRow]:
        """Trades in either role, from *since_s* (unix s) on."""
        return await self._listing("trades", wallet, event_row, {"start": str(since_s)} if since_s else {})

    async def _listing(
        self, what: str, wallet: str, read: Callable[[Row], T], narrowed: Mapping[str, str]
    ) -> Listing[T]:
        if self._version == "v2":
            query = {"user": wallet, "limit": str(PAGE_V2), **_V2[what], **narrowed}
            return await walk(lambda cursor: self._by_cursor(what, query, cursor, read))
        query = {"user": wallet, "limit": str(PAGE_V1), **_V1[what], **narrowed}
        seen: set[bytes] = set()
        return await walk(lambda offset: self._by_offset(what, query, offset, read, seen))

    async def _by_cursor(self, what: str, query: Mapping[str, str], cursor: str, read: Callable[[Row], T]) -> Page[T]:
        full = {**query, "cursor": cursor} if cursor else query
        call = Call("GET", f"/v2/{what}", _GROUPS[what], kind=_KINDS[what], query=full)
        return await self._service.ask(call, lambda value: v2_page(value, read))

    async def _by_offset(
        self, what: str, query: Mapping[str, str], cursor: str, read: Callable[[Row], T], seen: set[bytes]
    ) -> Page[T]:
        """The page at an offset. What it names next is the offset behind the rows that came, not behind the limit."""
        offset = int(cursor or 0)
        if offset > OFFSET_MAX:
            return Page((), flaw=f"rows beyond offset {OFFSET_MAX} are not served")
        full = {**query, "offset": str(offset)}
        call = Call("GET", f"/{what}", _GROUPS[what], kind=_KINDS.get(what, ""), query=full)
        response = await self._service.send(call)
        data = self._service.read(call, response, lambda value: as_list(value, "rows"))
        if not data:
            return Page(())
        if response.body in seen:
            return Page((), flaw=f"the page at offset {offset} repeats an earlier one")
        seen.add(response.body)
        rows, bad = read_rows(data, read)
        return Page(rows, bad, str(offset + len(data)))


def v2_page(value: Any, read: Callable[[Row], T]) -> Page[T]:
    """`{data, pagination: {has_more, next_cursor}}`. Raises WireError."""
    envelope = as_row(value, "page")
    rows, bad = read_rows(as_list(envelope.get("data"), "data"), read)
    pagination = as_row(envelope.get("pagination") or {}, "pagination")
    cursor, more = pagination.get("next_cursor"), pagination.get("has_more")
    found = cursor if type(cursor) is str else ""
    flaw = "" if type(more) is bool and more == bool(found) else "the page does not say whether it is the last"
    return Page(rows, bad, found, flaw)
