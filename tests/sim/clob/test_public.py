"""Public data: books and prices of both outcomes, markets in their forms, the errors of bad queries."""

from __future__ import annotations

import pytest
from py_clob_client_v2.utilities import generate_orderbook_summary_hash, parse_raw_orderbook_summary

from sim.clob.venue import Venue
from tieout.sim.engine.amounts import ONE, TICKS
from tieout.sim.model import Market, Side
from tieout.sim.wire.cursor import END, FIRST

CROWD = "0x" + "c0" * 20
BAD_TOKEN, NO_BOOK = {"error": "Invalid token id"}, {"error": "No orderbook exists for the requested token id"}
NO_MARKET = {"error": "market not found"}


def quoted(venue: Venue) -> tuple[str, str]:
    """Bids 0.40 x 20 and 0.39 x 10, an ask 0.45 x 30, all of outcome 0."""
    venue.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    for side, price, size in ((Side.BUY, 400_000, 20), (Side.BUY, 390_000, 10), (Side.SELL, 450_000, 30)):
        venue.crowd(venue.market, side, 0, price, size * ONE, CROWD)
    yes, no = venue.market.tokens
    return str(yes), str(no)


def test_health_time_and_version(venue: Venue):
    assert venue.get("/ok").body == "OK"
    assert venue.get("/time").body == venue.world.scheduler.now_s
    assert venue.get("/version").body == {"version": 2}


def test_a_book_lists_the_best_level_last_and_the_other_outcome_mirrors_it(venue: Venue):
    yes, no = quoted(venue)
    book = venue.get("/book", token_id=yes).body
    assert book == {
        "market": venue.market.condition_id,
        "asset_id": yes,
        "timestamp": str(venue.world.scheduler.now_ms),
        "hash": book["hash"],
        "bids": [{"price": "0.39", "size": "10"}, {"price": "0.4", "size": "20"}],
        "asks": [{"price": "0.45", "size": "30"}],
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": "",
    }
    mirror = venue.get("/book", token_id=no).body
    assert mirror["bids"] == [{"price": "0.55", "size": "30"}]
    assert mirror["asks"] == [{"price": "0.61", "size": "10"}, {"price": "0.6", "size": "20"}]


def test_the_hash_of_a_book_is_what_the_client_recomputes_and_changes_with_it(venue: Venue):
    yes, _ = quoted(venue)
    book = venue.get("/book", token_id=yes).body
    assert generate_orderbook_summary_hash(parse_raw_orderbook_summary(book)) == book["hash"]
    venue.run(60)
    assert venue.get("/book", token_id=yes).body == book
    venue.crowd(venue.market, Side.BUY, 0, 380_000, 10 * ONE, CROWD)
    changed = venue.get("/book", token_id=yes).body
    assert changed["hash"] != book["hash"]
    assert int(changed["timestamp"]) == venue.world.scheduler.now_ms


def test_prices_singly_and_in_batches(venue: Venue):
    yes, no = quoted(venue)
    empty = str(venue.other.tokens[0])
    assert venue.get("/midpoint", token_id=yes).body == {"mid": "0.425"}
    assert venue.get("/midpoint", token_id=no).body == {"mid": "0.575"}
    assert venue.get("/spread", token_id=no).body == {"spread": "0.05"}
    assert venue.get("/price", token_id=yes, side="BUY").body == {"price": "0.4"}
    assert venue.get("/price", token_id=yes, side="sell").body == {"price": "0.45"}
    assert venue.get("/price", token_id=empty, side="BUY").body == {"price": "0"}
    asked = [{"token_id": yes}, {"token_id": "77"}, {"token_id": no}]
    assert [book["asset_id"] for book in venue.post("/books", asked).body] == [yes, no]
    assert venue.post("/midpoints", asked).body == {yes: "0.425", no: "0.575"}
    assert venue.post("/spreads", asked).body == {yes: "0.05", no: "0.05"}
    sides = [{"token_id": yes, "side": "BUY"}, {"token_id": yes, "side": "SELL"}, {"token_id": no, "side": "BUY"}]
    assert venue.post("/prices", sides).body == {yes: {"BUY": "0.4", "SELL": "0.45"}, no: {"BUY": "0.55"}}


def test_last_trades(venue: Venue):
    yes, no = quoted(venue)
    assert venue.get("/last-trade-price", token_id=yes).body == {"price": "0.5", "side": ""}
    assert venue.post("/last-trades-prices", [{"token_id": yes}]).body == []
    venue.crowd(venue.market, Side.SELL, 0, 400_000, 5 * ONE, CROWD)
    assert venue.get("/last-trade-price", token_id=yes).body == {"price": "0.4", "side": "SELL"}
    assert venue.post("/last-trades-prices", [{"token_id": no}, {"token_id": yes}]).body == [
        {"token_id": no, "price": "0.6", "side": "BUY"},
        {"token_id": yes, "price": "0.4", "side": "SELL"},
    ]
    assert venue.get("/book", token_id=yes).body["last_trade_price"] == "0.4"


