"""Cancels: what goes, what stays and why, and whose orders they are."""

from __future__ import annotations

from sim.clob.venue import Venue
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import OrderStatus

GONE = "order can't be found - already canceled or matched"
OVER = "already canceled or matched"
NOBODYS = "0x" + "ab" * 32


def test_one_order_is_cancelled_once(venue: Venue):
    trader = venue.trader()
    order_id = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE).body["orderID"]
    assert trader.ask("DELETE", "/order", {"orderID": order_id}).body == {"canceled": [order_id], "not_canceled": {}}
    again = trader.ask("DELETE", "/order", {"orderID": order_id})
    assert (again.status, again.body) == (200, {"canceled": [], "not_canceled": {order_id: OVER}})


def test_an_order_of_somebody_else_stays(venue: Venue):
    trader, other = venue.trader(), venue.trader()
    order_id = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE).body["orderID"]
    assert other.ask("DELETE", "/order", {"orderID": order_id}).body["not_canceled"] == {order_id: GONE}
    assert other.ask("DELETE", "/orders", [order_id]).body["canceled"] == []
    assert other.ask("DELETE", "/cancel-all").body == {"canceled": [], "not_canceled": {}}
    assert venue.world.exchange.orders[order_id].status is OrderStatus.LIVE


def test_many_are_cancelled_each_once_and_unknown_ones_are_named(venue: Venue):
    trader = venue.trader()
    ids = [trader.place(venue.market, "BUY", 0, 10_000 * n, 10 * ONE).body["orderID"] for n in (1, 2, 3)]
    answered = trader.ask("DELETE", "/orders", [ids[0], ids[2], NOBODYS, ids[0]]).body
    assert answered == {"canceled": [ids[0], ids[2]], "not_canceled": {NOBODYS: GONE}}
    assert venue.world.exchange.orders[ids[1]].status is OrderStatus.LIVE


def test_more_than_a_thousand_ids_are_refused_whole(venue: Venue):
    trader = venue.trader()
    order_id = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE).body["orderID"]
    refused = trader.ask("DELETE", "/orders", [order_id] * 1001)
    assert (refused.status, refused.body) == (400, {"error": "Too many orders in payload, max allowed: 1000"})
    assert venue.world.exchange.orders[order_id].status is OrderStatus.LIVE
    assert trader.ask("DELETE", "/orders", [order_id] * 1000).body["canceled"] == [order_id]


def test_text_that_is_no_id_is_refused(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    assert trader.ask("DELETE", "/order", {"orderID": "12"}).body == {"error": "Invalid orderID"}
    assert trader.ask("DELETE", "/orders", [NOBODYS, "12"]).body == {"error": "Invalid orderID"}
    assert trader.ask("DELETE", "/order", {"id": NOBODYS}).body == {"error": "Invalid order payload"}
    assert trader.ask("DELETE", "/orders", {"orderID": NOBODYS}).body == {"error": "Invalid order payload"}


def test_a_market_or_a_token_is_cancelled(venue: Venue):
    trader = venue.trader()

    def place(market, outcome):
        return trader.place(market, "BUY", outcome, 400_000, 10 * ONE).body["orderID"]

    yes, no, elsewhere = place(venue.market, 0), place(venue.market, 1), place(venue.other, 0)
    path = "/cancel-market-orders"
    assert trader.ask("DELETE", path, {"asset_id": str(venue.market.tokens[1])}).body["canceled"] == [no]
    both = {"market": venue.other.condition_id, "asset_id": str(venue.market.tokens[0])}
    assert trader.ask("DELETE", path, both).body["canceled"] == []
    assert trader.ask("DELETE", path, {"market": venue.market.condition_id}).body["canceled"] == [yes]
    assert trader.ask("DELETE", path, {}).body == {"error": "Invalid order payload"}
    assert trader.ask("DELETE", "/cancel-all").body == {"canceled": [elsewhere], "not_canceled": {}}
