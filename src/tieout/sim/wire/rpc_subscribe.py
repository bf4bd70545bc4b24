"""JSON-RPC over a WebSocket: the same calls, and subscriptions to heads and logs.

After a reorganisation the logs of the blocks that went away come again with `removed: true`, then those of the blocks
in their place (go-ethereum, `eth/filters`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from tieout.sim.chain.chain import BlockMined, BlocksRemoved, Finalized
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.rpc import Params, Rpc
from tieout.sim.wire.rpc_filters import INVALID_PARAMS, SERVER_ERROR, LogFilter, RpcError, invalid, log_filter, param
from tieout.sim.wire.rpc_views import header_view, log_view
from tieout.sim.world import World


class RpcSocket:
    """The node's end of one WebSocket. A subscription without a filter is one to heads."""

    def __init__(self, world: World, connection: Connection, rpc: Rpc | None = None) -> None:
        self._chain = world.chain
        self._connection = connection
        self._rpc = rpc or Rpc(world)
        self._ids = world.chance.stream("rpc subscriptions")
        self._subscriptions: dict[str, LogFilter | None] = {}
        self._methods = {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}
        self._chain.listen(self._on_chain)

    def receive(self, text: str) -> None:
        """Answer a text frame."""
        answer = self._rpc.answer_text(text, self._methods)
        if answer is not None:
            self._connection.send(msgspec.json.encode(answer).decode())

    def closed(self) -> None:
        """Stop listening."""
        self._chain.unlisten(self._on_chain)

    def _subscribe(self, params: Params) -> str:
        kind = param(params, 0)
        if kind == "newHeads":
            wanted = None
        elif kind == "logs":
            given = params[1] if len(params) > 1 and params[1] is not None else {}
            if not isinstance(given, dict):
                raise invalid(1, "json: cannot unmarshal non-object into Go value of type filters.input")
            wanted = log_filter(given, 1)
        else:
            raise RpcError(INVALID_PARAMS, f'no "{kind}" subscription in eth namespace')
        name = f"0x{self._ids.getrandbits(128):032x}"
        self._subscriptions[name] = wanted
        return name

    def _unsubscribe(self, params: Params) -> bool:
        name = param(params, 0)
        if name not in self._subscriptions:
            raise RpcError(SERVER_ERROR, "subscription not found")
        del self._subscriptions[name]
        return True

    def _on_chain(self, event: BlockMined | BlocksRemoved | Finalized) -> None:
        for name, wanted in tuple(self._subscriptions.items()):
            for result in news(event, wanted):
                self._notify(name, result)

    def _notify(self, name: str, result: Any) -> None:
        params = {"subscription": name, "result": result}
        message = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
        self._connection.send(msgspec.json.encode(message).decode())


def news(event: BlockMined | BlocksRemoved | Finalized, wanted: LogFilter | None) -> list[dict[str, Any]]:
    """What an event means to a subscription: a head, or logs that came or went."""
    if isinstance(event, BlockMined):
        if wanted is None:
            return [header_view(event.block)]
        return [log_view(log) for log in event.block.logs if wanted.takes(log)]
    if isinstance(event, BlocksRemoved) and wanted is not None:
        gone = [log for block in event.blocks for log in block.logs if wanted.takes(log)]
        return [log_view(log, removed=True) for log in gone]
    return []
