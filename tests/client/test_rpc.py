"""Chain nodes that answer wrongly, partly, or not at all, and the next one in order."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from client.stage import CUT, Asked, Client, Says, Site, serving, visiting
from support.database import in_loop
from tieout.client.chain import Chain, LogFilter
from tieout.client.errors import Meaning, VenueError
from tieout.client.rpc import PASSED_OVER_MS, CallFailedError, Rpc, RpcCall

TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
WALLET, LEDGER = "0x" + "cd" * 20, "0x" + "4d" * 20


@asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[Client, Rpc, Site, Site]]:
    async with visiting() as client, serving() as second:
        rpc = Rpc(client.net, (client.site.url + "/key-in-the-path", second.url))
        yield client, rpc, client.site, second


def result(value: Any) -> Any:
    """A node that gives *value* for every call."""

    def answer(asked: Asked) -> Says:
        sent = asked.json
        calls = sent if isinstance(sent, list) else [sent]
        answers = [{"jsonrpc": "2.0", "id": call["id"], "result": value} for call in calls]
        return Says(body=answers if isinstance(sent, list) else answers[0])

    return answer


def by_method(values: dict[str, Any]) -> Any:
    """A node that gives each method of a batch its value."""

    def answer(asked: Asked) -> Says:
        return Says(
            body=[{"jsonrpc": "2.0", "id": call["id"], "result": values[call["method"]]} for call in asked.json]
        )

    return answer


def error(code: int, message: str) -> Any:
    told = {"code": code, "message": message}
    return lambda asked: Says(body={"jsonrpc": "2.0", "id": asked.json["id"], "error": told})


@pytest.mark.parametrize(
    "says",
    [
        CUT,
        Says(500, b"oops"),
        Says(429, b""),
        Says(200, b"<html>"),
        Says(body={"jsonrpc": "2.0", "id": 999, "result": "0x1"}),
        Says(body={"jsonrpc": "2.0", "id": True, "result": "0x1"}),
        Says(body=[]),
        Says(body={"jsonrpc": "2.0", "id": 1}),
    ],
)
def test_when_a_node_fails_the_next_is_asked_and_it_is_passed_over_for_a_while(says: Says) -> None:
    @in_loop
    async def run() -> None:
        async with two_nodes() as (client, rpc, first, second):
            first.script(says)
            second.answer = result("0x2")
            assert await rpc.ask(RpcCall("eth_blockNumber")) == "0x2"
            assert rpc.failures == {1: 1}
            first.answer = result("0x1")
            assert await rpc.ask(RpcCall("eth_blockNumber")) == "0x2"
            client.clock.ms += PASSED_OVER_MS
            assert await rpc.ask(RpcCall("eth_blockNumber")) == "0x1"

    run()


@in_loop
async def test_when_no_node_answers_the_error_names_no_address() -> None:
    async with two_nodes() as (_, rpc, first, second):
        first.script(CUT)
        second.script(CUT)
        with pytest.raises(VenueError) as caught:
            await rpc.ask(RpcCall("eth_blockNumber"))
        assert caught.value.meaning is Meaning.NO_ANSWER
        assert str(caught.value).startswith("node 2 eth_blockNumber: no answer, transient")
        assert "127.0.0.1" not in repr(caught.value)


@in_loop
async def test_what_a_node_says_of_the_call_is_final_but_for_missing_state() -> None:
    async with two_nodes() as (_, rpc, first, second):
        second.answer = result("0x2")
        first.answer = error(3, "execution reverted")
        with pytest.raises(CallFailedError, match="reverted") as caught:
            await rpc.ask(RpcCall("eth_call"))
        assert caught.value.code == 3
        assert second.asked == []
        first.answer = error(-32000, "missing trie node abc (path ) state is not available")
        assert await rpc.ask(RpcCall("eth_call")) == "0x2"
        first.answer = error(-32005, "rate limit exceeded")
        assert await rpc.ask(RpcCall("eth_call")) == "0x2"


@in_loop
async def test_a_batch_may_come_back_in_any_order_but_whole() -> None:
    async with two_nodes() as (_, rpc, first, second):
        second.script(Says(500, b""))
        calls = [RpcCall("a"), RpcCall("b"), RpcCall("c")]

        def shuffled(asked: Asked) -> Says:
            return Says(body=[{"id": call["id"], "result": call["method"]} for call in reversed(asked.json)])

        first.answer = shuffled
        assert await rpc.batch(calls) == ["a", "b", "c"]
        first.answer = lambda asked: Says(body=[{"id": call["id"], "result": 1} for call in asked.json[:2]])
        with pytest.raises(VenueError):
            await rpc.batch(calls)
        first.answer = lambda _: Says(body={"id": None, "error": {"code": -32600, "message": "batch too large"}})
        with pytest.raises(CallFailedError, match="batch too large"):
            await rpc.batch(calls)


@in_loop
async def test_what_is_asked_of_the_chain() -> None:
    async with visiting() as client:
        chain = Chain(Rpc(client.net, (client.site.url,)))
        client.site.answer = result("0x" + f"{5:064x}")
        assert await chain.token_balance(LEDGER, WALLET, TOKEN, 16) == 5
        padded = WALLET[2:].rjust(64, "0")
        call, place = client.site.asked[-1].json["params"]
        assert call == {"to": LEDGER, "data": "0x00fdd58e" + padded + f"{int(TOKEN):064x}"}
        assert place == "0x10"
        await chain.allowance(LEDGER, WALLET, LEDGER, "0x" + "ab" * 32)
        assert client.site.asked[-1].json["params"][1] == {"blockHash": "0x" + "ab" * 32}
        client.site.answer = result("0x" + "".join(f"{word:064x}" for word in (32, 2, 7, 8)))
        assert await chain.token_balances(LEDGER, WALLET, [TOKEN, "1"], "finalized") == (7, 8)
        with pytest.raises(VenueError, match="expected 3 balances"):
            await chain.token_balances(LEDGER, WALLET, [TOKEN, "1", "2"], "finalized")
        client.site.answer = result("0x")
        with pytest.raises(VenueError, match="1 words"):
            await chain.balance(LEDGER, WALLET, "latest")
        client.site.answer = result(None)
        assert await chain.block(5) is None
        assert await chain.blocks([5]) == [None]
        assert client.recorded == [], "what the books are not made from is not journalled"
        log = {"blockNumber": "0x5", "blockHash": "0xA", "transactionHash": "0xB", "logIndex": "0x1", "address": LEDGER}
        client.site.answer = by_method({"eth_getLogs": [log], "eth_blockNumber": "0x6"})
        wanted = LogFilter(5, 6, (LEDGER,), (("0x1", "0x2"), None, ("0x3",)))
        assert (await chain.window([wanted], 6, "chain_window"))[0]["result"][0]["transactionHash"] == "0xB"
        sent = client.site.asked[-1].json[0]["params"][0]
        assert sent == {
            "fromBlock": "0x5",
            "toBlock": "0x6",
            "address": [LEDGER],
            "topics": [["0x1", "0x2"], None, ["0x3"]],
        }
        client.site.answer = result({"status": "0x0", "logs": []})
        assert await chain.receipts(["0x1", "0x2"]) == (False, False)
        assert await chain.receipts([]) == ()
        assert client.kinds() == ["chain_window", "receipt"]


def test_the_addresses_of_nodes_are_in_no_repr() -> None:
    from tieout.client.endpoints import Endpoints

    endpoints = dataclasses.replace(Endpoints(), rpc=("https://node.example/v3/planted-node-key",))
    assert "planted-node-key" not in repr(endpoints)
