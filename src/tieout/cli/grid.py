"""Grids: tables that line up and never cut an amount.

A column is shown whole or not at all. On a terminal too narrow for all of them, whole columns are left out, the least
important first, and a line below says so; sentences may be folded, amounts never. In a pipe nothing is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

GAP = 2
"""Blanks between two columns."""

FOLDED_MIN = 16
"""The narrowest a column of sentences is folded to."""

Cell = Text | str


class Column(NamedTuple):
    """A column. `drop` is its rank: 0 is always shown, the highest rank is left out first."""

    heading: str
    drop: int = 0
    right: bool = False
    folds: bool = False
    """Sentences: folded to the width that is left. At most one column of a grid."""
    groups: bool = False
    """Repetitions of the row above are dim, so that rows of one name read together."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which columns are shown, and how wide."""

    shown: tuple[int, ...]
    widths: dict[int, int]
    hidden: int


class Grid:
    """Rows under headings, with a line of sums if `total` was called. Columns without any content are not shown."""

    def __init__(self, *columns: Column, title: str = "") -> None:
        self._columns = columns
        self._title = title
        self._rows: list[list[Text]] = []
        self._label = ""
        self._total: list[Text] = []

    def add(self, *cells: Cell) -> None:
        """One row."""
        self._rows.append(_texts(cells, len(self._columns)))

    def total(self, label: str, *cells: Cell) -> None:
        """The line of sums: *label* stands in the first column shown, *cells* under all columns."""
        self._label = label
        self._total = _texts(cells, len(self._columns))

    def print(self, console: Console) -> None:
        """Print on *console*: fitted when it is a terminal, at full width otherwise."""
        width = console.width if console.is_terminal else None
        for line in self.lines(width):
            console.print(line, soft_wrap=True)

    def lines(self, width: int | None) -> list[Text]:
        """The grid as lines of at most *width*, as far as whole columns allow; None: as wide as it is."""
        plan = self._plan(width)
        lines = [Text(self._title, style="bold")] if self._title else []
        if any(self._columns[i].heading for i in plan.shown):
            lines += self._line([Text(column.heading, style="dim") for column in self._columns], plan)
        above: list[Text] = []
        for row in self._rows:
            lines += self._line(self._dimmed(row, above), plan)
            above = row
        if self._total:
            full = sum(plan.widths.values()) + GAP * (len(plan.shown) - 1)
            lines.append(Text("─" * full, style="dim"))
            lines += self._line(self._total_cells(plan.shown), plan)
        if plan.hidden:
            words = "1 column" if plan.hidden == 1 else f"{plan.hidden} columns"
            lines.append(Text(f"{words} hidden: widen the terminal or use --json", style="dim"))
        return lines

    def _plan(self, width: int | None) -> _Plan:
        shown = tuple(i for i in range(len(self._columns)) if self._has_content(i))
        wanted = len(shown)
        while True:
            widths = {i: self._width(i, shown) for i in shown}
            natural = sum(widths.values()) + GAP * (len(shown) - 1)
            folding = [i for i in shown if self._columns[i].folds]
            spare = 0 if width is None else width - natural
            if spare < 0 and folding:
                index = folding[0]
                folded = max(min(FOLDED_MIN, widths[index]), widths[index] + spare)
                spare += widths[index] - folded
                widths[index] = folded
            droppable = [i for i in shown if self._columns[i].drop]
            if spare >= 0 or not droppable:
                return _Plan(shown, widths, wanted - len(shown))
            least = max(droppable, key=lambda i: self._columns[i].drop)
            shown = tuple(i for i in shown if i != least)

    def _has_content(self, index: int) -> bool:
        return not self._rows or any(row[index].plain for row in self._rows)

    def _width(self, index: int, shown: tuple[int, ...]) -> int:
        cells = [Text(self._columns[index].heading), *(row[index] for row in self._rows)]
        if self._total:
            cells.append(self._total_cells(shown)[index])
        return max(cell.cell_len for cell in cells)

    def _total_cells(self, shown: tuple[int, ...]) -> list[Text]:
        cells = list(self._total)
        cells[shown[0]] = Text(self._label, style="bold")
        return cells

    def _dimmed(self, row: list[Text], above: list[Text]) -> list[Text]:
        """The row with repeated names dim."""
        return [
            Text(cell.plain, style="dim") if column.groups and above and above[i].plain == cell.plain else cell
            for i, (column, cell) in enumerate(zip(self._columns, row, strict=True))
        ]

    def _line(self, cells: Sequence[Text], plan: _Plan) -> list[Text]:
        """One row as one line, or as several where a sentence is folded."""
        parts = {i: _folded(cells[i], plan.widths[i]) for i in plan.shown}
        lines = []
        for number in range(max(len(part) for part in parts.values())):
            line = Text()
            for i in plan.shown:
                cell = parts[i][number] if number < len(parts[i]) else Text()
                blanks = " " * (plan.widths[i] - cell.cell_len)
                line.append_text(Text(blanks) + cell if self._columns[i].right else cell + Text(blanks))
                line.append(" " * GAP)
            line.rstrip()
            lines.append(line)
        return lines


def _texts(cells: Sequence[Cell], count: int) -> list[Text]:
    if len(cells) != count:
        raise ValueError(f"expected {count} cells, was given {len(cells)}")
    return [cell if isinstance(cell, Text) else Text(cell) for cell in cells]


def _folded(cell: Text, width: int) -> list[Text]:
    """The cell in lines of *width*; a cell that fits is one line, and names longer than a line are broken, not cut."""
    if cell.cell_len <= width:
        return [cell]
    lines = list(cell.wrap(Console(width=width), width, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines
