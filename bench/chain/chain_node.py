"""A JSON-RPC node of one wallet's long chain, over real HTTP: its logs are encoded once, so that it answers fast.

`python bench/chain/chain_node.py LOGS BLOCKS MARKETS` is a process of its own: it prints its address, the wallet and
the last block, and serves until its input ends. It can be told how far the chain has grown (`node_reach`) and says
what was asked of it (`node_seen`). The words of errors are those of `tieout.sim.wire.rpc`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from aiohttp import web
from big_wallet import BigWallet
from long_chain import WalletLogs

from tieout.sim.chain.block import Block
from tieout.sim.chain.chain import Chain
from tieout.sim.chain.log_index import matches
from tieout.sim.contracts import CHAIN_ID
from tieout.sim.wire import rpc_calls
from tieout.sim.wire.rpc import failed, transaction_args
from tieout.sim.wire.rpc_filters import (
    INVALID_PARAMS,
    LIMIT_EXCEEDED,
    SERVER_ERROR,
    UNKNOWN_METHOD,
    RpcError,
    block_tag,
    data,
    log_filter,
)
from tieout.sim.wire.rpc_views import block_view, log_view, quantity, receipt_view
from tieout.venue.addresses import ROLE

FINALITY = 30
"""Blocks between the finalized one and the head."""


@dataclass(slots=True)
class Seen:
    """What was asked of a node."""

    requests: int = 0
    sent: int = 0
    """Bytes of answers."""
    calls: Counter[str] = field(default_factory=Counter)
    windows: list[tuple[int, int]] = field(default_factory=list)
    """Blocks of each eth_getLogs that was answered."""
    refused: int = 0
    """eth_getLogs that asked too much."""


class ChainNode:
    """A node that has the chain of *big* up to `head`. One eth_getLogs may ask for so many blocks and logs at most."""

    def __init__(self, big: BigWallet, *, range_max: int = 10_000, results_max: int = 10_000) -> None:
        self.chain = big.chain
        self.wallet = big.wallet
        self.head = big.last
        self.range_max = range_max
        self.results_max = results_max
        self.behind = 0
        """Blocks that its logs and its block number lag behind what it says of the head."""
        self.breaks_after: int | None = None
        """Requests after which it answers 500, or nothing at all when it `hangs_up`."""
        self.hangs_up = False
        self.refusal = "rpc"
        """How it refuses what asks too much: by an error of the call, by "http" 400, or by a "cut" connection."""
        self.seen = Seen()
        self._logs = WalletLogs(big.chain, big.wallet)
        self._bodies = [msgspec.json.encode(log_view(log)) for log in self._logs.logs]
        self._methods: dict[str, Callable[[Sequence[Any]], bytes]] = {
            "eth_blockNumber": lambda _: _json(quantity(self.head - self.behind)),
            "eth_call": self._call,
            "eth_chainId": lambda _: _json(quantity(CHAIN_ID)),
            "eth_getBlockByHash": lambda params: self._view(self._block(str(params[0]))),
            "eth_getBlockByNumber": lambda params: self._view(self._block(block_tag(params[0], 0))),
            "eth_getLogs": self._get_logs,
            "eth_getTransactionReceipt": self._receipt,
            "node_reach": self._reach,
            "node_seen": lambda _: _json({"requests": self.seen.requests, "sent": self.seen.sent}),
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, a call or a batch of them."""
        body = await request.read()
        self.seen.requests += 1
        if self.breaks_after is not None and self.seen.requests > self.breaks_after:
            return _cut(request) if self.hangs_up else web.Response(status=500)
        refused = self.seen.refused
        answer = self.answer(body)
        self.seen.sent += len(answer)
        if self.seen.refused > refused and self.refusal == "cut":
            return _cut(request)
        status = 400 if self.seen.refused > refused and self.refusal == "http" else 200
        return web.Response(body=answer, status=status, content_type="application/json")

    def answer(self, body: bytes) -> bytes:
        """The answer to a call or a batch."""
        asked = msgspec.json.decode(body)
        if isinstance(asked, list):
            return b"[" + b",".join(map(self._one, asked)) + b"]"
        return self._one(asked)

    def _one(self, call: dict[str, Any]) -> bytes:
        name = call["method"]
        self.seen.calls[name] += 1
        method = self._methods.get(name, _unknown)
        try:
            result = method(call["params"])
        except RpcError as error:
            return _json(failed(call["id"], error))
        return b'{"jsonrpc":"2.0","id":' + _json(call["id"]) + b',"result":' + result + b"}"

    def _block(self, place: int | str) -> Block | None:
        first, head = self.chain.first, self.head
        if isinstance(place, str) and len(place) == 66:
            number = int(place[-16:], 16)
            found = self.chain.block(number) if first <= number <= head else None
            return found if found is not None and found.hash == place else None
        tags = {"latest": head, "finalized": head - FINALITY, "safe": head - FINALITY, "earliest": first}
        number = tags[place] if isinstance(place, str) else place
        return self.chain.block(number) if first <= number <= head else None

    def _view(self, block: Block | None) -> bytes:
        return _json(block and block_view(block, full=False))

    def _call(self, params: Sequence[Any]) -> bytes:
        to, calldata = transaction_args(params)
        place = params[1]["blockHash"] if isinstance(params[1], dict) else block_tag(params[1], 1)
        block = self._block(place)
        if block is None:
            raise RpcError(SERVER_ERROR, "header not found")
        # The functions of the contracts read balances and slots at a block, which this chain has as well.
        return _json(rpc_calls.run(cast("Chain", self.chain), to, calldata, block.number))

    def _get_logs(self, params: Sequence[Any]) -> bytes:
        wanted = log_filter(params[0], 0)
        me = "0x" + self.wallet[2:].rjust(64, "0")
        if not wanted.addresses or not wanted.addresses <= ROLE.keys() or frozenset((me,)) not in wanted.topics:
            raise RpcError(INVALID_PARAMS, f"this node indexes the logs of {self.wallet} only")
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first >= self.range_max:
            self.seen.refused += 1
            raise RpcError(INVALID_PARAMS, f"range {last - first} exceeds limit of {self.range_max}")
        start, end = self._logs.between(first, min(last, self.head - self.behind))
        logs, bodies = self._logs.logs, self._bodies
        found = [bodies[at] for at in range(start, end) if matches(logs[at], wanted.addresses, wanted.topics)]
        if len(found) > self.results_max:
            self.seen.refused += 1
            raise RpcError(LIMIT_EXCEEDED, f"query returned more than {self.results_max} results")
        self.seen.windows.append((first, last))
        return b"[" + b",".join(found) + b"]"

    def _receipt(self, params: Sequence[Any]) -> bytes:
        receipt = self.chain.receipts.get(data(params[0], 0, 32))
        return _json(None if receipt is None or receipt.block_number > self.head else receipt_view(receipt))

    def _reach(self, params: Sequence[Any]) -> bytes:
        self.head = int(params[0])
        return b"true"


def _cut(request: web.BaseRequest) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _unknown(_params: Sequence[Any]) -> bytes:
    raise RpcError(UNKNOWN_METHOD, "the method does not exist/is not available")


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


@asynccontextmanager
async def serving(node: ChainNode) -> AsyncIterator[str]:
    """The address of *node*, while it is served on a loopback port."""
    server = web.Server(node.handle)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _serve(logs: int, blocks: int, markets: int) -> None:
    gc.disable()
    big = BigWallet(logs=logs, blocks=blocks, markets=markets)
    node = ChainNode(big)
    gc.freeze()
    async with serving(node) as url:
        told = {"url": url, "wallet": big.wallet, "last": big.last, "logs": big.logs, "fills": big.fills}
        sys.stdout.write(_json(told).decode() + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
