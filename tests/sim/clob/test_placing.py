"""Placing orders over REST: ids, answers, and every refusal in the venue's words."""

from __future__ import annotations

from typing import Any

import pytest

from sim.clob.venue import KINDS, Trader, Venue
from tieout.sim.chain.calls import Disapprove
from tieout.sim.contracts import CTF_EXCHANGE, NEG_RISK_EXCHANGE
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import OrderStatus, Side
from tieout.sim.wire.clob_payload import read_body
from tieout.sim.wire.clob_signing import domain_separator, order_digest
from tieout.sim.wire.wallets import legacy_deposit_wallet, safe_wallet

CROWD = "0x" + "c0" * 20


def crowd_ask(venue: Venue, price: int = 500_000, size: int = 100 * ONE, market: Any = None) -> None:
    if not venue.world.chain.cash(CROWD):
        venue.fund(CROWD, 100_000 * ONE, 10_000 * ONE)
    venue.crowd(market or venue.market, Side.SELL, 0, price, size, CROWD)


def refusal(trader: Trader, *args: Any, **more: Any) -> str:
    """The text of an HTTP 400; the order has no effect."""
    before = len(trader.venue.world.exchange.orders)
    refused = trader.place(*args, **more)
    assert refused.status == 400, refused
    assert set(refused.body) == {"error"}
    assert len(trader.venue.world.exchange.orders) == before
    return str(refused.body["error"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", range(4))
def test_orders_of_every_wallet_kind_are_taken_on_every_exchange(venue: Venue, kind: str, place: int):
    trader, market = venue.trader(kind), venue.markets[place]
    placed = trader.place(market, "BUY", 0, 400_000, 10 * ONE, post_only=True)
    assert placed.status == 200, placed
    order = venue.world.exchange.orders[placed.body["orderID"]]
    assert (order.request.wallet, order.request.signer, order.request.owner) == (
        trader.wallet,
        trader.signer,
        trader.key.key,
    )
    assert order.status is OrderStatus.LIVE


def test_the_order_id_is_the_digest_of_the_body(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.event_market, "BUY", 1, 300_000, 7 * ONE)
    placed = trader.ask("POST", "/order", body).body
    fields = read_body(body).order.fields()
    digest = order_digest(fields.struct_hash(), domain_separator(137, NEG_RISK_EXCHANGE, "2"))
    assert placed == {
        "success": True,
        "errorMsg": "",
        "orderID": "0x" + digest.hex(),
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
        "tradeIDs": [],
        "transactionsHashes": [],
    }


def test_a_match_tells_decimal_amounts_and_trade_ids_but_no_hash(venue: Venue):
    crowd_ask(venue, 500_000)
    buyer = venue.trader()
    bought = buyer.place(venue.market, "BUY", 0, 550_000, 10_500_000).body
    (trade_id,) = bought["tradeIDs"]
    assert venue.world.exchange.trades[trade_id].shares == 10_500_000
    assert (bought["status"], bought["makingAmount"], bought["takingAmount"]) == ("matched", "5.25", "10.5")
    assert bought["transactionsHashes"] == []
    venue.crowd(venue.market, Side.BUY, 0, 450_000, 20 * ONE, CROWD)
    sold = buyer.place(venue.market, "SELL", 0, 450_000, 8 * ONE).body
    assert (sold["makingAmount"], sold["takingAmount"]) == ("8", "3.6")


def test_a_marketable_order_of_a_slow_market_is_delayed_and_cannot_be_cancelled(venue: Venue):
    crowd_ask(venue)
    venue.market.delay_ms = 3_000
    buyer = venue.trader()
    placed = buyer.place(venue.market, "BUY", 0, 500_000, 10 * ONE).body
    assert (placed["status"], placed["tradeIDs"]) == ("delayed", [])
    kept = buyer.ask("DELETE", "/order", {"orderID": placed["orderID"]}).body
    assert (kept["canceled"], list(kept["not_canceled"])) == ([], [placed["orderID"]])
    assert list(buyer.ask("DELETE", "/cancel-all").body["not_canceled"]) == [placed["orderID"]]
    venue.run(4)
    assert venue.world.exchange.orders[placed["orderID"]].status is OrderStatus.MATCHED


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "12"},
        {"salt": 1 << 53},
        {"salt": -1},
        {"makerAmount": 5},
        {"makerAmount": "5.0"},
        {"side": 0},
        {"side": "buy"},
        {"maker": "0x12"},
        {"signatureType": 4},
        {"tokenId": "0x1"},
        {"signature": "0xzz"},
        {"metadata": "0x"},
        {"expiration": 0},
        {"takerAmount": str(1 << 256)},
    ],
)
def test_a_field_of_the_wrong_form_is_a_bad_payload(venue: Venue, change: dict):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    body["order"] |= change
    assert trader.ask("POST", "/order", body).body == {"error": "Invalid order payload"}


