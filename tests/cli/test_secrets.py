"""Secrets that a recording happens to hold reach neither the screen nor the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.command_line import CommandLine

from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer

pytestmark = pytest.mark.xdist_group("cli")

SECRET, PASSPHRASE = "c2VjcmV0LXNlY3JldC1zZWNyZXQ9", "passphrase-that-nobody-may-see"


def frame() -> dict[str, Any]:
    """What a client sends to subscribe to the user channel."""
    auth = {"apiKey": "0194a0a0-0000-4000-8000-000000000001", "secret": SECRET, "passphrase": PASSPHRASE}
    return {"auth": auth, "markets": ["0x" + "c0" * 32], "type": "user"}


SHAPES: dict[str, str] = {
    "whole": json.dumps(frame()),
    "in a list": json.dumps([frame()]),
    "in an envelope": json.dumps({"sent": frame()}),
    "cut off after the secret": json.dumps(frame())[:150],
    "cut off in the secret": json.dumps(frame()).partition(SECRET[10:])[0],
    "spread over lines": json.dumps(frame(), indent=4),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_a_secret_is_neither_shown_nor_stored(
    tieout: CommandLine, wallet: str, tmp_path: Path, lines: Callable[..., Path], text: str
) -> None:
    path = tmp_path / "frame.json"
    path.write_text(text)
    seen = [tieout("import", "--wallet", wallet, path, *more, code=None) for more in ([], ["--json"])]
    assert all(done.code in (0, 1) for done in seen)
    seen += [tieout("db", "problems", "--wallet", wallet, *more) for more in ([], ["--json"])]
    seen.append(tieout("log", "--wallet", wallet, "--json"))
    told = "".join(done.out + done.err for done in seen) + asyncio.run(stored(tieout.home))
    for part in (SECRET[:10], SECRET, PASSPHRASE[:10]):
        assert part not in told


async def stored(home: Path) -> str:
    """Every text of the database that a message can have reached."""
    with EmbeddedServer.start(home / "postgres") as server:
        connection = await connect(server.dsn())
        found = await connection.fetch(
            "SELECT encode(body, 'escape') FROM raw_message UNION ALL SELECT message FROM raw_problem "
            "UNION ALL SELECT what FROM unknown_seen UNION ALL SELECT fact FROM log"
        )
        await connection.close()
    return "\n".join(row[0] for row in found)
