"""The Data API v2: snake_case, an envelope, pages by cursor, and defaults that hide things (`polymarket.md` 4.2).

Paths and parameters are those of `polymarket-client` 0.14.0, `_internal/actions/data.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.sim.engine.amounts import ONE
from tieout.sim.index.holdings import Holding
from tieout.sim.index.rows import Kind, Row
from tieout.sim.wire.data_query import (
    Page,
    Refuse,
    choice,
    conditions,
    listed,
    micro,
    optional_user,
    page_v2,
    user,
    whole,
    yes,
)
from tieout.sim.wire.data_shapes import Json, Stated, activity_v2, position_v2, trade_v2
from tieout.sim.wire.data_source import Source
from tieout.sim.wire.http import Handler, Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import number

DUST = 100_000
"""Positions under 0.1 share are hidden unless `filter_amount` says otherwise."""

HISTORY_S = 3 * 365 * 86_400
"""How far back activity and trades go unless `start` says otherwise."""

TRANSFERS = frozenset((Kind.DEPOSIT, Kind.WITHDRAWAL))

STATUSES: Mapping[str, Callable[[Stated], bool]] = {
    "OPEN": lambda stated: stated.status == "OPEN",
    "REDEEMABLE": lambda stated: stated.status == "REDEEMABLE",
    "REDEEMABLE_LOST": lambda stated: stated.status == "REDEEMABLE" and stated.price == 0,
    "MERGEABLE": lambda stated: stated.mergeable,
    "CLOSED": lambda stated: stated.status == "CLOSED" and stated.holding.bought > 0,
}

SORTS: Mapping[str, Callable[[Stated], int]] = {
    "CURRENT_VALUE": lambda stated: stated.value,
    "PRICE": lambda stated: stated.price,
    "TOKENS": lambda stated: stated.holding.size,
    "UNREALIZED_PNL": lambda stated: stated.unrealized,
    "REALIZED_PNL": lambda stated: stated.holding.realized,
    "TOTAL_PNL": lambda stated: stated.holding.realized + stated.unrealized,
    "TIMESTAMP": lambda stated: stated.holding.last_s,
}

EMPTY_PAGES = ("/v2/positions/combos", "/v2/activity/combos", "/v2/biggest-winners", "/v2/builders/leaderboard")
"""What this venue has none of: combos, boards."""


class DataV2:
    """Answers for positions, activity, trades and holders."""

    def __init__(self, source: Source, refuse: Refuse) -> None:
        self._source = source
        self._refuse = refuse

    def routes(self, router: Router) -> None:
        """Add the paths to *router*."""
        router.add("GET", "/v2/positions", self._positions)
        router.add("GET", "/v2/activity", self._activity)
        router.add("GET", "/v2/trades", self._trades)
        router.add("GET", "/v2/value", self._value)
        router.add("GET", "/v2/holders", self._holders)
        for path in EMPTY_PAGES:
            router.add("GET", path, self._empty)

    def _empty(self, request: Request, _names: Mapping[str, str]) -> Reply:
        nothing: list[int] = []
        return paged(page_v2(request, nothing, lambda number: (number,), self._refuse), [])

    # positions

    def _positions(self, request: Request, _names: Mapping[str, str]) -> Reply:
        markets, events = conditions(request, "condition_id", "condition"), set(listed(request, "event_id"))
        title = request.query.get("title", "").lower()
        start = whole(request, "start", 0, self._refuse)
        end = whole(request, "end", self._source.now_s, self._refuse)
        passes = self._filter(request)
        kept = [
            stated
            for stated in self._source.stated(self._anchored(request, markets))
            if passes(stated)
            and (not markets or stated.place.market.condition_id in markets)
            and (not events or stated.place.market.event_id in events)
            and title in stated.place.market.question.lower()
            and start <= stated.holding.last_s <= end
        ]
        sort = SORTS[choice(request, "sort_by", SORTS, "CURRENT_VALUE", self._refuse)]
        direction = choice(request, "sort_direction", ("ASC", "DESC"), "DESC", self._refuse)
        sign = -1 if direction == "DESC" else 1
        page = page_v2(request, kept, lambda stated: (sign * sort(stated), stated.holding.serial), self._refuse)
        return paged(page, [position_v2(stated) for stated in page.items])

    def _anchored(self, request: Request, markets: set[str]) -> list[Holding]:
        """The holdings of the wallet, or of everybody in the markets."""
        seen, wallet = self._source.read(), optional_user(request)
        if wallet:
            return list(seen.of(wallet))
        if not markets:
            raise self._refuse("required query param 'user' or 'condition' not provided", "")
        found = [market for each in markets if (market := self._source.market(each)) is not None]
        tokens = [token for market in found for token in (*market.ctf_tokens, *market.position_ids)]
        return [holding for token in tokens for holding in seen.holders.get(token, {}).values()]

    def _filter(self, request: Request) -> Callable[[Stated], bool]:
        """Status, floor and archive; what is closed has no size that a floor could test."""
        status = choice(request, "status", STATUSES, "OPEN", self._refuse)
        by_cash = choice(request, "filter_type", ("TOKENS", "CASH"), "TOKENS", self._refuse) == "CASH"
        floor = micro(request, "filter_amount", DUST, self._refuse)
        archived = yes(request, "include_archived")

        def passes(stated: Stated) -> bool:
            amount = stated.value if by_cash else stated.holding.size
            return (
                STATUSES[status](stated)
                and (amount >= floor or status == "CLOSED")
                and (archived or not stated.archived or status == "CLOSED")
            )

        return passes

    def _value(self, request: Request, _names: Mapping[str, str]) -> Reply:
        wallet, markets = user(request, self._refuse), conditions(request, "condition_id", "condition")
        value = sum(
            stated.value
            for stated in self._source.stated(self._source.read().of(wallet))
            if not markets or stated.place.market.condition_id in markets
        )
        return enveloped({"proxy_wallet": wallet, "value": number(value)})

    # rows

    def _rows(self, request: Request, rows: list[Row]) -> list[Row]:
        markets, events = conditions(request, "condition_id", "condition"), set(listed(request, "event_id"))
        side = request.query.get("side", "").upper()
        start = whole(request, "start", max(self._source.now_s - HISTORY_S, 0), self._refuse)
        end = whole(request, "end", self._source.now_s, self._refuse)
        return [
            row
            for row in rows
            if start <= row.at_s <= end
            and self._source.within(row, markets, events)
            and (not side or (row.side is not None and row.side.name == side))
        ]

    def _activity(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """Deposits and withdrawals are hidden unless `exclude_deposits_withdrawals=false`."""
        wallet = user(request, self._refuse)
        kinds = {kind.upper() for kind in listed(request, "type")}
        hidden = TRANSFERS if yes(request, "exclude_deposits_withdrawals", default=True) else frozenset()
        rows = self._rows(request, self._source.read().by_wallet.get(wallet, []))
        kept = [row for row in rows if row.kind not in hidden and (not kinds or row.kind in kinds)]
        page = page_v2(request, kept, self._by_place(request), self._refuse)
        return paged(page, [self._activity_row(row) for row in page.items])

    def _activity_row(self, row: Row) -> Json:
        return activity_v2(row, self._source.market(row.condition_id), labeled=self._source.labeled(row))

    def _trades(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """Makers' rows are hidden unless `taker_only=false` (counted live by others on 2026-09-25)."""
        wallet, seen = optional_user(request), self._source.read()
        by_cash = choice(request, "filter_type", ("TOKENS", "CASH"), "TOKENS", self._refuse) == "CASH"
        least = micro(request, "filter_amount", 0, self._refuse)
        taker_only = yes(request, "taker_only", default=True)
        kept = [
            row
            for row in self._rows(request, seen.by_wallet.get(wallet, []) if wallet else seen.rows)
            if row.kind is Kind.TRADE and (row.taker or not taker_only) and (row.cash if by_cash else row.size) >= least
        ]
        page = page_v2(request, kept, self._by_place(request), self._refuse)
        return paged(page, [row for each in page.items for row in self._trade_row(each)])

    def _trade_row(self, row: Row) -> list[Json]:
        market = self._source.market(row.condition_id)
        return [] if market is None else [trade_v2(row, market, labeled=self._source.labeled(row))]

    def _by_place(self, request: Request) -> Callable[[Row], tuple[int, ...]]:
        """Newest first, unless `sort_direction=ASC`."""
        direction = choice(request, "sort_direction", ("ASC", "DESC"), "DESC", self._refuse)
        sign = -1 if direction == "DESC" else 1
        return lambda row: tuple(sign * part for part in row.place)

    # holders

    def _holders(self, request: Request, _names: Mapping[str, str]) -> Reply:
        """The holders of both tokens of each market, largest first; the page counts holders."""
        markets = sorted(conditions(request, "condition_id", "condition"))
        if not markets:
            raise self._refuse("required query param 'condition' not provided", "condition")
        least = micro(request, "min_balance", ONE, self._refuse)
        seen = self._source.read()
        found = [market for each in markets if (market := self._source.market(each)) is not None]
        tokens = {token: place for place, token in enumerate(t for market in found for t in market.tokens)}
        held = [
            holding
            for token in tokens
            for holding in seen.holders.get(token, {}).values()
            if holding.size >= max(least, 1)
        ]
        page = page_v2(request, held, lambda h: (tokens[h.token], -h.size, h.serial), self._refuse)
        grouped: dict[str, list[Json]] = {}
        for stated in self._source.stated(page.items):
            row = _holder(stated, pnl=yes(request, "include_pnl"))
            grouped.setdefault(str(stated.holding.token), []).append(row)
        return paged(page, [{"token_id": token, "holders": holders} for token, holders in grouped.items()])


def _holder(stated: Stated, *, pnl: bool) -> Json:
    holding = stated.holding
    row: Json = {
        "proxy_wallet": holding.wallet,
        "token_id": str(holding.token),
        "amount": number(holding.size),
        "outcome_index": stated.place.outcome,
        "display_username_public": False,
        "verified": False,
        "name": "",
        "pseudonym": "",
        "bio": "",
        "profile_image": "",
        "profile_image_optimized": "",
    }
    if pnl:
        position = position_v2(stated)
        names = ("avg_price", "entry_cost_usdc", "current_price", "current_value")
        row |= {name: position[name] for name in (*names, "realized_pnl", "unrealized_pnl", "total_pnl")}
    return row


def paged(page: Page, rows: list[Json]) -> Reply:
    """Rows in the envelope of a page."""
    return json_reply({"data": rows, "pagination": page.pagination})


def enveloped(value: object) -> Reply:
    """A value in the plain envelope."""
    return json_reply({"data": value})


def always(value: object) -> Handler:
    """A handler that always answers the same."""
    return lambda _request, _names: enveloped(value)
