"""Cursor paging of the CLOB: base64 of an offset, "MA==" (0) to begin, "LTE=" (-1) when there is no more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

FIRST = "MA=="
END = "LTE="


class BadCursorError(ValueError):
    """The cursor is no base64 of a number."""


def cursor_at(offset: int) -> str:
    """The cursor of an offset."""
    return base64.b64encode(str(offset).encode()).decode()


def offset_of(cursor: str | None) -> int:
    """The offset of a cursor; none or an empty one begins. Raises BadCursorError; END gives -1."""
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadCursorError(cursor) from error


def page(rows: Sequence[Any], cursor: str | None, limit: int) -> dict[str, Any]:
    """The page of *rows* at the cursor, in the CLOB's envelope; past the end it is empty. Raises BadCursorError."""
    start = offset_of(cursor)
    if start < 0:
        return {"limit": limit, "count": 0, "next_cursor": END, "data": []}
    data = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return {"limit": limit, "count": len(data), "next_cursor": cursor_at(start + limit) if more else END, "data": data}
