"""Many lives over several processes: one PostgreSQL for all of them, a database each."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

import msgspec

from tieout.sim.lives.cluster import cluster, drop, fresh, prepare
from tieout.sim.lives.life import live
from tieout.sim.lives.options import LifeOptions
from tieout.sim.lives.verdict import Verdict
from tieout.store.embedded import EmbeddedServer


class Pool:
    """Processes that live lives. Made by `pool`."""

    def __init__(self, executor: ProcessPoolExecutor, server: EmbeddedServer, jobs: int) -> None:
        self._executor = executor
        self._server = server
        self._free = asyncio.Semaphore(jobs)
        self._count = 0

    async def live(self, options: LifeOptions) -> Verdict:
        """One life, when a process is free."""
        async with self._free:
            self._count += 1
            name = f"life_{self._count}"
            await fresh(self._server.dsn(), name)
            try:
                dsn = self._server.dsn(name)
                told = await asyncio.get_running_loop().run_in_executor(
                    self._executor, _live, msgspec.json.encode(options), dsn
                )
            finally:
                await drop(self._server.dsn(), name)
            return msgspec.json.decode(told, type=Verdict)

    async def lives(self, all_of_them: Iterable[LifeOptions]) -> AsyncIterator[Verdict]:
        """Each as soon as it is over."""
        tasks = [asyncio.create_task(self.live(options)) for options in all_of_them]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for each in tasks:
                each.cancel()


@asynccontextmanager
async def pool(jobs: int) -> AsyncIterator[Pool]:
    """*jobs* processes and their database, for the time of the context."""
    with cluster() as server:
        await prepare(server)
        # A fresh interpreter each: nothing of this process, its loop and its open files, is in the lives.
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(jobs, mp_context=context)
        try:
            yield Pool(executor, server, jobs)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _live(options: bytes, dsn: str) -> bytes:
    """In one of the processes."""
    return msgspec.json.encode(live(msgspec.json.decode(options, type=LifeOptions), dsn))
