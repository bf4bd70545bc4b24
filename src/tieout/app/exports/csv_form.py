"""CSV by RFC 4180: UTF-8, CRLF, a header, fields quoted where they must be.

Amounts are decimals with exactly six places and times ISO 8601 in UTC, so nothing is rounded and nothing depends on a
locale. What is not known is an empty field.

A spreadsheet takes a field that begins with =, +, - or @ for a formula, and anybody may write the title of a market.
So a text that could be taken for one gets an apostrophe before it, and a text that begins with apostrophes before such
a character gets one more. That loses nothing: `unguarded` gives every text back, and all others are as they were.
Amounts and times are ours and stay bare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tieout.app.exports.table import Cells, Kind, Table
from tieout.app.exports.text import exact_text, moment_text

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_END = "\r\n"

_FORMULA = re.compile(r"'*(?:[\t\r\n\0]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""What a spreadsheet may evaluate, also behind blanks and in the full width of East Asian input."""
_QUOTED = re.compile(r'[",\r\n]')
_BARE = re.compile(r'[0-9A-Za-z][^",\r\n]*')
"""What neither of the two is about: nearly every text there is, and there are very many."""


def guarded(text: str) -> str:
    """*text*, with an apostrophe before it where a spreadsheet could take it for a formula."""
    return "'" + text if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _words(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


_WRITERS: dict[Kind, Callable[..., str]] = {
    Kind.TEXT: _words,
    Kind.NAME: _words,
    Kind.AMOUNT: exact_text,
    Kind.COUNT: str,
    Kind.TIME: moment_text,
}


class CsvForm:
    """Writes the rows of one table."""

    def __init__(self, table: Table) -> None:
        self._columns = table.columns
        self._writers = [_WRITERS[column.kind] for column in table.columns]

    def begin(self) -> bytes:
        """The header."""
        return (",".join(column.name for column in self._columns) + _END).encode()

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Some rows."""
        writers = self._writers
        lines = [
            ",".join(["" if cell is None else write(cell) for write, cell in zip(writers, row, strict=True)])
            for row in rows
        ]
        return "".join([line + _END for line in lines]).encode()

    def end(self) -> bytes:
        """Nothing more."""
        return b""
