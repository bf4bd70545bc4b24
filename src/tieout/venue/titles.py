"""What people call a market and its outcomes, out of the venue's messages. Labels only: no part of the books.

A Data API row names its market and one outcome (`title`, `outcome`; polymarket.md 4.1), Gamma and the CLOB's market
lists all of them (`question` with `outcomes` and `clobTokenIds`, or `tokens`; 1.3 and 5). Anybody may have written
these words: whoever shows them has to guard against what they may do there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tieout.venue.wire import Row, WireError, parse

_ENVELOPES = ("data", "rows", "result", "markets")


class Title(NamedTuple):
    """Names told by one message. `outcomes`: (token id, name) of those it tells."""

    condition_id: str
    title: str
    outcomes: tuple[tuple[str, str], ...]


def titles(raw: bytes) -> Iterator[Title]:
    """Every title in the message *raw*; nothing where it is no JSON or tells none."""
    try:
        payload = parse(raw)
    except WireError:
        return
    yield from _in(payload)


def _in(value: Any) -> Iterator[Title]:
    """Of a row, a list or a page; `parse` has refused what nests without end."""
    if isinstance(value, list):
        for item in value:
            yield from _in(item)
    elif isinstance(value, dict):
        found = _of_row(value)
        if found is not None:
            yield found
        else:
            for name in _ENVELOPES:
                yield from _in(value.get(name))


def _of_row(row: Row) -> Title | None:
    condition_id = _text(row, "conditionId") or _text(row, "condition_id")
    title = _text(row, "title") or _text(row, "question")
    if not condition_id or not title:
        return None
    pairs: list[tuple[str, str]] = []
    if "outcomes" in row:
        pairs = list(zip(_list(row.get("clobTokenIds")), _list(row.get("outcomes")), strict=False))
        pairs += zip(_list(row.get("positionIds")), _list(row.get("outcomes")), strict=False)
    elif isinstance(row.get("tokens"), list):
        pairs = [(_text(each, "token_id"), _text(each, "outcome")) for each in row["tokens"] if isinstance(each, dict)]
    else:
        pairs = [(_text(row, "asset") or _text(row, "token_id"), _text(row, "outcome"))]
    return Title(condition_id.lower(), title, tuple(pair for pair in pairs if all(pair)))


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[str]:
    """A list of texts, or JSON text of one; empty where it is neither."""
    if isinstance(value, str):
        try:
            value = parse(value.encode())
        except (WireError, UnicodeEncodeError):
            return []
    return [item if isinstance(item, str) else "" for item in value] if isinstance(value, list) else []
