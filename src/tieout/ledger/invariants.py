"""The invariants, as data: one declared check each, with the id of the catalog.

Every check reads the folded books only, so it can run after any batch, in an audit and in every property test. The
ones that need the chain or the venue (I1, O1, F1) say so: they can be neither held nor broken by the books alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tieout.ledger.book import Book
from tieout.ledger.fold import fold
from tieout.ledger.movement import BUY, MERGE, SELL, SPLIT
from tieout.ledger.position import Position

Violation = str
Check = Callable[[Book], Iterator[Violation | None]]
"""Yields None for each thing that was checked and holds, a sentence for each that does not."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that must be true of the books."""

    id: str
    sentence: str
    check: Check | None
    """None: needs truth from outside the books."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit found of one invariant. `holds` is None where the books alone cannot tell."""

    id: str
    sentence: str
    holds: bool | None
    checked: int
    violations: tuple[Violation, ...]


def _explained(book: Book) -> Iterator[Violation | None]:
    """I2: folding the movements again from nothing gives the positions held."""
    timeline = book.timeline
    again: dict[str, Position] = {}
    fold(again, timeline.movements, 0, len(timeline.movements), timeline.payouts)
    for token_id in again.keys() | timeline.positions.keys():
        kept, folded = timeline.positions.get(token_id), again.get(token_id)
        if kept is None or folded is None or kept.as_tuple() != folded.as_tuple():
            yield f"token {token_id}: the movements fold to another position than the one held"
        else:
            yield None


def _not_negative(book: Book) -> Iterator[Violation | None]:
    for token_id, position in book.timeline.positions.items():
        if position.shares < 0:
            yield f"token {token_id}: holds {position.shares} micro-shares"
        elif position.unexplained_shares:
            yield f"token {token_id}: {position.unexplained_shares} micro-shares left that never arrived in the books"
        elif position.unexplained_proceeds:
            yield f"token {token_id}: {position.unexplained_proceeds} micro-units paid for shares the books never saw"
        else:
            yield None


def _both_legs(book: Book) -> Iterator[Violation | None]:
    for movement in book.timeline.movements:
        if movement.op in (SPLIT, MERGE):
            legs = {shares for _, shares in movement.legs}
            yield None if legs == {movement.shares} else f"{movement.key}: legs move {sorted(legs)}"


def _claims(book: Book) -> Iterator[Violation | None]:
    for order in book.orders.values():
        if order.has_decreased:
            yield f"order {order.order_id}: a later message claims less than an earlier one"
        elif order.is_overmatched:
            size = order.terms[2] if order.terms is not None else 0
            yield f"order {order.order_id}: {order.claimed} matched of a size of {size}"
        else:
            yield None


def _closed_when_booked(book: Book) -> Iterator[Violation | None]:
    for order in book.orders.values():
        wrong = order.state == "closed" and order.provisional > 0
        yield f"order {order.order_id}: closed with {order.provisional} unbooked" if wrong else None


def _one_fill_a_match(book: Book) -> Iterator[Violation | None]:
    seen: dict[tuple[str, int], str] = {}
    for fill in book.fills.values():
        if fill.chain is None:
            yield None
            continue
        place = (fill.chain.tx_hash, fill.chain.log_index)
        other = seen.setdefault(place, fill.key)
        yield None if other == fill.key else f"log {place}: joined to {other} and to {fill.key}"


def _realized_adds_up(book: Book) -> Iterator[Violation | None]:
    """F3: the realized PnL of each condition is the sum over its movements, each folded alone onto the one before."""
    totals: dict[str, int] = {}
    running: dict[str, Position] = {}
    movements = book.timeline.movements
    for index, movement in enumerate(movements):
        tokens = movement.tokens()
        before = {t: running[t].realized if t in running else 0 for t in tokens}
        fold(running, movements, index, index + 1, book.timeline.payouts)
        for token_id in tokens:
            if token_id in running:
                totals[token_id] = totals.get(token_id, 0) + running[token_id].realized - before[token_id]
    for token_id, position in book.timeline.positions.items():
        total = totals.get(token_id, position.realized if "#?" in token_id else 0)
        yield None if total == position.realized else f"token {token_id}: events give {total}, held {position.realized}"


