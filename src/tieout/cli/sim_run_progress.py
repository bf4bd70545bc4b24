"""How far `tieout sim run` is: a bar where somebody watches, a line now and then in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tieout.app.clock import now_ms
from tieout.cli.output import err

LINE_MS = 30_000
"""How often a line is written where nobody watches (real time); the first one at once, when one life has ended."""


class Told(Protocol):
    """Where the end of a life is told."""

    def one_more(self, *, passed: bool) -> None:
        """One life has ended."""


class _Count:
    """Counts, and writes a line now and then."""

    def __init__(self, total: int, bar: Progress, *, is_quiet: bool) -> None:
        self._total = total
        self._bar = bar
        self._task = bar.add_task("", total=total, words="starting")
        self._is_quiet = is_quiet
        self._began_ms = now_ms()
        self._told_ms = 0
        self._passed = self._failed = 0

    def one_more(self, *, passed: bool) -> None:
        """One life has ended."""
        self._passed += passed
        self._failed += not passed
        now = now_ms()
        done = self._passed + self._failed
        rate = done * 60_000 / max(1, now - self._began_ms)
        words = f"{self._passed:,} passed, {self._failed:,} failed, {rate:.1f} a minute"
        self._bar.update(self._task, completed=done, words=words)
        if not err.is_terminal and not self._is_quiet and now - self._told_ms >= LINE_MS and done < self._total:
            self._told_ms = now
            left_s = round((self._total - done) * 60 / rate)
            err.print(f"{done:,} of {self._total:,} lives: {words}, {left_s:,} s left", soft_wrap=True)


@contextmanager
def telling(total: int, *, is_quiet: bool) -> Iterator[Told]:
    """Progress over *total* lives, on standard error."""
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("lives  {task.fields[words]}"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=is_quiet or not err.is_terminal,
    )
    with bar:
        yield _Count(total, bar, is_quiet=is_quiet)
