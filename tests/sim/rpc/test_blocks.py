"""Blocks, transactions and receipts against the chain they come from."""

from __future__ import annotations

import json

from eth_hash.auto import keccak

from sim.rpc.node import Node
from sim.sockets.shapes import shape, strange, union
from sim.sockets.stage import BUY, SELL, Stage
from support.shared import SHARED
from tieout.sim.contracts import exchange_of
from tieout.venue.decode import Identity, decode

RECEIPTS = union("real/receipts/*.json")
UNRECORDED = [".logsBloom: ['str']"]
"""In the untranscribed tail of the recorded receipts (their `_note`)."""


def traded() -> tuple[Stage, str]:
    stage = Stage()
    stage.place("alice", BUY, 1, 400_000, 10)
    stage.place("alice", SELL, 0, 620_000, 10)
    trade = stage.place("bob", BUY, 0, 650_000, 15).trades[0]
    stage.mine()
    return stage, trade.tx_hash


def test_blocks_are_found_by_tag_number_and_hash():
    stage = Stage()
    stage.mine(20)
    node, chain = Node(stage), stage.world.chain
    head = node.ask("eth_getBlockByNumber", "latest", False)
    assert node.ask("eth_blockNumber") == head["number"] == hex(chain.head.number)
    assert (head["hash"], head["parentHash"]) == (chain.head.hash, chain.head.parent_hash)
    assert int(head["timestamp"], 16) == chain.head.timestamp_s
    assert node.ask("eth_getBlockByNumber", "pending", False) == head
    assert node.ask("eth_getBlockByHash", head["hash"], False) == head
    parent = node.ask("eth_getBlockByNumber", hex(chain.head.number - 1), False)
    assert parent["hash"] == head["parentHash"]
    for tag in ("finalized", "safe"):
        assert int(node.ask("eth_getBlockByNumber", tag, False)["number"], 16) == chain.finalized
    first = node.ask("eth_getBlockByNumber", "earliest", False)
    assert first["parentHash"] == "0x" + "0" * 64
    assert node.ask("eth_getBlockByNumber", hex(chain.head.number + 1), False) is None
    assert node.ask("eth_getBlockByHash", "0x" + "1" * 64, False) is None


def test_a_removed_block_is_gone():
    stage = Stage()
    stage.mine(3)
    node, old = Node(stage), stage.world.chain.head
    stage.world.chain.reorg(1)
    stage.mine()
    assert node.ask("eth_getBlockByHash", old.hash, False) is None
    assert node.ask("eth_getBlockByNumber", hex(old.number), False)["hash"] != old.hash


def test_a_block_has_its_transactions_by_hash_or_whole():
    stage, tx_hash = traded()
    node, number = Node(stage), hex(stage.world.chain.head.number)
    assert node.ask("eth_getBlockByNumber", number, False)["transactions"] == [tx_hash]
    (whole,) = node.ask("eth_getBlockByNumber", number, True)["transactions"]
    assert whole == node.ask("eth_getTransactionByHash", tx_hash)
    assert (whole["hash"], whole["blockNumber"], whole["to"]) == (tx_hash, number, exchange_of(stage.market))
    assert node.ask("eth_getBlockReceipts", number) == [node.ask("eth_getTransactionReceipt", tx_hash)]


def test_the_second_parameter_must_be_a_boolean():
    node = Node(Stage())
    assert node.error("eth_getBlockByNumber", "latest") == (-32602, "missing value for required argument 1")
    assert node.error("eth_getBlockByNumber", "latest", "yes")[0] == -32602


def test_a_receipt_has_the_fields_and_forms_of_the_recorded_ones():
    stage, tx_hash = traded()
    receipt = Node(stage).ask("eth_getTransactionReceipt", tx_hash)
    assert strange(receipt, RECEIPTS) == UNRECORDED
    recorded = json.loads(next(SHARED.glob("real/receipts/0x2c76*.json")).read_text())
    assert set(receipt) - {"logsBloom"} == set(recorded)
    assert set(receipt["logs"][0]) == set(recorded["logs"][0])
    assert (receipt["status"], receipt["to"], receipt["type"]) == ("0x1", recorded["to"], recorded["type"])
    numbers = [int(log["logIndex"], 16) for log in receipt["logs"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {log["transactionHash"] for log in receipt["logs"]} == {tx_hash}
    assert {log["blockTimestamp"] for log in receipt["logs"]} == {hex(stage.world.chain.head.timestamp_s)}
    assert shape(recorded["logs"][0]).keys() == shape(receipt["logs"][0]).keys()


def test_the_decoder_reads_the_receipt_of_a_match_for_taker_and_maker():
    stage, tx_hash = traded()
    raw = json.dumps(Node(stage).ask("eth_getTransactionReceipt", tx_hash)).encode()
    for name in ("alice", "bob"):
        found = decode(raw, Identity(stage[name].wallet, frozenset()))
        assert (found.kind, found.problems, found.unknown) == ("receipt", [], [])
        assert [type(fact).__name__ for fact in found.facts].count("OrderFilledOnChain") == (
            2 if name == "alice" else 1
        )


def test_a_reverted_transaction_has_status_0_and_no_logs():
    stage = Stage()
    stage.world.settler.reverts = lambda _trade: True
    stage.place("alice", SELL, 0, 400_000, 5)
    trade = stage.place("bob", BUY, 0, 400_000, 5).trades[0]
    stage.mine()
    receipt = Node(stage).ask("eth_getTransactionReceipt", trade.tx_hash)
    assert (receipt["status"], receipt["logs"], receipt["to"]) == ("0x0", [], exchange_of(stage.market))


def test_a_transaction_in_wait_has_no_block_and_no_receipt():
    stage = Stage()
    stage.place("alice", SELL, 0, 400_000, 5)
    trade = stage.place("bob", BUY, 0, 400_000, 5).trades[0]
    stage.world.scheduler.run_for(1000)
    node = Node(stage)
    waiting = node.ask("eth_getTransactionByHash", trade.tx_hash)
    assert (waiting["hash"], waiting["blockNumber"], waiting["blockHash"]) == (trade.tx_hash, None, None)
    assert node.ask("eth_getTransactionReceipt", trade.tx_hash) is None
    assert node.ask("eth_getTransactionByHash", "0x" + "1" * 64) is None


def in_bloom(bloom: str, item: str) -> bool:
    digest, bits = keccak(bytes.fromhex(item[2:])), int(bloom, 16)
    return all(bits >> (int.from_bytes(digest[place : place + 2], "big") % 2048) & 1 for place in (0, 2, 4))


def test_the_log_filter_of_a_block_has_its_emitters_and_topics_and_not_everything():
    stage, tx_hash = traded()
    node = Node(stage)
    receipt = node.ask("eth_getTransactionReceipt", tx_hash)
    block = node.ask("eth_getBlockByHash", receipt["blockHash"], False)
    assert block["logsBloom"] == receipt["logsBloom"]
    for log in receipt["logs"]:
        assert all(in_bloom(block["logsBloom"], item) for item in (log["address"], *log["topics"]))
    assert not in_bloom(block["logsBloom"], "0x" + "12" * 20)