def _prices(book: Book) -> Iterator[Violation | None]:
    """F4: 0 < price < 1 of every fill the CLOB or the chain told of, and cash is price x size."""
    for movement in book.timeline.movements:
        if movement.op not in (BUY, SELL) or movement.status == "MANUAL" or movement.shares == 0:
            continue
        # One micro-unit of rounding: the price of a few micro-shares cannot be told from the two amounts.
        wrong = not 0 <= movement.collateral <= movement.shares + 1
        yield f"{movement.key}: {movement.collateral} paid for {movement.shares} shares" if wrong else None


def _cost_only_on_acquiring(book: Book) -> Iterator[Violation | None]:
    """C1: selling a part leaves the average cost: what is removed is the floor of its share of the cost."""
    running: dict[str, Position] = {}
    movements = book.timeline.movements
    for index, movement in enumerate(movements):
        if movement.op != SELL:
            fold(running, movements, index, index + 1, book.timeline.payouts)
            continue
        position = running.get(movement.token_id)
        shares, cost = (position.shares, position.cost) if position is not None else (0, 0)
        fold(running, movements, index, index + 1, book.timeline.payouts)
        left = running[movement.token_id].cost
        expected = cost - cost * movement.shares // shares if movement.shares < shares else 0
        yield None if left == expected else f"{movement.key}: cost {left} left, expected {expected}"


def _balanced(book: Book) -> Iterator[Violation | None]:
    for token_id, p in book.timeline.positions.items():
        difference = (p.bought - p.sold) - (p.cost - p.realized - p.unexplained_proceeds)
        yield None if difference == 0 else f"token {token_id}: {difference} micro-units do not balance"


def _cost_not_negative(book: Book) -> Iterator[Violation | None]:
    for token_id, position in book.timeline.positions.items():
        yield None if position.cost >= 0 else f"token {token_id}: cost basis {position.cost}"


def _nothing_costs_nothing(book: Book) -> Iterator[Violation | None]:
    for token_id, position in book.timeline.positions.items():
        wrong = position.shares == 0 and position.cost != 0
        yield f"token {token_id}: nothing held, cost basis {position.cost}" if wrong else None


def _orders_unique(book: Book) -> Iterator[Violation | None]:
    for order_id, order in book.orders.items():
        yield None if order.order_id == order_id else f"order {order_id} is filed as {order.order_id}"


def _failed_are_reversed(book: Book) -> Iterator[Violation | None]:
    """F1, the half the books can tell: a FAILED fill moves nothing, unless the chain shows it after all."""
    for fill in book.fills.values():
        if not fill.has_failed:
            continue
        if fill.chain is not None:
            yield f"{fill.key}: the venue says FAILED, the chain shows log {fill.chain.log_index} of {fill.tx_hash}"
        else:
            yield f"{fill.key}: FAILED, yet booked" if fill.key in book.timeline.by_key else None


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "Inventory equals the tokens the wallet holds on chain.", None),
    Invariant("I2", "Every change of inventory is explained by movements.", _explained),
    Invariant("I3", "Nothing leaves that was not there.", _not_negative),
    Invariant("I4", "A merge takes, and a split gives, the same amount on every leg.", _both_legs),
    Invariant("O1", "Live orders in the books are the live orders of the venue.", None),
    Invariant("O2", "Matched size never decreases and never exceeds the order.", _claims),
    Invariant("O3", "No order is closed while fills of it are unbooked.", _closed_when_booked),
    Invariant("O4", "Order ids are unique.", _orders_unique),
    Invariant("F1", "A trade that FAILED is reversed, never kept.", _failed_are_reversed),
    Invariant("F2", "One fill for each real match.", _one_fill_a_match),
    Invariant("F3", "Realized PnL is the sum over its movements.", _realized_adds_up),
    Invariant("F4", "Prices lie between 0 and 1.", _prices),
    Invariant("C1", "Average cost changes only when inventory is acquired.", _cost_only_on_acquiring),
    Invariant("C2", "The books balance to the micro-unit.", _balanced),
    Invariant("C3", "No cost basis is negative.", _cost_not_negative),
    Invariant("C4", "Nothing held costs nothing.", _nothing_costs_nothing),
)


def audit(books: list[Book]) -> list[Finding]:
    """Every invariant over *books*."""
    findings = []
    for invariant in INVARIANTS:
        if invariant.check is None:
            findings.append(Finding(invariant.id, invariant.sentence, None, 0, ()))
            continue
        checked = 0
        violations = []
        for book in books:
            for result in invariant.check(book):
                checked += 1
                if result is not None:
                    violations.append(result)
        findings.append(Finding(invariant.id, invariant.sentence, not violations, checked, tuple(sorted(violations))))
    return findings
