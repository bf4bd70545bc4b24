"""What the CLOB tells everybody: time, version, books, markets (`polymarket.md` 1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tieout.client.books import BookShown, book_shown
from tieout.client.markets import MarketInfo, clob_market, compact_market
from tieout.client.pages import Page, as_list, as_row, read_rows
from tieout.client.service import Call, Service
from tieout.venue import fields
from tieout.venue.wire import WireError, shown


class ClobPublic:
    """Calls without a key. Each raises VenueError."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def time_s(self) -> int:
        """The venue's clock, unix seconds."""
        return await self._service.ask(Call("GET", "/time", "clob"), _seconds)

    async def version(self) -> int:
        """The version of orders that the CLOB takes for CTF tokens; 2 since 2026-04-28."""
        return await self._service.ask(Call("GET", "/version", "clob"), _version)

    async def book(self, token_id: str) -> BookShown:
        """The book of one token."""
        call = Call("GET", "/book", "clob.book", kind="book", query={"token_id": token_id})
        return await self._service.ask(call, book_shown)

    async def books(self, token_ids: Sequence[str]) -> Page[BookShown]:
        """The books of several tokens; those without a book are missing, a malformed one is a bad row."""
        body = msgspec.json.encode([{"token_id": token_id} for token_id in token_ids])
        call = Call("POST", "/books", "clob.books", kind="book", body=body)
        return await self._service.ask(call, _books)

    async def market(self, condition_id: str) -> MarketInfo:
        """The long form."""
        call = Call("GET", f"/markets/{quote(condition_id, safe='')}", "clob", kind="clob_market")
        return await self._service.ask(call, clob_market)

    async def compact_market(self, condition_id: str) -> MarketInfo:
        """The compact form, which tells the fees."""
        path = f"/clob-markets/{quote(condition_id, safe='')}"
        return await self._service.ask(Call("GET", path, "clob", kind="clob_market_compact"), compact_market)

    async def condition_of(self, token_id: str) -> str:
        """The condition that a token is an outcome of."""
        call = Call("GET", f"/markets-by-token/{quote(token_id, safe='')}", "clob")
        return await self._service.ask(call, _condition)


def _seconds(value: Any) -> int:
    """A bare number of seconds, as text by some deployments."""
    return fields.whole({"time": value}, "time")


def _version(value: Any) -> int:
    row = value if type(value) is dict else {"version": value}
    found = fields.whole(row, "version")
    if found < 1:
        raise WireError(f"version: expected a number, was {shown(value)}")
    return found


def _books(value: Any) -> Page[BookShown]:
    return Page(*read_rows(as_list(value, "books"), book_shown))


def _condition(value: Any) -> str:
    return fields.condition(as_row(value), "condition_id")
