"""Reading an account: orders, trades, paging, heartbeats, notifications, balances, scoring."""

from __future__ import annotations

import pytest

from sim.clob.venue import Trader, Venue
from tieout.sim.chain.calls import Disapprove, TransferCash
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side, TradeStatus
from tieout.sim.wire.cursor import END, FIRST, cursor_at
from tieout.sim.wire.wallets import checksummed

CROWD = "0x" + "c0" * 20


def crowd(venue: Venue, side: Side, outcome: int, price: int, size: int, **more: str) -> str:
    if not venue.world.chain.cash(CROWD):
        venue.fund(CROWD, 1_000_000 * ONE, 100_000 * ONE)
    return venue.crowd(venue.market, side, outcome, price, size, CROWD, **more)


def place(trader: Trader, side: str, outcome: int, price: int, size: int = 10 * ONE, **more: object) -> str:
    answered = trader.place(trader.venue.market, side, outcome, price, size, **more)
    assert answered.status == 200, answered
    return str(answered.body["orderID"])


def pages(trader: Trader, path: str, **query: str) -> list[list[dict]]:
    """Every page from the first cursor to the end."""
    found, cursor = [], FIRST
    while cursor != END:
        page = trader.ask("GET", path, next_cursor=cursor, **query).body
        assert set(page) == {"limit", "count", "next_cursor", "data"}
        assert page["count"] == len(page["data"]) <= page["limit"]
        found.append(page["data"])
        cursor = page["next_cursor"]
    return found


# orders


def test_an_open_order_is_shown_in_full(venue: Venue):
    trader = venue.trader("proxy")
    expiration = venue.world.scheduler.now_s + 3600
    order_id = place(trader, "BUY", 1, 410_000, 12_500_000, kind="GTD", expiration=expiration)
    crowd(venue, Side.SELL, 1, 410_000, 2_500_000 * 2)
    (trade_id,) = venue.world.exchange.orders[order_id].trades
    (row,) = trader.ask("GET", "/data/orders").body["data"]
    assert row == {
        "id": order_id,
        "status": "LIVE",
        "owner": trader.key.key,
        "maker_address": checksummed(trader.wallet),
        "market": venue.market.condition_id,
        "asset_id": str(venue.market.tokens[1]),
        "side": "BUY",
        "original_size": "12.5",
        "size_matched": "5",
        "price": "0.41",
        "outcome": "No",
        "expiration": str(expiration),
        "order_type": "GTD",
        "associate_trades": [trade_id],
        "created_at": venue.world.scheduler.now_s - 6,
    }
    assert trader.ask("GET", f"/data/order/{order_id}").body == row


def test_an_order_is_null_when_it_is_not_open_or_not_ones_own(venue: Venue):
    trader, other = venue.trader(), venue.trader()
    order_id = place(trader, "BUY", 0, 400_000)
    assert other.ask("GET", f"/data/order/{order_id}").body is None
    trader.ask("DELETE", "/cancel-all")
    gone = trader.ask("GET", f"/data/order/{order_id}")
    assert (gone.status, gone.body) == (200, None)
    assert trader.ask("GET", "/data/order/12").body == {"error": "Invalid orderID"}


def test_orders_are_filtered(venue: Venue):
    trader = venue.trader()
    yes, no = place(trader, "BUY", 0, 400_000), place(trader, "BUY", 1, 300_000)
    elsewhere = trader.place(venue.other, "BUY", 0, 400_000, 10 * ONE).body["orderID"]

    def ids(**query: str) -> list[str]:
        return [row["id"] for row in trader.ask("GET", "/data/orders", **query).body["data"]]

    assert ids() == [yes, no, elsewhere]
    assert ids(market=venue.market.condition_id) == [yes, no]
    assert ids(asset_id=str(venue.market.tokens[1])) == [no]
    assert ids(id=elsewhere) == [elsewhere]
    assert venue.trader(cash=0, shares=0).ask("GET", "/data/orders").body["data"] == []


def test_orders_are_paged_without_loss_or_repeat(venue: Venue):
    trader = venue.trader(cash=100_000 * ONE)
    placed = [place(trader, "BUY", n % 2, 10_000 * (1 + n % 40)) for n in range(205)]
    found = pages(trader, "/data/orders")
    assert [len(page) for page in found] == [100, 100, 5]
    assert [row["id"] for page in found for row in page] == placed
    assert trader.ask("GET", "/data/orders").body["next_cursor"] == cursor_at(100) == "MTAw"
    venue.clob.settings.page_size = 41
    assert [len(page) for page in pages(trader, "/data/orders")] == [41] * 5
    assert trader.ask("GET", "/data/orders", next_cursor=END).body["data"] == []
    assert trader.ask("GET", "/data/orders", next_cursor="?").body == {"error": "invalid order params payload"}
    assert pages(trader, "/data/pre-migration-orders") == [[]]


