"""What stands beside an id in every table: the condition and outcome of a token, and what people call both."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg

from tieout.app.exports.table import Cells, id_cell
from tieout.ledger.books import Books
from tieout.ledger.registry import Registry
from tieout.ledger.rows import PositionRow
from tieout.store import statuses, streams
from tieout.venue.titles import titles

_CONDITION = re.compile(rb'"condition(?:Id|_id)"\s*:\s*"([^"\\]*)"')
_TOKEN = re.compile(rb'"(?:asset|token_id)"\s*:\s*"([^"\\]*)"')


@dataclass(slots=True)
class Names:
    """By token: its condition and outcome index; what people call conditions and tokens."""

    condition_of: dict[str, str] = field(default_factory=dict)
    outcome_index: dict[str, int] = field(default_factory=dict)
    market: dict[str, str] = field(default_factory=dict)
    """Condition -> title."""
    outcome: dict[str, str] = field(default_factory=dict)
    """Token -> name of its outcome."""

    def cells(self, token_id: str, condition_id: str = "") -> Cells:
        """The five columns that say which market a row is about."""
        condition = condition_id or self.condition(token_id)
        index = self.outcome_index.get(token_id)
        return (
            id_cell(self.market.get(condition, "")),
            id_cell(self.outcome.get(token_id, "")),
            index,
            id_cell(condition),
            id_cell(token_id),
        )

    def condition(self, token_id: str) -> str:
        """The token's condition, "" while nothing told it; "condition#outcome" has it in its name."""
        return self.condition_of.get(token_id) or (token_id.partition("#")[0] if "#" in token_id else "")

    def place(self, token_id: str, condition_id: str, outcome_index: int) -> None:
        """Note where a token belongs; -1 while nobody knows which outcome it is."""
        if condition_id:
            self.condition_of[token_id] = condition_id
        if outcome_index >= 0:
            self.outcome_index[token_id] = outcome_index

    def place_rows(self, rows: Iterable[PositionRow]) -> None:
        """Note every token that was held."""
        for row in rows:
            self.place(row.token_id, row.condition_id, row.outcome_index)

    def place_books(self, books: Books) -> None:
        """Note every token that folded books know."""
        for book in books.books.values():
            self.place_registry(book.registry)

    def place_registry(self, registry: Registry) -> None:
        """Note every token of it."""
        for token_id, condition_id in registry.condition_of.items():
            self.place(token_id, condition_id, registry.outcome_of.get(token_id, ("", -1))[1])


async def read_names(connection: asyncpg.Connection, wallet_id: int) -> Names:
    """The names that the wallet's messages told, the latest of each; labels only, so they are as of now."""
    names = Names()
    seen: set[tuple[bytes, bytes]] = set()
    async for bodies in streams.titled(connection, wallet_id).chunks():
        for body in bodies:
            conditions, tokens = _CONDITION.findall(body), _TOKEN.findall(body)
            if len(conditions) == 1 and len(tokens) == 1:
                # A row of an index: a wallet has one for every fill, and the first of a token tells all they say.
                if (conditions[0], tokens[0]) in seen:
                    continue
                seen.add((conditions[0], tokens[0]))
            for found in titles(body):
                names.market.setdefault(found.condition_id, found.title)
                for token_id, name in found.outcomes:
                    names.outcome.setdefault(token_id, name)
    for kept in (await statuses.names(connection, wallet_id)).values():
        names.market.setdefault(kept.condition_id, kept.question)
    return names
