"""The books are a function of the set of facts, and the function that the independent oracle computes.

Histories are true lives of a wallet (`oracle.history`), seen by a mixture of sources: fills with all their statuses,
logs with reorgs, Data API rows, claims with gaps, every event kind. 2,000 of them here; more by TIEOUT_HISTORIES.
"""

from __future__ import annotations

import os

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.history import Life, life, observe, variants
from oracle.oracle import Expected, expected
from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact, decode, encode
from tieout.ledger.invariants import audit
from tieout.ledger.rows import BookRows, all_rows

CHUNKS = 40
HISTORIES = int(os.environ.get("TIEOUT_HISTORIES", "2000"))
TELLING = {"O2", "F1"}
"""Invariants that speak of the venue's contradictions, which the generator plants on purpose."""


def rows_of(batches: list[list[AnyFact]]) -> tuple[BookRows, Books]:
    books = Books()
    for batch in batches:
        books.extend(batch)
    return all_rows(list(books.books.values())), books


def differences(rows: BookRows, want: Expected) -> list[str]:
    found = []
    names = ("shares", "cost_basis", "realized_pnl", "fees", "unexplained_shares")
    got = {row.token_id: {name: getattr(row, name) for name in names} for row in rows.positions}
    for token_id in got.keys() | want.tokens.keys():
        mine = got.get(token_id, dict.fromkeys(names, 0))
        theirs = {name: want.tokens.get(token_id, {}).get(name, 0) for name in names}
        if mine != theirs:
            found.append(f"token {token_id}: books {mine}, oracle {theirs}")
    cash = sum(row.cash for row in rows.movements)
    if cash != want.cash:
        found.append(f"cash: books {cash}, oracle {want.cash}")
    orders = {row.order_id: (row.claimed, row.filled, row.provisional) for row in rows.orders}
    for order_id in orders.keys() | want.orders.keys():
        told = want.orders.get(order_id, {"matched": 0, "filled": 0, "provisional": 0})
        theirs_order = (told["matched"], told["filled"], told["provisional"])
        if orders.get(order_id, (0, 0, 0)) != theirs_order:
            found.append(f"order {order_id}: books {orders.get(order_id)}, oracle {theirs_order}")
    return found


def verdict(books: Books, lived: Life) -> list[tuple[str, bool | None, int, tuple[str, ...]]]:
    """The audit; asserts what must hold in every history, C2 to the unit first of all."""
    findings = audit(list(books.books.values()))
    for finding in findings:
        window_gap = finding.id == "I3" and lived.window
        assert finding.holds is not False or window_gap or finding.id in TELLING, finding
    return [(f.id, f.holds, f.checked, f.violations) for f in findings]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_T3_any_order_repetition_and_batching_gives_the_same_bytes_and_the_oracles_figures(chunk: int) -> None:
    for seed in range(chunk, HISTORIES, CHUNKS):
        lived = life(seed, 5 + seed % 40, window=seed % 5 == 0)
        facts = observe(lived, seed)
        rows, books = rows_of([facts])
        assert differences(rows, expected(lived, facts)) == [], f"seed {seed}"
        told = verdict(books, lived)
        state = msgspec.json.encode(rows)
        for number, batches in enumerate(variants(facts, seed)):
            other_rows, other_books = rows_of(batches)
            assert msgspec.json.encode(other_rows) == state, f"seed {seed}, variant {number}"
            if number == seed % 8:
                assert verdict(other_books, lived) == told, f"seed {seed}, variant {number}"


@given(
    st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=30), st.randoms(use_true_random=False)
)
@settings(max_examples=150, deadline=None)
def test_a_late_fact_changes_nothing_but_its_place(seed: int, size: int, chance: object) -> None:
    """Each fact alone, in an order that hypothesis chooses and shrinks."""
    facts = observe(life(seed, size), seed)
    shuffled = list(facts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rows_of([[fact] for fact in shuffled])[0] == rows_of([facts])[0]


@given(st.integers(min_value=0, max_value=10**9))
@settings(max_examples=100, deadline=None)
def test_facts_survive_their_encoding(seed: int) -> None:
    for fact in observe(life(seed, 20), seed):
        assert decode(encode(fact)) == fact


def test_a_fact_already_known_is_no_news() -> None:
    facts = observe(life(11, 40), 11)
    books = Books()
    first = books.extend(facts)
    assert 0 < first <= len(facts)
    assert books.extend(facts) == 0
