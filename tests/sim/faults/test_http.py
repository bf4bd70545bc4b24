"""Faults of HTTP answers, as a client sees them. A test is named after its fault."""

from __future__ import annotations

import json

import pytest

from sim.faults.stage import Stage
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import OrderStatus
from tieout.sim.wire.http import Request


@pytest.fixture
def stage():
    return Stage()


def test_timeout_before_has_no_effect(stage):
    order = stage.rest()
    with stage.fault("timeout-before", path="/order", settings={"delay_ms": 7_000}):
        delivery = stage.deliver("DELETE", "/order", {"orderID": order.id})
    assert (delivery.reply, delivery.delay_ms) == (None, 7_000)
    assert order.open


def test_timeout_after_has_its_effect(stage):
    order = stage.rest()
    with stage.fault("timeout-after", path="/order"):
        delivery = stage.deliver("DELETE", "/order", {"orderID": order.id})
    assert delivery.reply is None
    assert delivery.delay_ms == 10_000
    assert order.status is OrderStatus.CANCELED


def test_cut_has_its_effect_and_half_an_answer(stage):
    order = stage.rest()
    with stage.fault("cut"):
        reply = stage.deliver("DELETE", "/order", {"orderID": order.id}).reply
    assert order.status is OrderStatus.CANCELED
    assert len(reply.body) < int(reply.headers["content-length"])
    with pytest.raises(ValueError):
        json.loads(reply.body)


def test_delay_is_only_late(stage):
    with stage.fault("delay", settings={"delay_ms": 1_234}):
        delivery = stage.deliver("GET", "/time")
    assert delivery.delay_ms == 1_234
    assert delivery.reply.status == 200


def test_server_error(stage):
    with stage.fault("server-error", settings={"status": 502}):
        assert stage.deliver("GET", "/data/orders").reply.status == 502
    assert stage.deliver("GET", "/data/orders").reply.status == 200


def test_outage_ends_sockets_and_answers_nothing(stage):
    socket = stage.user_socket()
    with stage.fault("outage"):
        assert stage.deliver("GET", "/ok").reply is None
        assert stage.site.deliver(Request("GET", "/gamma/markets")).reply is None
        assert socket.ended == 1006
        assert stage.user_socket().ended == 1006
        assert stage.get("/control/state")["faults_on"]
    assert stage.get("/ok") == "OK"
    assert stage.user_socket().ended is None


def test_too_early_refuses_the_engine_only(stage):
    with stage.fault("too-early"):
        assert stage.deliver("DELETE", "/cancel-all").reply.status == 425
        assert stage.deliver("GET", "/data/orders").reply.status == 200


def test_rate_limit(stage):
    with stage.fault("rate-limit", settings={"retry_after_s": 3}):
        reply = stage.deliver("GET", "/data/orders").reply
    assert reply.status == 429
    assert reply.headers["retry-after"] == "3"


def test_half_page_claims_to_be_whole(stage):
    for number in range(6):
        stage.rest(price=300_000 + number * 10_000)
    with stage.fault("half-page", path="/data/orders"):
        page = stage.get("/data/orders")
    assert len(page["data"]) == page["count"] == 3
    assert page["next_cursor"] == "LTE="
    assert len(stage.get("/data/orders")["data"]) == 6


def test_half_page_of_the_data_api(stage):
    for market in stage.markets[:4]:
        stage.fill(stage.rest(market=market), 20 * ONE)
    stage.run(120)
    whole = stage.get("/data-api/v2/positions", user=stage.wallet)
    assert len(whole["data"]) == 4
    with stage.fault("half-page", path="/data-api"):
        page = stage.get("/data-api/v2/positions", user=stage.wallet)
        old = stage.get("/data-api/positions", user=stage.wallet)
    assert len(page["data"]) == len(old) == 2
    assert page["pagination"]["has_more"] is False


def test_empty_list(stage):
    stage.rest()
    with stage.fault("empty-list", path="/data/orders"):
        page = stage.get("/data/orders")
    assert page["data"] == []
    assert page["next_cursor"] == "LTE="
    assert len(stage.truth()["open_orders"]) == 1


