"""`tieout run`: the worker of one wallet."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from tieout.app.clock import now_ms
from tieout.app.config_reading import read_config
from tieout.app.database import database
from tieout.app.logs import STANDARD, LogFormat, WorkerLog, opened
from tieout.app.publishing import publishing
from tieout.app.running import RunRequest, worker_of
from tieout.app.secrets import private_key
from tieout.app.settings import Settings
from tieout.cli.output import fail, out, run, say
from tieout.cli.run_loop import Ending, Front, farewell
from tieout.cli.run_screen import Screen
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
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            metavar="FILE|-",
            help="Write what happens to this file, one event a line; -: to standard output, in place of the view.",
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="How events are written.")] = LogFormat.JSON,
) -> None:
    """Keep a wallet's books and quote its markets. Without --live nothing is sent: it shows what it would do.

    Ctrl-C cancels every order, then ends. Exit code 0: nothing is left open and the books tie out; 1: not so; 2: it
    could not be told.
    """
    if log == STANDARD:
        out.file = sys.stderr  # standard output is for events alone

    async def work() -> int:
        read = read_config(config)
        request = RunRequest(read, private_key(read), is_live=live, take_over=take_over)
        if not live:
            say((" DRY RUN ", "bold black on yellow"), "  nothing is sent to the venue; --live places real orders")
        with logging(log, log_format, read.wallet) as told:
            async with database(Settings()) as dsn, connected(dsn) as connection:
                try:
                    return await _run(dsn, request, connection, told, quiet=quiet, silent=log == STANDARD)
                except VenueError as error:
                    fail(_refused(error, config))
                except BrokenInvariantError as error:
                    fail(_broken(error, read.wallet))

    run(work)


@contextmanager
def logging(where: str | None, written: LogFormat, wallet: str) -> Iterator[WorkerLog | None]:
    """The log, if there is to be one; the error that ends the block is in it."""
    if where is None:
        yield None
        return
    with opened(where, written, wallet, now_ms) as told:
        try:
            yield told
        except Exception as error:
            # `fail` has said it already, and its cause is what happened.
            told.failed(error.__context__ or error if isinstance(error, typer.Exit) else error)
            raise


async def _run(
    dsn: str,
    request: RunRequest,
    connection: asyncpg.Connection,
    told: WorkerLog | None,
    *,
    quiet: bool,
    silent: bool,
) -> int:
    stop = asyncio.Event()
    worker = worker_of(dsn, request)

    def more(screen: Screen) -> None:
        if told is not None:
            told.see(screen.state, screen.shown)

    async with publishing(dsn, worker.state, LoopClock(now_ms), request.config):
        with Ending(stop.set) as ending:
            is_live_view = out.is_terminal and not silent
            front = Front(worker, connection, ending, is_live_view=is_live_view, quiet=quiet, silent=silent, more=more)
            ended = await front.run(stop)
            code = await farewell(front, ended=ended)
            if told is not None:
                told.stopped(worker.state, code)
            return code


def _broken(error: BrokenInvariantError, wallet: str) -> str:
    return (
        f"the books broke a rule of their own, and the wallet is halted: {error}. The evidence is kept: "
        f"`tieout issues --wallet {wallet}`, then `tieout audit --wallet {wallet}`; "
        f"`tieout resume --force --wallet {wallet}` lifts the halt. Every order was cancelled as "
        "far as the venue answered: look on its site that none rests"
    )


def _refused(error: VenueError, config: Path) -> str:
    again = "try again later" if error.kind is ErrorKind.TRANSIENT else f"`tieout doctor --config {config}` tells why"
    return f"the venue did not let the worker work: {error}; {again}"
