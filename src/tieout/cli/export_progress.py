"""Progress of an export: entries read of the log, then rows written. Only where somebody watches."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tieout.cli.output import err


class ExportBar:
    """One bar on standard error, which begins anew with each thing that is being done."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def reached(self, what: str, done: int, total: int) -> None:
        """So much of *what* is done."""
        if self._bar.tasks[0].description != what:
            self._bar.reset(self._task, description=what, total=total, visible=True)
        self._bar.update(self._task, completed=done, total=total)
