"""Gamma: the description of markets, by keyset pages (`polymarket.md` 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tieout.client.markets import MarketInfo, gamma_market
from tieout.client.pages import Listing, Page, as_list, as_row, read_rows, walk
from tieout.client.service import Call, Service

PAGE = 100
"""Rows of a page; the most since 2026-05-14."""


class Gamma:
    """Each call raises VenueError."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def markets(
        self, *, closed: bool = False, order: str = "", descending: bool = False, pages_max: int = 1_000
    ) -> Listing[MarketInfo]:
        """All markets, the open or the closed ones; *order* is a field of Gamma's, as in "endDate"."""
        query = {"limit": str(PAGE), "closed": "true" if closed else "false"}
        if order:
            query |= {"order": order, **({"ascending": "false"} if descending else {})}
        return await self._walk(query, pages_max)

    async def markets_of(self, condition_ids: Sequence[str], *, closed: bool = False) -> Listing[MarketInfo]:
        """The markets of up to PAGE conditions that are open, or closed: one call tells one of the two."""
        if not 0 < len(condition_ids) <= PAGE:
            raise ValueError(f"condition_ids: expected 1 to {PAGE}, was {len(condition_ids)}")
        query = {"limit": str(PAGE), "closed": "true" if closed else "false"}
        return await self._walk({**query, "condition_ids": ",".join(condition_ids)}, PAGE)

    async def market(self, market_id: str) -> MarketInfo:
        """One market by Gamma's own id."""
        path = f"/markets/{quote(market_id, safe='')}"
        call = Call("GET", path, "gamma.markets", kind="gamma_market")
        return await self._service.ask(call, lambda value: gamma_market(as_row(value, "market")))

    async def _walk(self, query: Mapping[str, str], pages_max: int) -> Listing[MarketInfo]:
        async def fetch(cursor: str) -> Page[MarketInfo]:
            full = {**query, "after_cursor": cursor} if cursor else query
            call = Call("GET", "/markets/keyset", "gamma.markets", kind="gamma_market", query=full)
            return await self._service.ask(call, _page)

        return await walk(fetch, pages_max=pages_max)


def _page(value: Any) -> Page[MarketInfo]:
    """`{"markets": [...], "next_cursor"}`; without a cursor it is the last page."""
    envelope = as_row(value, "page")
    rows, bad = read_rows(as_list(envelope.get("markets"), "markets"), gamma_market)
    cursor = envelope.get("next_cursor")
    return Page(rows, bad, cursor if type(cursor) is str else "")
