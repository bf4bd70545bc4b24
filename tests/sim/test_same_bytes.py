"""Same seed, same bytes: a run with faults, in which one worker is broken off, ends with the same head of the log.

In this process and in others, whatever hashes Python draws, and however long the database takes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import asyncpg
import pytest

from e2e.day import MILLION, MINUTE_MS, config_of
from support.database import connected
from tieout.app.config import Config
from tieout.app.worker import Worker
from tieout.app.worker_parts import Surroundings
from tieout.client.clock import LoopClock
from tieout.client.keys import PrivateKey
from tieout.jobs.own_orders import Salts
from tieout.sim.lives.cluster import fresh
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.virtual.memory import MemoryServer, in_memory
from tieout.sim.virtual.run import run_virtual
from tieout.store.embedded import EmbeddedServer
from tieout.store.wallets import head_of, wallet_id_of

WALL_S = 200.0

_numbers = count()

FAULTS = (
    ("timeout-after", 0.2),
    ("rate-limit", 0.1),
    ("half-page", 0.2),
    ("delay", 0.2),
    ("ws-drop", 0.1),
    ("ws-reorder", 0.2),
    ("ws-disconnect", 0.01),
    ("logs-missing", 0.3),
    ("settlement-retried", 0.3),
)
"""All at once, with their probabilities."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to."""

    head: str
    entries: int
    raw: int
    """The last number given to a message, kept or not."""
    orders: int


def lived(dsn: str, seed: int = 5) -> Ended:
    """Ten minutes on three markets; the first worker is broken off after five of them, wherever it stands."""
    return run_virtual(lambda: _lived(dsn, seed), wall_limit_s=WALL_S)


async def _lived(dsn: str, seed: int) -> Ended:
    scenario = build(Options(seed=seed, markets=3, cash=10_000 * MILLION, intensity=0.2))
    async with in_memory(scenario.site) as server, connected(dsn) as connection:
        config = config_of(scenario, server)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(_worker(dsn, scenario, server, config).run(asyncio.Event()))
            await server.clock.wait(MINUTE_MS)
            for name, probability in FAULTS:
                scenario.faults.on(name, probability=probability)
            await server.clock.wait(4 * MINUTE_MS + 123)
            first.cancel()
            with suppress(asyncio.CancelledError):
                await first
            stop = asyncio.Event()
            second = group.create_task(_worker(dsn, scenario, server, config).run(stop))
            await server.clock.wait(5 * MINUTE_MS)
            stop.set()
            await second
        return await _ended(connection, config)


def _worker(dsn: str, scenario: Scenario, server: MemoryServer, config: Config) -> Worker:
    clock = LoopClock(server.clock.now_ms)
    key = PrivateKey(scenario.accounts[0].private_key)
    around = Surroundings(clock, lambda most: most // 2, Salts(clock), server.carriers)
    return Worker(dsn, config, key, around, is_live=True)


async def _ended(connection: asyncpg.Connection, config: Config) -> Ended:
    wallet_id = await wallet_id_of(connection, config.wallet)
    assert wallet_id is not None
    head, _, _ = await head_of(connection, wallet_id)
    raw = await connection.fetchval("SELECT nextval(pg_get_serial_sequence('raw_message', 'raw_id'))")
    orders = await connection.fetchval("SELECT count(*) FROM orders WHERE wallet_id = $1", wallet_id)
    return Ended(head.hash.hex(), head.seq, raw, orders)


def in_another_process(dsn: str, hash_seed: str) -> str:
    """How *lived* ends in a Python with these hashes."""
    done = subprocess.run(
        [sys.executable, "-c", f"from sim.test_same_bytes import lived; print(lived({dsn!r}))"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def dsns(server: EmbeddedServer) -> list[str]:
    """Four fresh databases."""
    names = [f"same_{os.getpid()}_{next(_numbers)}" for _ in range(4)]

    for name in names:
        asyncio.run(fresh(server.dsn(), name))
    return [server.dsn(name) for name in names]


def test_L2_the_same_seed_gives_the_same_bytes_in_every_run_and_every_process(dsns: list[str]) -> None:
    first, again = lived(dsns[0]), lived(dsns[1])
    assert first.entries > 100
    assert first.orders > 20
    assert again == first
    assert in_another_process(dsns[2], "1") == in_another_process(dsns[3], "2") == str(first)


def test_another_seed_gives_other_bytes(dsns: list[str]) -> None:
    assert lived(dsns[0], 6).head != lived(dsns[1], 5).head
