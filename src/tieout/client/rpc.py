"""JSON-RPC to chain nodes: several in order of preference, ids checked, batches.

All calls are reads. A node that fails is passed over for a while and the next one is asked, which is said in
`failures`; what a node answers about the call itself is final, but for state that only an archive node has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tieout.client.errors import ErrorKind, Meaning, VenueError, printable
from tieout.client.net import Net
from tieout.client.pages import as_list, as_row
from tieout.client.service import Call, Service
from tieout.venue.wire import WireError, shown

PASSED_OVER_MS = 30_000
"""How long a node that failed is asked last."""

_NO_STATE = ("missing trie node", "state is not available", "header not found")
_LIMIT_EXCEEDED = -32005
"""Too many requests or too much asked for (EIP-1474)."""


@dataclass(frozen=True, slots=True)
class RpcCall:
    """One method with its parameters."""

    method: str
    params: Sequence[Any] = ()


class CallFailedError(Exception):
    """The node refused the call itself (a revert, a range too wide). `code` is JSON-RPC's."""

    def __init__(self, method: str, code: int, text: str) -> None:
        super().__init__(f"{method}: {text} (code {code})")
        self.code = code
        self.text = text


class Rpc:
    """The nodes at the addresses given, the preferred one first. Addresses are never shown: they may hold keys."""

    def __init__(self, net: Net, urls: Sequence[str]) -> None:
        if not urls:
            raise ValueError("urls: expected at least one node")
        self._clock = net.clock
        self._nodes = [_Node(number, net.service("chain", url, alone=True)) for number, url in enumerate(urls, 1)]
        self._next_id = 0
        self.failures: Counter[int] = Counter()
        """How often each node, by its number from 1, failed."""

    async def ask(self, call: RpcCall, kind: str = "") -> Any:
        """The result of one call. Raises CallFailedError, VenueError when no node answers."""
        return (await self.batch((call,), kind))[0]

    async def batch(self, calls: Sequence[RpcCall], kind: str = "") -> list[Any]:
        """The results of several calls in their order, from one node. Raises CallFailedError, VenueError."""
        now_ms = self._clock.now_ms()
        last: VenueError | CallFailedError | None = None
        for node in sorted(self._nodes, key=lambda node: (node.passed_over_until_ms > now_ms, node.number)):
            try:
                return await self._from(node, calls, kind)
            except VenueError as error:
                node.passed_over_until_ms = now_ms + PASSED_OVER_MS
                last = error
            except CallFailedError as error:
                if not any(words in error.text for words in _NO_STATE):
                    raise
                last = error
            self.failures[node.number] += 1
        raise last or AssertionError("there is at least one node")

    async def _from(self, node: _Node, calls: Sequence[RpcCall], kind: str) -> list[Any]:
        ids = range(self._next_id + 1, self._next_id + 1 + len(calls))
        self._next_id += len(calls)
        sent = [
            {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.params}
            for number, call in zip(ids, calls, strict=True)
        ]
        body = msgspec.json.encode(sent[0] if len(sent) == 1 else sent)
        request = Call("POST", "", "rpc", kind=kind, body=body, label=f"node {node.number} {calls[0].method}")
        answers = await node.service.ask(request, lambda value: _by_id(value, ids))
        return [_result(answers[number], call.method, request.name) for number, call in zip(ids, calls, strict=True)]


@dataclass(slots=True)
class _Node:
    number: int
    service: Service
    passed_over_until_ms: int = 0


def _by_id(value: Any, ids: range) -> Mapping[int, dict[str, Any]]:
    """Each answer under its id. Raises WireError unless every id is answered exactly once.

    A single error without an id is how nodes refuse a whole request; it counts for the first call.
    """
    answers = [as_row(answer, "answer") for answer in (value if type(value) is list else [value])]
    if len(answers) == 1 and answers[0].get("id") is None and "error" in answers[0]:
        return dict.fromkeys(ids, answers[0])
    found = {number: answer for answer in answers if type(number := answer.get("id")) is int}
    if len(answers) != len(ids) or set(found) != set(ids):
        names = ", ".join(shown(answer.get("id")) for answer in answers[:5])
        raise WireError(f"id: expected {ids[0]} to {ids[-1]}, each once, was {names}")
    return found


def _result(answer: dict[str, Any], method: str, name: str) -> Any:
    """The result. Raises CallFailedError; VenueError when the node only says that it is asked too much."""
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise VenueError(ErrorKind.TRANSIENT, Meaning.UNREADABLE, name, "neither result nor error")
        return answer["result"]
    row = error if type(error) is dict else {"message": str(error)}
    code, text = row.get("code"), printable(str(row.get("message", "")))
    number = code if type(code) is int else 0
    if number == _LIMIT_EXCEEDED and "rate" in text.lower():
        raise VenueError(ErrorKind.TRANSIENT, Meaning.RATE_LIMITED, name, text)
    raise CallFailedError(method, number, text)


def rows_of(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects. Raises WireError."""
    return [as_row(row, name) for row in as_list(value, name)]
