"""Switching faults: at run time, with limits, drawn from the seed; and the table of kinds against the catalog."""

from __future__ import annotations

import re

import pytest

from sim.faults import test_http, test_sockets, test_venue
from sim.faults.stage import BUY, Stage
from support.shared import SHARED
from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.faults import Faults
from tieout.sim.faults.kinds import INTERNAL, KINDS
from tieout.sim.wire.http import Request
from tieout.sim.world import World

LOGS = b'{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"fromBlock":"latest"}]}'
CATALOG_ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)


@pytest.fixture
def stage():
    return Stage()


def catalog_rows():
    text = (SHARED / "catalog.md").read_text()
    failures = text[text.index("## Failure modes") : text.index("## Faults of the older worker")]
    return CATALOG_ROW.findall(failures)


def test_every_row_of_the_catalog_is_served_or_internal_with_a_reason():
    rows = catalog_rows()
    served = {row for kind in KINDS.values() for row in kind.rows}
    assert len(rows) == 37
    assert served | INTERNAL.keys() == set(rows)
    assert not served & INTERNAL.keys()


def test_reasons_name_faults_that_exist():
    for reason in INTERNAL.values():
        for name in re.findall(r"`([a-z-]+)`", reason):
            assert name in KINDS


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_test_named_after_it(name):
    tests = [test for module in (test_http, test_sockets, test_venue) for test in vars(module)]
    wanted = name.replace("-", "_")
    assert [test for test in tests if wanted in test], f"no test of {name}"


def test_switched_off_it_strikes_no_more_and_the_count_stays(stage):
    stage.faults.on("server-error")
    assert stage.deliver("GET", "/time").reply.status == 503
    stage.faults.off("server-error")
    assert stage.deliver("GET", "/time").reply.status == 200
    assert stage.faults.struck("server-error") == 1
    stage.faults.on("server-error", count=1)
    statuses = [stage.deliver("GET", "/time").reply.status for _ in range(3)]
    assert statuses == [503, 200, 200]
    assert stage.faults.struck("server-error") == 2


def test_it_ends_by_itself(stage):
    stage.faults.on("server-error", duration_ms=5_000)
    stage.run(4.9)
    assert stage.deliver("GET", "/time").reply.status == 503
    stage.run(0.2)
    assert stage.deliver("GET", "/time").reply.status == 200


def test_an_old_end_does_not_end_its_successor(stage):
    stage.faults.on("server-error", duration_ms=5_000)
    stage.faults.on("server-error")
    stage.run(6)
    assert stage.deliver("GET", "/time").reply.status == 503


def test_a_path_filter(stage):
    stage.faults.on("server-error", path="/data-api")
    assert stage.deliver("GET", "/data-api/trades").reply.status == 503
    assert stage.deliver("GET", "/data/trades").reply.status == 200


def test_a_wallet_filter_knows_the_signer(stage):
    stage.faults.on("server-error", wallet=stage.wallet)
    assert stage.deliver("GET", "/data/orders").reply.status == 503
    assert stage.deliver("GET", "/data-api/positions", None, user=stage.wallet).reply.status == 503
    assert stage.deliver("GET", "/data-api/positions", None, user="0x" + "12" * 20).reply.status == 503  # the signature
    stage.faults.on("server-error", wallet="0x" + "34" * 20)
    assert stage.deliver("GET", "/data/orders").reply.status == 200


def test_a_market_filter_reads_the_query(stage):
    stage.faults.on("server-error", market=stage.market.condition_id)
    mine, other = str(stage.market.tokens[1]), str(stage.markets[1].tokens[1])
    assert stage.deliver("GET", "/book", None, token_id=mine).reply.status == 503
    assert stage.deliver("GET", "/book", None, token_id=other).reply.status == 200


def test_chance_is_drawn_from_the_seed_and_from_nothing_else():
    def struck(other):
        stage = Stage()
        if other:
            stage.faults.on("delay", probability=0.5)
        stage.faults.on("server-error", probability=0.3)
        return [stage.deliver("GET", "/time").reply.status for _ in range(60)]

    plain = struck(other=False)
    assert 8 < plain.count(503) < 30
    assert struck(other=True) == plain


def test_the_control_api_is_never_spoiled(stage):
    stage.faults.on("outage")
    stage.faults.on("server-error")
    assert stage.send("POST", "/control/faults", {"name": "outage", "on": False})["struck"] == 0


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("ws-dorp", {}, "fault: 'ws-dorp' is no fault; did you mean ws-drop?"),
        ("ws-drop", {"probability": 0}, "probability: expected more than 0 and at most 1, was 0"),
        ("ws-drop", {"probability": 1.5}, "probability: expected more than 0 and at most 1, was 1.5"),
        ("ws-drop", {"count": 0}, "count: expected 1 or more, was 0"),
        ("ws-drop", {"duration_ms": 0}, "duration_ms: expected 1 or more, was 0"),
        ("ws-drop", {"wallet": "0x12"}, "wallet: expected an address, 0x and 40 hex digits, was '0x12'"),
        ("ws-drop", {"market": "nope"}, "market: expected a condition id, token id, slug or number of this world"),
        ("ws-drop", {"settings": {"x": 1}}, "settings: ws-drop has no setting 'x'; it has none"),
        ("delay", {"settings": {"delay_ms": "soon"}}, "settings: expected a whole number for delay_ms, was 'soon'"),
        ("market-resolved", {"settings": {"payouts": "1/1"}}, "payouts: expected two shares of 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(name, more, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        Faults(World(1)).on(name, **more)


def test_the_owner_needs_a_wallet():
    with pytest.raises(ValueError, match="wallet: human-split needs one"):
        Faults(World(1)).on("human-split")


def test_all_faults_at_once_and_the_world_goes_on():
    stage = Stage(intensity=2.0)
    for name in KINDS:
        stage.faults.on(name, probability=0.02 if name == "outage" else 0.1)
    socket = stage.user_socket()
    for second in range(90):
        stage.run(1)
        markets = [market for market in stage.markets if market.accepting_orders]
        if markets and second % 3:
            stage.me.limit(markets[second % len(markets)], 0, BUY, 100_000, 20 * ONE)
        for path in ("/data/orders", "/data/trades", "/data-api/positions", "/gamma/markets", "/time"):
            stage.deliver("GET", path)
        stage.site.deliver(Request("POST", "/rpc", body=LOGS))
        if not second % 3:
            stage.deliver("DELETE", "/cancel-all")
        if socket.ended:
            socket = stage.user_socket()
        socket.say("PING")
    head = stage.world.chain.head.number
    stage.run(10)
    assert stage.world.chain.head.number > head
    assert sum(stage.faults.struck(name) > 0 for name in KINDS) > len(KINDS) * 2 // 3
