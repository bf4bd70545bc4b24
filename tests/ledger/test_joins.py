"""Joins that the generated histories do not reach: each test is here because a guard could be taken out unnoticed."""

from __future__ import annotations

from tieout.ledger.books import Books
from tieout.ledger.facts import (
    AnyFact,
    ConditionResolved,
    FillObserved,
    MatchClaimed,
    OrderFilledOnChain,
    OrderPlaced,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionSplit,
    Role,
    Side,
    TradeReported,
)
from tieout.ledger.rows import BookRows, all_rows

T = 1_780_000_000_000


def rows(*facts: AnyFact) -> BookRows:
    books = Books()
    books.extend(facts)
    return all_rows(list(books.books.values()))


def fill(status: str, tx: str, trade: str = "t1", shares: int = 5_000_000) -> FillObserved:
    return FillObserved(
        trade_id=trade,
        order_id="0x01",
        token_id="11",
        side=Side.BUY,
        shares=shares,
        collateral=shares // 2,
        role=Role.MAKER,
        fee=0,
        status=status,
        tx_hash=tx,
        occurred_at_ms=T,
    )


def log(tx: str, shares: int = 5_000_000) -> OrderFilledOnChain:
    return OrderFilledOnChain(
        tx_hash=tx,
        log_index=3,
        block=100,
        occurred_at_ms=T + 4_000,
        order_id="0x01",
        token_id="11",
        side=Side.BUY,
        shares=shares,
        collateral=shares // 2,
        fee=0,
        role=Role.MAKER,
    )


def test_a_failed_fill_is_not_the_one_that_another_transaction_settled() -> None:
    """After FAILED the venue may match the same order again with the same size: that is another trade."""
    state = rows(fill("MATCHED", "0xaa"), fill("FAILED", "0xaa"), log("0xbb"))
    assert [(m.key, m.shares) for m in state.movements] == [("log/0xbb/3", 5_000_000)]
    assert (state.orders[0].filled, state.orders[0].failed) == (5_000_000, 5_000_000)


def test_a_failed_fill_that_its_own_transaction_shows_after_all_counts() -> None:
    state = rows(fill("FAILED", "0xaa"), log("0xaa"))
    assert [(m.key, m.status) for m in state.movements] == [("fill/t1/0x01", "SETTLED")]


def test_a_replaced_hash_still_finds_its_fill() -> None:
    state = rows(fill("MATCHED", "0xaa"), fill("RETRYING", "0xaa"), log("0xbb"))
    assert [(m.key, m.tx_hash, m.shares) for m in state.movements] == [("fill/t1/0x01", "0xbb", 5_000_000)]


def test_two_equal_fills_of_one_order_in_one_transaction_take_a_log_each() -> None:
    second = OrderFilledOnChain(
        **{**{f: getattr(log("0xaa"), f) for f in log("0xaa").__struct_fields__}, "log_index": 4}
    )
    state = rows(fill("CONFIRMED", "0xaa"), fill("CONFIRMED", "0xaa", "t2"), log("0xaa"), second)
    assert [m.key for m in state.movements] == ["fill/t1/0x01", "fill/t2/0x01"]
    assert state.positions[0].shares == 10_000_000


def test_a_fill_whose_hash_is_not_known_yet_is_the_row_of_its_size_and_not_booked_beside_it() -> None:
    """T1: the socket's MATCHED names no transaction; the Data API's row comes a minute later."""
    row = TradeReported(
        tx_hash="0xcc", token_id="11", side=Side.BUY, shares=5_000_000, collateral=2_400_000, occurred_at_ms=T + 60_000
    )
    state = rows(fill("MATCHED", ""), row)
    assert [(m.key, m.tx_hash, m.shares, m.collateral) for m in state.movements] == [
        ("fill/t1/0x01", "0xcc", 5_000_000, 2_400_000)
    ]
    later = rows(fill("MATCHED", ""), row, fill("CONFIRMED", "0xdd"))
    assert sorted(m.key for m in later.movements) == ["fill/t1/0x01", "row/0xcc/11/BUY"]


def test_a_resolution_that_a_reorg_took_away_divides_no_payout() -> None:
    listed = [OutcomeTokenListed(token_id=t, condition_id="0xc1", outcome_index=i) for i, t in enumerate(("11", "12"))]
    resolved = ConditionResolved(
        condition_id="0xc1", numerators=(1, 2), tx_hash="0x55", log_index=1, block=200, occurred_at_ms=T + 9_000
    )
    gone = ConditionResolved(
        condition_id="0xc1", numerators=(1, 2), tx_hash="0x55", log_index=1, block=200, version=1, removed=True
    )
    other = FillObserved(
        **{
            **{f: getattr(fill("CONFIRMED", "0xaa"), f) for f in fill("", "").__struct_fields__},
            "token_id": "12",
            "order_id": "0x02",
            "shares": 3_000_000,
        }
    )
    redeemed = PayoutRedeemed(condition_id="0xc1", payout=3_666_667, tx_hash="0x66", occurred_at_ms=T + 20_000)
    standing = rows(*listed, fill("CONFIRMED", "0xaa"), other, resolved, redeemed)
    assert {p.token_id: p.sold for p in standing.positions} == {"11": 1_666_666, "12": 2_000_001}
    reorged = rows(*listed, fill("CONFIRMED", "0xaa"), other, resolved, gone, redeemed)
    assert {p.token_id: p.sold for p in reorged.positions} == {"11": 2_291_666, "12": 1_375_001}


def test_a_gap_is_seen_as_a_fill_at_the_limit_price_rounded_down_and_signed_like_one() -> None:
    books = Books()
    placed = OrderPlaced(order_id="0x01", token_id="11", side=Side.SELL, price=333_333, size=9_000_000)
    books.extend([placed, MatchClaimed(order_id="0x01", token_id="11", size_matched=4_000_001)])
    (book,) = books.books.values()
    order = book.orders["0x01"]
    assert (order.provisional, order.provisional_signed, order.provisional_collateral) == (
        4_000_001,
        -4_000_001,
        1_333_332,
    )


def test_what_rounding_leaves_of_a_divided_payout_goes_to_the_first_of_equals() -> None:
    """Seed 40793: two micro-shares and one, at 1/3 and 2/3, pay nothing each by the floor, and 1 in all."""
    listed = [OutcomeTokenListed(token_id=t, condition_id="0xc1", outcome_index=i) for i, t in enumerate(("11", "12"))]
    split = PositionSplit(condition_id="0xc1", amount=2, tx_hash="0x51", occurred_at_ms=T)
    lost = PayoutRedeemed(
        condition_id="0xc1", token_id="12", shares=1, payout=0, tx_hash="0x65", occurred_at_ms=T + 9_000
    )
    resolved = ConditionResolved(condition_id="0xc1", numerators=(333_333, 666_667), occurred_at_ms=T + 5_000)
    redeemed = PayoutRedeemed(condition_id="0xc1", payout=1, tx_hash="0x66", occurred_at_ms=T + 20_000)
    state = rows(*listed, split, resolved, lost, redeemed)
    assert {p.token_id: p.realized_pnl for p in state.positions} == {"11": 0, "12": -1}
