"""The text format of PostgreSQL's COPY, read back: a row a line, columns between tabs, specials after a backslash.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"; as the server writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SPECIALS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def rows(pieces: Iterable[bytes]) -> Iterator[list[bytes | None]]:
    """Each row as its columns, None for NULL. A row may begin in one piece and end in another."""
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield [_column(column) for column in line.split(b"\t")]
    if rest:
        yield [_column(column) for column in rest.split(b"\t")]


def _column(told: bytes) -> bytes | None:
    if told == rb"\N":
        return None
    return _ESCAPED.sub(lambda found: _SPECIALS.get(found[1], found[1]), told) if b"\\" in told else told


def bytes_of(told: bytes) -> bytes:
    """A bytea. Raises ValueError when it is none."""
    if not told.startswith(rb"\x"):
        raise ValueError(f"expected \\x and hex digits, was {told[:20]!r}")
    return bytes.fromhex(told[2:].decode("ascii"))
