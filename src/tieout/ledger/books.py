"""The books of one wallet: every fact routed to the book of the tokens and orders it touches.

Facts that share a condition, a token, an order or an operator's entry belong together; a neg-risk conversion or a
migration joins several conditions. Books never share anything, so each can be folded, stored and loaded alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from tieout.ledger.book import Book
from tieout.ledger.facts import (
    AnyFact,
    CashFlowed,
    CollateralMoved,
    ConditionResolved,
    FillObserved,
    ManualEntry,
    MarketNoted,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
)

CASH_NODE = "$cash"
"""The node of facts that move collateral only."""


def nodes_of(fact: AnyFact) -> list[str]:
    """What ties *fact* to others: "t:" tokens, "c:" condition, "o:" order, "e:" entries, or the cash book."""
    if isinstance(fact, FillObserved):
        nodes = ["o:" + fact.order_id, "t:" + fact.token_id]
        if fact.condition_id:
            nodes.append("c:" + fact.condition_id)
        return nodes
    if isinstance(fact, CashFlowed | CollateralMoved):
        return [CASH_NODE]
    if isinstance(fact, ManualEntry):
        nodes = ["e:" + fact.entry_id]
        if fact.reverses:
            nodes.append("e:" + fact.reverses)
    elif isinstance(fact, PositionsConverted):
        nodes = ["m:" + fact.market_id] + ["t:" + t for t, _ in fact.burned + fact.minted]
    elif isinstance(fact, PositionMigrated):
        nodes = ["t:" + fact.to_token_id]
        if fact.from_token_id:
            nodes.append("t:" + fact.from_token_id)
    elif isinstance(fact, PositionSplit | PositionsMerged | ConditionResolved):
        return ["c:" + fact.condition_id]
    else:
        order_id = getattr(fact, "order_id", "")
        nodes = ["o:" + order_id] if order_id else []
    token_id = getattr(fact, "token_id", "")
    if token_id:
        nodes.append("t:" + token_id)
    condition_id = getattr(fact, "condition_id", "")
    if condition_id:
        nodes.append("c:" + condition_id)
    if not nodes:
        # A note about nothing in particular.
        return [CASH_NODE] if isinstance(fact, MarketNoted) else ["?"]
    return nodes


class Router:
    """Which book each node belongs to: a union-find over nodes. Book numbers are handles, not identities."""

    __slots__ = ("book_of", "next_book")

    def __init__(self) -> None:
        self.book_of: dict[str, int] = {}
        self.next_book = 1

    def seed(self, book_of: dict[str, int], next_book: int) -> None:
        """Take over a stored routing."""
        self.book_of = book_of
        self.next_book = next_book

    def route(self, nodes: list[str]) -> tuple[int, list[int], list[str]]:
        """(the book of *nodes*, other books that must be joined to it, nodes that are new).

        The joined books' nodes are moved by the caller, who knows them.
        """
        found: list[int] = []
        fresh: list[str] = []
        book_of = self.book_of
        for node in nodes:
            book = book_of.get(node)
            if book is None:
                fresh.append(node)
            elif book not in found:
                found.append(book)
        if not found:
            book = self.next_book
            self.next_book += 1
        else:
            book = min(found)
            found.remove(book)
        for node in fresh:
            book_of[node] = book
        return book, found, fresh


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
        for node, book in self.router.book_of.items():
            if book == other:
                self.router.book_of[node] = number
        for fact in self._facts.pop(other):
            if target.merge(fact):
                self._facts[number].append(fact)
