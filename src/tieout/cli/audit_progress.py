"""Progress of an audit that reads: blocks of the chain, rows of the Data API. Only where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from tieout.app.chain_books import ChainBooks
from tieout.cli.output import err

WIDE = 90
"""Columns from which figures stand beside the bar."""


class BlocksBar:
    """Blocks read of those there are, transactions booked, logs a second, and how long it will take."""

    def __init__(self, books: ChainBooks, first: int) -> None:
        self._books = books
        self._first = first
        self._bar = Progress(
            *_bar(err.width),
            TextColumn("{task.completed:,} of {task.total:,} blocks"),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, start=True, figures="", visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def reached(self, block: int, last: int) -> None:
        """Everything up to *block* is booked; *last* is the one to reach."""
        seconds = self._bar.tasks[0].elapsed or 0.0
        logs, found = self._books.seen["logs"], self._books.follower.transactions
        pace = f"{logs / seconds:,.0f} logs/s" if seconds else ""
        self._bar.update(
            self._task,
            completed=block - self._first + 1,
            total=max(last - self._first + 1, 1),
            figures=f"{found:,} transactions  {pace}" if err.width >= WIDE else pace,
            visible=True,
        )


def _bar(width: int) -> list[ProgressColumn]:
    """The bar; on a narrow terminal a number in its place."""
    if width >= WIDE:
        return [TextColumn("reading the chain"), BarColumn(bar_width=24)]
    return [TextColumn("chain"), TextColumn("{task.percentage:>3.0f}%")]


@contextmanager
def rows_bar(wallet: str) -> Iterator[Callable[[int], None]]:
    """Hears how many rows are booked; nobody knows how many there are."""
    with err.status(f"reading the Data API about {wallet}") as status:
        yield lambda rows: status.update(f"reading the Data API: {rows:,} rows booked")
