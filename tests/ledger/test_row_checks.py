"""A row of the Data API against the fills of its transaction: of its token and its side."""

from __future__ import annotations

import pytest

from tieout.ledger.books import Books
from tieout.ledger.explain import row_checks
from tieout.ledger.facts import OrderFilledOnChain, Role, Side, TradeReported

TX, TOKEN = "0x" + "7" * 64, "77"


def filled(side: Side, shares: int, log_index: int) -> OrderFilledOnChain:
    return OrderFilledOnChain(
        tx_hash=TX, log_index=log_index, block=9, order_id=f"0x{log_index:064x}", token_id=TOKEN, side=side,
        shares=shares, collateral=shares // 2, fee=0, role=Role.MAKER, occurred_at_ms=1_000,
    )  # fmt: skip


def row(side: Side, shares: int) -> TradeReported:
    return TradeReported(
        tx_hash=TX, token_id=TOKEN, side=side, shares=shares, collateral=shares // 2, occurred_at_ms=1_000
    )


@pytest.mark.parametrize(("bought", "said"), [(20, []), (21, ["21 micro-shares, the fills 20 micro-shares"])])
def test_P6_a_wallet_on_both_sides_of_a_transaction_has_a_row_for_each(bought: int, said: list[str]) -> None:
    books = Books()
    for fact in (filled(Side.BUY, 20, 1), filled(Side.SELL, 6, 2), row(Side.BUY, bought), row(Side.SELL, 6)):
        books.merge(fact)
    books.settle()
    notes = [note for book in books.books.values() for note in row_checks(book)]
    assert [words in note for words, note in zip(said, notes, strict=True)] == [True] * len(said)
