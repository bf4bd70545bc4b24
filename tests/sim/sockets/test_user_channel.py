"""The user channel: who may listen, what is told to whom, in the recorded shapes."""

from __future__ import annotations

import pytest

from sim.sockets.shapes import strange, union
from sim.sockets.stage import BUY, SELL, Stage, Wire
from tieout.sim.chain.calls import Disapprove, TransferCash
from tieout.sim.engine import lifecycle
from tieout.sim.engine.rejections import Rejected
from tieout.sim.model import OrderKind, TradeStatus
from tieout.sim.wire.user_channel import UserChannel
from tieout.venue.decode import Identity, decode

ORDERS = union("samples/*ws_user_order*.json")
TRADES = union("samples/*ws_user_trade*.json")


def listen(stage: Stage, name: str, **more: object) -> Wire:
    wire = Wire(stage.world, UserChannel)
    wire.say({"type": "user", "auth": stage[name].auth} | more)
    return wire


def by_status(messages: list[dict]) -> list[tuple[str, str, str]]:
    return [(row["type"], row["status"], row.get("size_matched", row.get("size"))) for row in messages]


def test_an_order_is_told_as_recorded_when_placed_updated_and_cancelled():
    stage = Stage()
    wire = listen(stage, "alice")
    order = stage.place("alice", BUY, 0, 520_000, 10).order
    stage.place("bob", SELL, 0, 520_000, 6)
    stage.cancel(order)
    told = wire.take("order")
    assert by_status(told) == [("PLACEMENT", "LIVE", "0"), ("UPDATE", "LIVE", "6"), ("CANCELLATION", "CANCELED", "6")]
    assert [strange(message, ORDERS) for message in told] == [[], [], []]
    assert [message["associate_trades"] for message in told] == [None, order.trades, order.trades]
    first = told[0]
    assert (first["owner"], first["order_owner"]) == (stage["alice"].key.key,) * 2
    assert (first["price"], first["original_size"], first["side"], first["order_type"]) == ("0.52", "10", "BUY", "GTC")
    assert (first["outcome"], first["asset_id"]) == ("Yes", str(stage.market.tokens[0]))
    assert first["maker_address"].lower() == stage["alice"].wallet
    assert first["created_at"] == first["timestamp"][:-3]
    assert all(isinstance(value, str) for name, value in first.items() if name != "associate_trades")


def test_a_message_keeps_what_was_true_when_it_was_sent():
    stage = Stage()
    wire = listen(stage, "bob")
    stage.place("alice", SELL, 0, 400_000, 5)
    stage.place("alice", SELL, 0, 450_000, 5)
    stage.place("bob", BUY, 0, 450_000, 20)
    assert by_status(wire.take("order")) == [("PLACEMENT", "LIVE", "0"), ("UPDATE", "LIVE", "10")]


def test_a_trade_is_told_to_both_sides_at_every_status_with_its_hash_once_mined():
    stage = Stage()
    maker, taker, other = (listen(stage, name) for name in ("alice", "bob", "carol"))
    stage.place("alice", SELL, 0, 400_000, 5)
    trade = stage.place("bob", BUY, 0, 450_000, 5).trades[0]
    stage.mine(15)
    assert trade.status is TradeStatus.CONFIRMED
    for wire, role in ((maker, "MAKER"), (taker, "TAKER")):
        told = wire.take("trade")
        assert [(row["status"], row["transaction_hash"]) for row in told] == [
            ("MATCHED", None),
            ("MINED", trade.tx_hash),
            ("CONFIRMED", trade.tx_hash),
        ]
        assert {row["trader_side"] for row in told} == {role}
        assert [strange(row, TRADES) for row in told] == [[], [], []]
        assert int(told[1]["last_update"]) > int(told[0]["last_update"]) == int(told[0]["match_time"])
    assert other.take() == []


def test_the_top_of_a_trade_is_the_takers_and_each_maker_has_its_own_price():
    stage = Stage()
    wire = listen(stage, "alice")
    first = stage.place("alice", BUY, 0, 510_000, 5).order
    second = stage.place("alice", SELL, 1, 480_000, 5).order
    trade = stage.place("bob", BUY, 1, 490_000, 10).trades[0]
    (row,) = wire.take("trade")
    assert (row["trader_side"], row["side"], row["outcome"], row["size"]) == ("MAKER", "BUY", "No", "10")
    assert (row["owner"], row["trade_owner"]) == (stage["bob"].key.key,) * 2
    assert (row["maker_address"].lower(), row["taker_order_id"]) == (stage["bob"].wallet, trade.taker.id)
    legs = {leg["order_id"]: leg for leg in row["maker_orders"]}
    assert {(leg["side"], leg["outcome"], leg["price"]) for leg in legs.values()} == {
        ("BUY", "Yes", "0.51"),
        ("SELL", "No", "0.48"),
    }
    assert legs[first.id]["asset_id"] == str(stage.market.tokens[0])
    assert legs[second.id]["outcome_index"] == 1
    assert {leg["owner"] for leg in legs.values()} == {stage["alice"].key.key}


