"""`tieout desk`: the books in a browser, and the interface for programs."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from tieout.app.clock import now_ms
from tieout.app.database import database
from tieout.app.settings import Settings
from tieout.cli.output import HOLDS, run, say

TOKEN_VARIABLE = "TIEOUT_DESK_TOKEN"  # noqa: S105 - the name of the variable


def desk_(
    host: Annotated[str, typer.Option("--host", help="Where to listen; beyond this machine only with a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any that is free.")] = 8321,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help=f"A file with the token that lets people act; or {TOKEN_VARIABLE}."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A further name the desk answers to, as of a proxy.")
    ] = None,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="A proxy before it speaks TLS: cookies are sent by TLS alone.")
    ] = False,
) -> None:
    """Show the books of this database in a browser: what ties out, what does not, and what to do.

    Without a token everybody on this machine may look, and nobody may act. Ctrl-C ends it.
    """
    from tieout.web.house import DeskSettings  # a web server loads when it is wanted
    from tieout.web.serving import serving

    token = _token(token_file)

    async def work() -> int:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with database(Settings()) as dsn:
            settings = DeskSettings(dsn, token, host, port, tuple(allow_host or ()), is_behind_tls=behind_tls)
            async with serving(settings, now_ms) as address:
                say(("desk  ", "bold"), address)
                if not token:
                    say(("read only: ", "yellow"), f"--token-file or {TOKEN_VARIABLE} lets people act")
                await stop.wait()
        return HOLDS

    run(work)


def _token(file: Path | None) -> str:
    """The token, "" none. Raises BadParameter; the token is never shown."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "")
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot be read: {error}", param_hint="--token-file") from None
    if not token:
        raise typer.BadParameter("the file is empty", param_hint="--token-file")
    return token
