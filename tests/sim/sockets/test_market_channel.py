"""The market channel: snapshots, changes of both outcomes, trades, and the life of markets."""

from __future__ import annotations

import pytest

from sim.sockets.shapes import strange, union
from sim.sockets.stage import BUY, SELL, Stage, Wire
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import Market
from tieout.sim.wire import market_channel
from tieout.sim.wire.market_channel import MarketChannel
from tieout.venue.decode import Identity, decode

SHAPES = {
    "book": union("samples/ws_market_book.json"),
    "price_change": union("samples/ws_market_price_change.json"),
    "last_trade_price": union("samples/ws_market_last_trade_price.json"),
    "tick_size_change": union("samples/ws_market_tick_size_change.json"),
    "best_bid_ask": union("samples/nt_ws_market_best_bid_ask_msg.json"),
    "new_market": union("samples/nt_ws_market_new_market_msg.json"),
    "market_resolved": union("samples/nt_ws_market_resolved_msg.json"),
}


def listen(stage: Stage, tokens: list[int], **more: object) -> Wire:
    wire = Wire(stage.world, MarketChannel)
    wire.say({"type": "market", "assets_ids": [str(token) for token in tokens]} | more)
    return wire


def levels(message: dict) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    bids, asks = ([(row["price"], row["size"]) for row in message[side]] for side in ("bids", "asks"))
    return bids, asks


def test_a_subscription_gets_one_snapshot_for_each_token_with_the_best_last():
    stage = Stage()
    stage.place("alice", BUY, 0, 400_000, 5)
    stage.place("alice", BUY, 0, 420_000, 7)
    stage.place("bob", BUY, 1, 550_000, 9)
    stage.place("bob", SELL, 0, 480_000, 6)
    wire = listen(stage, list(stage.market.tokens))
    yes, no = wire.take()
    assert levels(yes) == ([("0.4", "5"), ("0.42", "7")], [("0.48", "6"), ("0.45", "9")])
    assert levels(no) == ([("0.52", "6"), ("0.55", "9")], [("0.6", "5"), ("0.58", "7")])
    assert (yes["asset_id"], no["asset_id"]) == tuple(map(str, stage.market.tokens))
    assert yes["market"] == stage.market.condition_id
    assert yes["hash"] != no["hash"]
    assert [strange(row, SHAPES["book"]) for row in (yes, no)] == [[], []]


def test_a_change_of_a_level_is_told_once_for_both_outcomes():
    stage = Stage()
    wire = listen(stage, [stage.market.tokens[0]])
    wire.take()
    order = stage.place("alice", BUY, 1, 550_000, 9).order
    stage.place("bob", BUY, 0, 400_000, 5)
    stage.cancel(order)
    told = wire.take()
    rows = [[(row["side"], row["price"], row["size"]) for row in message["price_changes"]] for message in told]
    assert rows == [
        [("SELL", "0.45", "9"), ("BUY", "0.55", "9")],
        [("BUY", "0.4", "5"), ("SELL", "0.6", "5")],
        [("SELL", "0.45", "0"), ("BUY", "0.55", "0")],
    ]
    assert [row["asset_id"] for row in told[0]["price_changes"]] == [str(token) for token in stage.market.tokens]
    best = [[(row["best_bid"], row["best_ask"]) for row in message["price_changes"]] for message in told]
    assert best[0] == [("0", "0.45"), ("0.55", "1")]
    assert best[1] == [("0.4", "0.45"), ("0.55", "0.6")]
    assert best[2] == [("0.4", "1"), ("0", "0.6")]
    assert [strange(message, SHAPES["price_change"]) for message in told] == [[], [], []]


def test_a_trade_gives_the_last_price_of_the_takers_token_and_new_books():
    stage = Stage()
    stage.place("alice", SELL, 0, 480_000, 8)
    wire = listen(stage, list(stage.market.tokens))
    wire.take()
    stage.place("bob", BUY, 0, 500_000, 5)
    told = wire.take()
    assert [row["event_type"] for row in told] == ["price_change", "last_trade_price", "book", "book"]
    (change, price, yes, no) = told
    assert [row["size"] for row in change["price_changes"]] == ["3", "3"]
    assert (price["price"], price["size"], price["side"]) == ("0.48", "5", "BUY")
    assert price["asset_id"] == str(stage.market.tokens[0])
    assert (levels(yes), levels(no)) == (([], [("0.48", "3")]), ([("0.52", "3")], []))
    assert [strange(row, SHAPES[row["event_type"]]) for row in told] == [[]] * 4


