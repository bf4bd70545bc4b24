"""What each movement did to each position: the fold, one movement at a time, with the difference it made.

Exports are made of this: a transaction of a ledger, a lot that was sold. So they cannot say anything else than the
books do; the figures are those of `fold.fold`, and this module adds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import NamedTuple

from tieout.ledger.book import Book
from tieout.ledger.fold import fold
from tieout.ledger.movement import REDEEM, Movement
from tieout.ledger.position import Position, Positions

UNSEEN = "#?"
"""Ends the name of what was paid for shares of a condition that the books never saw (`redemption.redeem`)."""


class Change(NamedTuple):
    """What one movement did to one token. Micro-units; the last seven are differences, signed as in `Position`."""

    token_id: str
    shares_before: int
    cost_before: int
    shares: int
    cost: int
    realized: int
    fees: int
    sold: int
    unexplained_shares: int
    unexplained_proceeds: int

    @property
    def shares_after(self) -> int:
        """Micro-shares held after it."""
        return self.shares_before + self.shares

    @property
    def cost_after(self) -> int:
        """Cost basis after it."""
        return self.cost_before + self.cost


class Moved(NamedTuple):
    """A movement with what it did, in the order of its tokens; nothing for collateral alone."""

    movement: Movement
    changes: tuple[Change, ...]


_NOTHING = (0,) * 8


def changes(book: Book) -> Iterator[Moved]:
    """Every movement of the book, in canonical order."""
    running: Positions = {}
    movements = book.timeline.movements
    for index, movement in enumerate(movements):
        tokens = _tokens(movement)
        before = [_amounts(running.get(token_id)) for token_id in tokens]
        fold(running, movements, index, index + 1, book.timeline.payouts)
        yield Moved(
            movement,
            tuple(
                _change(token_id, was, _amounts(running.get(token_id)))
                for token_id, was in zip(tokens, before, strict=True)
            ),
        )


def all_changes(books: Iterable[Book]) -> Iterator[Moved]:
    """The movements of all *books* in one canonical order. Books share no token, so each is folded alone."""
    return merge(*map(changes, books), key=lambda moved: moved.movement.order)


def _tokens(movement: Movement) -> list[str]:
    tokens = dict.fromkeys(movement.tokens())
    if movement.op == REDEEM:
        tokens[movement.condition_id + UNSEEN] = None
    return list(tokens)


def _amounts(position: Position | None) -> tuple[int, ...]:
    return _NOTHING if position is None else position.as_tuple()


def _change(token_id: str, before: tuple[int, ...], after: tuple[int, ...]) -> Change:
    shares, cost, realized, fees, _, sold, missing, proceeds = (b - a for a, b in zip(before, after, strict=True))
    return Change(token_id, before[0], before[1], shares, cost, realized, fees, sold, missing, proceeds)
