"""Lives over several processes: each lives one after the other, on a scratch PostgreSQL and a processor of its own.

Every life has a new database.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tieout.sim.lives.cluster import cluster, cores_for, drop, fresh, on_core, prepare
from tieout.sim.lives.options import LifeOptions
from tieout.sim.lives.verdict import Verdict
from tieout.store.embedded import EmbeddedServer

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

PATIENCE_S = 0.2
"""How long one wait for a verdict lasts, in a thread; an interruption is noticed in between."""

RECYCLED = 200
"""Lives after which a process is replaced: whatever it piled up goes with it."""


NAME = "life"
"""Of the database of a life."""


class Lived(NamedTuple):
    """One life and its end."""

    options: LifeOptions
    verdict: Verdict


class _Worker:
    """A process that lives what it is sent, on the server of *data*."""

    def __init__(self, data: Path, core: int) -> None:
        self.data, self.core = data, core
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, str(data)), name="lives", daemon=True)
        with on_core(core):
            self.process.start()
        theirs.close()
        self.lives = 0
        self.now: LifeOptions | None = None

    def send(self, options: LifeOptions) -> None:
        """One more life. Raises OSError when the process is gone."""
        self.now = options
        self.lives += 1
        self.pipe.send_bytes(msgspec.msgpack.encode(options))

    def receive(self) -> Lived:
        """How it ended; a process that died is a verdict, too."""
        options, self.now = self.now, None
        if options is None:
            raise RuntimeError("nothing was sent to this process")
        try:
            verdict = msgspec.msgpack.decode(self.pipe.recv_bytes(), type=Verdict)
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode
            verdict = Verdict(seed=options.seed, id="RUN", sentence=f"the process of this life ended with code {code}")
        return Lived(options, verdict)

    def end(self) -> None:
        """No more of it."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()


class Pool:
    """Processes that live. Made by `pool`."""

    def __init__(self, places: Iterable[tuple[Path, int]]) -> None:
        """*places*: the data directory of a prepared server, and its processor, for each process."""
        self._free = list(places)
        self._jobs = len(self._free)
        self._workers: list[_Worker] = []

    async def live(self, wanted: Iterable[LifeOptions]) -> AsyncGenerator[Lived, None]:
        """Each life as it ends: in no order. *wanted* is asked for as there is room."""
        todo = iter(wanted)
        idle = list(self._workers)
        busy: dict[Connection, _Worker] = {}
        try:
            while True:
                while len(busy) < self._jobs and (options := next(todo, None)) is not None:
                    worker = self._ready(idle)
                    worker.send(options)
                    busy[worker.pipe] = worker
                if not busy:
                    return
                for pipe in await asyncio.to_thread(wait, list(busy), PATIENCE_S):
                    worker = busy.pop(pipe)  # type: ignore[call-overload]
                    lived = worker.receive()
                    idle.append(worker)
                    yield lived
        finally:
            for worker in busy.values():
                self._drop(worker)

    def _ready(self, idle: list[_Worker]) -> _Worker:
        while idle:
            worker = idle.pop()
            if worker.process.is_alive() and worker.lives < RECYCLED:
                return worker
            self._drop(worker)
        worker = _Worker(*self._free.pop())
        self._workers.append(worker)
        return worker

    def _drop(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.end()
        self._free.append((worker.data, worker.core))

    def end(self) -> None:
        """End every process."""
        for worker in tuple(self._workers):
            self._drop(worker)


@asynccontextmanager
async def pool(jobs: int) -> AsyncIterator[Pool]:
    """*jobs* processes at most, each with a PostgreSQL that is gone afterwards. Raises EmbeddedServerError."""
    with ExitStack() as servers:
        places = []
        for core in cores_for(jobs):
            with on_core(core):
                server = servers.enter_context(cluster())
            await prepare(server)
            places.append((server.data_dir, core))
        made = Pool(places)
        try:
            yield made
        finally:
            made.end()


def _serve(pipe: Connection, data: str) -> None:
    """The other process: lives until nobody sends any more."""
    from tieout.sim.lives.life import live  # the whole worker and the whole venue: only where they are needed

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Every life ends with a collection, and what is loaded is never garbage.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    with EmbeddedServer.start(Path(data)) as server:
        while True:
            try:
                options = msgspec.msgpack.decode(pipe.recv_bytes(), type=LifeOptions)
            except EOFError:
                return
            asyncio.run(drop(server.dsn(), NAME))
            asyncio.run(fresh(server.dsn(), NAME))
            pipe.send_bytes(msgspec.msgpack.encode(live(options, server.dsn(NAME))))