def test_null_order(stage):
    order = stage.rest()
    assert stage.get(f"/data/order/{order.id}")["id"] == order.id
    with stage.fault("null-order"):
        assert stage.get(f"/data/order/{order.id}") is None


@pytest.fixture
def paged(stage):
    """The account has 120 open orders: two pages."""
    for number in range(120):
        stage.rest(price=300_000 + number % 30 * 1_0000, size=5 * ONE)
    return stage


def read_all(stage, most=6):
    ids, cursor, pages = [], "", 0
    while cursor != "LTE=" and pages < most:
        page = stage.get("/data/orders", **({"next_cursor": cursor} if cursor else {}))
        ids += [row["id"] for row in page["data"]]
        cursor, pages = page["next_cursor"], pages + 1
    return ids, pages


def test_wrong_cursor_repeats_a_page(paged):
    with paged.fault("wrong-cursor"):
        ids, pages = read_all(paged)
    assert pages == 3
    assert len(ids) == 220
    assert len(set(ids)) == 120


def test_wrong_cursor_skips_a_row(paged):
    with paged.fault("wrong-cursor", settings={"mode": "skip"}):
        ids, pages = read_all(paged)
    assert (len(ids), pages) == (119, 2)


def test_wrong_cursor_never_ends(paged):
    with paged.fault("wrong-cursor", settings={"mode": "endless"}):
        assert read_all(paged, most=9)[1] == 9
    assert read_all(paged)[1] == 2


def test_malformed_row_is_one_row(stage):
    for number in range(4):
        stage.rest(price=300_000 + number * 10_000)
    with stage.fault("malformed-row", path="/data/orders"):
        rows = stage.get("/data/orders")["data"]
    assert len([row for row in rows if not isinstance(row["price"], str)]) == 1


def test_new_status_comes_with_a_new_field(stage):
    stage.rest()
    with stage.fault("new-status", path="/data/orders"):
        row = stage.get("/data/orders")["data"][0]
    assert row["status"] == "AWAITING_REVIEW"
    assert "review_queue" in row


def test_size_rewound(stage):
    order = stage.rest()
    stage.fill(order, 5 * ONE)
    with stage.fault("size-rewound"):
        assert stage.get("/data/orders")["data"][0]["size_matched"] == "0"
        assert stage.get(f"/data/order/{order.id}")["size_matched"] == "0"
    assert stage.get(f"/data/order/{order.id}")["size_matched"] == "5"


def test_cancel_refused_for_part_of_a_batch(stage):
    orders = [stage.rest(price=300_000 + number * 10_000) for number in range(4)]
    with stage.fault("cancel-refused", count=1):
        answer = stage.send("DELETE", "/orders", [order.id for order in orders])
        assert sorted(answer["not_canceled"]) == sorted(order.id for order in orders[:2])
        assert [order.status for order in orders[:2]] == [OrderStatus.LIVE] * 2
        assert sorted(answer["canceled"]) == sorted(order.id for order in orders[2:])
        again = stage.send("DELETE", "/orders", [order.id for order in orders[:2]])
    assert len(again["canceled"]) == 2


def test_cancel_refused_leaves_an_order_alone_that_a_late_fill_took(stage):
    stage.faults.on("late-fill")
    stage.faults.on("cancel-refused")
    stage.run(3)
    order = stage.rest(size=5 * ONE)
    stage.send("DELETE", "/order", {"orderID": order.id})
    assert order.status is OrderStatus.MATCHED
    assert stage.faults.struck("cancel-refused") == 0


def test_a_cancel_of_nonsense_is_refused_while_faults_are_on(stage):
    stage.rest()
    stage.faults.on("cancel-refused")
    assert stage.deliver("DELETE", "/orders", [{"id": 1}]).reply.status == 400


def test_balance_stale(stage):
    ask = {"asset_type": "COLLATERAL", "signature_type": "0"}
    with stage.fault("balance-stale"):
        before = stage.get("/balance-allowance", **ask)["balance"]
        stage.world.fund(stage.wallet, 5 * ONE)
        stage.run(3)
        stage.deliver("GET", "/balance-allowance/update", None, **ask)
        stage.run(3)
        assert stage.get("/balance-allowance", **ask)["balance"] == before
    stage.deliver("GET", "/balance-allowance/update", None, **ask)
    assert int(stage.get("/balance-allowance", **ask)["balance"]) == int(before) + 5 * ONE


