"""A PostgreSQL for one run: in memory where there is room, without a care for power cuts, one database a life."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from tieout.store.embedded import EmbeddedServer
from tieout.store.schema import migrate

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
ROOM = 2 << 30
"""Bytes that have to be free in memory; otherwise the disk is used."""

TEMPLATE = "template_lives"

CARELESS = (
    "synchronous_commit = off",
    "full_page_writes = off",
    "autovacuum = off",
    "jit = off",
    # A worker of a life asks most questions once or twice: planned for each anew, the plan costs more than the answer.
    "plan_cache_mode = force_generic_plan",
    "update_process_title = off",
)


def cores_for(jobs: int) -> list[int]:
    """The processor of each of *jobs* processes of lives; -1 for any.

    Only when they take all processors: two commands that take a part each might take the same.
    """
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [mine[number % len(mine)] if 1 < len(mine) <= jobs else -1 for number in range(jobs)]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Whatever is started here stays on this processor.

    A life and its database take turns: on one processor the turn changes in a third of the time.
    """
    if core < 0:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def cluster() -> Iterator[EmbeddedServer]:
    """A server without any database of ours; gone afterwards."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix=f"tieout-lives-{os.getpid()}-", dir=MEMORY if in_memory else None))
    folder.chmod(0o711)
    try:
        with EmbeddedServer.start(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(server: EmbeddedServer) -> None:
    """Settings for speed, and the template."""
    connection = await asyncpg.connect(server.dsn())
    try:
        for setting in CARELESS:
            await connection.execute(f"ALTER SYSTEM SET {setting}")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await connection.close()
    await migrate(server.dsn(TEMPLATE))


async def fresh(server_dsn: str, name: str) -> None:
    """An empty database called *name*."""
    connection = await asyncpg.connect(server_dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    finally:
        await connection.close()


async def drop(server_dsn: str, name: str) -> None:
    """No more of it, whoever is connected."""
    connection = await asyncpg.connect(server_dsn)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()