def test_somebody_on_both_sides_sees_one_message_as_taker():
    stage = Stage()
    wire = listen(stage, "alice")
    stage.place("alice", SELL, 0, 400_000, 5)
    stage.place("alice", BUY, 0, 400_000, 5)
    assert [row["trader_side"] for row in wire.take("trade")] == ["TAKER"]


def test_a_failed_trade_and_a_reorganised_one_are_told():
    stage = Stage()
    wire = listen(stage, "bob")
    stage.world.settler.reverts = lambda _trade: True
    stage.place("alice", SELL, 0, 400_000, 5)
    stage.place("bob", BUY, 0, 400_000, 5)
    stage.mine(20)
    statuses = [row["status"] for row in wire.take("trade")]
    assert (statuses[0], statuses[-1], set(statuses[1:-1])) == ("MATCHED", "FAILED", {"RETRYING"})

    stage.world.settler.reverts = lambda _trade: False
    stage.place("alice", SELL, 0, 400_000, 5)
    trade = stage.place("bob", BUY, 0, 400_000, 5).trades[0]
    stage.mine(1)
    lost = trade.tx_hash
    stage.world.chain.reorg(1, drop={lost})
    stage.mine(20)
    told = wire.take("trade")
    assert [row["status"] for row in told] == ["MATCHED", "MINED", "RETRYING", "RETRYING", "MINED", "CONFIRMED"]
    assert (told[1]["transaction_hash"], told[-1]["transaction_hash"]) == (lost, trade.tx_hash)
    assert lost != trade.tx_hash


def test_a_killed_order_has_the_venues_words_and_empty_fields():
    stage = Stage()
    wire = listen(stage, "bob")
    stage.place("alice", SELL, 0, 400_000, 5)
    with pytest.raises(Rejected):
        stage.place("bob", BUY, 0, 400_000, 12, OrderKind.FOK)
    with pytest.raises(Rejected):
        stage.place("bob", BUY, 0, 100_000, 12, OrderKind.FAK)
    fok, fak = wire.take("order")
    assert fok["status"] == "CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed."
    assert fak["status"].startswith("CANCELED_no orders found to match with FAK order.")
    for row in (fok, fak):
        assert (row["type"], row["size_matched"], row["created_at"], row["outcome"]) == ("CANCELLATION", "", "", "")
        assert (row["associate_trades"], strange(row, ORDERS)) == ([], [])


def test_what_the_venue_cancels_says_why():
    stage = Stage()
    wire = listen(stage, "alice")
    stage.place("alice", BUY, 0, 500_000, 1000)
    expiration = stage.world.scheduler.now_s + 70
    stage.place("alice", BUY, 0, 10_000, 100, OrderKind.GTD, expiration=expiration)
    stage.world.scheduler.run_for(15_000)
    stage.world.chain.submit(TransferCash(stage["alice"].wallet, stage["bob"].wallet, 7_900_000_000))
    stage.place("bob", BUY, 1, 20_000, 100)
    stage.mine()
    stage.place("alice", BUY, 1, 10_000, 100)
    lifecycle.resolve_market(stage.world.exchange, stage.market, (1_000_000, 0))
    told = [row for row in wire.take("order") if row["type"] == "CANCELLATION"]
    assert [row["status"] for row in told] == [
        "CANCELED_EXPIRED_ORDER",
        "CANCELED_NOT_ENOUGH_BALANCE",
        "CANCELED_MARKET_RESOLVED",
    ]
    assert [row["associate_trades"] for row in told] == [[], [], []]
    assert [strange(row, ORDERS) for row in told] == [[], [], []]


def test_lost_approvals_cancel_too():
    stage = Stage()
    wire = listen(stage, "alice")
    stage.place("alice", SELL, 0, 500_000, 10)
    stage.world.chain.submit(Disapprove(stage["alice"].wallet))
    stage.mine()
    assert [row["status"] for row in wire.take("order")] == ["LIVE", "CANCELED_NOT_ENOUGH_BALANCE"]


def test_a_delayed_order_is_told_as_delayed():
    stage = Stage(delay_ms=250)
    wire = listen(stage, "bob")
    stage.place("alice", SELL, 0, 400_000, 5)
    stage.place("bob", BUY, 0, 400_000, 5)
    stage.world.scheduler.run_for(250)
    assert by_status(wire.take("order")) == [("PLACEMENT", "DELAYED", "0"), ("UPDATE", "MATCHED", "5")]


def test_markets_filter_and_can_be_changed_on_the_way():
    stage = Stage()
    wire = listen(stage, "alice", markets=[stage.market.condition_id.upper().replace("0X", "0x")])

    def heard() -> set[str]:
        for market in (stage.market, stage.other):
            stage.cancel(stage.place("alice", BUY, 0, 100_000, 5, market=market).order)
        return {row["market"] for row in wire.take()}

    one, two = stage.market.condition_id, stage.other.condition_id
    assert heard() == {one}
    wire.say({"operation": "subscribe", "markets": [two]})
    assert heard() == {one, two}
    wire.say({"operation": "unsubscribe", "markets": [one]})
    assert heard() == {two}
    wire.say({"operation": "unsubscribe", "markets": [two]})
    assert heard() == {one, two}
    assert wire.close_code is None