@pytest.mark.parametrize("field", ["order", "owner", "orderType"])
def test_a_missing_field_is_a_bad_payload(venue: Venue, field: str):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    del body[field]
    assert trader.ask("POST", "/order", body).body == {"error": "Invalid order payload"}
    assert trader.ask("POST", "/order", body | {field: 7}).body == {"error": "Invalid order payload"}


def test_text_that_is_no_json_is_a_bad_payload(venue: Venue):
    trader = venue.trader()
    for method, path in (("POST", "/order"), ("POST", "/orders"), ("DELETE", "/order"), ("DELETE", "/orders")):
        assert trader.ask(method, path).body == {"error": "Invalid order payload"}


def test_parties_that_do_not_belong_together_are_refused(venue: Venue):
    trader, other = venue.trader(), venue.trader(cash=0, shares=0)
    plain = (venue.market, "BUY", 0, 400_000, 10 * ONE)
    owner = "the order owner has to be the owner of the API KEY"
    signer = "the order signer address has to be the address of the API KEY"
    maker = "maker address not allowed, please use the deposit wallet flow"
    assert refusal(trader, *plain, owner=other.key.key) == owner
    assert refusal(trader, *plain, signer=other.signer, maker=other.signer) == signer
    assert refusal(trader, *plain, maker=other.signer) == maker
    assert refusal(trader, *plain, maker=safe_wallet(other.signer), signature_type=2) == maker
    deposit = legacy_deposit_wallet(other.signer)
    assert refusal(trader, *plain, maker=deposit, signer=deposit, signature_type=3) == signer


def test_somebody_elses_signature_is_invalid(venue: Venue):
    trader, other = venue.trader(), venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    other_body = other.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    body["order"]["signature"] = other_body["order"]["signature"]
    assert trader.ask("POST", "/order", body).body == {"error": "invalid signature"}


