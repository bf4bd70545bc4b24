"""A node over the stage's chain, asked as a client asks it."""

from __future__ import annotations

import json
from typing import Any

from sim.sockets.stage import Stage
from tieout.sim.wire.http import Request
from tieout.sim.wire.rpc import Rpc


class Node:
    """`ask` gives the result of one call, `error` its error as (code, message)."""

    def __init__(self, stage: Stage, **more: Any) -> None:
        self.rpc = Rpc(stage.world, **more)

    def post(self, body: object) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.rpc.handle(Request("POST", "/", body=raw))
        assert reply.status == 200
        return json.loads(reply.body) if reply.body else None

    def ask(self, method: str, *params: Any) -> Any:
        answer = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        assert "error" not in answer, answer
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", 1)
        return answer["result"]

    def error(self, method: str, *params: Any) -> tuple[int, str]:
        answer = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        assert "result" not in answer, answer
        return answer["error"]["code"], answer["error"]["message"]