def test_a_client_that_applies_the_changes_has_the_book_of_a_new_snapshot():
    stage = Stage()
    token = stage.market.tokens[1]
    wire = listen(stage, [token])
    draw = stage.world.chance.stream("book")
    for _ in range(200):
        side = draw.choice((BUY, SELL))
        placed = stage.place(
            draw.choice(sorted(stage.people)), side, draw.randrange(2), draw.randrange(20, 80) * 10_000,
            draw.randrange(5, 30),
        )  # fmt: skip
        if draw.randrange(2) and placed.order.open:
            stage.cancel(placed.order)
        stage.world.scheduler.run_for(draw.randrange(500))
    book: dict[tuple[str, str], str] = {}
    for message in wire.take():
        if message["event_type"] == "book":
            book = {(side, row["price"]): row["size"] for side in ("bids", "asks") for row in message[side]}
        for row in message.get("price_changes", ()):
            if row["asset_id"] == str(token):
                key = ("bids" if row["side"] == "BUY" else "asks", row["price"])
                book[key] = row["size"]
                if row["size"] == "0":
                    del book[key]
    (fresh,) = listen(stage, [token]).take()
    bids, asks = levels(fresh)
    assert book == {("bids", price): size for price, size in bids} | {("asks", price): size for price, size in asks}
    assert len(book) > 5


def test_tokens_can_be_added_and_taken_out():
    stage = Stage()
    one, two = stage.market.tokens[0], stage.other.tokens[0]
    wire = listen(stage, [one])

    def heard() -> set[str]:
        wire.take()
        for market in (stage.market, stage.other):
            stage.cancel(stage.place("alice", BUY, 0, 100_000, 5, market=market).order)
        return {row["market"] for row in wire.take()}

    assert heard() == {stage.market.condition_id}
    wire.say({"operation": "subscribe", "assets_ids": [str(two), str(one)]})
    assert [row["asset_id"] for row in wire.take("book")] == [str(two)]
    assert heard() == {stage.market.condition_id, stage.other.condition_id}
    wire.say({"operation": "unsubscribe", "assets_ids": [str(one)]})
    assert heard() == {stage.other.condition_id}


def test_no_snapshot_beyond_the_limit_but_changes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(market_channel, "SNAPSHOTS", 3)
    stage = Stage()
    tokens = [*stage.market.tokens, *stage.other.tokens]
    wire = listen(stage, tokens)
    assert [row["asset_id"] for row in wire.take()] == [str(token) for token in tokens[:3]]
    stage.place("alice", BUY, 1, 100_000, 5, market=stage.other)
    assert wire.take("price_change")[0]["market"] == stage.other.condition_id


def test_many_snapshots_come_in_several_frames_and_none_when_not_wanted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(market_channel, "SNAPSHOTS_A_FRAME", 3)
    stage = Stage()
    tokens = [*stage.market.tokens, *stage.other.tokens]
    assert len(listen(stage, tokens).heard) == 2
    assert listen(stage, tokens, initial_dump=False).heard == []


def test_the_grid_the_best_prices_new_markets_and_resolutions():
    stage = Stage()
    plain = listen(stage, list(stage.market.tokens))
    custom = listen(stage, list(stage.market.tokens), custom_feature_enabled=True)
    stage.place("alice", BUY, 0, 400_000, 5)
    stage.place("alice", BUY, 0, 300_000, 5)
    assert plain.take("best_bid_ask") == []
    told = custom.take("best_bid_ask")
    assert [(row["best_bid"], row["best_ask"], row["spread"]) for row in told] == [
        ("0.4", "1", "0.6"),
        ("0", "0.6", "0.6"),
    ]
    lifecycle.change_tick(stage.world.exchange, stage.market, 1_000)
    changes = plain.take("tick_size_change")
    assert [(row["old_tick_size"], row["new_tick_size"]) for row in changes] == [("0.01", "0.001")] * 2
    assert {row["asset_id"] for row in changes} == {str(token) for token in stage.market.tokens}
    stage.world.open_market(make_market(stage.world.chance.stream("late"), 3, stage.world.scheduler.now_ms))
    stage.world.resolve(stage.other, (ONE, 0))
    stage.world.resolve(stage.market, (0, ONE))
    (new,) = custom.take("new_market") or [{}]
    assert plain.take("new_market") == []
    assert strange(new, SHAPES["new_market"]) == []
    assert (new["id"], new["active"], len(new["clob_token_ids"])) == ("3", True, 2)
    for row in (*told, *changes):
        assert strange(row, SHAPES[row["event_type"]]) == []


