"""An importer in a process of its own, to be killed: `python worker.py DSN BATCH [--wait] FILE...`.

Prints how many facts were new. With --wait it says "ready" and starts when its input says so.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tieout.app.importing import ImportRequest, import_files

WALLET = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
OWNER = "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe"


def start(dsn: str, paths: Sequence[Path], *, batch: int, wait: bool = False) -> subprocess.Popen[str]:
    """Another process that imports *paths*."""
    options = ["--wait"] if wait else []
    command = [sys.executable, "-B", __file__, dsn, str(batch), *options, *map(str, paths)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe if wait else subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def result(process: subprocess.Popen[str]) -> int:
    """How many facts were new to a worker that must end well."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return int(out.split()[-1])


async def _main(dsn: str, batch: int, wait: bool, paths: tuple[Path, ...]) -> None:
    if wait:
        print("ready", flush=True)
        sys.stdin.readline()
    request = ImportRequest(WALLET, frozenset((OWNER,)), paths, batch=batch)
    report = await import_files(dsn, request, lambda *_: None)
    print(report.new_facts, flush=True)


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--wait"]
    asyncio.run(_main(given[0], int(given[1]), "--wait" in sys.argv, tuple(map(Path, given[2:]))))
