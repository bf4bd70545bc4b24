"""Parquet: exact decimals, timestamps, and in the file itself whose books they are and up to which entry of the log.

Amounts are decimal128(38, 6), times milliseconds of UTC, names dictionaries. Texts are as they came: nothing in a typed
file is evaluated. Rows are written in groups as they come, so a file of any length needs the memory of one group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from tieout.app.exports.table import Cells, Column, Kind, Table

GROUP = 20_000
"""Rows of one row group."""

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.NAME: pa.dictionary(pa.int32(), pa.string()),
    Kind.AMOUNT: pa.decimal128(38, 6),
    Kind.COUNT: pa.int64(),
    Kind.TIME: pa.timestamp("ms", tz="UTC"),
}


class _Sink:
    """A file that hands on what was written to it, so that nothing piles up."""

    def __init__(self) -> None:
        self.closed = False
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Take *data*; Arrow hands over views of its own memory."""
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """No more is written."""
        self.closed = True

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class ParquetForm:
    """Writes the rows of one table; *about* stands in the metadata of the file."""

    def __init__(self, table: Table, about: Mapping[str, str], group: int = GROUP) -> None:
        self._schema = pa.schema([_field(column) for column in table.columns], metadata=dict(about))
        self._makers = [_MAKERS.get(column.kind) for column in table.columns]
        self._sink = _Sink()
        self._writer: Any = None
        self._waiting: list[Cells] = []
        self._group = group

    def begin(self) -> bytes:
        """The first bytes of the file."""
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd", version="2.6")
        return self._sink.taken()

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Take some rows; returns bytes whenever a group is full."""
        self._waiting += rows
        while len(self._waiting) >= self._group:
            self._write(self._waiting[: self._group])
            del self._waiting[: self._group]
        return self._sink.taken()

    def end(self) -> bytes:
        """The rest, and the end of the file."""
        if self._waiting:
            self._write(self._waiting)
            self._waiting = []
        self._writer.close()
        return self._sink.taken()

    def _write(self, rows: Sequence[Cells]) -> None:
        arrays = []
        for field, make, cells in zip(self._schema, self._makers, zip(*rows, strict=True), strict=True):
            values = cells if make is None else [None if cell is None else make(cell) for cell in cells]
            arrays.append(pa.array(values, type=field.type))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=self._group)


def _decimal(amount: Any) -> Decimal:
    """Exact: a power of ten only moves the point, and no amount has more digits than a Decimal of 28."""
    return Decimal(amount).scaleb(-6)


_MAKERS: dict[Kind, Callable[[Any], Any]] = {Kind.AMOUNT: _decimal}


def _field(column: Column) -> Any:
    return pa.field(column.name, _TYPES[column.kind], metadata={"description": column.says})
