"""Crashes: real processes killed with SIGKILL at random moments, then resumed. Only processes started here are killed.

An import of 100,000 facts is killed 50 times, once in each of its 51 files but the last, and resumed from the file it
was killed in; with TIEOUT_FULL=1 every resume starts again from the first file.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from support import recording, worker
from support.database import Kept, assert_same, connected, in_loop, kept, until
from support.recording import WALLET
from tieout.sim.lives.cluster import fresh
from tieout.store import embedded
from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate

FULL = os.environ.get("TIEOUT_FULL") == "1"
KILLS = 50
FACTS = 100_000
CONDITIONS = 1_000
AT_ONCE = 50
BATCH = 200
SEED = 7


@dataclass(frozen=True, slots=True)
class Uninterrupted:
    """An import that nothing disturbed: its files, what it left, and where the log stood after each file."""

    paths: list[Path]
    kept: Kept
    head_after: list[int]


@pytest.fixture(scope="module")
def uninterrupted(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    found = recording.lines(SEED, FACTS, CONDITIONS, at_once=AT_ONCE)
    paths = recording.write(tmp_path_factory.mktemp("recording"), found, KILLS + 1)
    name = f"uninterrupted_{os.getpid()}"

    async def run() -> Uninterrupted:
        await fresh(server.dsn(), name)
        assert worker.result(worker.start(server.dsn(name), paths, batch=BATCH)) >= FACTS
        async with connected(server.dsn(name)) as connection:
            heads = [
                await connection.fetchval(
                    "SELECT max(seq) FROM log JOIN raw_message USING (raw_id) WHERE starts_with(origin, $1)", f"{path}:"
                )
                for path in paths
            ]
            return Uninterrupted(paths, await kept(connection, WALLET), heads)

    return asyncio.run(run())


async def head_seq(connection: asyncpg.Connection) -> int:
    return await connection.fetchval("SELECT head_seq FROM wallet WHERE address = $1", WALLET) or 0


async def journaled(connection: asyncpg.Connection) -> int:
    return await connection.fetchval("SELECT max(raw_id) FROM raw_message") or 0


async def is_booking(connection: asyncpg.Connection) -> bool:
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT book(%' "
        "AND datname = current_database() AND pid <> pg_backend_pid())"
    )


async def wait_for_moment(
    connection: asyncpg.Connection, process: worker.Worker, rng: random.Random, before: int, after: int
) -> None:
    """Return at a random moment of the import that takes the log from *before* to *after*.

    A random entry is booked by then, and one of: nothing else; the next batch is journaled and not yet booked; the
    database is at work on the next booking.
    """
    target = max(before + 1 + rng.randrange(after - before), await head_seq(connection) + 1)

    async def at_least(reading: Callable[[asyncpg.Connection], object], value: int) -> bool:
        assert process.poll() is None, f"the worker ended before its moment: {process.ended()}"
        return await reading(connection) >= value

    await until(lambda: at_least(head_seq, target), f"entry {target} of the log")
    kind = rng.choice(("booked", "journaled", "booking"))
    if kind == "journaled":
        seen = await journaled(connection)
        await until(lambda: at_least(journaled, seen + 1), "the next batch in the journal")
    elif kind == "booking":
        await until(lambda: at_least(is_booking, True), "a booking under way")


def resumed(paths: list[Path], kills: int) -> list[Path]:
    """What the operator names after so many kills: the file in which the last one was, and those that follow."""
    return paths if FULL else paths[max(0, kills - 1) :]


@partial(in_loop, patience_s=7_200 if FULL else 1_200)
async def test_P2_a_worker_killed_50_times_resumes_to_the_books_of_one_never_killed(
    uninterrupted: Uninterrupted, dsn: str
) -> None:
    rng = random.Random(f"worker/{SEED}")
    before = 0
    async with connected(dsn) as connection:
        for number, after in enumerate(uninterrupted.head_after[:KILLS]):
            process = worker.start(dsn, resumed(uninterrupted.paths, number), batch=BATCH)
            await wait_for_moment(connection, process, rng, before, after)
            process.kill()
            assert process.ended()[0] == -signal.SIGKILL
            before = after
        assert await head_seq(connection) < len(uninterrupted.kept.facts)
        assert worker.result(worker.start(dsn, resumed(uninterrupted.paths, KILLS), batch=BATCH)) > 0
        assert_same(await kept(connection, WALLET), uninterrupted.kept)
        assert worker.result(worker.start(dsn, uninterrupted.paths[:: 1 if FULL else 10], batch=1_000)) == 0
        assert_same(await kept(connection, WALLET), uninterrupted.kept)


@partial(in_loop, patience_s=7_200 if FULL else 1_200)
async def test_P4_a_database_server_killed_50_times_recovers_to_the_books_of_one_never_killed(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(embedded.LINGER_VARIABLE, "0.3")
    rng = random.Random(f"server/{SEED}")
    own = EmbeddedServer.start(tmp_path / "pg")
    pids = set()
    try:
        await migrate(own.dsn())
        before = 0
        for number, after in enumerate(uninterrupted.head_after[:KILLS]):
            process = worker.start(own.dsn(), resumed(uninterrupted.paths, number), batch=BATCH)
            async with connected(own.dsn()) as connection:
                await wait_for_moment(connection, process, rng, before, after)
                pids.add(own.pid)
                os.kill(own.pid, signal.SIGKILL)
            code, complaint = await asyncio.to_thread(process.ended, 60)
            assert code > 0, "the importer says that its database is gone"
            assert complaint, "and why"
            restarted = await asyncio.to_thread(EmbeddedServer.start, tmp_path / "pg")
            own.stop()
            own = restarted
            before = after
        assert len(pids) == KILLS
        async with connected(own.dsn()) as connection:
            assert await head_seq(connection) < len(uninterrupted.kept.facts)
            assert worker.result(worker.start(own.dsn(), resumed(uninterrupted.paths, KILLS), batch=BATCH)) > 0
            assert_same(await kept(connection, WALLET), uninterrupted.kept)
    finally:
        own.stop()
