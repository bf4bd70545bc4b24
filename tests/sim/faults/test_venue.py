"""Faults of the engine, the chain and the wallet's owner, seen from outside. A test is named after its fault."""

from __future__ import annotations

import pytest

from sim.faults.stage import BUY, Stage
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import OrderStatus


@pytest.fixture
def stage():
    return Stage()


# the chain


def test_reorg_replaces_blocks(stage):
    stage.rest()
    head = stage.world.chain.head.number
    before = [stage.rpc("eth_getBlockByNumber", hex(head - back), False)["hash"] for back in range(4)]
    with stage.fault("reorg", count=1, settings={"depth": 3}):
        stage.run(0.1)
    after = [stage.rpc("eth_getBlockByNumber", hex(head - back), False)["hash"] for back in range(4)]
    assert int(stage.rpc("eth_blockNumber"), 16) == head
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, False, True]


def test_hash_replaced_settles_under_another_hash(stage):
    socket = stage.user_socket()
    trade = stage.fill(stage.rest(), 20 * ONE)
    stage.run(3)
    first = trade.tx_hash
    with stage.fault("hash-replaced", count=1):
        stage.run(30)
    hashes = [(event["status"], event["transaction_hash"]) for event in socket.events("trade")]
    assert ("MINED", first) in hashes
    assert hashes[-1] == ("CONFIRMED", trade.tx_hash)
    assert trade.tx_hash != first
    assert stage.rpc("eth_getTransactionReceipt", first) is None
    assert stage.me.held(stage.market, 0) == 20 * ONE


def test_operator_migration_moves_the_tokens(stage):
    market = stage.holding()
    order = stage.rest(price=300_000)
    with stage.fault("operator-migration", count=1, market=market.condition_id):
        stage.run(4)
    assert market.version == "v2"
    assert order.status is OrderStatus.INVALID
    assert stage.world.chain.tokens(ledger_of(market), stage.wallet, market.position_ids[0]) == 50 * ONE
    assert stage.get(f"/gamma/markets/{market.number}")["version"] == "v2"


def test_auto_redeem_pays_without_being_asked(stage):
    market = stage.holding()
    stage.world.resolve(market, (ONE, 0))
    stage.run(4)
    before = stage.truth()["cash"]
    with stage.fault("auto-redeem", count=1, wallet=stage.wallet):
        stage.run(4)
    assert stage.truth()["cash"] == before + 50 * ONE
    assert stage.truth()["tokens"] == []


@pytest.mark.parametrize("kind", ["reward", "rebate"])
def test_reward_is_paid(stage, kind):
    before = stage.truth()["cash"]
    with stage.fault("reward", count=1, wallet=stage.wallet, settings={"amount": 7_000_001, "kind": kind}):
        stage.run(4)
    assert stage.truth()["cash"] == before + 7_000_001


# the engine


def test_settlement_failed(stage):
    socket = stage.user_socket()
    with stage.fault("settlement-failed", wallet=stage.wallet):
        trade = stage.fill(stage.rest(), 20 * ONE)
        stage.run(60)
    assert [event["status"] for event in socket.events("trade")][-1] == "FAILED"
    assert stage.get("/data/trades", id=trade.id)["data"][0]["status"].endswith("FAILED")
    assert stage.me.held(stage.market, 0) == 0


def test_settlement_failed_spares_other_wallets(stage):
    stage.faults.on("settlement-failed", wallet="0x" + "12" * 20)
    stage.holding()
    assert stage.faults.struck("settlement-failed") == 0


def test_settlement_retried_has_two_hashes(stage):
    socket = stage.user_socket()
    with stage.fault("settlement-retried"):
        stage.fill(stage.rest(), 20 * ONE)
        stage.run(40)
    events = socket.events("trade")
    assert "RETRYING" in [event["status"] for event in events]
    assert events[-1]["status"] == "CONFIRMED"
    assert len({event["transaction_hash"] for event in events} - {None, ""}) == 2
    assert stage.me.held(stage.market, 0) == 20 * ONE


