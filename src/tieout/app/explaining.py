"""Explaining a name: the movements that touch it, with the position before and after, and the facts behind them."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.app.history import NOW, Moment
from tieout.ledger.book import Book
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


async def explain_name(connection: asyncpg.Connection, wallet_id: int, name: str, moment: Moment = NOW) -> Explanation:
    """Everything the books have on *name*: any id that occurs in a fact, or the key of a movement.

    At another *moment* only the entries that belong to it are folded.
    """
    wanted = name.lower() if name.startswith("0x") else name
    # "condition#0" names an outcome whose token id no message told; facts speak of its condition.
    parts = [part for part in wanted.partition("#")[0].split("/") if len(part) > 3] or [wanted]
    books_hit = await connection.fetch(
        "SELECT DISTINCT book FROM log WHERE wallet_id = $1 AND position($2 in fact) > 0", wallet_id, parts[-1]
    )
    numbers = await _whole_books(connection, wallet_id, [int(row["book"]) for row in books_hit])
    heard = [found for found in await _entries_of_books(connection, wallet_id, numbers) if moment.takes(found[0])]
    books = Books()
    for entry, _ in heard:
        books.merge(decode(entry.fact))
    books.settle()
    names = {wanted, *(t for book in books.books.values() for t in _tokens_of(book, wanted))}
    found = []
    notes: list[str] = []
    for book in books.books.values():
        found += [step for step in steps(book) if any(_speaks_of(step, each) for each in names)]
        notes += [note for note in (*cross_checks(book), *row_checks(book)) if any(each in note for each in names)]
    sought = (parts[-1], *names)
    facts = tuple((entry, origin) for entry, origin in heard if any(each in entry.fact for each in sought))
    return Explanation(tuple(found), facts, tuple(notes))


def _tokens_of(book: Book, condition_id: str) -> list[str]:
    """The outcome tokens of a condition: a chain log names the token alone."""
    return [token for token, condition in book.registry.condition_of.items() if condition == condition_id]


async def full_names(connection: asyncpg.Connection, wallet_id: int, shortened: str) -> list[str]:
    """The ids of the wallet that a name with its middle left out ("0x12ab…89", as the tables show) may stand for."""
    left, _, right = shortened.replace("...", "…").partition("…")
    rows = await connection.fetch(
        "SELECT name FROM (SELECT token_id AS name FROM positions WHERE wallet_id = $1 "
        "UNION SELECT condition_id FROM positions WHERE wallet_id = $1 "
        "UNION SELECT order_id FROM orders WHERE wallet_id = $1 "
        "UNION SELECT unnest(ARRAY[key, tx_hash, condition_id]) FROM movements WHERE wallet_id = $1) names "
        "WHERE starts_with(name, $2) AND right(name, length($3)) = $3 AND length(name) > length($2 || $3) "
        "ORDER BY name LIMIT 20",
        wallet_id,
        left,
        right,
    )
    return [row["name"] for row in rows]


async def _entries_of_books(
    connection: asyncpg.Connection, wallet_id: int, numbers: list[int]
) -> list[tuple[log.Entry, str]]:
    """(entry, origin of its raw message) of the books *numbers*, in the order of the log."""
    rows = await connection.fetch(
        "SELECT seq, book, occurred_at_ms, l.received_at_ms, raw_id, l.source, fact, l.digest, hash, "
        "COALESCE(origin, '') FROM log l LEFT JOIN raw_message USING (raw_id) "
        "WHERE l.wallet_id = $1 AND book = ANY ($2) ORDER BY seq",
        wallet_id,
        numbers,
    )
    return [(log.Entry(*tuple(row)[:9]), row[9]) for row in rows]


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
