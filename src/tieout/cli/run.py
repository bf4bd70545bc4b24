"""`tieout run`: the worker of one wallet."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tieout.app.config_reading import ConfigError, read_config
from tieout.app.database import database
from tieout.app.market_choice import UnknownMarketsError
from tieout.app.running import RunRequest, worker_of
from tieout.app.secrets import SecretError, private_key
from tieout.app.settings import Settings
from tieout.cli.output import fail, run, say
from tieout.cli.run_loop import farewell, run_shown, stop_on_signals
from tieout.client.errors import VenueError
from tieout.store.connect import connected


def run_(
    config: Annotated[Path, typer.Option("--config", "-c", help="The file that `tieout init` wrote.")] = Path(
        "tieout.toml"
    ),
    live: Annotated[bool, typer.Option("--live", help="Place real orders with real money.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take the wallet from another worker, whose writes are refused then.")
    ] = False,
) -> None:
    """Keep a wallet's books and quote its markets. Without --live nothing is sent: it shows what it would do.

    Ctrl-C cancels every order, then ends.
    """
    try:
        read = read_config(config)
        request = RunRequest(read, private_key(read), is_live=live, take_over=take_over)
    except (ConfigError, SecretError) as error:
        fail(str(error))

    async def work() -> int:
        stop = asyncio.Event()
        stop_on_signals(stop)
        if not live:
            say(("DRY RUN", "bold black on yellow"), "  nothing is sent; --live places real orders")
        async with database(Settings()) as dsn, connected(dsn) as connection:
            worker = worker_of(dsn, request)
            try:
                await run_shown(worker, connection, stop)
            except (VenueError, UnknownMarketsError, SecretError) as error:
                fail(str(error))
            return farewell(worker)

    run(work)