def test_a_resolution_is_told_to_those_who_asked_with_its_winner():
    stage = Stage()
    plain = listen(stage, list(stage.market.tokens))
    custom = listen(stage, list(stage.market.tokens[:1]), custom_feature_enabled=True)
    stage.world.resolve(stage.other, (ONE, 0))
    stage.world.resolve(stage.market, (0, ONE))
    (told,) = custom.take("market_resolved")
    assert (told["winning_outcome"], told["winning_asset_id"]) == ("No", str(stage.market.tokens[1]))
    assert strange(told, SHAPES["market_resolved"]) == []
    assert plain.take("market_resolved") == []


def test_a_resolution_without_a_winner_has_no_message():
    stage = Stage()
    custom = listen(stage, list(stage.market.tokens), custom_feature_enabled=True)
    stage.world.resolve(stage.market, (ONE // 2, ONE // 2))
    assert custom.take("market_resolved") == []


def test_the_custom_flag_can_be_switched_by_naming_a_known_token():
    stage = Stage()
    wire = listen(stage, [stage.market.tokens[0]])
    wire.say({"operation": "subscribe", "assets_ids": [str(stage.market.tokens[0])], "custom_feature_enabled": True})
    wire.take()
    stage.place("alice", BUY, 0, 400_000, 5)
    assert [row["event_type"] for row in wire.take()] == ["price_change", "best_bid_ask"]


def test_a_migrated_market_is_heard_under_its_new_tokens_only():
    stage = Stage()
    wire = listen(stage, list(stage.market.ctf_tokens))
    stage.place("alice", BUY, 0, 400_000, 5)
    lifecycle.migrate_market(stage.world.exchange, stage.market)
    assert [row["size"] for message in wire.take("price_change") for row in message["price_changes"]] == [
        "5",
        "5",
        "0",
        "0",
    ]
    stage.place("bob", BUY, 0, 300_000, 5)
    assert wire.take() == []
    assert listen(stage, list(stage.market.ctf_tokens)).heard == []
    fresh = listen(stage, list(stage.market.position_ids))
    assert [levels(row) for row in fresh.take()] == [([("0.3", "5")], []), ([], [("0.7", "5")])]


def late_market(stage: Stage) -> Market:
    return make_market(stage.world.chance.stream("late"), 9, stage.world.scheduler.now_ms)


def test_a_token_of_a_market_to_come_counts_from_its_opening():
    stage = Stage()
    market = late_market(stage)
    wire = listen(stage, [market.tokens[0]])
    assert wire.heard == []
    stage.world.open_market(market)
    stage.place("alice", BUY, 0, 400_000, 5, market=market)
    assert [row["event_type"] for row in wire.take()] == ["price_change"]


@pytest.mark.parametrize(
    "frame", ["hello", '{"operation":"subscribe","assets_ids":["1"]}', '{"type":"user"}', '["market"]']
)
def test_what_is_no_subscription_is_an_invalid_operation(frame: str):
    wire = Wire(Stage().world, MarketChannel)
    wire.say(frame)
    assert wire.heard == ["INVALID OPERATION"]


def test_a_second_initial_frame_is_an_invalid_operation_and_strange_ids_are_none():
    stage = Stage()
    wire = listen(stage, [])
    wire.say({"operation": "subscribe", "assets_ids": ["x", 5, None, "-1", "9" * 79]})
    assert wire.heard == []
    wire.say({"type": "market", "assets_ids": [str(stage.market.tokens[0])]})
    assert wire.heard == ["INVALID OPERATION"]
    wire.say("PING")
    assert wire.heard[-1] == "PONG"


def test_after_the_end_nothing_is_sent():
    stage = Stage()
    wire = listen(stage, list(stage.market.tokens))
    wire.take()
    wire.session.closed()
    wire.session.closed()
    stage.place("alice", BUY, 0, 100_000, 5)
    assert wire.heard == []


def test_the_decoder_knows_every_message():
    stage = Stage()
    wire = listen(stage, list(stage.market.tokens), custom_feature_enabled=True)
    stage.place("alice", SELL, 0, 480_000, 8)
    stage.place("bob", BUY, 0, 500_000, 5)
    lifecycle.change_tick(stage.world.exchange, stage.market, 1_000)
    stage.world.open_market(late_market(stage))
    stage.world.resolve(stage.market, (ONE, 0))
    nobody = Identity("0x" + "1" * 40, frozenset())
    found = [decode(frame.encode(), nobody) for frame in wire.heard]
    assert [(each.problems, each.unknown) for each in found] == [([], [])] * len(found)
    assert {each.kind for each in found} == {
        "book",
        "market_event",
        "tick_size_change",
        "new_market",
        "market_resolved",
    }
