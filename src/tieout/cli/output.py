"""What every command shares: running async work, printing for people or machines, and turning errors into words."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tieout.ledger.units import decimal_text
from tieout.store.errors import StoreError

HOLDS, DOES_NOT, CANNOT_TELL = 0, 1, 2
"""Exit codes of every reading command."""

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run *work* and exit with the code it returns; an expected error is one red sentence and exit code 2."""
    try:
        code = asyncio.run(work())
    except (StoreError, OSError, ValueError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("interrupted; what was booked stays booked, and the same command goes on from there")
    raise typer.Exit(code)


def fail(message: str) -> NoReturn:
    """Print one error and exit with code 2."""
    err.print(Text.assemble(("error ", "bold red"), message))
    raise typer.Exit(CANNOT_TELL)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def money(amount: int, *, signed: bool = False, dim_zero: bool = True) -> Text:
    """A micro-unit amount with six places; *signed*: green above zero, red below."""
    text = decimal_text(amount)
    if amount == 0 and dim_zero:
        return Text(text, style="dim")
    if signed:
        return Text(f"+{text}" if amount > 0 else text, style="green" if amount > 0 else "red")
    return Text(text)


def short(name: str, left: int = 8, right: int = 6) -> str:
    """A long id with its middle left out."""
    return name if len(name) <= left + right + 1 else f"{name[:left]}…{name[-right:]}"


def when(at_ms: int) -> str:
    """A time in UTC to the second; empty when there is none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if at_ms else ""


def parse_time(text: str) -> int:
    """Milliseconds of a time given as ISO 8601 (UTC unless it says otherwise), or Unix s or ms. Raises ValueError."""
    if text.isdigit():
        number = int(text)
        return number if number > 100_000_000_000 else number * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a time such as 2026-09-15T03:10:00 or Unix seconds, was {text!r}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def table(*columns: tuple[str, str], title: str = "") -> Table:
    """A plain table; each column is (heading, "left" | "right")."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for heading, justify in columns:
        made.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True, header_style="dim")
    return made