# trades


def test_a_trade_describes_the_taker_to_both_sides(venue: Venue):
    maker, taker = venue.trader("safe"), venue.trader()
    maker_id = place(maker, "SELL", 0, 500_000)
    taker_id = place(taker, "BUY", 0, 550_000, 6 * ONE)
    (mine,) = taker.ask("GET", "/data/trades").body["data"]
    (theirs,) = maker.ask("GET", "/data/trades").body["data"]
    assert theirs == mine | {"trader_side": "MAKER"}
    assert mine == {
        "id": venue.world.exchange.orders[taker_id].trades[0],
        "taker_order_id": taker_id,
        "market": venue.market.condition_id,
        "asset_id": str(venue.market.tokens[0]),
        "side": "BUY",
        "size": "6",
        "fee_rate_bps": "0",
        "price": "0.5",
        "status": "TRADE_STATUS_MATCHED_NOT_BROADCASTED",
        "match_time": str(venue.world.scheduler.now_s),
        "last_update": str(venue.world.scheduler.now_s),
        "outcome": "Yes",
        "bucket_index": 0,
        "owner": taker.key.key,
        "maker_address": checksummed(taker.wallet),
        "transaction_hash": "",
        "maker_orders": [
            {
                "order_id": maker_id,
                "owner": maker.key.key,
                "maker_address": checksummed(maker.wallet),
                "matched_amount": "6",
                "price": "0.5",
                "fee_rate_bps": "0",
                "asset_id": str(venue.market.tokens[0]),
                "outcome": "Yes",
                "side": "SELL",
            }
        ],
        "trader_side": "TAKER",
    }


def test_the_status_follows_the_chain(venue: Venue):
    crowd(venue, Side.SELL, 0, 500_000, 10 * ONE)
    taker = venue.trader()
    place(taker, "BUY", 0, 500_000)

    def now() -> tuple[str, bool]:
        (row,) = taker.ask("GET", "/data/trades").body["data"]
        return row["status"], bool(row["transaction_hash"])

    assert now() == ("TRADE_STATUS_MATCHED_NOT_BROADCASTED", False)
    venue.world.scheduler.run_for(901)
    assert now() in (("TRADE_STATUS_MATCHED", True), ("TRADE_STATUS_MINED", True))
    venue.run(2)
    assert now() == ("TRADE_STATUS_MINED", True)
    venue.run(30)
    assert now() == ("TRADE_STATUS_CONFIRMED", True)


def test_several_own_makers_of_one_trade_are_one_row(venue: Venue):
    maker = venue.trader()
    mine = {place(maker, "SELL", 0, 500_000), place(maker, "SELL", 0, 510_000), place(maker, "BUY", 1, 480_000)}
    crowd(venue, Side.BUY, 0, 530_000, 30 * ONE)
    (row,) = maker.ask("GET", "/data/trades").body["data"]
    assert {leg["order_id"] for leg in row["maker_orders"] if leg["owner"] == maker.key.key} == mine
    assert row["trader_side"] == "MAKER"


def test_a_trade_with_oneself_is_one_row_as_taker(venue: Venue):
    trader = venue.trader()
    place(trader, "SELL", 0, 500_000)
    place(trader, "BUY", 0, 500_000)
    (row,) = trader.ask("GET", "/data/trades").body["data"]
    assert (row["trader_side"], row["maker_orders"][0]["owner"]) == ("TAKER", trader.key.key)


def test_the_asset_filter_looks_at_the_takers_token_only(venue: Venue):
    maker = venue.trader()
    place(maker, "BUY", 1, 480_000)
    crowd(venue, Side.BUY, 0, 520_000, 10 * ONE)
    yes, no = (str(token) for token in venue.market.tokens)
    (row,) = maker.ask("GET", "/data/trades", asset_id=yes).body["data"]
    assert row["maker_orders"][0]["asset_id"] == no
    assert maker.ask("GET", "/data/trades", asset_id=no).body["data"] == []


