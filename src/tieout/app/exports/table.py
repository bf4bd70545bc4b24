"""Tables of an export: their columns, by name and kind, with the meaning of each.

A cell is text, a whole number or None (not known, or nothing there). Amounts are micro-units and times are Unix
milliseconds until a form writes them: `csv_form` as text, `parquet_form` as decimals and timestamps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Cell = str | int | None
Cells = tuple[Cell, ...]


class Kind(Enum):
    """How a column is written."""

    TEXT = "text"
    NAME = "name"
    """Text that repeats: Parquet keeps each once."""
    AMOUNT = "amount"
    """Micro-units; six decimals are written."""
    COUNT = "count"
    TIME = "time"
    """Milliseconds of Unix time; ISO 8601 in UTC is written."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The unit stands at the end of its name."""

    name: str
    kind: Kind
    says: str
    """What it means, for the documents and for the field of a Parquet file."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in their order; `says` is one line about what a row is."""

    name: str
    says: str
    columns: tuple[Column, ...]


def moment_cell(at_ms: int) -> Cell:
    """A time; None where the source gave none."""
    return at_ms or None


def id_cell(text: str) -> Cell:
    """An id or name; None where nothing told it."""
    return text or None
