"""Faults of WebSockets, as a client sees them. A test is named after its fault."""

from __future__ import annotations

import json

import pytest

from sim.faults.stage import Socket, Stage
from tieout.sim.engine.amounts import ONE


@pytest.fixture
def stage():
    return Stage()


def test_ws_drop(stage):
    socket = stage.user_socket()
    with stage.fault("ws-drop", count=1):
        stage.rest()
        stage.rest(price=390_000)
    assert [event["price"] for event in socket.events("order")] == ["0.39"]


def test_ws_drop_by_chance_loses_a_part(stage):
    socket = stage.user_socket()
    with stage.fault("ws-drop", probability=0.3) as switch:
        for number in range(60):
            stage.rest(price=200_000 + number * 1_0000 % 200_000, size=5 * ONE)
    assert 5 < switch.struck < 35
    assert len(socket.frames) == 60 - switch.struck


def test_ws_delay_keeps_the_order(stage):
    socket = stage.user_socket()
    start = stage.world.scheduler.now_ms
    with stage.fault("ws-delay", count=1, settings={"delay_ms": 4_000}):
        stage.rest(price=310_000)
        stage.run(1)
        stage.rest(price=320_000)
        assert socket.frames == []
        stage.run(4)
    assert [event["price"] for event in socket.events("order")] == ["0.31", "0.32"]
    assert [at - start for at, _ in socket.frames] == [4_000, 4_000]


def test_ws_duplicate(stage):
    socket = stage.user_socket()
    with stage.fault("ws-duplicate"):
        stage.rest()
    assert len(socket.texts) == 2
    assert len(set(socket.texts)) == 1


def test_ws_reorder_lets_a_later_message_pass(stage):
    socket = stage.user_socket()
    with stage.fault("ws-reorder", count=1):
        stage.rest(price=310_000)
        stage.rest(price=320_000)
        assert [event["price"] for event in socket.events("order")] == ["0.32", "0.31"]


def test_ws_reorder_comes_in_the_end_when_nothing_follows(stage):
    socket = stage.user_socket()
    with stage.fault("ws-reorder"):
        stage.rest()
        assert socket.frames == []
        stage.run(2)
    assert len(socket.frames) == 1


def test_ws_silent_still_answers_ping(stage):
    socket = stage.user_socket()
    with stage.fault("ws-silent"):
        stage.rest()
        socket.say("PING")
        assert socket.texts == ["PONG"]
    stage.rest(price=390_000)
    assert len(socket.texts) == 2


def test_ws_half_dead_does_not_answer_ping(stage):
    socket = stage.user_socket()
    with stage.fault("ws-half-dead"):
        stage.rest()
        socket.say("PING")
        assert socket.texts == []
    assert socket.ended is None


def test_ws_half_dead_is_drawn_for_a_connection(stage):
    with stage.fault("ws-half-dead", probability=0.5) as switch:
        sockets = [stage.user_socket() for _ in range(30)]
        for _ in range(3):
            for socket in sockets:
                socket.say("PING")
        dead = [socket for socket in sockets if not socket.frames]
        assert all(len(socket.frames) in (0, 3) for socket in sockets)
    assert len(dead) == switch.struck
    assert 5 < len(dead) < 25


def test_ws_disconnect(stage):
    socket = stage.user_socket()
    with stage.fault("ws-disconnect", count=1):
        stage.rest()
        stage.rest(price=390_000)
    assert socket.ended == 1006
    assert socket.frames == []


def test_ws_malformed(stage):
    socket = stage.user_socket()
    with stage.fault("ws-malformed"):
        stage.rest()
    with pytest.raises(ValueError):
        json.loads(socket.texts[0])


def test_filters_spare_other_channels_and_markets(stage):
    user, market = stage.user_socket(), Socket(stage.site, "/ws/market")
    market.say({"type": "market", "assets_ids": [str(token) for token in stage.market.tokens], "initial_dump": False})
    with stage.fault("ws-drop", path="/ws/user", market=stage.market.condition_id):
        stage.rest()
        stage.rest(market=stage.markets[1])
    assert [event["market"] for event in user.events("order")] == [stage.markets[1].condition_id]
    assert len(market.frames) == 1


def test_a_wallet_filter_spares_the_messages_of_others(stage):
    socket = stage.user_socket()
    with stage.fault("ws-duplicate", wallet=stage.other.account.wallet):
        order = stage.rest()
        assert len(socket.frames) == 1
        stage.fill(order, 5 * ONE)
    assert len(socket.events("trade")) == 2
