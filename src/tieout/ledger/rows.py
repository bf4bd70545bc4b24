"""The state of a book as rows: what the store keeps, what `replay --verify` compares, what the faces show.

Rows hold nothing of when or from whom a fact was heard, so the same set of facts gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tieout.ledger.book import Book
from tieout.ledger.movement import OP_NAMES, PENDING, Leg, Movement, WideMovement


class PositionRow(NamedTuple):
    """One outcome token. Amounts in micro-units; see `position.Position` for their meaning."""

    token_id: str
    condition_id: str
    outcome_index: int
    """-1 while unknown."""
    shares: int
    cost_basis: int
    realized_pnl: int
    fees: int
    bought: int
    sold: int
    unexplained_shares: int
    unexplained_proceeds: int
    provisional_shares: int
    """Signed: claimed by order messages, not covered by an identified fill; not part of `shares`."""
    unsettled_shares: int
    """Signed: the part of `shares` that is only the venue's word, not settled on chain yet."""


class OrderRow(NamedTuple):
    """One order. `filled` is what the books hold; `failed` fills are covered but never happened."""

    order_id: str
    token_id: str
    condition_id: str
    side: str
    price: int
    size: int
    order_type: str
    placed_at_ms: int
    state: str
    claimed: int
    filled: int
    failed: int
    provisional: int
    rejected_shares: int
    reason: str


class MovementRow(NamedTuple):
    """One change of the books; `cash` is signed collateral after fees."""

    key: str
    kind: str
    occurred_at_ms: int
    chain_position: int
    token_id: str
    condition_id: str
    shares: int
    collateral: int
    fee: int
    cash: int
    status: str
    role: str
    order_id: str
    tx_hash: str
    legs: str
    """Tokens given and taken by a movement of several, "token:shares,...>token:shares,..."."""


Amounts = tuple[int, int, int, int, int, int, int, int]
"""Of a position, in the order of `Position.as_tuple`."""

NOTHING: Amounts = (0, 0, 0, 0, 0, 0, 0, 0)
"""The amounts of a position without movements."""


def position_rows(book: Book) -> dict[str, PositionRow]:
    """Every position of the book by token."""
    unsettled = _unsettled(book)
    positions = book.timeline.positions
    tokens = [*positions, *(token_id for token_id in book.provisional if token_id not in positions)]
    rows = {}
    for token_id in tokens:
        position = positions.get(token_id)
        amounts = position.as_tuple() if position is not None else NOTHING
        pending = (book.provisional.get(token_id, 0), unsettled.get(token_id, 0))
        rows[token_id] = position_row(book, token_id, amounts, pending)
    return rows


def position_row(book: Book, token_id: str, amounts: Amounts, pending: tuple[int, int] = (0, 0)) -> PositionRow:
    """One position of the book; *pending* are its provisional and its unsettled shares."""
    condition_id = book.registry.condition_of.get(token_id, "") or token_id.partition("#")[0] * ("#" in token_id)
    outcome_index = book.registry.outcome_of.get(token_id, ("", -1))[1]
    return PositionRow(token_id, condition_id, outcome_index, *amounts, *pending)


def _unsettled(book: Book) -> dict[str, int]:
    total: dict[str, int] = {}
    for movement in reversed(book.timeline.movements):
        if movement.order[0] < PENDING:
            break
        for token_id, shares in movement.share_changes():
            total[token_id] = total.get(token_id, 0) + shares
    return total


def order_row(book: Book, order_id: str) -> OrderRow:
    """One order of the book."""
    record = book.orders[order_id]
    side, price, size, order_type, _, placed_at_ms = record.terms or ("", 0, 0, "", 0, 0)
    return OrderRow(
        order_id,
        record.token_id,
        record.condition_id,
        side,
        price,
        size,
        order_type,
        placed_at_ms,
        record.state,
        record.claimed,
        record.covered - record.failed,
        record.failed,
        record.provisional,
        record.rejected_shares,
        record.closed_reason or record.rejected_reason or record.cancel_refused,
    )


def movement_row(movement: Movement) -> MovementRow:
    """One movement."""
    return MovementRow(
        movement.key,
        OP_NAMES[movement.op],
        movement.order[0] & (PENDING - 1),
        movement.order[1],
        movement.token_id,
        movement.condition_id,
        movement.shares,
        movement.collateral,
        movement.fee,
        movement.cash(),
        movement.status,
        movement.role,
        movement.order_id,
        movement.tx_hash,
        _legs_text(movement),
    )


def _legs_text(movement: Movement) -> str:
    if not movement.legs and not movement.gained:
        return ""
    given = ",".join(f"{token}:{shares}" for token, shares in movement.legs)
    taken = ",".join(f"{token}:{shares}" for token, shares in movement.gained)
    return f"{given}>{taken}" if taken else given


def share_changes(row: Mapping[str, Any]) -> list[Leg]:
    """`Movement.share_changes` of a movement as it is stored: of its kind, token_id, shares and legs."""
    given, _, taken = row["legs"].partition(">")
    movement = WideMovement("", OP_NAMES.index(row["kind"]), (0, 0, ""), row["token_id"], row["shares"], 0)
    movement.legs, movement.gained = _legs_of(given), _legs_of(taken)
    return movement.share_changes()


def _legs_of(text: str) -> tuple[Leg, ...]:
    parts = (leg.rpartition(":") for leg in text.split(",") if leg)
    return tuple((token_id, int(shares)) for token_id, _, shares in parts)


class BookRows(NamedTuple):
    """The whole state of one or more books, each list sorted by its key."""

    positions: list[PositionRow]
    orders: list[OrderRow]
    movements: list[MovementRow]


def all_rows(books: list[Book]) -> BookRows:
    """Every row of *books*, sorted."""
    return BookRows(
        sorted(row for book in books for row in position_rows(book).values()),
        sorted(order_row(book, order_id) for book in books for order_id in book.orders),
        sorted(movement_row(m) for book in books for m in book.timeline.movements),
    )