@pytest.mark.parametrize("path", ["/book", "/midpoint", "/spread", "/price", "/last-trade-price"])
def test_tokens_without_a_book(venue: Venue, path: str):
    assert (venue.get(path, side="BUY").status, venue.get(path, side="BUY").body) == (400, BAD_TOKEN)
    for token in ("77", "x", "1" * 90, str(venue.market.position_ids[0])):
        missing = venue.get(path, token_id=token, side="BUY")
        assert (missing.status, missing.body) == (404, NO_BOOK)
    venue.world.resolve(venue.market, (0, ONE))
    assert venue.get(path, token_id=str(venue.market.tokens[0]), side="BUY").body == NO_BOOK


def test_bad_batches_and_sides(venue: Venue):
    yes = str(venue.market.tokens[0])
    for path in ("/books", "/midpoints", "/prices", "/spreads", "/last-trades-prices"):
        for body in ({}, ["x"], [{"token_id": 1}], [{"token_id": ""}]):
            assert venue.post(path, body).body == {"error": "Invalid payload"}
        assert venue.post(path, [{"token_id": yes, "side": "BUY"}] * 501).body == {"error": "Payload exceeds the limit"}
    assert venue.post("/prices", [{"token_id": yes, "side": "HOLD"}]).body == {"error": "Invalid side"}
    assert venue.get("/price", token_id=yes).body == {"error": "Invalid side"}


def test_lookups_by_token(venue: Venue):
    yes, no = (str(token) for token in venue.event_market.tokens)
    assert venue.get("/neg-risk", token_id=no).body == {"neg_risk": True}
    assert venue.get("/fee-rate", token_id=no).body == {"base_fee": 1000}
    assert venue.get("/fee-rate", token_id=str(venue.other.tokens[0])).body == {"base_fee": 0}
    assert venue.get(f"/markets-by-token/{no}").body == {
        "condition_id": venue.event_market.condition_id,
        "primary_token_id": yes,
        "secondary_token_id": no,
    }
    for path in ("/neg-risk", "/fee-rate", "/tick-size"):
        assert (venue.get(path).status, venue.get(path).body) == (400, BAD_TOKEN)
        assert (venue.get(path, token_id="77").status, venue.get(path, token_id="77").body) == (404, NO_MARKET)
    assert venue.get("/markets-by-token/77").body == NO_MARKET


@pytest.mark.parametrize("tick", TICKS)
def test_the_tick_is_a_json_number(venue: Venue, tick: int):
    venue.market.tick = tick
    token = str(venue.market.tokens[0])
    assert venue.get("/tick-size", token_id=token).body == {"minimum_tick_size": tick / ONE}
    assert venue.get(f"/tick-size/{token}").body == {"minimum_tick_size": tick / ONE}


def test_a_market_in_its_compact_form_leaves_false_out(venue: Venue):
    market = venue.event_market
    compact = venue.get(f"/clob-markets/{market.condition_id}").body
    assert (compact["c"], compact["mts"], compact["mos"], compact["nr"]) == (market.condition_id, 0.01, 5, True)
    assert compact["fd"] == {"r": 0.04, "e": 1, "to": True}
    assert [token["t"] for token in compact["t"]] == [str(token) for token in market.tokens]
    assert compact["ao"] is True
    market.accepting_orders = False
    assert "ao" not in venue.get(f"/clob-markets/{market.condition_id}").body
    assert "nr" not in venue.get(f"/clob-markets/{venue.market.condition_id}").body


def test_a_resolved_market_has_a_winner(venue: Venue):
    venue.world.resolve(venue.market, (0, ONE))
    market = venue.get(f"/markets/{venue.market.condition_id}").body
    assert (market["closed"], market["accepting_orders"]) == (True, False)
    assert [(token["price"], token["winner"]) for token in market["tokens"]] == [(0, False), (1, True)]


def test_a_market_is_found_by_its_short_condition_too(venue: Venue):
    short = venue.v2_market.condition_id[:-2]
    assert venue.get(f"/clob-markets/{short}").body["c"] == venue.v2_market.condition_id


def test_markets_that_do_not_exist(venue: Venue):
    for form in ("/markets/{}", "/clob-markets/{}", "/rewards/markets/{}", "/markets/live-activity/{}"):
        bad, missing = venue.get(form.format("12")), venue.get(form.format("0x" + "77" * 32))
        assert (bad.status, bad.body) == (400, {"error": "Invalid market"})
        assert (missing.status, missing.body) == (404, NO_MARKET)


@pytest.mark.parametrize(
    "path", ["/markets", "/sampling-markets", "/simplified-markets", "/sampling-simplified-markets"]
)
def test_markets_are_listed_in_pages(venue: Venue, path: str):
    venue.clob.settings.markets_page_size = 3
    venue.market.reward_daily = 0
    found, cursor = [], FIRST
    while cursor != END:
        page = venue.get(path, next_cursor=cursor).body
        assert page["count"] == len(page["data"])
        found += [row["condition_id"] for row in page["data"]]
        cursor = page["next_cursor"]
    wanted: list[Market] = [market for market in venue.markets if market.reward_daily or "sampling" not in path]
    assert found == [market.condition_id for market in wanted]
    for cursor in (END, "x"):
        past = venue.get(path, next_cursor=cursor)
        assert (past.status, past.body) == (400, {"error": "next item should be greater than or equal to 0"})


