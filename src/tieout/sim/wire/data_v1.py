"""The Data API's unversioned paths: camelCase, plain arrays, pages by offset (`polymarket.md` 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.sim.engine.amounts import ONE
from tieout.sim.index.rows import Kind, Row
from tieout.sim.model import Market
from tieout.sim.wire.data_query import (
    choice,
    conditions,
    listed,
    micro,
    optional_user,
    page_v1,
    refuse_v1,
    user,
    whole,
    yes,
)
from tieout.sim.wire.data_shapes import Json, Stated, activity_v1, closed_v1, position_v1, trade_v1
from tieout.sim.wire.data_source import Source
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import number

SIZE_THRESHOLD = ONE
"""Smaller positions are hidden unless `sizeThreshold` says otherwise."""

MAX_TRADES_PAGE = 10_000
"""`/trades` takes limits up to here (read live by others in 2026)."""

V2_ONLY = frozenset((Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.MIGRATION))
"""Types of activity that the unversioned path does not know (`polymarket.md` 4.2)."""

SORTS: Mapping[str, Callable[[Stated], float | str]] = {
    "TOKENS": lambda stated: stated.holding.size,
    "CURRENT": lambda stated: stated.value,
    "INITIAL": lambda stated: stated.cost,
    "CASHPNL": lambda stated: stated.unrealized,
    "PERCENTPNL": lambda stated: stated.unrealized / stated.cost if stated.cost else 0.0,
    "TITLE": lambda stated: stated.place.market.question,
    "RESOLVING": lambda stated: stated.place.market.end_ms,
    "PRICE": lambda stated: stated.price,
    "AVGPRICE": lambda stated: stated.cost / stated.holding.size if stated.holding.size else 0.0,
}


class DataV1:
    """Answers for the unversioned paths."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def routes(self, router: Router) -> None:
        """Add the paths to *router*."""
        for path, handler in (
            ("/positions", self._positions),
            ("/closed-positions", self._closed),
            ("/activity", self._activity),
            ("/trades", self._trades),
            ("/value", self._value),
            ("/holders", self._holders),
            ("/oi", self._open_interest),
            ("/traded", self._traded),
        ):
            router.add("GET", path, handler)

    def _stated(self, request: Request) -> list[Stated]:
        wallet = user(request, refuse_v1)
        markets, events = conditions(request, "market"), set(listed(request, "eventId"))
        title = request.query.get("title", "").lower()
        return [
            stated
            for stated in self._source.stated(self._source.read().of(wallet))
            if (not markets or stated.place.market.condition_id in markets)
            and (not events or stated.place.market.event_id in events)
            and title in stated.place.market.question.lower()
        ]

    def _positions(self, request: Request, _names: Mapping[str, str]) -> Reply:
        threshold = micro(request, "sizeThreshold", SIZE_THRESHOLD, refuse_v1)
        kept = [
            stated
            for stated in self._stated(request)
            if stated.holding.size >= max(threshold, 1)
            and (not yes(request, "redeemable") or stated.redeemable)
            and (not yes(request, "mergeable") or stated.mergeable)
            and (not stated.archived or yes(request, "includeArchived"))
        ]
        sort = SORTS[choice(request, "sortBy", SORTS, "TOKENS", refuse_v1)]
        direction = choice(request, "sortDirection", ("ASC", "DESC"), "DESC", refuse_v1)
        kept.sort(key=lambda stated: stated.holding.serial)
        kept.sort(key=sort, reverse=direction == "DESC")
        return json_reply([position_v1(stated) for stated in page_v1(request, kept, "positions")])

    def _closed(self, request: Request, _names: Mapping[str, str]) -> Reply:
        kept = [stated for stated in self._stated(request) if stated.status == "CLOSED" and stated.holding.bought]
        kept.sort(key=lambda stated: (-stated.holding.realized, stated.holding.serial))
        return json_reply([closed_v1(stated) for stated in page_v1(request, kept, "positions", largest=50)])

    def _rows(self, request: Request, rows: list[Row]) -> list[Row]:
        """The newest first, those that pass the common filters."""
        markets, events = conditions(request, "market"), set(listed(request, "eventId"))
        side = request.query.get("side", "").upper()
        start = whole(request, "start", 0, refuse_v1)
        end = whole(request, "end", self._source.now_s, refuse_v1)
        kept = [
            row
            for row in rows
            if start <= row.at_s <= end
            and self._source.within(row, markets, events)
            and (not side or (row.side is not None and row.side.name == side))
        ]
        return kept[::-1]

    def _activity(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet, kinds = user(request, refuse_v1), {kind.upper() for kind in listed(request, "type")}
        kept = [
            row
            for row in self._rows(request, self._source.read().by_wallet.get(wallet, []))
            if row.kind not in V2_ONLY and (not kinds or row.kind in kinds)
        ]
        sort = choice(request, "sortBy", ("TIMESTAMP", "TOKENS", "CASH"), "TIMESTAMP", refuse_v1)
        if sort != "TIMESTAMP":
            kept.sort(key=lambda row: -(row.size if sort == "TOKENS" else row.usdc))
        if choice(request, "sortDirection", ("ASC", "DESC"), "DESC", refuse_v1) == "ASC":
            kept.reverse()
        return json_reply([self._activity_row(row) for row in page_v1(request, kept, "activity")])

    def _activity_row(self, row: Row) -> Json:
        return activity_v1(row, self._source.market(row.condition_id), labeled=self._source.labeled(row))

    def _trades(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """Makers' rows are hidden unless `takerOnly=false`."""
        wallet, seen = optional_user(request), self._source.read()
        least = micro(request, "filterAmount", 0, refuse_v1)
        by_cash = request.query.get("filterType", "").upper() == "CASH"
        taker_only = yes(request, "takerOnly", default=True)
        rows = seen.by_wallet.get(wallet, []) if wallet else seen.rows
        kept = [
            (row, market)
            for row in self._rows(request, rows)
            if (market := self._trade_market(row)) is not None
            and (row.taker or not taker_only)
            and (row.cash if by_cash else row.size) >= least
        ]
        page = page_v1(request, kept, "trades", largest=MAX_TRADES_PAGE)
        return json_reply([trade_v1(row, market, labeled=self._source.labeled(row)) for row, market in page])

    def _trade_market(self, row: Row) -> Market | None:
        return self._source.market(row.condition_id) if row.kind is Kind.TRADE else None

    def _value(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet = user(request, refuse_v1)
        return json_reply([{"user": wallet, "value": number(sum(stated.value for stated in self._stated(request)))}])

    def _traded(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet = user(request, refuse_v1)
        rows = self._source.read().by_wallet.get(wallet, [])
        traded = {row.condition_id for row in rows if row.kind is Kind.TRADE}
        return json_reply({"user": wallet, "traded": len(traded)})

    def _holders(self, request: Request, _names: Mapping[str, str]) -> Reply:
        markets = conditions(request, "market")
        if not markets:
            raise refuse_v1("required query param 'market' not provided")
        limit = min(whole(request, "limit", 20, refuse_v1), 20)
        tokens = [token for condition in sorted(markets) for token in self._tokens(condition)]
        return json_reply([{"token": str(token), "holders": self._holders_of(token, limit)} for token in tokens])

    def _tokens(self, condition_id: str) -> tuple[int, ...]:
        market = self._source.market(condition_id)
        return market.tokens if market else ()

    def _holders_of(self, token: int, limit: int) -> list[Json]:
        held = [holding for holding in self._source.read().holders.get(token, {}).values() if holding.size > 0]
        held.sort(key=lambda holding: (-holding.size, holding.serial))
        return [
            {
                "proxyWallet": stated.holding.wallet,
                "asset": str(token),
                "amount": number(stated.holding.size),
                "outcomeIndex": stated.place.outcome,
                "displayUsernamePublic": False,
                "verified": False,
                "name": "",
                "pseudonym": "",
                "bio": "",
                "profileImage": "",
                "profileImageOptimized": "",
            }
            for stated in self._source.stated(held[:limit])
        ]

    def _open_interest(self, request: Request, _names: Mapping[str, str]) -> Reply:
        markets = sorted(conditions(request, "market"))
        if not markets:
            return json_reply([{"market": "GLOBAL", "value": number(self._source.open_interest(None))}])
        return json_reply([{"market": each, "value": number(self._source.open_interest(each))} for each in markets])
