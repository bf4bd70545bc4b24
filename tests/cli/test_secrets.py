"""Secrets that a recording happens to hold reach neither the screen nor the database."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from cli.command_line import CommandLine
from tieout.store.connect import connect
from tieout.store.embedded import EmbeddedServer

SECRET, PASSPHRASE = "c2VjcmV0LXNlY3JldC1zZWNyZXQ9", "words-that-nobody-may-see"


def frame() -> dict[str, Any]:
    """What a client sends to subscribe to the user channel."""
    auth = {"apiKey": "0194a0a0-0000-4000-8000-000000000001", "secret": SECRET, "passphrase": PASSPHRASE}
    return {"auth": auth, "markets": ["0x" + "c0" * 32], "type": "user"}


SHAPES: dict[str, str] = {
    "whole": json.dumps(frame()),
    "in_a_list": json.dumps([frame()]),
    "in_an_envelope": json.dumps({"sent": frame()}),
    "cut_off_after_the_secret": json.dumps(frame())[:150],
    "cut_off_in_the_secret": json.dumps(frame()).partition(SECRET[12:])[0],
    "spread_over_lines": json.dumps(frame(), indent=4),
}


def test_secrets_are_neither_shown_nor_stored(tieout: CommandLine, wallet: str, tmp_path: Path) -> None:
    for name, text in SHAPES.items():
        # Another secret in each, so that a failure names its shape.
        (tmp_path / f"{name}.json").write_text(text.replace(SECRET[:12], f"{SECRET[:12]}{name}"))
    seen = [tieout("import", "--wallet", wallet, tmp_path, *more, code=1) for more in ([], ["--json"])]
    assert seen[1].json["messages"] == len(SHAPES)
    seen += [tieout("db", "problems", "--wallet", wallet, *more) for more in ([], ["--json"])]
    seen.append(tieout("log", "--wallet", wallet, "--json"))
    told = "".join(done.out + done.err for done in seen) + asyncio.run(stored(tieout.home))
    assert PASSPHRASE not in told
    assert re.findall(f"{SECRET[:12]}\\w*", told) == []


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
