"""Our payloads have no field and no type that the recorded ones of their kind lack."""

from __future__ import annotations

from typing import Any

import pytest

from sim.clob.venue import Venue
from sim.sockets.shapes import Shape, strange, union
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side
from tieout.sim.wire.http import Request
from tieout.venue.decode import Identity, decode

CROWD = "0x" + "c0" * 20

DOCUMENTED = {
    "book": {".min_order_size", ".tick_size", ".neg_risk", ".last_trade_price"},
    "market": {".accepting_order_timestamp"},
    "placed": {".tradeIDs[]"},
    "batch": set(),
}
"""Fields that the samples lack but `polymarket.md` 1.3 has."""


def beyond(message: Any, recorded: Shape, kind: str) -> list[str]:
    return [line for line in strange(message, recorded) if line.split(":")[0] not in DOCUMENTED[kind]]


@pytest.fixture
def traded(venue: Venue) -> tuple[Venue, Any]:
    """A trader with a resting order that was filled in part, and a trade as taker."""
    venue.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    trader = venue.trader()
    trader.place(venue.market, "BUY", 0, 400_000, 20 * ONE)
    venue.crowd(venue.market, Side.SELL, 0, 400_000, 5 * ONE, CROWD)
    venue.crowd(venue.market, Side.SELL, 0, 500_000, 50 * ONE, CROWD)
    return venue, trader


def test_books_and_markets(traded):
    venue, _ = traded
    book = venue.get("/book", token_id=str(venue.market.tokens[0])).body
    assert beyond(book, union("samples/clob_book.json", "samples/nt_clob_book_response.json"), "book") == []
    market = venue.get(f"/markets/{venue.market.condition_id}").body
    assert beyond(market, union("samples/clob_market.json"), "market") == []
    refused = strange(book | {"hash": 1}, union("samples/clob_book.json"))
    assert ".hash: ['int']" in refused


def test_answers_to_orders(traded):
    venue, trader = traded
    placed = trader.place(venue.market, "BUY", 0, 500_000, 10 * ONE).body
    assert beyond(placed, union("samples/post_order_response_rest.json"), "placed") == []
    crossing = [trader.order(venue.market, "BUY", 0, 500_000, 10 * ONE, post_only=True)]
    batch = trader.ask("POST", "/orders", crossing).body
    assert beyond(batch, union("samples/post_orders_batch_postonly_reject.json"), "batch") == []


def test_rows_of_orders_and_trades_and_that_we_decode_them(traded):
    venue, trader = traded
    orders = trader.ask("GET", "/data/orders").body["data"]
    recorded = union("samples/nt_http_open_order.json", "samples/nt_http_open_order_sell_fok.json")
    assert [line for entry in orders for line in strange(entry, recorded)] == []
    trades = trader.ask("GET", "/data/trades").body["data"]
    recorded = union("samples/nt_http_trade_report.json")
    assert [line for entry in trades for line in strange(entry, recorded)] == []
    identity = Identity(trader.wallet, frozenset((trader.key.key,)))
    for path in ("/data/orders", "/data/trades"):
        reply = venue.clob.handle(Request("GET", path, {}, trader.headers("GET", path)))
        read = decode(reply.body, identity)
        assert (read.problems, read.unknown) == ([], [])
        assert read.facts
    for path in (f"/markets/{venue.market.condition_id}", f"/clob-markets/{venue.market.condition_id}"):
        read = decode(venue.clob.handle(Request("GET", path)).body, identity)
        assert (read.problems, bool(read.facts)) == ([], True), read


def test_small_answers(traded):
    venue, trader = traded
    cancelled = trader.ask("DELETE", "/cancel-all").body
    assert (
        strange(cancelled, union("samples/nt_http_cancel_response_ok.json", "samples/nt_http_batch_cancel*.json")) == []
    )
    wrong = trader.ask("POST", "/v1/heartbeats", {"heartbeat_id": "x"}).body
    assert strange(wrong, union("samples/heartbeat_400.json")) == []
    assert strange(venue.get("/nothing").body, union("samples/nt_http_order_response_error_500.json")) == []
