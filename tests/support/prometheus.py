"""The real Prometheus: its server on loopback, and promtool."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from support.database import until

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".prometheus" / "usr" / "bin"
PATIENCE_S = 60.0


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is. Without it the tests fail: they are never left out."""
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    assert found is not None, f"the tests need {name}: `make prometheus` unpacks Debian's, or put one on the PATH"
    return found


def promtool(*words: str | Path) -> str:
    """What it says, which has to be that all is well."""
    done = subprocess.run([program("promtool"), *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@asynccontextmanager
async def prometheus(config: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A server with that configuration, which keeps what it scrapes beside it; asked under `/api/v1`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    output = config.with_suffix(".out")
    with output.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={config.with_suffix('.data')}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=PATIENCE_S) as client:

            async def is_ready() -> bool:
                assert process.returncode is None, output.read_text()
                try:
                    return (await client.get("/status/runtimeinfo")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(is_ready, "Prometheus")
            yield client
    finally:
        process.terminate()
        await process.wait()


async def answer(client: httpx.AsyncClient, path: str, **asked: str) -> Any:
    """The data of one answer of the interface."""
    told = (await client.get(path, params=asked)).json()
    assert told["status"] == "success", told
    return told["data"]
