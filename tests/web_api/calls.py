"""Every operation of the document as a call that can be made over the furnished books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from support.database import ADDRESS
from tieout.web.api.document import document, operations
from web_api.stage import BOSONA, Stage

WALLETS = (ADDRESS, BOSONA)


@dataclass(frozen=True)
class Call:
    """An operation with something for every part of its path."""

    id: str
    method: str
    path: str
    operation: dict[str, Any]

    def body(self) -> dict[str, Any] | None:
        """A body by the document's own example."""
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else next(iter(content["examples"].values()))["value"]

    def schema(self, status: int = 200) -> dict[str, Any] | None:
        """What its answer must be, None when that is not JSON."""
        content = self.operation["responses"][str(status)]["content"]
        return content["application/json"]["schema"] if "application/json" in content else None


def calls(stage: Stage, wallet: str = ADDRESS) -> Iterator[Call]:
    """All operations; *wallet* is the one they are about. What only ADDRESS has is left out for others."""
    own = {
        "wallet": wallet,
        "condition_id": stage.query(
            "SELECT min(condition_id) FROM positions JOIN wallet USING (wallet_id) "
            "WHERE address = $1 AND condition_id <> ''",
            wallet,
        )[0][0],
        "seq": 2,
        "raw_id": stage.query(
            "SELECT min(raw_id) FROM raw_message JOIN wallet USING (wallet_id) WHERE address = $1", wallet
        )[0][0],
        "action": "full-sync",
    }
    if wallet == ADDRESS:
        own |= {"incident_id": stage.names["issues"][0], "request_id": stage.names["request"]}
    for path, method, operation in operations(document()):
        parts = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        if all(part in own for part in parts):
            yield Call(operation["operationId"], method, path.format(**own), operation)


def send(client: httpx.Client, call: Call, **more: Any) -> httpx.Response:
    """Make the call by its whole address; of a stream only the first event is read."""
    address = str(client.base_url).replace("/api/v1/", "")
    if call.id == "stream_events":
        with client.stream(call.method, address + call.path, **more) as answer:
            if answer.status_code != 200:
                answer.read()
            else:
                assert "event: hello" in next(each for each in answer.iter_text() if "event" in each)
            return answer
    return client.request(call.method, address + call.path, **{"json": call.body(), **more})