def test_trades_are_filtered_and_newest_first(venue: Venue):
    crowd(venue, Side.SELL, 0, 500_000, 1_000 * ONE)
    taker = venue.trader("deposit")
    times = []
    for _ in range(3):
        times.append(venue.world.scheduler.now_s)
        place(taker, "BUY", 0, 500_000)
        venue.run(10)

    def matched(**query: str) -> list[int]:
        return [int(row["match_time"]) for row in taker.ask("GET", "/data/trades", **query).body["data"]]

    assert matched() == times[::-1]
    assert matched(after=str(times[1])) == [times[2], times[1]]
    assert matched(after=str(times[0] + 1), before=str(times[1])) == [times[1]]
    assert matched(market=venue.other.condition_id) == []
    assert matched(maker_address=checksummed(taker.wallet)) == times[::-1]
    assert matched(maker_address="0x" + "11" * 20) == []
    (first,) = venue.world.exchange.orders[next(iter(venue.world.exchange.orders))].trades[:1]
    assert matched(id=first) == [times[0]]
    assert matched(id="unknown") == matched(id=first, market=venue.other.condition_id) == []
    assert venue.trader(cash=0, shares=0).ask("GET", "/data/trades", id=first).body["data"] == []
    for query in ({"after": "x"}, {"before": "-1"}, {"next_cursor": "?"}):
        assert taker.ask("GET", "/data/trades", **query).body == {"error": "Invalid trade params payload"}


def test_trades_are_paged_without_loss_or_repeat(venue: Venue):
    crowd(venue, Side.SELL, 0, 500_000, 10_000 * ONE)
    taker = venue.trader(cash=100_000 * ONE, shares=0)
    for _ in range(103):
        place(taker, "BUY", 0, 500_000, 2 * ONE, kind="FOK")
    found = pages(taker, "/data/trades", market=venue.market.condition_id)
    assert [len(page) for page in found] == [100, 3]
    ids = [row["id"] for page in found for row in page]
    assert ids == [trade.id for trade in reversed(venue.world.exchange.trades.values())]


# heartbeats, notifications, scoring


