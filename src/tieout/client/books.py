"""Order books as REST shows them (`polymarket.md` 1.3, sample clob_book)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tieout.client.pages import as_list, as_row
from tieout.venue import fields

Level = tuple[int, int]
"""(price, size), both micro."""


@dataclass(frozen=True, slots=True)
class BookShown:
    """The book of one token, best levels first. `last_price` and the grid are 0 when not told."""

    token_id: str
    condition_id: str
    at_ms: int
    hash: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    tick: int
    min_size: int
    neg_risk: bool
    last_price: int


def book_shown(row: Any) -> BookShown:
    """The answer of `/book`, an element of that of `/books`. Raises WireError: a book with a level less is wrong."""
    row = as_row(row, "book")
    return BookShown(
        token_id=fields.token(row),
        condition_id=fields.condition(row),
        at_ms=fields.instant(row, "timestamp"),
        hash=fields.text(row, "hash"),
        bids=tuple(sorted(_levels(row.get("bids"), "bids"), reverse=True)),
        asks=tuple(sorted(_levels(row.get("asks"), "asks"))),
        tick=_or_zero(row, "tick_size"),
        min_size=_or_zero(row, "min_order_size"),
        neg_risk=row.get("neg_risk") is True,
        last_price=_or_zero(row, "last_trade_price"),
    )


def _levels(value: Any, name: str) -> list[Level]:
    levels = [as_row(level, name) for level in as_list(value or [], name)]
    return [(fields.price(level), fields.positive(level, "size")) for level in levels]


def _or_zero(row: dict[str, Any], name: str) -> int:
    return 0 if row.get(name) in (None, "") else fields.amount(row, name)