def test_an_order_altered_after_signing_is_invalid(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    body["order"]["makerAmount"] = "3900000"
    assert trader.ask("POST", "/order", body).body == {"error": "invalid signature"}


def test_an_order_for_the_wrong_exchange_is_invalid_and_of_the_wrong_version_is_a_mismatch(venue: Venue):
    trader = venue.trader()
    size = (0, 400_000, 10 * ONE)
    assert refusal(trader, venue.event_market, "BUY", *size, exchange=CTF_EXCHANGE) == "invalid signature"
    wrong = {"exchange": CTF_EXCHANGE, "version": "2"}
    assert refusal(trader, venue.v2_market, "BUY", *size, **wrong) == "order_version_mismatch"
    assert refusal(trader, venue.market, "BUY", *size, version="1") == "order_version_mismatch"


def test_an_order_of_v1_is_a_version_mismatch(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    for name in ("timestamp", "metadata", "builder"):
        del body["order"][name]
    body["order"] |= {"taker": "0x" + "0" * 40, "nonce": "0", "feeRateBps": "0"}
    assert trader.ask("POST", "/order", body).body == {"error": "order_version_mismatch"}


def test_after_a_migration_the_old_token_is_a_version_mismatch(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    lifecycle.migrate_market(venue.world.exchange, venue.market)
    assert trader.ask("POST", "/order", body).body == {"error": "order_version_mismatch"}


def test_a_token_nobody_knows_and_a_market_that_is_over_have_no_orderbook(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE, token_id="77")
    assert trader.ask("POST", "/order", body).body == {"error": "the orderbook 77 does not exist"}
    venue.world.resolve(venue.market, (ONE, 0))
    text = refusal(trader, venue.market, "BUY", 0, 400_000, 10 * ONE)
    assert text == f"the orderbook {venue.market.condition_id} does not exist"


def test_a_duplicate_is_named(venue: Venue):
    trader = venue.trader()
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    placed = trader.ask("POST", "/order", body).body
    again = trader.ask("POST", "/order", body)
    assert (again.status, again.body) == (400, {"error": f"order {placed['orderID']} is invalid. Duplicated."})


def test_prices_sizes_and_dates_are_refused_in_the_venues_words(venue: Venue):
    trader, market = venue.trader(), venue.market
    tick = refusal(trader, market, "BUY", 0, 405_000, 10 * ONE)
    assert tick.endswith(" is invalid. Price (0.405) breaks minimum tick size rule: 0.01")
    edge = refusal(trader, market, "BUY", 0, 995_000, 10 * ONE)
    assert edge.endswith(" is invalid. Price (0.995) breaks minimum tick size rule: 0.01")
    over = refusal(trader, market, "BUY", 0, 400_000, 10 * ONE, taker_amount=4 * ONE)
    assert over == "invalid price, price must be greater than 0 and less than 1"
    size = refusal(trader, market, "BUY", 0, 400_000, 4_990_000)
    assert size.endswith(" is invalid. Size (4.99) lower than the minimum: 5")
    assert refusal(trader, market, "BUY", 0, 400_000, 5_005_000) == (
        "invalid amounts, the buy orders maker amount supports a max accuracy of 4 decimals, "
        "taker amount a max of 2 decimals"
    )
    assert refusal(trader, market, "SELL", 0, 400_000, 5_005_000) == (
        "invalid amounts, the sell orders maker amount supports a max accuracy of 2 decimals, "
        "taker amount a max of 4 decimals"
    )
    assert refusal(trader, market, "BUY", 0, 400_000, 10_000_050, kind="FOK") == (
        "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
        "taker amount a max of 4 decimals"
    )
    now = venue.world.scheduler.now_s
    assert refusal(trader, market, "BUY", 0, 400_000, 10 * ONE, kind="GTD", expiration=now + 60) == "invalid expiration"
    assert refusal(trader, market, "BUY", 0, 400_000, 10 * ONE, expiration=now + 600) == "invalid expiration"
    assert refusal(trader, market, "BUY", 0, 400_000, 10 * ONE, kind="FOK", post_only=True) == (
        "invalid post-only order: only GTC and GTD order types are allowed"
    )
    assert refusal(trader, market, "BUY", 0, 400_000, 10 * ONE, maker_amount=0) == "Invalid order payload"


def test_orders_that_would_take_are_refused_in_the_venues_words(venue: Venue):
    crowd_ask(venue, 500_000, 5 * ONE)
    crowd_ask(venue, 10_000, 100 * ONE, venue.other)
    trader = venue.trader()
    post_only = refusal(trader, venue.market, "BUY", 0, 500_000, 10 * ONE, post_only=True)
    assert post_only == "invalid post-only order: order crosses book"
    small = refusal(trader, venue.other, "BUY", 0, 10_000, 20 * ONE)
    assert small == "invalid amount for a marketable BUY order ($0.2), min size: $1"


def test_killed_orders_keep_their_id(venue: Venue):
    crowd_ask(venue, 500_000, 5 * ONE)
    trader = venue.trader()
    killed = trader.place(venue.market, "BUY", 0, 500_000, 10 * ONE, kind="FOK")
    assert killed.status == 400
    assert killed.body["error"] == "order couldn't be fully filled. FOK orders are fully filled or killed."
    assert venue.world.exchange.orders[killed.body["orderID"]].status is OrderStatus.CANCELED
    nothing = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE, kind="FAK")
    assert nothing.body["error"] == (
        "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
    )
    assert venue.world.exchange.orders[nothing.body["orderID"]].status is OrderStatus.CANCELED


def test_money_that_lacks_is_told_in_base_units(venue: Venue):
    trader = venue.trader(cash=3 * ONE, shares=0)
    assert refusal(trader, venue.market, "BUY", 0, 400_000, 10 * ONE) == (
        "not enough balance / allowance: the balance is not enough -> balance: 3000000, order amount: 4000000"
    )
    crowd_ask(venue, 500_000, 5 * ONE, venue.other)
    assert trader.place(venue.other, "BUY", 0, 500_000, 5 * ONE).body["status"] == "matched"
    assert refusal(trader, venue.market, "BUY", 0, 400_000, 5 * ONE) == (
        "not enough balance / allowance: the balance is not enough -> balance: 3000000, "
        "sum of matched orders: 2500000, order amount (inc. fees): 2000000"
    )


def test_an_allowance_that_lacks_names_the_spender(venue: Venue):
    trader = venue.trader()
    venue.world.chain.submit(Disapprove(trader.wallet))
    venue.run(3)
    assert refusal(trader, venue.market, "BUY", 0, 400_000, 10 * ONE) == (
        "not enough balance / allowance: the allowance is not enough -> "
        "spender: 0xE111180000d2663C0091e4f400237545B87B996B, allowance: 0, "
        "sum of matched orders: 0, order amount (inc. fees): 4000000"
    )
    assert "the allowance is not enough" in refusal(trader, venue.market, "SELL", 0, 400_000, 10 * ONE)


def test_restricted_addresses_are_named(venue: Venue):
    trader = venue.trader("safe")
    venue.world.exchange.modes.closed_only.add(trader.wallet)
    plain = (venue.market, "BUY", 0, 400_000, 10 * ONE)
    assert refusal(trader, *plain) == f"'{trader.wallet}' address in closed only mode"
    assert trader.place(venue.market, "SELL", 0, 600_000, 10 * ONE).status == 200
    venue.clob.settings.banned.add(trader.wallet)
    assert refusal(trader, *plain) == f"'{trader.wallet}' address banned"


def test_a_market_in_wait_takes_no_orders(venue: Venue):
    venue.market.accepting_orders = False
    text = refusal(venue.trader(), venue.market, "BUY", 0, 400_000, 10 * ONE)
    assert text == "the market is not yet ready to process new orders"


# batches


def test_a_batch_answers_in_order_and_tells_refusals_inside_the_200(venue: Venue):
    crowd_ask(venue, 500_000, 5 * ONE)
    trader = venue.trader()
    bodies = [
        trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE),
        trader.order(venue.market, "BUY", 0, 500_000, 10 * ONE, post_only=True),
        {"order": {}},
        trader.order(venue.market, "BUY", 0, 500_000, 10 * ONE, kind="FOK"),
        trader.order(venue.market, "SELL", 0, 600_000, 10 * ONE),
    ]
    answered = trader.ask("POST", "/orders", bodies)
    assert answered.status == 200
    first, crossing, broken, killed, last = answered.body
    assert (first["status"], last["status"]) == ("live", "live")
    assert crossing == {
        "success": True,
        "errorMsg": "invalid post-only order: order crosses book",
        "orderID": "",
        "status": "",
        "makingAmount": "",
        "takingAmount": "",
    }
    assert broken["errorMsg"] == "Invalid order payload"
    assert killed["orderID"] in venue.world.exchange.orders


def test_a_batch_has_at_most_fifteen_orders(venue: Venue):
    trader = venue.trader()
    bodies = [trader.order(venue.market, "BUY", 0, 10_000 * n, 5 * ONE) for n in range(1, 17)]
    refused = trader.ask("POST", "/orders", bodies)
    assert (refused.status, refused.body) == (400, {"error": "Too many orders in payload: 16, max allowed: 15"})
    assert all(leg["status"] == "live" for leg in trader.ask("POST", "/orders", bodies[:15]).body)
    assert trader.ask("POST", "/orders", {}).body == {"error": "Invalid order payload"}


# modes


def test_while_the_engine_restarts_nothing_is_taken(venue: Venue):
    trader = venue.trader()
    venue.clob.settings.restarting = True
    for refused in (trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE), trader.ask("DELETE", "/cancel-all")):
        assert (refused.status, refused.body) == (425, {"error": "The matching engine is restarting"})
    assert trader.ask("GET", "/data/orders").status == 200


