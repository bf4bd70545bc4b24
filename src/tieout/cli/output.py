"""What every command shares: running async work, printing for people or machines, and turning errors into words."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, NoReturn

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tieout.app.wording import short
from tieout.ledger.units import decimal_text
from tieout.store.embedded import EmbeddedServerError
from tieout.store.errors import StoreError

HOLDS, DOES_NOT, CANNOT_TELL = 0, 1, 2
"""Exit codes of every reading command."""

YEAR_10000_MS = 253_402_300_800_000

_MICRO = re.compile(r"(-?\b\d+) micro-(?:(shares)|units)")
_LONG_ID = re.compile(r"0x[0-9a-f]{30,}(?:#\S)?|\b\d{30,}\b")


def _forget_reader() -> None:
    """The reader of our output has gone (head, less): nothing more to say, and nobody to say it to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Screen(Console):
    """A console whose reader may go away without looking like books that do not hold."""

    def on_broken_pipe(self) -> None:
        """End with 2; Rich would end with 1."""
        self.quiet = True
        _forget_reader()
        raise SystemExit(CANNOT_TELL)


out = _Screen(highlight=False, soft_wrap=False)
err = _Screen(stderr=True, highlight=False)

_EXPECTED = (StoreError, EmbeddedServerError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError)


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run *work* and exit with the code it returns.

    An expected error is one red sentence; any other is shown whole, because it is ours. Both exit with 2: an error
    never looks like books that do not hold.
    """
    try:
        code = asyncio.run(work())
        sys.stdout.flush()
    except typer.Exit:
        raise  # `fail` was called inside of *work*: everything is said
    except BrokenPipeError:
        _forget_reader()
        raise typer.Exit(CANNOT_TELL) from None
    except _EXPECTED as error:
        fail(str(error) or type(error).__name__)
    except KeyboardInterrupt:
        fail("interrupted; what was booked stays booked, and the same command goes on from there")
    except Exception as error:  # noqa: BLE001 - exit code 1 would say that the books do not hold
        err.print_exception(show_locals=False)
        fail(f"this is a fault of tieout, please report it: {type(error).__name__}: {error}")
    raise typer.Exit(code)


def fail(message: str) -> NoReturn:
    """Print one error and exit with code 2."""
    err.print(Text.assemble(("error ", "bold red"), message), soft_wrap=not err.is_terminal)
    raise typer.Exit(CANNOT_TELL)


def say(*parts: str | tuple[str, str]) -> None:
    """One sentence: folded at words on a terminal, one line in a pipe."""
    out.print(Text.assemble(*parts), soft_wrap=not out.is_terminal)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def entries_bar() -> Progress:
    """Progress over entries of the log, on standard error, only where somebody watches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("entries"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def money(amount: int, *, signed: bool = False, dim_zero: bool = True) -> Text:
    """A micro-unit amount with six places; *signed*: green above zero, red below."""
    text = decimal_text(amount)
    if amount == 0 and dim_zero:
        return Text(text, style="dim")
    if signed:
        return Text(f"+{text}" if amount > 0 else text, style="green" if amount > 0 else "red")
    return Text(text)


def blank_zero(amount: int, *, signed: bool = False, style: str = "") -> Text:
    """As `money`, but nothing for 0."""
    if amount == 0:
        return Text("")
    text = money(amount, signed=signed)
    return Text(text.plain, style=style) if style else text


def readable(sentence: str) -> str:
    """A sentence of the ledger for the screen: long ids with their middle left out, amounts with six places."""
    amounts = _MICRO.sub(lambda found: decimal_text(int(found[1])) + (" shares" if found[2] else ""), sentence)
    return _LONG_ID.sub(lambda found: short(found[0], 8, 6), amounts)


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 order", "2,000 orders"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def when(at_ms: int) -> str:
    """A time in UTC to the second; empty when there is none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if at_ms else ""


def parse_time(text: str) -> int:
    """Milliseconds of a time given as ISO 8601 (UTC unless it says otherwise), or Unix s or ms. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        number = int(text)
        milliseconds = number if number > 100_000_000_000 else number * 1000
        if milliseconds < YEAR_10000_MS:
            return milliseconds
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError(f"expected a time such as 2026-09-15T03:10:00 or Unix seconds, was {text!r}") from None
