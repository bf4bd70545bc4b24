"""Faults of the chain node: JSON-RPC requests and answers, single or in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from tieout.sim.faults.switch import Switch
from tieout.sim.wire.http import Reply, Request, json_reply

TOO_MANY = {"code": -32005, "message": "query returned more than 10000 results"}
"""The words of public nodes (INFURA/infura issue 237)."""

_TAGGED = {"eth_call": 1, "eth_getBalance": 1, "eth_getCode": 1, "eth_getBlockByNumber": 0}
"""Where a method takes its block."""

Ask = Callable[[dict[str, Any]], Any]


def each_call(request: Request, answer: Ask) -> Reply | None:
    """Answer every call of a body by *answer*; None when the body is no JSON-RPC."""
    try:
        body = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        return None
    calls = body if isinstance(body, list) else [body]
    if not calls or not all(isinstance(call, dict) for call in calls):
        return None
    answers = [said for call in calls if (said := answer(call)) is not None]
    if not answers:
        return Reply(200, b"")
    return json_reply(answers if isinstance(body, list) else answers[0])


def ask(handle: Callable[[Request], Reply], request: Request, call: dict[str, Any]) -> Any:
    """What the node says to one call; None to a notification."""
    body = handle(replace(request, body=msgspec.json.encode(call))).body
    return msgspec.json.decode(body) if body else None


def lagging(switch: Switch, request: Request, handle: Callable[[Request], Reply], head: int) -> Reply | None:
    """The answers of a node that has not seen the newest blocks."""
    seen = head - switch.number("blocks")

    def answer(call: dict[str, Any]) -> Any:
        said = ask(handle, request, _asked_of(call, seen))
        if not isinstance(said, dict):
            return said
        result = said.get("result")
        if call.get("method") == "eth_blockNumber":
            said["result"] = hex(seen)
        elif isinstance(result, list):
            said["result"] = [each for each in result if _place(each) <= seen]
        elif isinstance(result, dict) and _place(result) > seen:
            said["result"] = None
        return said

    return each_call(request, answer)


def _asked_of(call: dict[str, Any], seen: int) -> dict[str, Any]:
    """The call with "latest" replaced by the newest block the node has seen."""
    method, params = call.get("method"), call.get("params")
    if not isinstance(params, list):
        return call
    params = list(params)
    place = _TAGGED.get(str(method))
    if place is not None and place < len(params) and params[place] in ("latest", "pending"):
        params[place] = hex(seen)
    elif place == len(params):
        params.append(hex(seen))
    return {**call, "params": params}


def _place(result: object) -> int:
    """The block of a log, receipt or transaction, or the number of a block; 0 for anything else."""
    found = result.get("blockNumber", result.get("number")) if isinstance(result, dict) else None
    return int(found, 16) if isinstance(found, str) else 0


def spoiled_logs(switch: Switch, request: Request, handle: Callable[[Request], Reply]) -> Reply | None:
    """`logs-missing`: some logs are not there; `logs-refused`: an error instead. None when no logs were asked for."""
    struck = False

    def answer(call: dict[str, Any]) -> Any:
        nonlocal struck
        said = ask(handle, request, call)
        if call.get("method") != "eth_getLogs" or not isinstance(said, dict):
            return said
        if switch.kind.name == "logs-refused":
            struck = True
            return {"jsonrpc": "2.0", "id": call.get("id"), "error": TOO_MANY}
        logs = said.get("result")
        if isinstance(logs, list) and logs:
            struck = True
            missing = switch.stream.randrange(len(logs))
            said["result"] = [log for place, log in enumerate(logs) if place != missing and place % 3]
        return said

    reply = each_call(request, answer)
    return reply if struck else None
