"""Reading an account: `/data/orders`, `/data/order/{id}`, `/data/trades`, heartbeats, notifications, scoring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tieout.sim.economy.scores import counts
from tieout.sim.engine.heartbeat import WrongHeartbeatError
from tieout.sim.model import Order, OrderStatus, Trade
from tieout.sim.wire.clob_desk import ORDER_ID, Desk, json_body, plain_ok
from tieout.sim.wire.cursor import BadCursorError, page
from tieout.sim.wire.errors import (
    BAD_ORDER_ID,
    BAD_ORDER_PAYLOAD,
    BAD_ORDERS_QUERY,
    BAD_TRADES_QUERY,
    bad_request,
)
from tieout.sim.wire.http import Reply, Request, Router, json_reply
from tieout.sim.wire.shapes import open_order, trade_row

Names = Mapping[str, str]


class Account:
    """What one signer may see of itself; read-only keys serve for all but heartbeats and dropping notifications."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, router: Router) -> None:
        """Serve the routes."""
        router.add("GET", "/data/orders", self.orders)
        router.add("GET", "/data/order/{id}", self.order)
        router.add("GET", "/data/trades", self.trades)
        router.add("GET", "/data/pre-migration-orders", self.old_orders)
        router.add("POST", "/v1/heartbeats", self.heartbeat)
        router.add("GET", "/notifications", self.notifications)
        router.add("DELETE", "/notifications", self.drop_notifications)
        router.add("GET", "/order-scoring", self.order_scoring)
        router.add("POST", "/orders-scoring", self.orders_scoring)
        router.add("GET", "/auth/ban-status/closed-only", self.closed_only)

    def orders(self, request: Request, _names: Names) -> Reply:
        """Open orders, oldest first, filtered by `id`, `market`, `asset_id`."""
        key = self._desk.auth.reader(request)
        wanted = [order for order in self._desk.world.exchange.open_of(key.signer) if _order_matches(order, request)]
        return self._page(wanted, open_order, request, BAD_ORDERS_QUERY)

    def order(self, request: Request, names: Names) -> Reply:
        """One order while it is open, `null` for any other id."""
        key = self._desk.auth.reader(request)
        order = self._desk.order_of(names["id"], key.signer)
        return json_reply(open_order(order) if order is not None and order.open else None)

    def old_orders(self, request: Request, _names: Names) -> Reply:
        """Orders of V1: there are none in a simulated world."""
        self._desk.auth.reader(request)
        return self._page([], open_order, request, BAD_ORDERS_QUERY)

    def trades(self, request: Request, _names: Names) -> Reply:
        """Trades of the signer in either role, newest first.

        `asset_id` filters the taker's token, also where the signer was a maker on the other outcome ("measured
        2026-07-06", `polymarket.md` 1.3). `before` and `after` are unix seconds and both inclusive, which is ours.
        """
        key = self._desk.auth.reader(request)
        bounds = [request.query.get(name, "") for name in ("after", "before")]
        if not all(bound == "" or (bound.isdecimal() and len(bound) < 16) for bound in bounds):
            raise bad_request(BAD_TRADES_QUERY)
        after, before = (int(bound) if bound else None for bound in bounds)
        wanted = [
            trade
            for trade in self._candidates(key.signer, request.query.get("id", ""))
            if _trade_matches(trade, request)
            and (after is None or trade.match_ms // 1000 >= after)
            and (before is None or trade.match_ms // 1000 <= before)
        ]
        return self._page(wanted, lambda trade: trade_row(trade, key.signer), request, BAD_TRADES_QUERY)

    def _candidates(self, signer: str, trade_id: str) -> Iterable[Trade]:
        """All trades of the signer, or the one that clients poll for by its id, without a walk over the others."""
        if not trade_id:
            return reversed(self._desk.records.trades.get(signer, []))
        trade = self._desk.world.exchange.trades.get(trade_id)
        return [trade] if trade is not None and signer in trade.signers else []

    def _page(self, rows: list[Any], shape: Any, request: Request, error: str) -> Reply:
        try:
            found = page(rows, request.query.get("next_cursor"), self._desk.settings.page_size)
        except BadCursorError as bad:
            raise bad_request(error) from bad
        found["data"] = [shape(row) for row in found["data"]]
        return json_reply(found)

    def heartbeat(self, request: Request, _names: Names) -> Reply:
        """`{"heartbeat_id": last}` gives the next id; a wrong one is answered with the right one."""
        key = self._desk.auth.level2(request)
        raw = json_body(request)
        heartbeat_id = (raw.get("heartbeat_id") or "") if isinstance(raw, dict) else None
        if not isinstance(heartbeat_id, str):
            raise bad_request(BAD_ORDER_PAYLOAD)
        try:
            return json_reply({"heartbeat_id": self._desk.world.heartbeats.beat(key.key, heartbeat_id)})
        except WrongHeartbeatError as wrong:
            return json_reply({"error_msg": str(wrong), "heartbeat_id": wrong.expected}, 400)

    def notifications(self, request: Request, _names: Names) -> Reply:
        """All that were not dropped, oldest first."""
        key = self._desk.auth.reader(request)
        kept = self._desk.records.notifications.get(key.signer, ())
        rows = [
            {
                "id": entry.id,
                "owner": entry.owner,
                "timestamp": entry.at_s,
                "type": entry.kind,
                "payload": entry.payload,
            }
            for entry in kept
        ]
        return json_reply(rows)

    def drop_notifications(self, request: Request, names: Names) -> Reply:
        """Forget those named in `ids`, a list with commas; ids that nobody has are passed over."""
        key = self._desk.auth.level2(request)
        ids = request.query.get("ids", "").split(",")
        self._desk.records.drop(key.signer, {int(text) for text in ids if text.isdecimal() and len(text) < 16})
        return plain_ok(request, names)

    def order_scoring(self, request: Request, _names: Names) -> Reply:
        """Whether an order earns liquidity rewards now."""
        key = self._desk.auth.reader(request)
        order = self._desk.order_of(request.query.get("order_id", ""), key.signer)
        return json_reply({"scoring": self._scores(order)})

    def orders_scoring(self, request: Request, _names: Names) -> Reply:
        """The same for a list of ids."""
        key = self._desk.auth.reader(request)
        raw = json_body(request)
        if not isinstance(raw, list):
            raise bad_request(BAD_ORDER_PAYLOAD)
        if not all(isinstance(entry, str) and ORDER_ID.fullmatch(entry) for entry in raw):
            raise bad_request(BAD_ORDER_ID)
        return json_reply({entry: self._scores(self._desk.order_of(entry, key.signer)) for entry in raw})

    def _scores(self, order: Order | None) -> bool:
        if order is None or order.status is not OrderStatus.LIVE:
            return False
        return counts(order.market, self._desk.world.exchange.books[order.market.condition_id], order)

    def closed_only(self, request: Request, _names: Names) -> Reply:
        """Whether the signer, or a wallet it has traded with, may only close positions."""
        key = self._desk.auth.reader(request)
        wallets = {key.signer, *self._wallets(key.signer)}
        return json_reply({"closed_only": not wallets.isdisjoint(self._desk.world.exchange.modes.closed_only)})

    def _wallets(self, signer: str) -> Iterable[str]:
        for trade in self._desk.records.trades.get(signer, []):
            for order in trade.orders:
                if order.request.signer == signer:
                    yield order.request.wallet


def _order_matches(order: Order, request: Request) -> bool:
    query = request.query
    return (
        query.get("id", "") in ("", order.id)
        and query.get("market", "") in ("", order.market.condition_id)
        and query.get("asset_id", "") in ("", str(order.request.token))
    )


def _trade_matches(trade: Trade, request: Request) -> bool:
    query = request.query
    if query.get("market", "") not in ("", trade.market.condition_id):
        return False
    if query.get("asset_id", "") not in ("", str(trade.taker.request.token)):
        return False
    address = query.get("maker_address", "").lower()
    return not address or address in trade.wallets