def test_price_history_by_token_and_interval(venue: Venue):
    yes, no = quoted(venue)
    times = []
    for price in (450_000, 460_000, 470_000):
        venue.crowd(venue.market, Side.SELL, 0, price, 10 * ONE, CROWD)
        venue.crowd(venue.market, Side.BUY, 0, price, 40 * ONE, CROWD)
        times.append(venue.world.scheduler.now_s)
        venue.run(7200)
    full = venue.get("/prices-history", market=yes, interval="max").body["history"]
    assert [point["t"] for point in full] == times
    mirrored = venue.get("/prices-history", market=no, interval="max").body["history"]
    assert [round(a["p"] + b["p"], 6) for a, b in zip(full, mirrored, strict=True)] == [1, 1, 1]
    recent = venue.get("/prices-history", market=yes, interval="6h").body["history"]
    assert [point["t"] for point in recent] == times
    assert [p["t"] for p in venue.get("/prices-history", market=yes, interval="1h").body["history"]] == []
    window = venue.get("/prices-history", market=yes, startTs=str(times[1]), endTs=str(times[1])).body["history"]
    assert [point["t"] for point in window] == [times[1]]
    assert len(venue.get("/prices-history", market=yes, fidelity="100000").body["history"]) == 1
    for query in (
        {},
        {"market": yes, "interval": "2y"},
        {"market": yes, "fidelity": "0"},
        {"market": yes, "endTs": "x"},
    ):
        assert venue.get("/prices-history", **query).status == 400


def test_live_activity_names_the_taker(venue: Venue):
    quoted(venue)
    venue.crowd(venue.market, Side.SELL, 0, 400_000, 5 * ONE, CROWD)
    (event,) = venue.get(f"/markets/live-activity/{venue.market.condition_id}").body
    assert (event["side"], event["size"], event["user"]["address"].lower()) == ("SELL", "5", CROWD)


def test_rewards_of_markets(venue: Venue):
    (current,) = [
        row
        for row in venue.get("/rewards/markets/current").body["data"]
        if row["condition_id"] == venue.market.condition_id
    ]
    assert (current["rewards_min_size"], current["rewards_max_spread"]) == (20, 3.5)
    assert current["rewards_config"][0]["rate_per_day"] == 10
    assert len(venue.get("/rewards/markets/multi", page_size="2").body["data"]) == 2
    assert venue.get(f"/rewards/markets/{venue.market.condition_id}").body["count"] == 1
    venue.market.reward_daily = 0
    assert venue.get(f"/rewards/markets/{venue.market.condition_id}").body["data"] == []
    assert venue.get("/rewards/markets/current", next_cursor="x").status == 400
    assert venue.get("/rebates/current", date="2026-09-21", maker_address=CROWD).body == []


def test_earnings_are_empty_and_need_a_key(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    for path in ("/rewards/user", "/rewards/user/total", "/rewards/user/percentages", "/rewards/user/markets"):
        assert venue.get(path, date="2026-09-21").status == 401
    assert trader.ask("GET", "/rewards/user", date="2026-09-21").body["data"] == []
    assert trader.ask("GET", "/rewards/user/total", date="2026-09-21").body == []
    assert trader.ask("GET", "/rewards/user/percentages").body == {}
    rows = trader.ask("GET", "/rewards/user/markets", date="2026-09-21").body["data"]
    assert {row["earnings"][0]["earnings"] for row in rows} == {0}


def test_builder_fees_and_trades(venue: Venue):
    code, other = "0x" + "bb" * 32, "0x" + "cc" * 32
    venue.clob.settings.builder_fees[code] = (10, 25)
    assert venue.get(f"/fees/builder-fees/{code}").body == {
        "builder_maker_fee_rate_bps": 10,
        "builder_taker_fee_rate_bps": 25,
    }
    assert venue.get(f"/fees/builder-fees/{other}").status == 404
    quoted(venue)
    venue.crowd(venue.market, Side.SELL, 0, 460_000, 10 * ONE, CROWD, builder=code)
    taker = venue.trader()
    taker.place(venue.market, "BUY", 0, 460_000, 40 * ONE, builder=code)
    taker_row, maker_row = venue.get("/builder/trades", builder_code=code).body["data"]
    (trade,) = venue.world.exchange.trades.values()
    assert (taker_row["tradeType"], taker_row["size"], taker_row["sizeUsdc"]) == ("TAKER", "40", "18.1")
    assert round(float(taker_row["feeUsdc"]) * ONE) == trade.fee > 0
    assert (maker_row["tradeType"], maker_row["size"], maker_row["feeUsdc"]) == ("MAKER", "10", "0")
    assert venue.get("/builder/trades", builder_code=other).body["data"] == []
    assert venue.get("/builder/trades", builder_code=code, id="x").body["data"] == []
    assert venue.get("/builder/trades").body == {"error": "invalid builder trade params"}


def test_paths_and_methods_that_do_not_exist(venue: Venue):
    assert venue.get("/nothing").status == 404
    assert venue.get("/order").status == 405
