"""The control API: what it shows is exact, what it does shows on chain, and what it cannot do it says in words."""

from __future__ import annotations

import json

import pytest

from sim.faults.stage import Stage
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.http import Request

FRIEND = "0x" + "ab" * 20


@pytest.fixture
def stage():
    return Stage()


def test_state_shows_clock_block_markets_and_faults(stage):
    stage.rest()
    stage.faults.on("delay", probability=0.5)
    state = stage.get("/control/state")
    assert state["now_ms"] == stage.world.scheduler.now_ms
    assert state["block"]["hash"] == stage.world.chain.head.hash
    assert state["markets"][0]["best_bid"] == 400_000
    assert state["open_orders"] == 1
    assert [switch["name"] for switch in state["faults_on"]] == ["delay"]


def test_truth_is_exact(stage):
    order = stage.rest(size=30 * ONE)
    trade = stage.fill(order, 10 * ONE)
    stage.run(4)
    truth = stage.truth()
    (fill,) = truth["fills"]
    assert (fill["trade_id"], fill["order_id"]) == (trade.id, order.id)
    assert (fill["role"], fill["shares"], fill["cash"], fill["fee"]) == ("MAKER", 10 * ONE, 4 * ONE, 0)
    assert truth["cash"] == 10_000 * ONE - 4 * ONE
    assert [(each["token_id"], each["shares"]) for each in truth["tokens"]] == [(str(stage.market.tokens[0]), 10 * ONE)]
    assert [each["matched"] for each in truth["open_orders"]] == [10 * ONE]


def test_book_shows_both_outcomes(stage):
    stage.rest()
    books = stage.get("/control/book", market="1")["books"]
    assert books[0] == {"bids": [[400_000, 20 * ONE]], "asks": []}
    assert books[1] == {"bids": [], "asks": [[600_000, 20 * ONE]]}


def test_advance_moves_the_clock(stage):
    before = stage.world.scheduler.now_ms
    assert stage.send("POST", "/control/advance", {"ms": 60_000}) == {"now_ms": before + 60_000}
    assert stage.world.scheduler.now_ms == before + 60_000


def test_money_and_tokens_move(stage):
    market = stage.market.condition_id
    stage.send("POST", "/control/fund", {"wallet": FRIEND, "amount": 5 * ONE})
    stage.send("POST", "/control/split", {"wallet": stage.wallet, "market": market, "amount": 8 * ONE})
    stage.run(3)
    stage.send("POST", "/control/merge", {"wallet": stage.wallet, "market": market, "amount": 3 * ONE})
    token = str(stage.market.tokens[1])
    stage.send("POST", "/control/transfer", {"from": stage.wallet, "to": FRIEND, "amount": ONE, "token": token})
    stage.send("POST", "/control/transfer", {"from": stage.wallet, "to": FRIEND, "amount": ONE})
    stage.run(3)
    theirs = stage.get("/control/truth", wallet=FRIEND)
    assert theirs["cash"] == 6 * ONE
    assert [each["shares"] for each in theirs["tokens"]] == [ONE]
    assert [each["shares"] for each in stage.truth()["tokens"]] == [5 * ONE, 4 * ONE]
    assert stage.truth()["cash"] == 10_000 * ONE - 6 * ONE


@pytest.mark.parametrize("automatic", [False, True])
def test_resolve_and_redeem(stage, automatic):
    market = stage.holding(20 * ONE)
    before = stage.truth()["cash"]
    stage.send("POST", "/control/resolve", {"market": market.slug, "payouts": "0.5/0.5"})
    stage.run(3)
    body = {"wallet": stage.wallet, "market": market.slug, "automatic": automatic}
    stage.send("POST", "/control/redeem", body)
    stage.run(3)
    assert stage.truth()["cash"] == before + 10 * ONE


def test_migrate_tick_and_reorg(stage):
    market = stage.holding(20 * ONE)
    stage.send("POST", "/control/migrate", {"market": market.slug, "wallet": stage.wallet})
    stage.run(3)
    assert [each["token_id"] for each in stage.truth()["tokens"]] == [str(market.position_ids[0])]
    stage.send("POST", "/control/tick", {"market": market.slug, "tick": 1_000})
    assert market.tick == 1_000
    head = stage.world.chain.head.number
    removed = stage.send("POST", "/control/reorg", {"depth": 2})["removed"]
    assert [block["number"] for block in removed] == [head - 1, head]


def test_faults_are_switched_and_listed(stage):
    body = {"name": "ws-delay", "probability": 0.25, "count": 3, "settings": {"delay_ms": 10}}
    switched = stage.send("POST", "/control/faults", body)["on"]
    assert (switched["probability"], switched["left"], switched["settings"]) == (0.25, 3, {"delay_ms": 10})
    listed = {fault["name"]: fault["on"] for fault in stage.get("/control/faults")}
    assert [name for name, on in listed.items() if on] == ["ws-delay"]
    stage.send("POST", "/control/faults", {"name": "ws-delay", "on": False})
    assert stage.faults.get("ws-delay") is None


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/fund", {"wallet": "0x12", "amount": 1}, "wallet: expected an address, 0x and 40 hex digits, was '0x12'"),
        ("/fund", {"wallet": FRIEND}, "amount: expected a whole number above 0, was not given"),
        ("/fund", {"wallet": FRIEND, "amount": 1.5}, "amount: expected a whole number above 0, was 1.5"),
        ("/fund", {"wallet": FRIEND, "amount": True}, "amount: expected a whole number above 0, was True"),
        ("/resolve", {"market": "nope", "payouts": "1/0"}, "market: expected a condition id, token id, slug or number"),
        ("/resolve", {"market": "1", "payouts": "1/1"}, "payouts: expected two shares of 1"),
        ("/redeem", {"market": "1", "wallet": FRIEND}, "is not resolved yet"),
        ("/tick", {"market": "1", "tick": 7}, "tick: expected one of"),
        ("/reorg", {"depth": 5_000}, "depth: expected 1 to"),
        ("/reorg", {"depth": 1, "drop": "x"}, "drop: expected a list of transaction hashes, was 'x'"),
        ("/advance", {"ms": 10**12}, "ms: expected at most 604800000, was 1000000000000"),
        ("/faults", {"name": "ws-dorp"}, "did you mean ws-drop?"),
        ("/faults", {"name": "ws-drop", "probabilty": 1}, "unknown field `probabilty`"),
        ("/faults", {"name": "ws-drop", "probability": "often"}, "Expected `float`, got `str`"),
        ("/faults", [], "body: expected a JSON object, was list"),
    ],
)
def test_bad_requests_are_answered_in_words(stage, path, body, words):
    reply = stage.deliver("POST", f"/control{path}", body).reply
    assert reply.status == 400
    assert words in json.loads(reply.body)["error"]


def test_no_json_is_answered_in_words(stage):
    reply = stage.site.deliver(Request("POST", "/control/advance", body=b"{")).reply
    assert (reply.status, b"body: expected JSON" in reply.body) == (400, True)


def test_others_than_loopback_are_turned_away(stage):
    assert stage.site.deliver(Request("GET", "/control/state", ip="10.0.0.9")).reply.status == 403
