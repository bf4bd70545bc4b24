"""The worker: from a fill on the socket to committed books, beside a bare commit of the same run.

`python bench/worker.py` starts what it needs: a PostgreSQL of its own, the simulated venue, a worker.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from tieout.app.config import Config, Selection
from tieout.app.running import RunRequest, worker_of
from tieout.app.worker import Worker
from tieout.client.endpoints import Endpoints
from tieout.client.keys import PrivateKey
from tieout.quoting.params import Params
from tieout.sim.scenario import Options, build
from tieout.store.connect import connected
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate

MILLION = 1_000_000
SEED, MARKETS, SECONDS, INTENSITY = 3, 200, 40.0, "1.0"


async def latency(dsn: str) -> None:
    """Fills on the socket of a worker on 200 markets, while it quotes; the venue has a process of its own."""
    words = ["sim", "serve", "--quiet", "--seed", str(SEED), "--markets", str(MARKETS), "--intensity", INTENSITY]
    venue = await asyncio.create_subprocess_exec(sys.executable, "-m", "tieout", *words, stdout=asyncio.subprocess.PIPE)
    assert venue.stdout is not None
    url = (await venue.stdout.readline()).decode().strip()
    # The same seed draws the same key: the account of the venue in the other process.
    account = build(Options(seed=SEED, markets=1, intensity=0, warm_up_ms=0)).accounts[0]
    config = Config(
        wallet=account.address,
        first_block=0,
        endpoints=Endpoints.of(url),
        selection=Selection(count=MARKETS),
        params=Params(tiers=1, tier_size=5 * MILLION, min_time_to_resolution_ms=0),
    )
    try:
        async with connected(dsn) as connection:
            worker = worker_of(dsn, RunRequest(config, PrivateKey(account.private_key), is_live=True))
            stop = asyncio.Event()
            task = asyncio.create_task(worker.run(stop))
            while worker.state.phase != "running" or not worker.state.sent["placed"]:
                await asyncio.sleep(0.1)
            bare = await bare_commit_ms(connection)
            await asyncio.sleep(SECONDS)
            fills = await connection.fetchval("SELECT count(*) FROM movements WHERE kind IN ('buy', 'sell')")
            told(worker, bare, fills)
            stop.set()
            await task
    finally:
        venue.terminate()
        await venue.wait()


def told(worker: Worker, bare: float, fills: int) -> None:
    """The figures of so many *fills*."""
    latency_of, frames = worker.state.fill_latency, sorted(worker.state.latencies_ms)
    median, high = latency_of.quantile(500), latency_of.quantile(990)
    print(f"  markets {MARKETS}, orders placed {worker.state.sent['placed']:,}, frames {worker.state.frames:,}")
    print(f"  a fill on the socket to committed books: median {median} ms, p99 {high} ms of {fills} fills")
    print(f"  any frame: median {frames[len(frames) // 2]} ms; a bare commit of one row {bare:.2f} ms")


async def bare_commit_ms(connection: asyncpg.Connection) -> float:
    """One insert and its commit, the least that keeping anything costs."""
    await connection.execute("CREATE TABLE IF NOT EXISTS bench_bare (body text)")
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        await connection.execute("INSERT INTO bench_bare VALUES ('x')")
        taken.append(time.perf_counter() - began)
    return sorted(taken)[100] * 1000


def main() -> None:
    with TemporaryDirectory() as place, EmbeddedServer.start(Path(place) / "data") as server:
        asyncio.run(migrate(server.dsn()))
        print("worker")
        asyncio.run(latency(server.dsn()))


if __name__ == "__main__":
    main()
