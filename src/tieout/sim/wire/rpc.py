"""Polygon's JSON-RPC, single and in batches: what a node answers about the simulated chain.

The words and codes of errors are go-ethereum's (Bor is built on it); the limits of `eth_getLogs` answer as a public
node does (INFURA/infura issue 237). A range that reaches beyond the head ends at the head, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tieout.sim.chain.block import Block
from tieout.sim.contracts import CHAIN_ID
from tieout.sim.wire import rpc_calls
from tieout.sim.wire.http import Reply, Request, json_reply
from tieout.sim.wire.rpc_filters import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    PARSE_ERROR,
    SERVER_ERROR,
    UNKNOWN_METHOD,
    RpcError,
    address,
    block_tag,
    data,
    invalid,
    log_filter,
    param,
)
from tieout.sim.wire.rpc_send import Mailbox
from tieout.sim.wire.rpc_views import (
    GAS_PRICE,
    block_view,
    log_view,
    quantity,
    receipt_view,
    state_root,
    transaction_view,
)
from tieout.sim.world import World
from tieout.venue.addresses import ZERO

LOGS_RANGE = 10_000
"""Blocks that one `eth_getLogs` may span."""

LOGS_RESULTS = 10_000
"""Logs that one `eth_getLogs` may return."""

BATCH_LIMIT = 1_000
"""Calls in one batch (go-ethereum's default)."""

POL = 10**18
PURSE = 10 * POL
"""What every address owns of the chain's own coin: gas costs nothing here."""

ESTIMATE = 180_000
"""Gas that `eth_estimateGas` names for any call."""

Params = Sequence[Any]
Method = Callable[[Params], Any]


class Rpc:
    """The methods, and JSON-RPC 2.0 around them."""

    def __init__(self, world: World, deployed: Callable[[str], bool] = lambda _address: False) -> None:
        self._chain = world.chain
        self._mailbox = Mailbox(world)
        self._deployed = deployed
        """Whether there is a wallet contract at an address."""
        self.state_depth: int | None = None
        """How many blocks behind the head state can be read (128 on a full node); None on an archive node."""
        self._methods: dict[str, Method] = {
            "eth_accounts": lambda _: [],
            "eth_blockNumber": lambda _: quantity(self._chain.head.number),
            "eth_call": self._call,
            "eth_chainId": lambda _: quantity(CHAIN_ID),
            "eth_estimateGas": self._estimate,
            "eth_gasPrice": lambda _: quantity(GAS_PRICE),
            "eth_getBalance": self._balance,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getCode": self._code,
            "eth_getLogs": self._logs,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionCount": self._nonce,
            "eth_getTransactionReceipt": self._receipt,
            "eth_sendRawTransaction": lambda params: self._mailbox.send(bytes.fromhex(data(param(params, 0), 0)[2:])),
            "eth_maxPriorityFeePerGas": lambda _: quantity(GAS_PRICE // 6),
            "eth_syncing": lambda _: False,
            "net_listening": lambda _: True,
            "net_version": lambda _: str(CHAIN_ID),
            "web3_clientVersion": lambda _: "bor/v2.5.0-simulated",
        }

    def handle(self, request: Request) -> Reply:
        """Answer the body of a POST. Errors of calls are HTTP 200, as everywhere."""
        if request.method != "POST":
            return Reply(405, b"method not allowed\n", {"content-type": "text/plain; charset=utf-8"})
        answer = self.answer_text(request.body)
        return json_reply(answer) if answer is not None else Reply(200, b"")

    def answer_text(self, body: bytes | str, also: Mapping[str, Method] | None = None) -> Any:
        """The answer to JSON text; *also* are methods of this connection. None when nothing is to be said."""
        try:
            value = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return failed(None, RpcError(PARSE_ERROR, "parse error"))
        if not isinstance(value, list):
            return self._answer(value, also or {})
        if not value:
            return failed(None, RpcError(INVALID_REQUEST, "empty batch"))
        if len(value) > BATCH_LIMIT:
            return failed(None, RpcError(INVALID_REQUEST, "batch too large"))
        answers = [self._answer(item, also or {}) for item in value]
        return [answer for answer in answers if answer is not None] or None

    def _answer(self, value: Any, also: Mapping[str, Method]) -> dict[str, Any] | None:
        if not isinstance(value, dict) or not isinstance(value.get("method"), str):
            return failed(
                value.get("id") if isinstance(value, dict) else None, RpcError(INVALID_REQUEST, "invalid request")
            )
        call_id = value.get("id")
        try:
            result = self._run(value["method"], value.get("params"), also)
        except RpcError as error:
            return failed(call_id, error) if "id" in value else None
        return {"jsonrpc": "2.0", "id": call_id, "result": result} if "id" in value else None

    def _run(self, name: str, params: Any, also: Mapping[str, Method]) -> Any:
        method = also.get(name) or self._methods.get(name)
        if method is None:
            raise RpcError(UNKNOWN_METHOD, f"the method {name} does not exist/is not available")
        if params is not None and not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args")
        return method(params or ())

    # blocks

    def _block(self, place: str | int) -> Block | None:
        return self._chain.block(place) if isinstance(place, int) else self._tagged(place)

    def _tagged(self, tag: str) -> Block:
        return self._chain.head if tag == "pending" else self._chain.block_by_tag(tag)

    def _block_by_number(self, params: Params) -> Any:
        block = self._block(block_tag(param(params, 0), 0))
        return block and block_view(block, full=flag(params, 1))

    def _block_by_hash(self, params: Params) -> Any:
        block = self._chain.block(data(param(params, 0), 0, 32))
        return block and block_view(block, full=flag(params, 1))

    def _block_receipts(self, params: Params) -> Any:
        block = self._block(block_tag(param(params, 0), 0))
        return block and [receipt_view(receipt) for receipt in block.receipts]

    def _state_at(self, params: Params, place: int) -> int:
        """The number of the block whose state is asked for: by tag, number or hash (EIP-1898); the head by default."""
        given = params[place] if place < len(params) and params[place] is not None else "latest"
        if isinstance(given, dict):
            given = given.get("blockHash") or given.get("blockNumber")
        if isinstance(given, str) and len(given) == 66:
            block = self._chain.block(data(given, place, 32))
            if block is None:
                raise RpcError(SERVER_ERROR, "header for hash not found")
        else:
            block = self._block(block_tag(given, place))
            if block is None:
                raise RpcError(SERVER_ERROR, "header not found")
        if self.state_depth is not None and self._chain.head.number - block.number > self.state_depth:
            raise RpcError(SERVER_ERROR, f"missing trie node {state_root(block)[2:]} (path ) state is not available")
        return block.number

    # state

    def _call(self, params: Params) -> str:
        to, calldata = transaction_args(params)
        block = self._state_at(params, 1)
        return rpc_calls.run(self._chain, to, calldata, block) if to else "0x"

    def _code(self, params: Params) -> str:
        to = address(param(params, 0), 0)
        self._state_at(params, 1)
        return rpc_calls.CODE if rpc_calls.has_code(to) or self._deployed(to) else "0x"

    def _balance(self, params: Params) -> str:
        address(param(params, 0), 0)
        self._state_at(params, 1)
        return quantity(PURSE)

    def _nonce(self, params: Params) -> str:
        sender = address(param(params, 0), 0)
        self._state_at(params, 1)
        return quantity(self._mailbox.count(sender, mined=len(params) < 2 or params[1] != "pending"))

    def _estimate(self, params: Params) -> str:
        """A figure for every call that would not revert now."""
        to, calldata = transaction_args(params)
        sender = address(params[0].get("from") or ZERO, 0)
        reason = self._mailbox.dry_run(sender, to, calldata) if to and rpc_calls.has_code(to) else None
        if reason is not None:
            raise rpc_calls.revert(reason)
        return quantity(ESTIMATE)

    # transactions and logs

    def _receipt(self, params: Params) -> Any:
        receipt = self._chain.receipt(data(param(params, 0), 0, 32))
        return receipt and receipt_view(receipt)

    def _transaction(self, params: Params) -> Any:
        tx_hash = data(param(params, 0), 0, 32)
        if receipt := self._chain.receipt(tx_hash):
            return transaction_view(receipt.transaction, receipt)
        waiting = (each for each in self._chain.pending if each.tx_hash == tx_hash)
        return next((transaction_view(each, None) for each in waiting), None)

    def _logs(self, params: Params) -> list[Any]:
        given = param(params, 0)
        if not isinstance(given, dict):
            raise invalid(0, "json: cannot unmarshal non-object into Go value of type filters.input")
        wanted = log_filter(given, 0)
        start, end = self._logs_range(given)
        logs = self._chain.logs(start, end, wanted.addresses, [sorted(topic) for topic in wanted.topics])
        if len(logs) > LOGS_RESULTS:
            raise RpcError(LIMIT_EXCEEDED, f"query returned more than {LOGS_RESULTS} results")
        return [log_view(log) for log in logs]

    def _logs_range(self, given: Mapping[str, Any]) -> tuple[int, int]:
        """The first and the last block a log query spans."""
        first, last = given.get("fromBlock"), given.get("toBlock")
        if (block_hash := given.get("blockHash")) is not None:
            if first is not None or last is not None:
                raise invalid(0, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
            block = self._chain.block(data(block_hash, 0, 32))
            if block is None:
                raise RpcError(SERVER_ERROR, "unknown block")
            return block.number, block.number
        start, end = self._logs_end(first), self._logs_end(last)
        if start > end:
            raise RpcError(SERVER_ERROR, "invalid block range params")
        if end - start > LOGS_RANGE:
            raise RpcError(INVALID_PARAMS, f"range {end - start} exceeds limit of {LOGS_RANGE}")
        return start, end

    def _logs_end(self, value: object) -> int:
        place = block_tag("latest" if value is None else value, 0)
        return place if isinstance(place, int) else self._tagged(place).number


def transaction_args(params: Params) -> tuple[str, bytes]:
    """The contract ("" for none) and the data of a call that is only tried."""
    call = param(params, 0)
    if not isinstance(call, dict):
        raise invalid(0, "json: cannot unmarshal non-object into Go value of type ethapi.TransactionArgs")
    calldata = data(call.get("input") or call.get("data") or "0x", 0)
    to = call.get("to")
    return "" if to is None else address(to, 0), bytes.fromhex(calldata[2:])


def flag(params: Params, place: int) -> bool:
    """A required boolean."""
    value = param(params, place)
    if not isinstance(value, bool):
        raise invalid(place, "json: cannot unmarshal non-boolean into Go value of type bool")
    return value


def failed(call_id: object, error: RpcError) -> dict[str, Any]:
    """The answer to a call that failed."""
    shown: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        shown["data"] = error.data
    return {"jsonrpc": "2.0", "id": call_id, "error": shown}
