"""Lots by first in, first out: nothing is lost or made, the oldest go first, and the average beside them is the fold's.

"Exactly" is meant: shares, costs and fees of what left and of what is held add up to what came, for every token.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.history import Life, life, lives, observe
from tieout.ledger.books import Books
from tieout.ledger.changes import all_changes
from tieout.ledger.facts import (
    Act,
    AnyFact,
    ConditionResolved,
    FillObserved,
    ManualEntry,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    Role,
    Side,
    TokensTransferred,
)
from tieout.ledger.lots import KINDS, Disposal, Lots, divided
from tieout.ledger.movement import BUY, CORRECT_COST, SELL, SPLIT, TRANSFER_IN
from tieout.ledger.position import Position

MICRO = 1_000_000
CONDITION, YES, NO, LATER = "0x" + "c0" * 32, "11", "22", "33"
CARRIES = ("transfer out", "adjustment")


class Told(NamedTuple):
    lots: Lots
    rows: list[Disposal]
    positions: dict[str, Position]
    books: Books


def told(facts: list[AnyFact]) -> Told:
    books = Books()
    books.extend(facts)
    lots, rows = Lots(), []
    for movement, changes in all_changes(books.books.values()):
        rows += lots.apply(movement, changes)
    positions = {t: p for book in books.books.values() for t, p in book.timeline.positions.items()}
    return Told(lots, rows, positions, books)


def fill(number: int, shares: int, collateral: int, *, fee: int = 0, token: str = YES) -> FillObserved:
    """A buy of *shares*, or a sale where they are negative, in second *number*."""
    return FillObserved(
        trade_id=f"t{number}",
        order_id=f"0x{number:064x}",
        token_id=token,
        side=Side.BUY if shares > 0 else Side.SELL,
        shares=abs(shares),
        collateral=collateral,
        fee=fee,
        role=Role.TAKER,
        status="CONFIRMED",
        occurred_at_ms=number * 1_000,
    )


def on(number: int) -> dict[str, Any]:
    return {"tx_hash": f"0x{number:064x}", "log_index": 1, "block": number, "occurred_at_ms": number * 1_000}


LISTED: list[AnyFact] = [
    OutcomeTokenListed(token_id=token, condition_id=CONDITION, outcome_index=i) for i, token in enumerate((YES, NO))
]


def brief(rows: list[Disposal]) -> list[tuple[str, int | None, int | None, int | None, int | None]]:
    """(kind, when the lot came in s, shares, cost, gain) of each."""
    return [
        (row.kind, row.acquired.order[0] // 1000 if row.acquired else None, row.shares, row.cost, row.gain)
        for row in rows
    ]


def held(lots: Lots, token: str) -> list[tuple[int, int, int]]:
    """(when it came in s, shares, cost) of what is left of each lot."""
    return [(lot.movement.order[0] // 1000, lot.shares, lot.cost) for lot in lots.by_token.get(token, ())]


def test_a_sale_takes_the_oldest_lot_first_and_the_remainder_stays_with_the_lot_that_is_split() -> None:
    facts = [fill(1, 3 * MICRO, MICRO), fill(2, 3 * MICRO, 2 * MICRO, fee=10), fill(3, -4 * MICRO, 2 * MICRO, fee=7)]
    found = told(facts)
    assert brief(found.rows) == [("sale", 1, 3 * MICRO, MICRO, 500_000), ("sale", 2, MICRO, 666_666, -166_666)]
    assert [(row.fee, row.fee_acquired) for row in found.rows] == [(5, 0), (2, 3)]
    assert held(found.lots, YES) == [(2, 2 * MICRO, 1_333_334)]
    assert [lot.fee for lot in found.lots.by_token[YES]] == [7]
    # By the average, 4 of 6 shares that cost 3.00: as the position has it.
    assert [(row.cost_average, row.gain_average) for row in found.rows] == [(1_500_000, 0), (500_000, 0)]
    assert (found.positions[YES].cost, found.positions[YES].realized) == (MICRO, 0)


def test_what_leaves_without_proceeds_takes_its_cost_along_and_makes_no_gain() -> None:
    given_away = TokensTransferred(token_id=YES, shares=-3, counterparty="0xb", **on(5))
    found = told([fill(1, 2, 1), fill(2, 2, 2), given_away])
    assert brief(found.rows) == [("transfer out", 1, 2, 1, 0), ("transfer out", 2, 1, 1, 0)]
    assert {row.proceeds for row in found.rows} == {None}
    assert held(found.lots, YES) == [(2, 1, 1)]


def test_a_split_makes_a_lot_of_each_leg_and_a_merge_takes_the_oldest_of_both() -> None:
    acts = [
        PositionSplit(condition_id=CONDITION, amount=5, ledger="ctf", **on(2)),
        PositionsMerged(condition_id=CONDITION, amount=4, ledger="ctf", **on(3)),
    ]
    found = told([*LISTED, fill(1, 1, 0), *acts])
    assert brief(found.rows) == [("merge", 1, 1, 0, 0), ("merge", 2, 3, 1, 1), ("merge", 2, 4, 1, 1)]
    assert held(found.lots, YES) == [(2, 2, 2)]
    assert held(found.lots, NO) == [(2, 1, 1)]


def test_a_fee_of_several_legs_is_told_once_with_the_first() -> None:
    about = {"who": "me", "why": "w", "condition_id": CONDITION, "legs": (YES, NO)}
    acts = [
        ManualEntry(entry_id="s", act=Act.SPLIT, shares=4, fee=8, occurred_at_ms=1_000, **about),
        ManualEntry(entry_id="m", act=Act.MERGE, shares=-1, fee=3, occurred_at_ms=2_000, **about),
    ]
    found = told([*LISTED, *acts])
    assert [(row.token_id, row.fee, row.fee_acquired) for row in found.rows] == [(YES, 3, 2), (NO, 0, 0)]
    assert [lot.fee for token in (YES, NO) for lot in found.lots.by_token[token]] == [6, 0]


def test_a_migration_renames_the_lots_and_their_days_stay_so_that_they_are_sold_before_younger_ones() -> None:
    moved = PositionMigrated(
        condition_id=CONDITION, from_token_id=YES, to_token_id=LATER, outcome_index=0, amount=4, **on(6)
    )
    found = told([fill(1, 4, 3), fill(2, 5, 5), fill(3, 2, 2, token=LATER), moved, fill(7, -5, 5, token=LATER)])
    assert brief(found.rows) == [("migration", 1, 4, 3, 0), ("sale", 1, 4, 3, 1), ("sale", 3, 1, 1, 0)]
    assert held(found.lots, LATER) == [(3, 1, 1)]
    assert held(found.lots, YES) == [(2, 5, 5)]


@pytest.mark.parametrize(("collateral", "gain", "costs"), [(0, 0, (4, 3)), (5, 0, (1, 1)), (10, 3, (0, 0))])
def test_a_conversion_carries_its_cost_to_new_lots_less_the_collateral_which_is_gain_beyond_it(
    collateral: int, gain: int, costs: tuple[int, int]
) -> None:
    converted = PositionsConverted(
        market_id="0xm", burned=((YES, 4), (NO, 4)), minted=(("44", 4), ("55", 4)), collateral=collateral, **on(9)
    )
    found = told([fill(1, 4, 5), fill(2, 4, 2, token=NO), converted])
    assert brief(found.rows) == [("conversion", 1, 4, 5, gain), ("conversion", 2, 4, 2, 0)]
    assert [row.proceeds for row in found.rows] == [collateral, 0]
    assert [held(found.lots, token) for token in ("44", "55")] == [[(9, 4, costs[0])], [(9, 4, costs[1])]]


@pytest.mark.parametrize(
    ("correction", "costs"), [(7, [5, 13]), (-3, [2, 6]), (-1_000_000, [0, 0])], ids=["more", "less", "all of it"]
)
def test_a_correction_of_the_cost_is_spread_over_the_lots_and_takes_none_below_zero(
    correction: int, costs: list[int]
) -> None:
    corrected = ManualEntry(
        entry_id="e", who="me", why="w", token_id=YES, cost_correction=correction, occurred_at_ms=9_000
    )
    found = told([fill(1, 1, 3), fill(2, 2, 8), corrected])
    assert [lot.cost for lot in found.lots.by_token[YES]] == costs
    assert sum(costs) == found.positions[YES].cost
    assert found.lots.unbalanced() == []


def test_shares_that_never_arrived_have_their_proceeds_and_no_cost_and_no_gain() -> None:
    found = told([fill(1, 2, 1), fill(2, -5, 10, fee=5)])
    assert brief(found.rows) == [("sale", 1, 2, 1, 3), ("sale", None, 3, None, None)]
    assert [(row.proceeds, row.fee) for row in found.rows] == [(4, 2), (6, 3)]


def test_a_payment_for_shares_that_nobody_can_count_is_told_without_their_number() -> None:
    """A whole redemption that paid more than what was held can have paid: the rest is for shares never seen."""
    facts: list[AnyFact] = [
        ConditionResolved(condition_id=CONDITION, numerators=(1, 0), **on(4)),
        PayoutRedeemed(condition_id=CONDITION, payout=1_000, **on(5)),
    ]
    found = told([*LISTED, fill(1, 2, 1), *facts])
    assert brief(found.rows) == [("redemption", 1, 2, 1, 1), ("redemption", None, None, None, None)]
    assert [row.proceeds for row in found.rows] == [2, 998]


@given(st.integers(0, 10**13), st.lists(st.integers(0, 10**9), min_size=1, max_size=9))
def test_what_is_divided_adds_up_and_no_part_but_the_last_is_above_its_share(total: int, weights: list[int]) -> None:
    parts = divided(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    assert all(part * whole <= total * weight for part, weight in zip(parts[:-1], weights, strict=False))


trades = st.lists(st.tuples(st.booleans(), st.integers(1, 50), st.integers(0, 60), st.integers(0, 5)), max_size=25)


@given(trades)
@settings(max_examples=150, deadline=None)
def test_all_disposals_and_all_lots_left_are_all_that_was_bought_exactly_and_in_the_order_it_came(
    drawn: list[tuple[bool, int, int, int]],
) -> None:
    """Against lots kept by hand: a list of them, walked from its start for every sale."""
    facts, own, expected, bought, stock = [], [], [], [0, 0, 0], 0
    for number, (is_sale, size, paid, fee) in enumerate(drawn, 1):
        shares = min(size, stock) if is_sale else size
        if not shares:
            continue
        facts.append(fill(number, -shares if is_sale else shares, paid, fee=fee))
        stock += -shares if is_sale else shares
        if not is_sale:
            own.append([number, shares, paid])
            bought = [a + b for a, b in zip(bought, (shares, paid, fee), strict=True)]
            continue
        for lot in own:
            taken = min(lot[1], shares)
            if taken:
                cost = lot[2] if taken == lot[1] else lot[2] * taken // lot[1]
                expected.append((lot[0], taken, cost))
                lot[1], lot[2], shares = lot[1] - taken, lot[2] - cost, shares - taken
    found = told(list(facts))
    assert [row[1:4] for row in brief(found.rows)] == expected
    assert held(found.lots, YES) == [tuple(lot) for lot in own if lot[1]]
    left = found.lots.by_token.get(YES, ())
    sums = [
        sum(row.shares or 0 for row in found.rows) + sum(lot.shares for lot in left),
        sum(row.cost or 0 for row in found.rows) + sum(lot.cost for lot in left),
        sum(row.fee_acquired or 0 for row in found.rows) + sum(lot.fee for lot in left),
    ]
    assert sums == bought
    assert sum(row.proceeds or 0 for row in found.rows) == sum(f.collateral for f in facts if f.side is Side.SELL)


def check(lived: Life, seed: int) -> Counter[tuple[str, bool]]:
    """Every promise about one history; returns which kinds of disposals it had, and whether they were explained."""
    found = told(observe(lived, seed))
    assert found.lots.unbalanced() == [], "shares, cost and fees that came are those that left and those that are held"
    rows: dict[str, list[Disposal]] = defaultdict(list)
    for row in found.rows:
        rows[row.token_id].append(row)
    for token_id, position in found.positions.items():
        lots, mine = found.lots.by_token.get(token_id, ()), rows[token_id]
        assert sum(lot.shares for lot in lots) == position.shares
        assert all(lot.shares > 0 and lot.cost >= 0 and lot.fee >= 0 for lot in lots)
        orders = [lot.movement.order for lot in lots]
        assert orders == sorted(orders), "the oldest first"
        assert sum(row.gain_average or 0 for row in mine) == position.realized
        assert sum(row.cost_average or 0 for row in mine) == position.bought - position.cost
        unexplained = [row for row in mine if row.acquired is None]
        assert sum(row.shares or 0 for row in unexplained) == position.unexplained_shares
        assert sum(row.proceeds or 0 for row in unexplained if row.kind != "conversion") == (
            position.unexplained_proceeds
        )
    places = [row.movement.order for row in found.rows]
    assert places == sorted(places), "in canonical order, whatever book they are of"
    for row in found.rows:
        assert row.kind in KINDS
        if row.acquired is not None and row.kind not in ("conversion", "migration"):
            carries = row.kind in CARRIES
            assert (row.proceeds is None) == carries
            assert row.gain == (0 if carries else (row.proceeds or 0) - (row.cost or 0))
    check_sums_of_the_wallet(found)
    return Counter((row.kind, row.acquired is not None) for row in found.rows)


def check_sums_of_the_wallet(found: Told) -> None:
    """What was paid for shares is in a disposal or in a lot; of fees, too. Where no cost is carried or corrected."""
    movements = [m for book in found.books.books.values() for m in book.timeline.movements]
    fees = sum(row.fee + (row.fee_acquired or 0) for row in found.rows)
    fees += sum(lot.fee for lots in found.lots.by_token.values() for lot in lots)
    # A migration lets a lot leave and come again, with its fee.
    fees -= sum(row.fee_acquired or 0 for row in found.rows if row.kind == "migration")
    assert fees == sum(m.fee for m in movements if m.op in (BUY, SELL))
    if any(m.op == CORRECT_COST or m.key.startswith("conversion/") for m in movements):
        return
    cost = sum(row.cost or 0 for row in found.rows if row.kind != "migration")
    cost += sum(lot.cost for lots in found.lots.by_token.values() for lot in lots)
    stated = sum(m.collateral for m in movements if m.op in (BUY, SPLIT, TRANSFER_IN))
    assert cost == stated


def test_nothing_is_lost_or_made_in_200_histories_of_every_kind() -> None:
    kinds: Counter[tuple[str, bool]] = Counter()
    for seed in range(200):
        kinds += check(life(seed, 5 + seed % 50, window=seed % 5 == 0), seed)
    assert {kind for kind, explained in kinds if explained} == set(KINDS), "a kind was never met"
    assert {kind for kind, explained in kinds if not explained} >= {"sale", "merge", "redemption", "migration"}


@given(lives(30), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_or_made_in_any_history(lived: Life, seed: int) -> None:
    check(lived, seed)
