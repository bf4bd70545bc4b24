"""The books that the intake holds in memory, loaded from the log when a fact touches them.

A cache is good for one head of the log. When another writer appended, it is dropped and read again: nothing is ever
written from a stale read (R2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import asyncpg

from tieout.ledger.book import Book
from tieout.ledger.books import Router
from tieout.ledger.facts import AnyFact, ChainFact, CollateralMoved, decode
from tieout.ledger.rows import PositionRow, position_rows
from tieout.store import log
from tieout.store.wallets import Head, Lease, head_of

FACTS_MAX = 1_000_000
"""Facts kept in memory, over all books (about 300 bytes each); the books used longest ago are dropped first."""

CHAIN_WEIGHT = 5
"""As how many facts one from the chain counts: it keeps its hashes and addresses, and a movement of its own."""

NODES_MAX = 300_000
"""Routes kept in memory."""

STEADY = 20
"""Bookings without another writer after which all routes are read at once, if they are not too many."""


class BookCache:
    """Books by number, as of one head."""

    def __init__(self, connection: asyncpg.Connection, lease: Lease) -> None:
        self._connection = connection
        self._lease = lease
        self.head = Head(-1, b"")
        self.router = Router()
        self.books: dict[int, Book] = {}
        self._weights: dict[int, int] = {}
        """Book -> how many facts it was made of, each by its weight."""
        self.exported: dict[int, dict[str, PositionRow]] = {}
        """Book -> token -> the row as the database has it."""
        self._known_books = 0
        self._held = 0
        """Weight in memory, by the last count and what came since."""
        self._steady = 0
        self._knows_all = False
        """Whether every stored route is in memory: then a node that is not is new."""

    async def refresh(self) -> None:
        """Read the head; forget everything when it is not the one the cache was made for."""
        head, _, next_book = await head_of(self._connection, self._lease.wallet_id)
        if head != self.head:
            self.drop()
            joins = await self._connection.fetch(
                "SELECT book, into_book FROM book_join WHERE wallet_id = $1", self._lease.wallet_id
            )
            self.router.into = {int(row["book"]): int(row["into_book"]) for row in joins}
            self.router.next_book = next_book
            self.head = head
            self._known_books = next_book

    def drop(self) -> None:
        """Forget everything; the next `refresh` reads again."""
        self.head = Head(-1, b"")
        self.router = Router()
        self.books = {}
        self._weights = {}
        self.exported = {}
        self._steady = 0
        self._knows_all = False

    @property
    def is_full(self) -> bool:
        """Whether `trim` would drop something."""
        return self._held > FACTS_MAX or len(self.router.book_of) > NODES_MAX

    def trim(self) -> None:
        """Drop the books used longest ago until the limit is kept. Only when everything is written."""
        total = sum(self._weights.values())
        for number in list(self.books):
            if total <= FACTS_MAX:
                break
            total -= self._weights[number]
            self._forget(number)
        self._held = total
        if len(self.router.book_of) > NODES_MAX:
            self.router.book_of = {}
            self._knows_all = False

    def advance(self, head: Head) -> None:
        """Go on from *head*, to which a booking of this cache leads."""
        self.head = head
        self._steady += 1
        self._known_books = self.router.next_book

    def _forget(self, number: int) -> None:
        self.books.pop(number, None)
        self._weights.pop(number, None)
        self.exported.pop(number, None)

    async def know(self, nodes: Iterable[str]) -> None:
        """Learn the routes of *nodes* that are stored and not in memory yet."""
        book_of = self.router.book_of
        if self._knows_all or self._known_books <= 1:
            return
        if self._steady >= STEADY:
            await self._know_all()
            return
        asked = {node for node in nodes if node not in book_of}
        if not asked:
            return
        rows = await self._connection.fetch(
            "SELECT node, book FROM node WHERE wallet_id = $1 AND node = ANY ($2)", self._lease.wallet_id, list(asked)
        )
        for node, book in rows:
            book_of[node] = self.root(book)

    async def _know_all(self) -> None:
        rows = await self._connection.fetch(
            "SELECT node, book FROM node WHERE wallet_id = $1 LIMIT $2", self._lease.wallet_id, NODES_MAX
        )
        self._steady = 0
        if len(rows) < NODES_MAX:
            self._knows_all = True
            for node, book in rows:
                self.router.book_of.setdefault(node, self.root(book))

    def merge(self, number: int, fact: AnyFact) -> bool:
        """Take *fact* into a book that is in memory; returns whether it said anything new."""
        if not self.books[number].merge(fact):
            return False
        # Of the movements of coins, one for every fill, little is kept.
        weight = CHAIN_WEIGHT if isinstance(fact, ChainFact) and not isinstance(fact, CollateralMoved) else 1
        self._weights[number] += weight
        self._held += weight
        return True

    def root(self, book: int) -> int:
        """The book that *book* was joined into, itself when it was not."""
        return self.router.root(book)

    async def join(self, book: int, into: int) -> None:
        """Make *book* part of *into*: both are read as one, and everything of them counts as changed.

        Joining can change what either showed (a transfer turns out to be a leg of a split), so the keys and rows
        that stood before are kept for the comparison.
        """
        await self.load([book, into])
        keys = set(self.books[book].timeline.by_key).union(self.books[into].timeline.by_key)
        exported = {**self.exported[book], **self.exported[into]}
        self._forget(book)
        self._forget(into)
        self.router.join(book, into)
        await self.load([into])
        joined = self.books[into]
        joined.changed_movements.update(keys, joined.timeline.by_key)
        joined.changed_orders.update(joined.orders)
        self.exported[into] = exported

    async def load(self, numbers: Collection[int]) -> None:
        """Have *numbers* in memory, as the most recently used."""
        missing = []
        for number in numbers:
            book = self.books.pop(number, None)
            if book is not None:
                self.books[number] = book
            elif number < self._known_books:
                missing.append(number)
            else:
                self.books[number] = Book()
                self._weights[number] = 0
        for number in (*missing, *(n for n in numbers if n not in self.exported)):
            self.exported[number] = {}
        if missing:
            await self._read(missing)

    async def _read(self, missing: list[int]) -> None:
        parts = {number: number for number in missing}
        parts.update((book, self.root(book)) for book in list(self.router.into) if self.root(book) in parts)
        for number in missing:
            self.books[number] = Book()
            self._weights[number] = 0
        for book, fact in await log.facts_of_books(self._connection, self._lease.wallet_id, list(parts)):
            self.merge(parts[book], decode(fact))
        for number in missing:
            read = self.books[number]
            read.settle()
            read.changed_orders.clear()
            read.changed_movements.clear()
            # The state follows from the log: what was folded here is what the database holds.
            self.exported[number] = position_rows(read)