def test_slow_settlement_keeps_a_match_without_a_hash(stage):
    with stage.fault("slow-settlement", settings={"delay_ms": 90_000}):
        trade = stage.fill(stage.rest(), 20 * ONE)
        stage.run(60)
        assert trade.tx_hash == ""
        assert stage.truth()["fills"][0]["status"] == "MATCHED"
        stage.run(60)
    assert stage.truth()["fills"][0]["status"] in ("MINED", "CONFIRMED")
    quick = stage.fill(stage.rest(), 20 * ONE)
    stage.run(4)
    assert quick.tx_hash


def test_late_fill_is_told_after_the_cancel(stage):
    socket = stage.user_socket()
    stage.faults.on("late-fill", count=1, settings={"delay_ms": 2_500})
    stage.run(3)
    order = stage.rest(size=30 * ONE)
    answer = stage.send("DELETE", "/order", {"orderID": order.id})
    assert answer["canceled"] == [order.id]
    assert [event["type"] for event in socket.events("order")] == ["PLACEMENT", "CANCELLATION"]
    assert socket.events("trade") == []
    stage.run(3)
    assert "MATCHED" in [event["status"] for event in socket.events("trade")]
    assert stage.truth()["fills"][0]["shares"] == 15 * ONE
    assert stage.faults.struck("late-fill") == 1
    stage.run(3)
    assert stage.me.held(stage.market, 0) == 15 * ONE


def test_phantom_match_is_told_like_a_match_and_no_trade_ever_comes(stage):
    user, order = stage.user_socket(), stage.rest(size=20 * ONE)
    held = stage.truth()["cash"]
    stage.faults.on("phantom-match", count=1, wallet=stage.wallet)
    stage.run(60)
    assert stage.faults.struck("phantom-match") == 1
    told = [(event["type"], event["size_matched"], event["status"]) for event in user.events("order")]
    assert told == [("PLACEMENT", "0", "LIVE"), ("UPDATE", "10", "LIVE")]
    assert user.events("trade") == []
    (row,) = stage.get("/data/orders")["data"]
    assert (row["size_matched"], row["original_size"], row["associate_trades"]) == ("10", "20", [])
    assert stage.get("/data/trades")["data"] == []
    assert (stage.truth()["cash"], stage.truth()["tokens"]) == (held, [])
    assert stage.world.exchange.books[stage.market.condition_id].size_at(0, BUY, order.price) == 10 * ONE


def test_phantom_match_leaves_something_that_can_be_filled(stage):
    order = stage.rest(size=20 * ONE)
    with stage.fault("phantom-match", count=2, wallet=stage.wallet):
        stage.run(5)
    stage.fill(order, 5 * ONE)
    assert (order.matched, order.status) == (20 * ONE, OrderStatus.MATCHED)
    assert stage.truth()["fills"][0]["shares"] == 5 * ONE
    small = stage.rest(size=20 * ONE)
    with stage.fault("phantom-match", wallet=stage.wallet):
        stage.run(30)
    assert small.open
    assert 0 < small.remaining < 20_000


def test_phantom_match_needs_an_order_that_rests(stage):
    stage.faults.on("phantom-match", wallet=stage.wallet)
    stage.run(5)
    assert stage.faults.struck("phantom-match") == 0


def test_sweep_fills_every_order_in_every_market(stage):
    orders = [stage.rest(market=market) for market in stage.markets[:5]]
    spared = stage.other.limit(stage.markets[6], 0, BUY, 300_000, 10 * ONE).order
    stage.run(3)
    with stage.fault("sweep"):
        stage.run(4)
    assert all(order.status is OrderStatus.MATCHED for order in orders)
    assert spared.open
    assert len(stage.truth()["fills"]) == 5


def test_foreign_orders_are_of_the_same_key(stage):
    mine = stage.rest()
    with stage.fault("foreign-orders", count=4, wallet=stage.wallet):
        stage.run(6)
    rows = stage.get("/data/orders")["data"]
    foreign = [row for row in rows if row["id"] != mine.id]
    assert foreign
    assert {row["owner"] for row in foreign} == {stage.account.api_key.key}


def test_mass_cancel(stage):
    orders = [stage.rest(market=market) for market in stage.markets[:3]]
    socket = stage.user_socket()
    with stage.fault("mass-cancel", count=1, wallet=stage.wallet):
        stage.run(1)
    assert [event["type"] for event in socket.events("order")] == ["CANCELLATION"] * 3
    assert stage.get("/data/orders")["data"] == []
    assert not any(order.open for order in orders)


