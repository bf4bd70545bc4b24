"""Where a transfer stands among the other acts of its transaction."""

from __future__ import annotations

from typing import Any

from tieout.ledger.books import Books
from tieout.ledger.facts import OrderFilledOnChain, Role, Side, TokenMoved

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
