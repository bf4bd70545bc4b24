"""`tieout metrics`: what Prometheus scrapes, printed once or written to a file for node_exporter."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tieout.app.clock import now_ms
from tieout.app.database import session
from tieout.app.metrics import metrics_text
from tieout.app.metrics_reading import MARKETS_MAX
from tieout.app.settings import Settings
from tieout.cli.output import HOLDS, fail, run


def metrics(
    markets: Annotated[
        int,
        typer.Option(
            help="So many markets of each wallet, those with the highest cost, get series of their own.",
            min=0,
            max=MARKETS_MAX,
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Write to this file, whole or not at all, for node_exporter's textfile collector."),
    ] = None,
) -> None:
    """Every wallet's figures in Prometheus' text format, from the database alone; amounts are dollars, for display."""

    async def work() -> int:
        async with session(Settings()) as connection:
            text = await metrics_text(connection, now_ms(), markets)
        if out is None:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        else:
            _replace(out, text)
        return HOLDS

    run(work)


def _replace(path: Path, text: bytes) -> None:
    """Put *text* in the place of the file in one step: whoever reads it never sees a half. Raises OSError."""
    if not path.parent.is_dir():
        fail(f"--out {path}: there is no directory {path.parent}")
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text)
        # The collector reads it as another user.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