def test_engine_restart_then_post_only_then_as_before(stage):
    with stage.fault("engine-restart", settings={"down_ms": 10_000}):
        assert stage.deliver("DELETE", "/cancel-all").reply.status == 425
        stage.run(11)
        assert stage.deliver("DELETE", "/cancel-all").reply.status == 200
        assert stage.world.exchange.modes.post_only
        stage.run(10)
    assert not stage.world.exchange.modes.post_only
    assert stage.faults.get("engine-restart") is None


def test_tick_change_cancels_what_is_off_the_grid(stage):
    order = stage.rest(price=430_000)
    with stage.fault("tick-change", count=1, market=stage.market.condition_id, settings={"tick": 100_000}):
        stage.run(1)
    assert stage.get("/tick-size", token_id=str(stage.market.tokens[0]))["minimum_tick_size"] == 0.1
    assert not order.open


def test_market_resolved_under_open_orders(stage):
    order = stage.rest()
    with stage.fault("market-resolved", count=1, wallet=stage.wallet, settings={"payouts": "0.25/0.75"}):
        stage.run(4)
    assert order.status is OrderStatus.CANCELED_MARKET_RESOLVED
    assert stage.market.payouts == (250_000, 750_000)


# the owner


def test_human_transfer_takes_shares_away_or_brings_some(stage):
    with stage.fault("human-transfer", count=1, wallet=stage.wallet):
        stage.run(4)
    (got,) = stage.truth()["tokens"]
    assert got["shares"] == 10 * ONE
    with stage.fault("human-transfer", wallet=stage.wallet):
        stage.run(6)
    assert sum(each["shares"] for each in stage.truth()["tokens"]) != 10 * ONE


def test_human_cash_comes_and_goes(stage):
    before = stage.truth()["cash"]
    stage.faults.on("human-cash", count=2, wallet=stage.wallet, settings={"amount": 3_000_000})
    stage.run(0.5)
    seen = stage.world.chain.pending[-1].call
    stage.run(6)
    assert type(seen).__name__ == "Deposit"
    assert stage.faults.struck("human-cash") == 2
    assert stage.truth()["cash"] == before


def test_human_split_then_human_merge(stage):
    before = stage.truth()["cash"]
    with stage.fault("human-split", count=1, wallet=stage.wallet, market="2", settings={"amount": 9 * ONE}):
        stage.run(4)
    assert stage.truth()["cash"] == before - 9 * ONE
    assert [each["shares"] for each in stage.truth()["tokens"]] == [9 * ONE, 9 * ONE]
    with stage.fault("human-merge", count=1, wallet=stage.wallet):
        stage.run(4)
    assert stage.truth()["cash"] == before
    assert stage.truth()["tokens"] == []


def test_human_merge_needs_pairs(stage):
    stage.faults.on("human-merge", wallet=stage.wallet)
    stage.run(5)
    assert stage.faults.struck("human-merge") == 0


def test_human_redeem(stage):
    market = stage.holding()
    stage.world.resolve(market, (0, ONE))
    stage.run(4)
    with stage.fault("human-redeem", count=1, wallet=stage.wallet):
        stage.run(4)
    assert stage.truth()["tokens"] == []


def test_human_convert(stage):
    market = next(market for market in stage.markets if market.neg_risk)
    stage.me.split(market, 12 * ONE)
    stage.run(4)
    before = {each["token_id"]: each["shares"] for each in stage.truth()["tokens"]}
    with stage.fault("human-convert", count=1, wallet=stage.wallet):
        stage.run(4)
    after = {each["token_id"]: each["shares"] for each in stage.truth()["tokens"]}
    assert str(market.tokens[1]) in before
    assert str(market.tokens[1]) not in after
    assert len(after) == 3  # YES of all three questions


def test_human_trade(stage):
    stage.other.limit(stage.market, 1, BUY, 550_000, 50 * ONE)
    with stage.fault("human-trade", count=1, wallet=stage.wallet, market=stage.market.slug):
        stage.run(3)
    (fill,) = stage.truth()["fills"]
    assert fill["role"] == "TAKER"
    assert fill["status"] in ("MATCHED", "MINED")
