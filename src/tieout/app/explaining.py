"""Explaining a name: the movements that touch it, with the position before and after, and the facts behind them."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.ledger.books import Books
from tieout.ledger.explain import Step, cross_checks, row_checks, steps
from tieout.ledger.facts import decode
from tieout.store import log


@dataclass(frozen=True, slots=True)
class Explanation:
    """`facts`: (log entry, origin of its raw message) of everything that speaks of the name."""

    steps: tuple[Step, ...]
    facts: tuple[tuple[log.Entry, str], ...]
    notes: tuple[str, ...]


async def explain_name(connection: asyncpg.Connection, wallet_id: int, name: str) -> Explanation:
    """Everything the books have on *name*: any id that occurs in a fact, or the key of a movement."""
    wanted = name.lower() if name.startswith("0x") else name
    parts = [part for part in wanted.split("/") if len(part) > 3] or [wanted]
    books_hit = await connection.fetch(
        "SELECT DISTINCT book FROM log WHERE wallet_id = $1 AND position($2 in fact) > 0", wallet_id, parts[-1]
    )
    rows = await connection.fetch(
        "SELECT seq, book, occurred_at_ms, l.received_at_ms, raw_id, l.source, fact, hash, COALESCE(origin, '') "
        "FROM log l LEFT JOIN raw_message USING (raw_id) WHERE l.wallet_id = $1 AND position($2 in fact) > 0 "
        "ORDER BY seq",
        wallet_id,
        parts[-1],
    )
    facts = tuple((log.Entry(*tuple(row)[:8]), row[8]) for row in rows)
    numbers = await _whole_books(connection, wallet_id, [int(row["book"]) for row in books_hit])
    books = Books()
    for _, fact in await log.facts_of_books(connection, wallet_id, numbers):
        books.merge(decode(fact))
    books.settle()
    found = []
    notes: list[str] = []
    for book in books.books.values():
        found += [step for step in steps(book) if _speaks_of(step, wanted)]
        notes += [note for note in (*cross_checks(book), *row_checks(book)) if wanted in note]
    return Explanation(tuple(found), facts, tuple(notes))


async def _whole_books(connection: asyncpg.Connection, wallet_id: int, numbers: list[int]) -> list[int]:
    """Every book number whose facts were joined with those of *numbers*."""
    rows = await connection.fetch("SELECT book, into_book FROM book_join WHERE wallet_id = $1", wallet_id)
    into = {int(row["book"]): int(row["into_book"]) for row in rows}

    def root(number: int) -> int:
        while number in into:
            number = into[number]
        return number

    roots = {root(number) for number in numbers}
    return sorted(roots.union(number for number in into if root(number) in roots))


def _speaks_of(step: Step, name: str) -> bool:
    movement = step.movement
    return name in (
        step.token_id,
        movement.order_id,
        movement.tx_hash,
        movement.condition_id,
        movement.key,
    ) or name in movement.key.split("/")