# the Data API


def test_data_stale_stays_at_its_first_answer(stage):
    stage.holding()
    stage.run(120)
    with stage.fault("data-stale"):
        first = stage.get("/data-api/positions", user=stage.wallet, sizeThreshold="0")
        stage.fill(stage.rest(market=stage.markets[1]), 20 * ONE)
        stage.run(300)
        assert stage.get("/data-api/positions", user=stage.wallet, sizeThreshold="0") == first
    assert len(stage.get("/data-api/positions", user=stage.wallet, sizeThreshold="0")) == len(first) + 1


def test_data_repeat_beyond_an_offset(stage):
    for market in stage.markets[:4]:
        stage.fill(stage.rest(market=market), 20 * ONE)
    stage.run(120)
    plain = stage.get("/data-api/positions", user=stage.wallet, limit="2", offset="2")
    with stage.fault("data-repeat"):
        first = stage.get("/data-api/positions", user=stage.wallet, limit="2", offset="0")
        assert stage.get("/data-api/positions", user=stage.wallet, limit="2", offset="2") == first
    assert plain != first


def test_data_average_is_off(stage):
    stage.holding()
    stage.run(120)
    right = stage.get("/data-api/positions", user=stage.wallet)[0]["avgPrice"]
    with stage.fault("data-average", settings={"per_mille": 100}):
        assert stage.get("/data-api/positions", user=stage.wallet)[0]["avgPrice"] == pytest.approx(right * 1.1)
        newer = stage.get("/data-api/v2/positions", user=stage.wallet)["data"][0]["avg_price"]
    assert newer == pytest.approx(right * 1.1)


# the node


def test_node_lag_hides_the_newest_blocks(stage):
    head = int(stage.rpc("eth_blockNumber"), 16)
    trade = stage.fill(stage.rest(), 20 * ONE)
    stage.run(4)
    logs = {"fromBlock": hex(head), "toBlock": "latest"}
    tx = trade.tx_hash
    with stage.fault("node-lag", settings={"blocks": 4}):
        assert int(stage.rpc("eth_blockNumber"), 16) == stage.world.chain.head.number - 4
        assert tx not in {log["transactionHash"] for log in stage.rpc("eth_getLogs", logs)}
        assert stage.rpc("eth_getTransactionReceipt", tx) is None
        assert int(stage.rpc("eth_getBlockByNumber", "latest", False)["number"], 16) == head - 2
        assert stage.rpc("eth_getBlockByNumber", hex(stage.world.chain.head.number), False) is None
    assert tx in {log["transactionHash"] for log in stage.rpc("eth_getLogs", logs)}
    assert stage.rpc("eth_getTransactionReceipt", tx)["transactionHash"] == tx


def test_a_notification_has_no_answer_from_a_lagging_node(stage):
    call = {"jsonrpc": "2.0", "method": "eth_blockNumber", "params": []}
    with stage.fault("node-lag"):
        replies = [
            stage.site.deliver(Request("POST", "/rpc", body=json.dumps(body).encode())).reply
            for body in (call, [call, call | {"id": 3}])
        ]
    assert replies[0].body == b""
    assert [answer["id"] for answer in json.loads(replies[1].body)] == [3]


def test_logs_missing(stage):
    stage.holding()
    ask = {"fromBlock": hex(stage.world.chain.head.number - 8), "toBlock": "latest"}
    whole = stage.rpc("eth_getLogs", ask)
    with stage.fault("logs-missing"):
        part = stage.rpc("eth_getLogs", ask)
    assert 0 < len(part) < len(whole)
    assert all(log in whole for log in part)


def test_logs_refused(stage):
    with stage.fault("logs-refused"):
        error = stage.rpc_answer("eth_getLogs", {"fromBlock": "latest", "toBlock": "latest"})["error"]
    assert error["code"] == -32005
