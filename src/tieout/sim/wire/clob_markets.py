"""Public market data: markets in their long, simplified and compact forms, and the lookups by token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tieout.sim.engine.amounts import text
from tieout.sim.engine.book import Book
from tieout.sim.model import Market, Trade
from tieout.sim.wire.clob_desk import Desk
from tieout.sim.wire.cursor import BadCursorError, offset_of, page
from tieout.sim.wire.errors import BAD_NEXT_ITEM, bad_request
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import (
    LEGACY_BASE_FEE,
    compact_market,
    long_market,
    number,
    simplified_market,
)
from tieout.sim.wire.shapes import FEE_RATE_BPS
from tieout.sim.wire.wallets import checksummed

Names = Mapping[str, str]

ORDER_VERSION = 2
"""What `/version` says: V2 orders; V3 ones are known by their token (`polymarket.md` 0)."""

LIVE_ACTIVITY = 50
"""Trades shown by `/markets/live-activity`; ours."""


class Markets:
    """No authentication needed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/ok", lambda _request, _names: json_reply("OK"))
        router.add("GET", "/", lambda _request, _names: json_reply("OK"))
        router.add("GET", "/time", self.time)
        router.add("GET", "/version", lambda _request, _names: json_reply({"version": ORDER_VERSION}))
        router.add("GET", "/tick-size", self.tick_size)
        router.add("GET", "/tick-size/{token}", self.tick_size)
        router.add("GET", "/neg-risk", self.neg_risk)
        router.add("GET", "/fee-rate", self.fee_rate)
        router.add("GET", "/markets-by-token/{token}", self.by_token)
        router.add("GET", "/markets/live-activity/{condition}", self.live_activity)
        router.add("GET", "/markets/{condition}", self.market)
        router.add("GET", "/clob-markets/{condition}", self.compact)
        router.add("GET", "/markets", self._lister(long_market, rewarded=False))
        router.add("GET", "/sampling-markets", self._lister(long_market, rewarded=True))
        router.add("GET", "/simplified-markets", self._lister(simplified_market, rewarded=False))
        router.add("GET", "/sampling-simplified-markets", self._lister(simplified_market, rewarded=True))

    def time(self, _request: Request, _names: Names) -> Reply:
        """Unix seconds, a bare number."""
        return json_reply(self._desk.world.scheduler.now_s)

    def tick_size(self, request: Request, names: Names) -> Reply:
        """The grid of a token's market, a JSON number."""
        market, _ = self._desk.market_of(names.get("token") or request.query.get("token_id"))
        return json_reply({"minimum_tick_size": number(market.tick)})

    def neg_risk(self, request: Request, _names: Names) -> Reply:
        """Whether the market of a token is one of an event."""
        market, _ = self._desk.market_of(request.query.get("token_id"))
        return json_reply({"neg_risk": market.neg_risk})

    def fee_rate(self, request: Request, _names: Names) -> Reply:
        """The legacy base fee in basis points."""
        market, _ = self._desk.market_of(request.query.get("token_id"))
        return json_reply({"base_fee": LEGACY_BASE_FEE if market.fee_rate else 0})

    def by_token(self, _request: Request, names: Names) -> Reply:
        """The market of a token and both its tokens."""
        market, _ = self._desk.market_of(names["token"])
        primary, secondary = market.tokens
        return json_reply(
            {
                "condition_id": market.condition_id,
                "primary_token_id": str(primary),
                "secondary_token_id": str(secondary),
            }
        )

    def market(self, _request: Request, names: Names) -> Reply:
        """One market in its long form."""
        market = self._desk.market(names["condition"])
        return json_reply(long_market(market, self._book(market)))

    def compact(self, _request: Request, names: Names) -> Reply:
        """One market in its compact form."""
        return json_reply(compact_market(self._desk.market(names["condition"])))

    def live_activity(self, _request: Request, names: Names) -> Reply:
        """The newest trades of a market (`MarketTradeEvent` of clob-client)."""
        market = self._desk.market(names["condition"])
        trades = self._desk.records.by_market.get(market.condition_id, [])[-LIVE_ACTIVITY:]
        return json_reply([_activity(trade) for trade in reversed(trades)])

    def _lister(
        self, shape: Callable[[Market, Book | None], dict[str, Any]], *, rewarded: bool
    ) -> Callable[[Request, Names], Reply]:
        """A list in pages of 1000, of all markets or of those that trade with rewards."""

        def serve(request: Request, _names: Names) -> Reply:
            cursor = request.query.get("next_cursor")
            markets = [
                market
                for market in self._desk.world.exchange.markets.values()
                if not rewarded or (market.reward_daily and not market.closed)
            ]
            try:
                if offset_of(cursor) < 0:
                    raise bad_request(BAD_NEXT_ITEM)
                found = page(markets, cursor, self._desk.settings.markets_page_size)
            except BadCursorError as bad:
                raise bad_request(BAD_NEXT_ITEM) from bad
            found["data"] = [shape(market, self._book(market)) for market in found["data"]]
            return json_reply(found)

        return serve

    def _book(self, market: Market) -> Book:
        return self._desk.world.exchange.books[market.condition_id]


def _activity(trade: Trade) -> dict[str, Any]:
    taker, market = trade.taker, trade.market
    return {
        "event_type": "trade",
        "market": {
            "condition_id": market.condition_id,
            "asset_id": str(taker.request.token),
            "question": market.question,
            "icon": "",
            "slug": market.slug,
        },
        "user": {
            "address": checksummed(taker.request.wallet),
            "username": "",
            "profile_picture": "",
            "optimized_profile_picture": "",
            "pseudonym": "",
        },
        "side": taker.side.name,
        "size": text(trade.shares),
        "fee_rate_bps": FEE_RATE_BPS,
        "price": text(trade.price),
        "outcome": market.outcomes[taker.outcome],
        "outcome_index": taker.outcome,
        "transaction_hash": trade.tx_hash,
        "timestamp": str(trade.match_ms // 1000),
    }
