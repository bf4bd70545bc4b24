"""Where a transfer stands among the other acts of its transaction."""

from __future__ import annotations

from typing import Any

from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact, FillObserved, OrderFilledOnChain, Role, Side, TokenMoved

PLACE: dict[str, Any] = {"tx_hash": "0x" + "aa" * 32, "block": 7, "occurred_at_ms": 1_000}


def test_E6_shares_that_come_and_are_sold_in_one_transaction_are_there_before_they_leave() -> None:
    """10 come, 10 are sold, 1 comes: a transfer of 11, which stands where the first of it came."""
    sold = OrderFilledOnChain(
        order_id="0x01", token_id="5", side=Side.SELL, shares=10, collateral=4, fee=0, role=Role.MAKER,
        log_index=4, **PLACE,
    )  # fmt: skip
    moves = [TokenMoved(token_id="5", shares=n, log_index=at, **PLACE) for n, at in ((10, 1), (-10, 3), (1, 9))]
    books = Books()
    books.extend([*moves, sold])
    (book,) = books.books.values()
    position = book.timeline.positions["5"]
    assert (position.shares, position.realized, position.unexplained_shares) == (1, 4, 0)


def bought(order_id: str, log_index: int, shares: int) -> list[AnyFact]:
    """The logs of one of our orders that a match filled."""
    filled = OrderFilledOnChain(
        order_id=order_id, token_id="5", side=Side.BUY, shares=shares, collateral=4, fee=0, role=Role.MAKER,
        log_index=log_index, **PLACE,
    )  # fmt: skip
    return [filled, TokenMoved(token_id="5", shares=shares, log_index=log_index + 1, **PLACE)]


def told(order_id: str, shares: int) -> FillObserved:
    """The venue's word of a fill of the same match."""
    return FillObserved(
        trade_id="t1", order_id=order_id, token_id="5", side=Side.BUY, shares=shares, collateral=4, fee=0,
        role=Role.MAKER, status="CONFIRMED", tx_hash=PLACE["tx_hash"], occurred_at_ms=900,
    )  # fmt: skip


def held(facts: list[AnyFact]) -> tuple[int, list[str]]:
    books = Books()
    books.extend(facts)
    movements = [each for book in books.books.values() for each in book.timeline.movements]
    return sum(book.timeline.positions["5"].shares for book in books.books.values()), sorted(
        m.key[:4] for m in movements
    )


def test_I2_a_fill_whose_logs_the_node_left_out_was_not_given_away() -> None:
    """A match fills two of our orders, and of one neither the fill nor its shares are among the logs."""
    logs = bought("0x01", 1, 20)
    assert held([*logs, told("0x02", 19)]) == (39, ["fill", "log/"])
    assert held([*logs, told("0x02", 19), *bought("0x02", 3, 19)]) == (39, ["fill", "log/"])


def test_I2_shares_that_no_fill_accounts_for_have_moved_all_the_same() -> None:
    logs = [*bought("0x01", 1, 20), TokenMoved(token_id="5", shares=-7, log_index=9, **PLACE)]
    assert held([*logs, told("0x02", 19)]) == (13, ["fill", "log/", "move"])
    only_told = [TokenMoved(token_id="5", shares=12, log_index=2, **PLACE), told("0x02", 19)]
    assert held(only_told) == (12, ["fill", "move"])