def test_heartbeats_carry_the_last_id_and_a_wrong_one_is_answered_with_the_right_one(venue: Venue):
    trader = venue.trader()
    order_id = place(trader, "BUY", 0, 400_000)
    first = trader.ask("POST", "/v1/heartbeats", {"heartbeat_id": ""}).body["heartbeat_id"]
    wrong = trader.ask("POST", "/v1/heartbeats", {"heartbeat_id": ""})
    assert (wrong.status, wrong.body) == (400, {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": first})
    assert trader.ask("POST", "/v1/heartbeats", {"heartbeat_id": 4}).body == {"error": "Invalid order payload"}
    assert trader.ask("POST", "/v1/heartbeats", {"heartbeat_id": first}).body["heartbeat_id"] != first
    venue.run(9)
    assert trader.ask("GET", f"/data/order/{order_id}").body is not None
    venue.run(7)
    assert trader.ask("GET", f"/data/order/{order_id}").body is None


def test_cancellations_fills_failures_and_resolutions_are_notified(venue: Venue):
    trader, other = venue.trader(), venue.trader()
    cancelled = place(trader, "BUY", 0, 400_000)
    trader.ask("DELETE", "/cancel-all")
    crowd(venue, Side.SELL, 0, 500_000, 50 * ONE)
    filled = place(trader, "BUY", 0, 500_000)
    venue.run(5)
    venue.world.settler.reverts = lambda _trade: True
    failed = place(trader, "BUY", 0, 500_000)
    venue.run(60)
    venue.world.resolve(venue.market, (ONE, 0))
    rows = trader.ask("GET", "/notifications", signature_type="0").body
    assert [row["type"] for row in rows] == [1, 2, 8, 4]
    assert [row["payload"].get("order_id") for row in rows] == [cancelled, filled, failed, None]
    assert {row["owner"] for row in rows} == {trader.key.key}
    fill = rows[1]["payload"]
    trade = venue.world.exchange.trades[fill["trade_id"]]
    assert (fill["transaction_hash"], fill["matched_size"], fill["remaining_size"]) == (trade.tx_hash, "10", "0")
    assert trade.status is TradeStatus.CONFIRMED
    assert rows[3]["payload"]["tokens"][0]["winner"] is True
    assert other.ask("GET", "/notifications").body == []
    assert set(venue.clob._desk.records.notifications) == {trader.signer}, "nothing is kept for who has no key"
    dropped = ",".join(str(row["id"]) for row in rows[:2])
    assert other.ask("DELETE", "/notifications", ids=dropped).body == "OK"
    assert len(trader.ask("GET", "/notifications").body) == 4
    assert trader.ask("DELETE", "/notifications", ids=dropped).body == "OK"
    assert [row["type"] for row in trader.ask("GET", "/notifications").body] == [8, 4]


def test_an_order_scores_when_large_and_near_the_middle(venue: Venue):
    trader = venue.trader()
    place(trader, "SELL", 0, 520_000, 30 * ONE)
    near, far = place(trader, "BUY", 0, 500_000, 30 * ONE), place(trader, "BUY", 0, 400_000, 30 * ONE)
    small = place(trader, "BUY", 0, 500_000, 10 * ONE)
    assert trader.ask("GET", "/order-scoring", order_id=near).body == {"scoring": True}
    assert trader.ask("POST", "/orders-scoring", [near, far, small]).body == {near: True, far: False, small: False}
    trader.ask("DELETE", "/order", {"orderID": near})
    assert trader.ask("GET", "/order-scoring", order_id=near).body == {"scoring": False}
    assert trader.ask("GET", "/order-scoring").body == {"error": "Invalid orderID"}
    assert trader.ask("POST", "/orders-scoring", ["x"]).body == {"error": "Invalid orderID"}


# balances

SPENDER = "0xE111180000d2663C0091e4f400237545B87B996B"


def test_balances_are_a_cache_that_only_a_refresh_or_own_trades_renew(venue: Venue):
    trader = venue.trader(cash=100 * ONE, shares=0)

    def told() -> int:
        return int(trader.ask("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="0").body["balance"])

    assert told() == 100 * ONE
    venue.world.chain.submit(TransferCash(trader.wallet, "0x" + "dd" * 20, 40 * ONE))
    venue.run(3)
    assert told() == 100 * ONE
    refreshed = trader.ask("GET", "/balance-allowance/update", asset_type="COLLATERAL", signature_type="0")
    assert (refreshed.status, refreshed.body) == (200, None)
    assert told() == 60 * ONE
    crowd(venue, Side.SELL, 0, 500_000, 10 * ONE)
    place(trader, "BUY", 0, 500_000)
    assert told() == 60 * ONE
    venue.run(5)
    assert told() == venue.world.chain.cash(trader.wallet) < 55 * ONE


@pytest.mark.parametrize(("kind", "signature_type"), [("eoa", "0"), ("proxy", "1"), ("safe", "2"), ("deposit", "3")])
def test_the_wallet_follows_from_signer_and_signature_type(venue: Venue, kind: str, signature_type: str):
    trader = venue.trader(kind, cash=7 * ONE, shares=5 * ONE)
    unlimited = str((1 << 256) - 1)
    cash = trader.ask("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type=signature_type).body
    assert cash["balance"] == str(7 * ONE)
    assert int(cash["allowances"][SPENDER]) > 1 << 200
    token = str(venue.market.tokens[1])
    query = {"asset_type": "CONDITIONAL", "token_id": token, "signature_type": signature_type}
    shares = trader.ask("GET", "/balance-allowance", **query).body
    assert (shares["balance"], shares["allowances"][SPENDER]) == (str(5 * ONE), unlimited)
    token = str(venue.v2_market.tokens[0])
    query |= {"asset_type": "CONDITIONAL-V2", "token_id": token}
    assert trader.ask("GET", "/balance-allowance", **query).body["balance"] == str(5 * ONE)
    venue.world.chain.submit(Disapprove(trader.wallet))
    venue.run(3)
    trader.ask("GET", "/balance-allowance/update", **query)
    assert set(trader.ask("GET", "/balance-allowance", **query).body["allowances"].values()) == {"0"}


def test_balance_queries_are_checked(venue: Venue):
    trader = venue.trader(cash=0, shares=0)

    def error(**query: str) -> str:
        return str(trader.ask("GET", "/balance-allowance", **query).body["error"])

    assert error(asset_type="GOLD") == "Invalid asset type"
    assert error(asset_type="COLLATERAL", signature_type="9") == "Invalid signature_type"
    assert error(asset_type="CONDITIONAL") == "Invalid token id"
    assert error(asset_type="CONDITIONAL", token_id="x") == "Invalid token id"


def test_the_crowds_orders_render(venue: Venue):
    maker = venue.trader()
    place(maker, "SELL", 0, 500_000)
    crowd(venue, Side.BUY, 0, 500_000, 10 * ONE)
    (row,) = maker.ask("GET", "/data/trades").body["data"]
    assert (row["owner"], row["maker_address"].lower()) == ("crowd", CROWD)
    lifecycle.migrate_market(venue.world.exchange, venue.market)
    assert maker.ask("GET", "/data/trades").body["data"] == [row]
