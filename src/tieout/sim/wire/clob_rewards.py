"""Liquidity programmes (daily rate, minimum size, maximum spread of the markets) and builders.

Shapes: `polymarket-client` 0.14.0, `models/clob/rewards.py` and `models/clob/builder.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tieout.sim.engine.amounts import text
from tieout.sim.model import Leg, Market, Order, Side, Trade
from tieout.sim.wire.clob_desk import Desk
from tieout.sim.wire.cursor import BadCursorError, page
from tieout.sim.wire.errors import BAD_BUILDER_QUERY, BAD_NEXT_ITEM, UNKNOWN_BUILDER, bad_request
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.market_shapes import iso, number, tokens
from tieout.sim.wire.shapes import trade_status
from tieout.sim.wire.wallets import checksummed
from tieout.venue.addresses import P_USD

Names = Mapping[str, str]

_CODE = re.compile(r"0x[0-9a-fA-F]{64}")
MOST_ROWS = 500
"""The largest `page_size` (`polymarket-client` 0.14.0, `_internal/actions/rewards.py`)."""


class Programmes:
    """All public."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/rewards/markets/current", self.current)
        router.add("GET", "/rewards/markets/multi", self.discovery)
        router.add("GET", "/rewards/markets/{condition}", self.of_market)
        router.add("GET", "/fees/builder-fees/{code}", self.builder_fees)
        router.add("GET", "/builder/trades", self.builder_trades)

    def current(self, request: Request, _names: Names) -> Reply:
        """Markets that pay rewards now."""
        return rows_page(self._desk, [_programme(market) for market in rewarded(self._desk)], request)

    def discovery(self, request: Request, _names: Names) -> Reply:
        """The same with what helps to choose among them."""
        return rows_page(self._desk, [self._discovered(market) for market in rewarded(self._desk)], request)

    def of_market(self, request: Request, names: Names) -> Reply:
        """The programme of one market; none when it pays nothing."""
        market = self._desk.market(names["condition"])
        return rows_page(self._desk, [detailed(self._desk, market)] if market.reward_daily else [], request)

    def builder_fees(self, _request: Request, names: Names) -> Reply:
        """Fees of a builder code in basis points; 404 for an unknown one."""
        fees = self._desk.settings.builder_fees.get(names["code"].lower())
        if fees is None:
            raise bad_request(UNKNOWN_BUILDER, 404)
        return json_reply({"builder_maker_fee_rate_bps": fees[0], "builder_taker_fee_rate_bps": fees[1]})

    def builder_trades(self, request: Request, _names: Names) -> Reply:
        """Fills of orders that carry a builder code, newest first; a trade may give several."""
        code = request.query.get("builder_code", "").lower()
        if not _CODE.fullmatch(code):
            raise bad_request(BAD_BUILDER_QUERY)
        wanted = request.query.get("id", ""), request.query.get("market", "")
        rows: list[dict[str, Any]] = []
        for trade in reversed(self._desk.world.exchange.trades.values()):
            if wanted[0] in ("", trade.id) and wanted[1] in ("", trade.market.condition_id):
                rows += _builder_rows(trade, code)
        asset = request.query.get("asset_id", "")
        rows = [row for row in rows if asset in ("", row["assetId"])]
        return rows_page(self._desk, rows, request, BAD_BUILDER_QUERY)

    def _discovered(self, market: Market) -> dict[str, Any]:
        book = self._desk.world.exchange.books[market.condition_id]
        bid, ask = book.best(0, Side.BUY), book.best(0, Side.SELL)
        return {
            **detailed(self._desk, market),
            "market_id": str(market.number),
            "event_id": market.event_id,
            "group_item_title": "",
            "spread": number(ask - bid) if bid is not None and ask is not None else 0,
            "volume_24hr": 0,
            "one_day_price_change": 0,
            "created_at": iso(market.created_ms),
            "end_date": iso(market.end_ms),
        }


def rows_page(desk: Desk, rows: list[dict[str, Any]], request: Request, error: str = BAD_NEXT_ITEM) -> Reply:
    """One page of *rows*. Raises HttpError 400 with *error* for a cursor nobody gave."""
    size = request.query.get("page_size", "")
    limit = min(int(size), MOST_ROWS) if size.isdecimal() and len(size) < 16 and int(size) else desk.settings.page_size
    try:
        return json_reply({**page(rows, request.query.get("next_cursor"), limit), "total_count": len(rows)})
    except BadCursorError as bad:
        raise bad_request(error) from bad


def rewarded(desk: Desk) -> list[Market]:
    """The markets that pay rewards now."""
    return [market for market in desk.world.exchange.markets.values() if market.reward_daily and not market.closed]


def detailed(desk: Desk, market: Market) -> dict[str, Any]:
    """A programme with what describes its market."""
    return {
        **_programme(market),
        "question": market.question,
        "market_slug": market.slug,
        "event_slug": market.event_slug,
        "image": "",
        "market_competitiveness": 0,
        "tokens": tokens(market, desk.world.exchange.books[market.condition_id]),
    }


def _programme(market: Market) -> dict[str, Any]:
    config = {
        "id": market.number,
        "asset_address": P_USD,
        "start_date": iso(market.created_ms),
        "end_date": iso(market.end_ms),
        "rate_per_day": number(market.reward_daily),
        "total_rewards": 0,
    }
    return {
        "condition_id": market.condition_id,
        "rewards_max_spread": number(market.reward_max_spread * 100),
        "rewards_min_size": number(market.reward_min_size),
        "rewards_config": [config],
        "native_daily_rate": number(market.reward_daily),
        "sponsored_daily_rate": 0,
        "sponsors_count": 0,
        "total_daily_rate": number(market.reward_daily),
    }


def _builder_rows(trade: Trade, code: str) -> list[dict[str, Any]]:
    """The fills of this trade that count for a builder: the taker's, and each maker's."""
    rows = [_maker_row(trade, leg, code) for leg in trade.legs if leg.maker.request.builder == code]
    if trade.taker.request.builder == code:
        taker = trade.taker
        rows.insert(0, _builder_row(trade, "TAKER", code, taker, trade.shares, trade.cash, trade.price, trade.fee))
    return rows


def _maker_row(trade: Trade, leg: Leg, code: str) -> dict[str, Any]:
    return _builder_row(trade, "MAKER", code, leg.maker, leg.shares, leg.cash, leg.maker.price, 0)


def _builder_row(
    trade: Trade, kind: str, code: str, order: Order, shares: int, cash: int, price: int, fee: int
) -> dict[str, Any]:
    return {
        "id": trade.id,
        "tradeType": kind,
        "takerOrderHash": trade.taker.id,
        "builder": code,
        "market": trade.market.condition_id,
        "assetId": str(order.request.token),
        "side": order.side.name,
        "size": text(shares),
        "sizeUsdc": text(cash),
        "price": text(price),
        "status": trade_status(trade),
        "outcome": trade.market.outcomes[order.outcome],
        "outcomeIndex": order.outcome,
        "owner": order.request.owner,
        "maker": checksummed(order.request.wallet),
        "transactionHash": trade.tx_hash,
        "matchTime": str(trade.match_ms // 1000),
        "bucketIndex": trade.bucket_index,
        "fee": text(fee),
        "feeUsdc": text(fee),
        "err_msg": trade.error or None,
        "createdAt": iso(trade.match_ms),
        "updatedAt": iso(trade.updated_ms),
    }
