"""The examples of the pages about the books, made by the ledger itself: pages and pictures show these figures."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tieout.ledger.books import Books
from tieout.ledger.facts import (
    AnyFact,
    FillObserved,
    MatchClaimed,
    OrderFilledOnChain,
    OrderPlaced,
    Role,
    Side,
    TradeReported,
)
from tieout.ledger.movement import Movement
from tieout.ledger.orders import OrderRecord
from tieout.ledger.position import Position
from tieout.ledger.units import MICRO, cash_of, micro

YES = "1001"
CONDITION = "0x" + "c0" * 32
ORDER = "0x" + "0a" * 32
TX = "0x" + "7e" * 32
START_MS = 1_790_000_000_000

TRADES = (
    ("buy", "3", "1.00"),
    ("sell", "1", "0.40"),
    ("buy", "2.5", "1.10"),
    ("sell", "1.7", "0.95"),
    ("sell", "2.8", "1.30"),
)
"""Of the worked example: what was done, shares, collateral."""


@dataclass(frozen=True, slots=True)
class Step:
    """A trade of the worked example and the position after it; micro-units."""

    side: str
    traded: int
    collateral: int
    removed: int
    realized: int
    shares: int
    cost: int


def worked() -> list[Step]:
    """The worked example, trade by trade."""
    position, steps = Position(YES), []
    for side, shares, collateral in TRADES:
        before = position.realized
        removed = 0
        if side == "buy":
            position.acquire(micro(shares), micro(collateral))
        else:
            removed = position.dispose(micro(shares), micro(collateral))
        gained = position.realized - before
        steps.append(Step(side, micro(shares), micro(collateral), removed, gained, position.shares, position.cost))
    return steps


PLACED = OrderPlaced(
    order_id=ORDER, token_id=YES, condition_id=CONDITION, side=Side.BUY, price=460_000, size=10 * MICRO
)


def fill(trade: str, shares: int, status: str = "MATCHED") -> FillObserved:
    """What the CLOB says of a trade of the order."""
    return FillObserved(
        trade_id=trade,
        order_id=ORDER,
        token_id=YES,
        condition_id=CONDITION,
        side=Side.BUY,
        shares=shares,
        collateral=cash_of(shares, 460_000),
        role=Role.MAKER,
        status=status,
        tx_hash=TX,
        occurred_at_ms=START_MS,
    )


def four_tellings() -> list[AnyFact]:
    """One fill, told four times."""
    log = OrderFilledOnChain(
        order_id=ORDER,
        token_id=YES,
        condition_id=CONDITION,
        side=Side.BUY,
        shares=5 * MICRO,
        collateral=2_300_001,
        fee=0,
        role=Role.MAKER,
        tx_hash=TX,
        log_index=7,
        block=70_000_012,
        occurred_at_ms=START_MS + 2_000,
    )
    row = TradeReported(
        token_id=YES,
        condition_id=CONDITION,
        side=Side.BUY,
        shares=5 * MICRO,
        collateral=2_300_000,
        tx_hash=TX,
        occurred_at_ms=START_MS + 2_000,
    )
    return [fill("trade-1", 5 * MICRO), fill("trade-1", 5 * MICRO, "CONFIRMED"), log, row]


def one_movement() -> Movement:
    """What the four tellings are in the books."""
    books = Books()
    books.extend([PLACED, *four_tellings()])
    ((movement,),) = [book.timeline.movements for book in books.books.values()]
    return movement


def gap(*more: AnyFact) -> OrderRecord:
    """An order of 10 shares of which the venue claims 8, with the fill of 5 that is known, and *more*."""
    books = Books()
    books.extend([PLACED, fill("trade-1", 5 * MICRO), MatchClaimed(order_id=ORDER, size_matched=8 * MICRO), *more])
    ((order,),) = [book.orders.values() for book in books.books.values()]
    return order


def gap_closed() -> OrderRecord:
    """The same when the trade of the other 3 arrives."""
    return gap(fill("trade-2", 3 * MICRO))


def log(block: int, shares: int, trade: str) -> OrderFilledOnChain:
    """A log of the order in a block, two seconds a block."""
    return OrderFilledOnChain(
        order_id=ORDER,
        token_id=YES,
        condition_id=CONDITION,
        side=Side.BUY,
        shares=shares * MICRO,
        collateral=cash_of(shares * MICRO, 460_000),
        fee=0,
        role=Role.MAKER,
        tx_hash=f"0x{trade}",
        log_index=0,
        block=block,
        occurred_at_ms=START_MS + block * 2_000,
    )


def in_order(*, late: bool) -> list[Movement]:
    """Movements as they are folded: two logs and a match that is not settled, and a log that came *late*."""
    matched = msgspec.structs.replace(fill("trade-9", MICRO), tx_hash="", occurred_at_ms=START_MS + 28_000)
    books = Books()
    books.extend([PLACED, log(12, 3, "a1"), log(15, 2, "b2"), matched, *([log(13, 4, "c3")] if late else [])])
    ((movements),) = [book.timeline.movements for book in books.books.values()]
    return movements
