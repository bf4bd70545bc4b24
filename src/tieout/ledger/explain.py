"""Why the books say what they say: each movement with the position before and after it."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.ledger.book import Book
from tieout.ledger.facts import Side
from tieout.ledger.fold import fold
from tieout.ledger.movement import Movement, op_of
from tieout.ledger.position import Position


@dataclass(frozen=True, slots=True)
class Step:
    """What one movement did to one token. Amounts in micro-units."""

    movement: Movement
    token_id: str
    shares_before: int
    shares_after: int
    cost_before: int
    cost_after: int
    realized: int
    """Realized by this movement, before fees."""
    unexplained_shares: int
    """Shares of this movement that the books never saw arrive."""


def steps(book: Book) -> list[Step]:
    """Every movement of the book in canonical order, one step for each token it touches."""
    found = []
    running: dict[str, Position] = {}
    movements = book.timeline.movements
    for index, movement in enumerate(movements):
        before = {t: running[t].as_tuple() if t in running else (0,) * 8 for t in movement.tokens()}
        fold(running, movements, index, index + 1, book.timeline.payouts)
        for token_id, was in before.items():
            now = running[token_id].as_tuple() if token_id in running else was
            found.append(Step(movement, token_id, was[0], now[0], was[1], now[1], now[2] - was[2], now[6] - was[6]))
    return found


def cross_checks(book: Book) -> list[str]:
    """Where an outside statement differs from the books: a third witness, never a correction (S1)."""
    found = []
    for token_id, statements in sorted(book.statements.items()):
        last = statements[-1]
        position = book.timeline.positions.get(token_id)
        held = position.shares if position is not None else 0
        if last.shares != held:
            found.append(
                f"token {token_id}: {last.source} states {last.shares} micro-shares, the books {held} micro-shares"
            )
    return found


def row_checks(book: Book) -> list[str]:
    """Where a Data API row and the fills of its transaction differ, though both are known."""
    fills: dict[tuple[str, str, int], int] = {}
    for movement in book.timeline.movements:
        if movement.key[:4] in ("fill", "log/"):
            place = (movement.tx_hash, movement.token_id, movement.op)
            fills[place] = fills.get(place, 0) + movement.shares
    found = []
    for tx_hash, evidence in sorted(book.evidence.items()):
        for (token_id, side), row in evidence.rows().items():
            shares = fills.get((tx_hash, token_id, op_of(Side(side))))
            if shares is not None and shares != row.shares:
                said = f"the row says {row.shares} micro-shares, the fills {shares} micro-shares"
                found.append(f"tx {tx_hash} {side} {token_id}: {said}")
    return found


def collateral_checks(books: list[Book]) -> list[str]:
    """Where the collateral that a transaction moved is not what its movements account for.

    Only transactions whose collateral transfers are known. What is left over is a deposit, a withdrawal or a movement
    that is still missing; it is told here and not booked.
    """
    moved: dict[str, int] = {}
    for book in books:
        for (tx_hash, _), move in book.collateral_moves.items():
            if not move.removed:
                moved[tx_hash] = moved.get(tx_hash, 0) + move.amount
    caused = dict.fromkeys(moved, 0)
    for book in books:
        for movement in book.timeline.movements:
            if movement.tx_hash in caused:
                caused[movement.tx_hash] += movement.cash()
    return [
        f"tx {tx_hash}: {amount} micro-units of collateral moved, the books account for {caused[tx_hash]}"
        for tx_hash, amount in sorted(moved.items())
        if amount != caused[tx_hash]
    ]
