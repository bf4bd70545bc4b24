"""`eth_getLogs`: ranges, addresses, topics, block hashes, limits; and subscriptions over a WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sim.rpc.node import Node
from sim.sockets.stage import BUY, SELL, Stage, Wire
from tieout.sim.wire import rpc
from tieout.sim.wire.rpc_subscribe import RpcSocket
from tieout.venue.addresses import CTF, P_USD
from tieout.venue.decode import Identity, decode
from tieout.venue.topics import ORDER_FILLED, TRANSFER, TRANSFER_SINGLE


def word(address: str) -> str:
    return "0x" + "0" * 24 + address[2:]


def busy() -> tuple[Stage, Node]:
    stage = Stage()
    for price in (400_000, 450_000, 500_000):
        stage.place("alice", SELL, 0, price, 5)
        stage.place("bob", BUY, 0, price, 5)
        stage.mine(2)
    return stage, Node(stage)


def everything(stage: Stage) -> list[Any]:
    chain = stage.world.chain
    blocks = [chain.block(number) for number in range(chain.block_by_tag("earliest").number, chain.head.number + 1)]
    return [log for block in blocks if block for log in block.logs]


def names(logs: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs]


def expected(stage: Stage, wanted: Any) -> list[tuple[int, int]]:
    return [(log.block_number, log.log_index) for log in everything(stage) if wanted(log)]


ALL = {"fromBlock": "earliest", "toBlock": "latest"}


def test_filters_by_address_and_topic_find_what_a_plain_search_finds():
    stage, node = busy()
    alice, bob = word(stage["alice"].wallet), word(stage["bob"].wallet)
    cases: list[tuple[dict[str, Any], Any]] = [
        ({}, lambda log: True),
        ({"address": CTF}, lambda log: log.address == CTF),
        ({"address": CTF.upper().replace("0X", "0x")}, lambda log: log.address == CTF),
        ({"address": [CTF, P_USD]}, lambda log: log.address in (CTF, P_USD)),
        ({"address": []}, lambda log: True),
        ({"topics": [ORDER_FILLED]}, lambda log: log.topics[0] == ORDER_FILLED),
        ({"topics": [[ORDER_FILLED, TRANSFER]]}, lambda log: log.topics[0] in (ORDER_FILLED, TRANSFER)),
        ({"topics": [None, None, alice]}, lambda log: log.topics[2:3] == (alice,)),
        ({"topics": [[], None, [alice, bob]]}, lambda log: log.topics[2:3] in ((alice,), (bob,))),
        ({"topics": [[ORDER_FILLED, None], None, bob]}, lambda log: log.topics[2:3] == (bob,)),
        ({"topics": [None, None, None, None]}, lambda log: len(log.topics) == 4),
        ({"address": CTF, "topics": [TRANSFER_SINGLE, None, None, bob]},
         lambda log: log.address == CTF and log.topics[0] == TRANSFER_SINGLE and log.topics[3] == bob),
    ]  # fmt: skip
    for given, wanted in cases:
        found = names(node.ask("eth_getLogs", ALL | given))
        assert found == expected(stage, wanted), given
        assert found, given


def test_ranges_include_both_ends_and_end_at_the_head():
    stage, node = busy()
    head = stage.world.chain.head.number
    first, last = head - 4, head - 2

    def found(start: object, end: object) -> list[tuple[int, int]]:
        return names(node.ask("eth_getLogs", {"fromBlock": start, "toBlock": end}))

    assert found(hex(first), hex(last)) == expected(stage, lambda log: first <= log.block_number <= last)
    assert found(hex(last), hex(head + 50)) == expected(stage, lambda log: log.block_number >= last)
    assert found(hex(head + 1), hex(head + 50)) == []
    assert names(node.ask("eth_getLogs", {})) == expected(stage, lambda log: log.block_number == head)
    finalized = stage.world.chain.finalized
    assert found("earliest", "finalized") == expected(stage, lambda log: log.block_number <= finalized)


def test_logs_of_one_block_by_its_hash():
    stage, node = busy()
    block = next(log.block for log in reversed(everything(stage)))
    found = node.ask("eth_getLogs", {"blockHash": block.hash})
    assert names(found) == expected(stage, lambda log: log.block is block)
    assert {log["blockHash"] for log in found} == {block.hash}
    assert node.error("eth_getLogs", {"blockHash": "0x" + "1" * 64}) == (-32000, "unknown block")
    assert node.error("eth_getLogs", {"blockHash": block.hash, "fromBlock": "latest"})[0] == -32602


def test_limits_of_range_and_of_results(monkeypatch: pytest.MonkeyPatch):
    stage, node = busy()
    head = stage.world.chain.head.number
    monkeypatch.setattr(rpc, "LOGS_RANGE", 5)
    assert node.ask("eth_getLogs", {"fromBlock": hex(head - 5), "toBlock": hex(head)})
    asked = {"fromBlock": hex(head - 6), "toBlock": hex(head)}
    assert node.error("eth_getLogs", asked) == (-32602, "range 6 exceeds limit of 5")
    monkeypatch.setattr(rpc, "LOGS_RANGE", 100)
    count = len(everything(stage))
    monkeypatch.setattr(rpc, "LOGS_RESULTS", count)
    assert len(node.ask("eth_getLogs", ALL)) == count
    monkeypatch.setattr(rpc, "LOGS_RESULTS", count - 1)
    assert node.error("eth_getLogs", ALL) == (-32005, f"query returned more than {count - 1} results")


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"fromBlock": "latest", "toBlock": "earliest"}, -32000, "invalid block range params"),
        ({"topics": [None] * 5}, -32602, "invalid argument 0: exceed max topics"),
        ({"topics": "0x"}, -32602, "invalid argument 0: invalid topics: expected an array"),
        ({"topics": ["0x12"]}, -32602, "invalid argument 0: hex string has length 2, want 64 for common.Hash"),
        ({"address": "0x12"}, -32602, "invalid argument 0: hex string has length 2, want 40 for common.Address"),
    ],
)
def test_wrong_filters_are_named(given: dict[str, Any], code: int, message: str):
    assert Node(Stage()).error("eth_getLogs", given) == (code, message)


def test_logs_of_a_removed_block_vanish_and_come_again():
    stage, node = busy()
    stage.place("alice", SELL, 0, 300_000, 5)
    trade = stage.place("bob", BUY, 0, 300_000, 5).trades[0]
    stage.mine()
    asked = ALL | {"topics": [ORDER_FILLED, trade.taker.id]}
    (before,) = node.ask("eth_getLogs", asked)
    stage.world.chain.reorg(1)
    assert node.ask("eth_getLogs", asked) == []
    stage.mine()
    (after,) = node.ask("eth_getLogs", asked)
    assert before["blockHash"] != after["blockHash"]
    assert before["data"] == after["data"]


def test_the_decoder_reads_every_log():
    stage, node = busy()
    found = decode(json.dumps(node.ask("eth_getLogs", ALL)).encode(), Identity(stage["bob"].wallet, frozenset()))
    assert (found.kind, found.unknown) == ("chain_log", [])
    assert {problem.code for problem in found.problems} <= {"foreign"}
    assert [type(fact).__name__ for fact in found.facts].count("OrderFilledOnChain") == 3


# subscriptions


def subscribe(wire: Wire, *params: Any) -> str:
    wire.heard.clear()
    wire.say({"jsonrpc": "2.0", "id": 9, "method": "eth_subscribe", "params": list(params)})
    (answer,) = (json.loads(frame) for frame in wire.heard)
    wire.heard.clear()
    return answer["result"]


def results(wire: Wire, name: str) -> list[dict[str, Any]]:
    frames = [json.loads(frame) for frame in wire.heard]
    assert {frame["method"] for frame in frames} <= {"eth_subscription"}
    return [frame["params"]["result"] for frame in frames if frame["params"]["subscription"] == name]


def test_heads_are_pushed_as_they_come():
    stage = Stage()
    wire = Wire(stage.world, RpcSocket)
    name = subscribe(wire, "newHeads")
    stage.mine(3)
    told = results(wire, name)
    assert [int(head["number"], 16) for head in told][-1] == stage.world.chain.head.number
    assert (len(told), told[-1]["hash"]) == (3, stage.world.chain.head.hash)
    assert [head["parentHash"] for head in told[1:]] == [head["hash"] for head in told[:-1]]
    assert "transactions" not in told[0]


def test_logs_are_pushed_by_filter_and_taken_back_by_a_reorganisation():
    stage = Stage()
    wire = Wire(stage.world, RpcSocket)
    heads, fills = subscribe(wire, "newHeads"), subscribe(wire, "logs", {"topics": [ORDER_FILLED]})
    all_logs = subscribe(wire, "logs")
    stage.place("alice", SELL, 0, 400_000, 5)
    stage.place("bob", BUY, 0, 400_000, 5)
    stage.mine()
    first = results(wire, fills)
    assert [log["topics"][0] for log in first] == [ORDER_FILLED] * 2
    assert len(results(wire, all_logs)) > 2
    assert len(results(wire, heads)) == 1
    wire.heard.clear()
    stage.world.chain.reorg(1)
    gone = results(wire, fills)
    assert gone == [log | {"removed": True} for log in first]
    assert results(wire, heads) == []
    wire.heard.clear()
    stage.mine()
    again = results(wire, fills)
    assert [(log["data"], log["removed"]) for log in again] == [(log["data"], False) for log in first]
    assert {log["blockHash"] for log in again}.isdisjoint({log["blockHash"] for log in first})


def test_a_subscription_ends_when_told_and_with_its_connection():
    stage = Stage()
    wire = Wire(stage.world, RpcSocket)
    name = subscribe(wire, "newHeads")
    wire.say({"id": 1, "method": "eth_unsubscribe", "params": [name]})
    wire.say({"id": 2, "method": "eth_unsubscribe", "params": [name]})
    first, second = (json.loads(frame) for frame in wire.heard)
    assert (first["result"], second["error"]["message"]) == (True, "subscription not found")
    wire.heard.clear()
    stage.mine()
    assert wire.heard == []
    subscribe(wire, "newHeads")
    wire.session.closed()
    stage.mine()
    assert wire.heard == []


def test_calls_and_errors_over_the_socket():
    wire = Wire(Stage().world, RpcSocket)
    wire.say({"id": 1, "method": "eth_chainId"})
    wire.say({"id": 2, "method": "eth_subscribe", "params": ["syncing"]})
    wire.say({"id": 3, "method": "eth_subscribe", "params": ["logs", {"topics": [1]}]})
    wire.say("{")
    wire.say({"method": "eth_chainId"})
    answers = [json.loads(frame) for frame in wire.heard]
    assert answers[0]["result"] == "0x89"
    assert answers[1]["error"] == {"code": -32602, "message": 'no "syncing" subscription in eth namespace'}
    assert answers[2]["error"]["code"] == -32602
    assert answers[3]["error"]["code"] == -32700
    assert len(answers) == 4
