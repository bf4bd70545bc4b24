"""JSON-RPC 2.0 itself: ids, batches, and the errors of wrong requests."""

from __future__ import annotations

import pytest

from sim.rpc.node import Node
from sim.sockets.stage import Stage
from tieout.sim.wire.http import Request
from tieout.sim.wire.rpc import BATCH_LIMIT

CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


def test_simple_questions_have_the_answers_of_polygon():
    node = Node(Stage())
    assert node.ask("eth_chainId") == "0x89"
    assert node.ask("net_version") == "137"
    assert node.ask("eth_syncing") is False
    assert int(node.ask("eth_gasPrice"), 16) > 0
    assert int(node.ask("eth_estimateGas", {"to": "0x" + "1" * 40}), 16) > 21_000
    assert int(node.ask("eth_getBalance", "0x" + "1" * 40, "latest"), 16) > 0
    assert node.ask("eth_getTransactionCount", "0x" + "1" * 40, "pending") == "0x0"


def test_a_batch_is_answered_in_order_and_by_id():
    node = Node(Stage())
    answers = node.post([CALL | {"id": "a"}, CALL | {"id": 2, "method": "nope"}, CALL | {"id": None}])
    assert [answer["id"] for answer in answers] == ["a", 2, None]
    assert ["error" in answer for answer in answers] == [False, True, False]


def test_what_has_no_id_gets_no_answer():
    node = Node(Stage())
    silent = {"jsonrpc": "2.0", "method": "eth_chainId"}
    assert node.post(silent) is None
    assert node.post([silent, silent | {"method": "nope"}]) is None
    assert [answer["id"] for answer in node.post([silent, CALL])] == [1]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", -32700, "parse error"),
        (b"[]", -32600, "empty batch"),
        (b"5", -32600, "invalid request"),
        (b'{"id":1,"method":5}', -32600, "invalid request"),
        (b'{"id":1,"method":"eth_foo"}', -32601, "the method eth_foo does not exist/is not available"),
        (b'{"id":1,"method":"eth_chainId","params":{}}', -32602, "non-array args"),
        (b'{"id":1,"method":"eth_getCode"}', -32602, "missing value for required argument 0"),
        (b'{"id":1,"method":"eth_subscribe"}', -32601, "the method eth_subscribe does not exist/is not available"),
    ],
)  # fmt: skip
def test_wrong_requests_are_told_apart(body: bytes, code: int, message: str):
    assert Node(Stage()).post(body)["error"] == {"code": code, "message": message}


def test_a_batch_has_a_limit():
    node = Node(Stage())
    assert len(node.post([CALL] * BATCH_LIMIT)) == BATCH_LIMIT
    assert node.post([CALL] * (BATCH_LIMIT + 1))["error"]["message"] == "batch too large"


def test_only_post_is_served():
    assert Node(Stage()).rpc.handle(Request("GET", "/")).status == 405


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (5, "json: cannot unmarshal non-string into Go value of type common.Address"),
        ("11", "json: cannot unmarshal hex string without 0x prefix into Go value of type common.Address"),
        ("0x1g", "json: cannot unmarshal invalid hex string into Go value of type common.Address"),
        ("0x12", "hex string has length 2, want 40 for common.Address"),
    ],
)
def test_a_wrong_address_is_named(value: object, why: str):
    assert Node(Stage()).error("eth_getCode", value, "latest") == (-32602, f"invalid argument 0: {why}")


@pytest.mark.parametrize(
    ("value", "why"),
    [("new", "hex string without 0x prefix"), ("0x", "invalid hex string"), ("0xz", "invalid hex string"),
     ("0x" + "1" * 17, "hex number > 64 bits"), (7, "hex string without 0x prefix")],
)  # fmt: skip
def test_a_wrong_block_is_named(value: object, why: str):
    assert Node(Stage()).error("eth_getBlockByNumber", value, False) == (-32602, f"invalid argument 0: {why}")
