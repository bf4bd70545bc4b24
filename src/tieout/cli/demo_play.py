"""The demo itself: a venue, a database and a worker in one process, all of them gone afterwards."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import asyncpg

from tieout.app.clock import now_ms
from tieout.app.database import database, embedded_place
from tieout.app.demo import demo_config
from tieout.app.publishing import publishing
from tieout.app.running import RunRequest, worker_of
from tieout.app.settings import Settings
from tieout.cli.demo_stage import Stage, until
from tieout.cli.demo_summary import summary
from tieout.cli.keyboard import keys
from tieout.cli.output import fail, say
from tieout.cli.run_loop import Ending, Front
from tieout.client.clock import LoopClock
from tieout.client.errors import VenueError
from tieout.client.keys import PrivateKey
from tieout.ledger.units import MICRO
from tieout.sim.scenario import Options, build
from tieout.sim.serve.server import running
from tieout.store.connect import connected
from tieout.store.embedded import LINGER_VARIABLE
from tieout.store.errors import StoreError
from tieout.web.house import DeskSettings
from tieout.web.serving import serving

DEMO_TOKEN = "demo"  # noqa: S105 - nothing of worth is behind it: the venue is simulated and the database is gone after
"""Lets a person act at the desk of the demo."""

GOODBYE_S = 10.0
"""How long the database may take to end before its folder is left behind."""


@dataclass(frozen=True, slots=True)
class Show:
    """What is played, and how it is shown. *intensity* is the crowd's; `length_s` None: until q."""

    seed: int
    markets: int
    intensity: float
    faults: tuple[str, ...]
    each_s: float
    length_s: float | None
    is_live_view: bool
    desk_port: int = 8321


async def play(show: Show) -> int:
    """The whole demo; its exit code. Raises StoreError."""
    say(("starting a database, a simulated Polymarket and a worker: a few seconds", "dim"))
    async with _home() as home, database(Settings(home=home, db="")) as dsn, connected(dsn) as connection:
        try:
            return await _play(dsn, connection, show, home)
        except VenueError as error:
            fail(f"the simulated venue did not let the worker work: {error}; this is a fault of tieout, report it")


@asynccontextmanager
async def _home() -> AsyncIterator[Path]:
    """A folder for the demo's own database, gone afterwards, once the server in it has ended."""
    os.environ.setdefault(LINGER_VARIABLE, "0.3")
    home = Path(tempfile.mkdtemp(prefix="tieout-demo-"))
    try:
        yield home
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await until(partial(_has_ended, home), every_s=0.1)
        shutil.rmtree(home, ignore_errors=True)


async def _has_ended(home: Path) -> bool:
    """No process of the embedded server is left: they hold its lock (`store/embedded.py`)."""
    lock = embedded_place(Settings(home=home)).with_name("postgres.server.lock")
    if not lock.exists():
        return True
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


async def _play(dsn: str, connection: asyncpg.Connection, show: Show, home: Path) -> int:
    options = Options(seed=show.seed, markets=show.markets, intensity=show.intensity, cash=10_000 * MICRO)
    scenario = build(replace(options, start_ms=now_ms() - options.warm_up_ms))
    account, stop = scenario.accounts[0], asyncio.Event()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(scenario.site, speed=1.0))
        seen = await stack.enter_async_context(connected(dsn))
        config = demo_config(account.address, server.http_url, options.markets)
        worker = worker_of(dsn, RunRequest(config, PrivateKey(account.private_key), is_live=True))
        await stack.enter_async_context(publishing(dsn, worker.state, LoopClock(now_ms), config))
        stage = Stage(
            scenario,
            worker.state,
            connection,
            faults=show.faults,
            each_s=show.each_s,
            length_s=show.length_s,
            has_keys=show.is_live_view,
            url=server.http_url,
        )
        say(("simulated Polymarket  ", "dim"), server.http_url)
        say(("from another terminal ", "dim"), f"TIEOUT_HOME={home} tieout fills --wallet {account.address}")
        desk = await stack.enter_async_context(_desk(dsn, show.desk_port))
        say(("desk, in a browser    ", "dim"), (desk, "bold"), ("  token to act: ", "dim"), DEMO_TOKEN)
        with Ending(stage.enough.set) as ending, keys(stage.pressed, wanted=show.is_live_view):
            front = Front(worker, seen, ending, is_live_view=show.is_live_view, more=stage.fill_in, redraw=stage.redraw)
            directing = asyncio.create_task(stage.direct(stop), name="stage")
            try:
                ended = await front.run(stop)
            finally:
                directing.cancel()
                await asyncio.gather(directing, return_exceptions=True)
        if directing.done() and not directing.cancelled():
            directing.result()
        return await summary(stage, front, connection, ended=ended)


@asynccontextmanager
async def _desk(dsn: str, port: int) -> AsyncIterator[str]:
    """The desk of the demo; where its port is taken, any that is free."""
    settings = DeskSettings(dsn, DEMO_TOKEN, port=port)
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serving(settings, now_ms))
        except StoreError:
            address = await stack.enter_async_context(serving(replace(settings, port=0), now_ms))
        yield address