def test_while_trading_is_disabled_nothing_is_taken(venue: Venue):
    trader = venue.trader()
    venue.clob.settings.disabled = True
    text = "Trading is currently disabled. Check polymarket.com for updates"
    for refused in (trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE), trader.ask("DELETE", "/cancel-all")):
        assert (refused.status, refused.body) == (503, {"error": text})


def test_cancel_only_lets_cancels_through(venue: Venue):
    trader = venue.trader()
    placed = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE).body
    venue.world.exchange.modes.cancel_only = True
    text = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
    body = trader.order(venue.market, "BUY", 0, 300_000, 10 * ONE)
    assert trader.ask("POST", "/order", body).body == {"error": text}
    assert trader.ask("POST", "/orders", [body]).status == 503
    assert trader.ask("DELETE", "/order", {"orderID": placed["orderID"]}).body["canceled"] == [placed["orderID"]]


def test_post_only_mode_has_a_code_and_a_delay(venue: Venue):
    trader = venue.trader()
    venue.world.exchange.modes.post_only = True
    venue.clob.settings.retry_after_s = 42
    body = trader.order(venue.market, "BUY", 0, 400_000, 10 * ONE)
    refused = trader.ask("POST", "/order", body)
    text = "post-only mode: only post-only orders and cancels are allowed"
    assert (refused.status, refused.headers["retry-after"]) == (503, "42")
    assert refused.body == {"error": text, "code": "post_only_mode", "retry_after_seconds": 42}
    (leg,) = trader.ask("POST", "/orders", [body]).body
    assert (leg["success"], leg["errorMsg"], leg["orderID"]) == (True, text, "")
    assert trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE, post_only=True).status == 200
