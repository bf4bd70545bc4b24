"""Placing and cancelling: `/order`, `/orders`, `/cancel-all`, `/cancel-market-orders` (`polymarket.md` 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tieout.sim.engine.exchange import DELAYED
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.keys import ApiKey
from tieout.sim.model import Market, Order, OrderRequest, OrderStatus, Side
from tieout.sim.wire.clob_balances import missing_allowance
from tieout.sim.wire.clob_desk import ORDER_ID, Desk, admitted, json_body
from tieout.sim.wire.clob_payload import checked_request, read_body
from tieout.sim.wire.errors import (
    BAD_ORDER_ID,
    BAD_ORDER_PAYLOAD,
    CANCEL_ONLY,
    TOO_MANY_CANCELS,
    TOO_MANY_ORDERS,
    Refusal,
    RefusedError,
    bad_request,
    refusal_of,
)
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.shapes import placed

MOST_ORDERS = 15
"""In one `POST /orders` (`polymarket.md` 1.3)."""

MOST_CANCELS = 1000
"""In one `DELETE /orders`, since 2026-06-15."""

Names = Mapping[str, str]


class Orders:
    """Writes to the books, for full keys only."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("POST", "/order", self.post_one)
        router.add("POST", "/orders", self.post_many)
        router.add("DELETE", "/order", self.cancel_one)
        router.add("DELETE", "/orders", self.cancel_many)
        router.add("DELETE", "/cancel-all", self.cancel_all)
        router.add("DELETE", "/cancel-market-orders", self.cancel_market)

    # placing

    def post_one(self, request: Request, _names: Names) -> Reply:
        """One order; a refusal is an HTTP error."""
        key = self._placer(request)
        raw = json_body(request)
        headers = admitted(self._desk.signer_limits.order(key.signer))
        try:
            return json_reply(self._place(raw, key), headers=headers)
        except RefusedError as refused:
            reply = refused.refusal.reply()
            return Reply(reply.status, reply.body, {**reply.headers, **headers})

    def post_many(self, request: Request, _names: Names) -> Reply:
        """Up to 15 orders, answered in order; a refused one has its error inside the 200."""
        key = self._placer(request)
        raw = json_body(request)
        if not isinstance(raw, list) or not raw:
            raise bad_request(BAD_ORDER_PAYLOAD)
        if len(raw) > MOST_ORDERS:
            raise bad_request(TOO_MANY_ORDERS.format(count=len(raw), most=MOST_ORDERS))
        headers = admitted(self._desk.signer_limits.order(key.signer, len(raw)))
        return json_reply([self._leg(entry, key) for entry in raw], headers=headers)

    def _placer(self, request: Request) -> ApiKey:
        key = self._desk.auth.level2(request)
        self._desk.require_engine()
        if self._desk.world.exchange.modes.cancel_only:
            raise bad_request(CANCEL_ONLY, 503)
        return key

    def _leg(self, raw: Any, key: ApiKey) -> dict[str, Any]:
        try:
            return self._place(raw, key)
        except RefusedError as refused:
            return refused.refusal.leg()

    def _place(self, raw: Any, key: ApiKey) -> dict[str, Any]:
        request, market = checked_request(self._desk, read_body(raw), key)
        try:
            placement = self._desk.world.exchange.place(request)
        except Rejected as rejected:
            raise RefusedError(self._refusal(rejected, request, market)) from rejected
        if not placement.trades:
            return placed(request.id, placement.status, None, None, [])
        cash = sum(trade.cash for trade in placement.trades)
        shares = sum(trade.shares for trade in placement.trades)
        making, taking = (cash, shares) if request.side is Side.BUY else (shares, cash)
        return placed(request.id, placement.status, making, taking, [trade.id for trade in placement.trades])

    def _refusal(self, rejected: Rejected, request: OrderRequest, market: Market) -> Refusal:
        """The venue's words for the engine's; a lack of allowance is told apart from a lack of money."""
        if rejected.reason is Reason.BALANCE:
            text = missing_allowance(self._desk.world, rejected, request, market)
            if text:
                return Refusal(text)
        return refusal_of(rejected, request, market, self._desk.settings.retry_after_s)

    # cancelling

    def cancel_one(self, request: Request, _names: Names) -> Reply:
        """`{"orderID": id}`."""
        key = self._canceller(request)
        raw = json_body(request)
        order_id = raw.get("orderID") if isinstance(raw, dict) else None
        if not isinstance(order_id, str):
            raise bad_request(BAD_ORDER_PAYLOAD)
        ids = _order_ids([order_id])
        headers = admitted(self._desk.signer_limits.cancel(key.signer))
        return self._cancel(ids, key, headers)

    def cancel_many(self, request: Request, _names: Names) -> Reply:
        """A list of up to 1000 ids; repeated ones count once."""
        key = self._canceller(request)
        raw = json_body(request)
        if not isinstance(raw, list) or not all(isinstance(entry, str) for entry in raw):
            raise bad_request(BAD_ORDER_PAYLOAD)
        if len(raw) > MOST_CANCELS:
            raise bad_request(TOO_MANY_CANCELS.format(most=MOST_CANCELS))
        ids = _order_ids(raw)
        headers = admitted(self._desk.signer_limits.cancel(key.signer, len(raw)))
        return self._cancel(ids, key, headers)

    def cancel_all(self, request: Request, _names: Names) -> Reply:
        """Every open order of the key's signer."""
        key = self._canceller(request)
        return self._cancel_open(key, self._desk.world.exchange.open_of(key.signer))

    def cancel_market(self, request: Request, _names: Names) -> Reply:
        """The open orders of a market, of a token, or of both at once."""
        key = self._canceller(request)
        raw = json_body(request)
        if not isinstance(raw, dict) or not (raw.get("market") or raw.get("asset_id")):
            raise bad_request(BAD_ORDER_PAYLOAD)
        market, token = raw.get("market"), raw.get("asset_id")
        orders = [
            order
            for order in self._desk.world.exchange.open_of(key.signer)
            if market in (None, "", order.market.condition_id) and token in (None, "", str(order.request.token))
        ]
        return self._cancel_open(key, orders)

    def _canceller(self, request: Request) -> ApiKey:
        key = self._desk.auth.level2(request)
        self._desk.require_engine()
        return key

    def _cancel_open(self, key: ApiKey, orders: Iterable[Order]) -> Reply:
        admitted(self._desk.signer_limits.cancel(key.signer))
        live = [order for order in orders if order.open]
        waiting = {order.id: DELAYED for order in live if order.status is OrderStatus.DELAYED}
        gone = self._desk.world.exchange.cancel_many(live)
        headers = self._desk.signer_limits.cancelled(key.signer, len(gone))
        return json_reply({"canceled": [order.id for order in gone], "not_canceled": waiting}, headers=headers)

    def _cancel(self, ids: Iterable[str], key: ApiKey, headers: Mapping[str, str]) -> Reply:
        canceled: list[str] = []
        refused: dict[str, str] = {}
        for order_id in ids:
            reason = self._desk.world.exchange.cancel(key.signer, order_id)
            if reason is None:
                canceled.append(order_id)
            else:
                refused[order_id] = reason
        return json_reply({"canceled": canceled, "not_canceled": refused}, headers=headers)


def _order_ids(texts: Iterable[str]) -> list[str]:
    """Each id once, lower-case. Raises HttpError 400 for text that is none."""
    ids = list(dict.fromkeys(text.lower() for text in texts))
    if not all(ORDER_ID.fullmatch(entry) for entry in ids):
        raise bad_request(BAD_ORDER_ID)
    return ids
