"""`tieout run`: the worker of one wallet."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from tieout.app.clock import now_ms
from tieout.app.config_reading import read_config
from tieout.app.database import database
from tieout.app.publishing import publishing
from tieout.app.running import RunRequest, worker_of
from tieout.app.secrets import private_key
from tieout.app.settings import Settings
from tieout.cli.output import fail, out, run, say
from tieout.cli.run_loop import Ending, Front, farewell
from tieout.client.clock import LoopClock
from tieout.client.errors import ErrorKind, VenueError
from tieout.store.connect import connected
from tieout.store.errors import BrokenInvariantError


def run_(
    config: Annotated[Path, typer.Option("--config", "-c", help="The file that `tieout init` wrote.")] = Path(
        "tieout.toml"
    ),
    live: Annotated[bool, typer.Option("--live", help="Place real orders with real money.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take the wallet from another worker, whose writes are refused then.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="In a pipe: only what changes, no line now and then.")] = False,
) -> None:
    """Keep a wallet's books and quote its markets. Without --live nothing is sent: it shows what it would do.

    Ctrl-C cancels every order, then ends. Exit code 0: nothing is left open and the books tie out; 1: not so; 2: it
    could not be told.
    """

    async def work() -> int:
        read = read_config(config)
        request = RunRequest(read, private_key(read), is_live=live, take_over=take_over)
        if not live:
            say((" DRY RUN ", "bold black on yellow"), "  nothing is sent to the venue; --live places real orders")
        async with database(Settings()) as dsn, connected(dsn) as connection:
            try:
                return await _run(dsn, request, connection, quiet=quiet)
            except VenueError as error:
                fail(_refused(error, config))
            except BrokenInvariantError as error:
                fail(
                    f"the books broke a rule of their own, and the wallet is halted: {error}. The evidence is kept: "
                    f"`tieout issues --wallet {read.wallet}`, then `tieout audit --wallet {read.wallet}`; "
                    f"`tieout resume --force --wallet {read.wallet}` lifts the halt. Every order was cancelled as "
                    "far as the venue answered: look on its site that none rests"
                )

    run(work)


async def _run(dsn: str, request: RunRequest, connection: asyncpg.Connection, *, quiet: bool) -> int:
    stop = asyncio.Event()
    worker = worker_of(dsn, request)
    async with publishing(dsn, worker.state, LoopClock(now_ms)):
        with Ending(stop.set) as ending:
            front = Front(worker, connection, ending, is_live_view=out.is_terminal, quiet=quiet)
            ended = await front.run(stop)
            return await farewell(front, ended=ended)


def _refused(error: VenueError, config: Path) -> str:
    again = "try again later" if error.kind is ErrorKind.TRANSIENT else f"`tieout doctor --config {config}` tells why"
    return f"the venue did not let the worker work: {error}; {again}"