def test_two_keys_of_one_signer_hear_the_same_and_another_signer_nothing():
    stage = Stage()
    second = stage.world.keys.derive(stage["alice"].signer, 7)
    wire, twin = listen(stage, "alice"), Wire(stage.world, UserChannel)
    twin.say({"type": "user", "auth": {"apiKey": second.key, "secret": second.secret, "passphrase": second.passphrase}})
    stranger = listen(stage, "bob")
    stage.place("alice", BUY, 0, 100_000, 5, owner=second.key)
    told = wire.take()
    assert [row["owner"] for row in told] == [second.key]
    assert twin.take() == told
    assert stranger.take() == []


@pytest.mark.parametrize("wrong", ["apiKey", "secret", "passphrase"])
def test_bad_credentials_close_the_connection(wrong: str):
    stage = Stage()
    wire = listen(stage, "alice", auth=stage["alice"].auth | {wrong: "x"})
    stage.place("alice", BUY, 0, 100_000, 5)
    assert (wire.close_code, wire.heard) == (1008, [])


@pytest.mark.parametrize("frame", ["no json", "[]", '{"type":"market","assets_ids":[]}', '{"type":"user"}'])
def test_a_first_frame_without_credentials_closes_the_connection(frame: str):
    wire = Wire(Stage().world, UserChannel)
    wire.say(frame)
    assert wire.close_code == 1008


def test_a_deleted_key_may_not_listen():
    stage = Stage()
    stage.world.keys.delete(stage["alice"].key.key)
    assert listen(stage, "alice").close_code == 1008


def test_a_connection_ends_when_its_key_is_deleted_and_not_with_another():
    stage = Stage()
    key = stage["alice"].key
    other = stage.world.keys.derive(key.signer, 1)
    mine = listen(stage, "alice")
    second = listen(stage, "alice", auth={"apiKey": other.key, "secret": other.secret, "passphrase": other.passphrase})
    stage.world.keys.delete(other.key)
    assert (mine.close_code, second.close_code) == (None, 1008)
    stage.place("alice", BUY, 0, 100_000, 5)
    assert (len(mine.take("order")), second.take()) == (1, [])
    stage.world.keys.delete(key.key)
    assert mine.close_code == 1008


def test_ping_is_answered_before_and_after_the_subscription_and_nothing_else_is():
    stage = Stage()
    wire = Wire(stage.world, UserChannel)
    wire.say("PING")
    wire.say({"type": "user", "auth": stage["alice"].auth, "markets": []})
    wire.say("PING")
    wire.say({"operation": "subscribe", "markets": []})
    assert wire.heard == ["PONG", "PONG"]


@pytest.mark.parametrize("frame", ["hello", '{"type":"user"}', '{"operation":"dance"}', "[1]"])
def test_what_cannot_be_used_is_an_invalid_operation(frame: str):
    wire = listen(Stage(), "alice")
    wire.say(frame)
    assert (wire.heard, wire.close_code) == (["INVALID OPERATION"], None)


def test_after_the_end_nothing_is_sent():
    stage = Stage()
    wire = listen(stage, "alice")
    wire.session.closed()
    wire.session.closed()
    stage.place("alice", BUY, 0, 100_000, 5)
    assert wire.heard == []


def test_the_decoder_reads_every_message_of_a_busy_life():
    stage = Stage()
    wires = {name: listen(stage, name) for name in stage.people}
    draw = stage.world.chance.stream("busy life")
    for _ in range(300):
        name, kind = draw.choice(sorted(stage.people)), draw.choice(list(OrderKind))
        more = {"expiration": stage.world.scheduler.now_s + 70} if kind is OrderKind.GTD else {}
        try:
            order = stage.place(
                name, draw.choice((BUY, SELL)), draw.randrange(2), draw.randrange(1, 100) * 10_000,
                draw.randrange(5, 40), kind, **more,
            ).order  # fmt: skip
        except Rejected:
            continue
        stage.world.scheduler.run_for(draw.randrange(900))
        if draw.randrange(4) == 0:
            stage.world.exchange.cancel(order.request.signer, order.id)
        if draw.randrange(20) == 0:
            stage.world.chain.reorg(1)
    stage.mine(20)
    kinds = set()
    for name, wire in wires.items():
        person = stage[name]
        identity = Identity(person.wallet, frozenset((person.key.key,)))
        for frame in wire.heard:
            found = decode(frame.encode(), identity)
            assert (found.problems, found.unknown) == ([], []), frame
            kinds.add(found.kind)
        for row in wire.take():
            assert strange(row, ORDERS if row["event_type"] == "order" else TRADES) == []
    assert kinds == {"user_order", "user_trade"}
