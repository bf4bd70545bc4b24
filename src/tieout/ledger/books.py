"""The books of one wallet: every fact routed to the book of the tokens and orders it touches.

Facts that share a condition, a token, an order or an operator's entry belong together; a neg-risk conversion or a
migration joins several conditions. Books never share anything, so each can be folded, stored and loaded alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tieout.ledger.book import Book
from tieout.ledger.facts import (
    AnyFact,
    CashFlowed,
    CollateralMoved,
    FillObserved,
    ManualEntry,
    PositionMigrated,
    PositionsConverted,
)

CASH_NODE = "$cash"
"""The node of facts that move collateral only."""


def nodes_of(fact: AnyFact) -> tuple[str, ...]:
    """What ties *fact* to others: its order, tokens, condition, market, entries, or the cash book.

    Order and condition ids are 32-byte hashes and token ids are decimal, so they cannot be taken for each other;
    operators' own entry ids carry a prefix.
    """
    if isinstance(fact, FillObserved):
        if fact.condition_id:
            return (fact.order_id, fact.token_id, fact.condition_id)
        return (fact.order_id, fact.token_id)
    if isinstance(fact, CashFlowed | CollateralMoved):
        return (CASH_NODE,)
    if isinstance(fact, ManualEntry):
        nodes = ["entry:" + fact.entry_id, *fact.legs]
        if fact.reverses:
            nodes.append("entry:" + fact.reverses)
    elif isinstance(fact, PositionsConverted):
        nodes = ["market:" + fact.market_id, *(t for t, _ in fact.burned), *(t for t, _ in fact.minted)]
    elif isinstance(fact, PositionMigrated):
        nodes = [fact.to_token_id, fact.from_token_id]
    else:
        nodes = [getattr(fact, "order_id", "")]
    nodes += [getattr(fact, "token_id", ""), getattr(fact, "condition_id", "")]
    return tuple(node for node in nodes if node) or (CASH_NODE,)


class Router:
    """Which book each node belongs to: a union-find over nodes. Book numbers are handles, not identities."""

    __slots__ = ("book_of", "into", "next_book")

    def __init__(self) -> None:
        self.book_of: dict[str, int] = {}
        """Node -> the book it was filed under; `root` says what that book is part of now."""
        self.into: dict[int, int] = {}
        """Book -> the book it was joined into, which has a smaller number."""
        self.next_book = 1

    def root(self, book: int) -> int:
        """The book that *book* is part of, itself when it was never joined."""
        into = self.into
        if book not in into:
            return book
        root = book
        while root in into:
            root = into[root]
        while book != root:
            # Point everything on the way to the end of it, so that long chains are walked once.
            into[book], book = root, into[book]
        return root

    def route(self, nodes: Sequence[str]) -> tuple[int, Sequence[int], Sequence[str]]:
        """(the book of *nodes*, other books that must be joined to it, nodes that are new).

        The caller joins them by `join`.
        """
        book_of = self.book_of
        first = book_of.get(nodes[0])
        if first is not None and all([book_of.get(node) == first for node in nodes[1:]]):
            return self.root(first), (), ()
        found: list[int] = []
        fresh: list[str] = []
        for node in nodes:
            filed = book_of.get(node)
            if filed is None:
                if node not in fresh:
                    fresh.append(node)
            elif (root := self.root(filed)) not in found:
                found.append(root)
        if not found:
            book = self.next_book
            self.next_book += 1
        else:
            book = min(found)
            found.remove(book)
        for node in fresh:
            book_of[node] = book
        return book, found, fresh

    def join(self, book: int, into: int) -> None:
        """Make *book* part of *into*."""
        self.into[book] = into


class Books:
    """A wallet's books in memory, from facts alone."""

    def __init__(self) -> None:
        self.router = Router()
        self.books: dict[int, Book] = {}
        self._facts: dict[int, list[AnyFact]] = {}
        """Book -> its facts, kept so that two books can be joined."""
        self._dirty: set[int] = set()

    def merge(self, fact: AnyFact) -> bool:
        """Take in *fact*; returns whether it said anything new."""
        number, joined, _ = self.router.route(nodes_of(fact))
        book = self.books.get(number)
        if book is None:
            book = Book()
            self.books[number] = book
            self._facts[number] = []
        for other in joined:
            self._join(number, other)
        if not book.merge(fact):
            return False
        self._facts[number].append(fact)
        self._dirty.add(number)
        return True

    def extend(self, facts: Iterable[AnyFact]) -> int:
        """Take in *facts* and settle; returns how many said anything new."""
        news = sum(self.merge(fact) for fact in facts)
        self.settle()
        return news

    def settle(self) -> None:
        """Bring all positions up to date."""
        for number in self._dirty:
            self.books[number].settle()
        self._dirty.clear()

    def _join(self, number: int, other: int) -> None:
        target = self.books[number]
        del self.books[other]
        self._dirty.discard(other)
        self._dirty.add(number)
        self.router.join(other, number)
        for fact in self._facts.pop(other):
            if target.merge(fact):
                self._facts[number].append(fact)
