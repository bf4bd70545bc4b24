"""Entries by hand: what each kind does to the books, and that reversals take it away in whatever order they come."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.ledger.books import Books
from tieout.ledger.facts import (
    Act,
    AnyFact,
    FillObserved,
    ManualEntry,
    OutcomeTokenListed,
    Role,
    Side,
    TokenMoved,
    decode,
    encode,
)
from tieout.ledger.invariants import audit
from tieout.ledger.manual import reversals
from tieout.ledger.rows import BookRows, PositionRow, all_rows

CONDITION = "0x" + "c0" * 32
YES, NO = "11" * 20, "22" * 20
TX = "0x" + "7a" * 32


def fill(number: int, token: str, shares: int, collateral: int) -> FillObserved:
    return FillObserved(
        trade_id=f"t{number}",
        order_id=f"0x{number:064x}",
        token_id=token,
        condition_id=CONDITION,
        side=Side.BUY,
        shares=shares,
        collateral=collateral,
        fee=0,
        role=Role.MAKER,
        status="CONFIRMED",
        occurred_at_ms=number,
    )


GROUND: list[AnyFact] = [
    OutcomeTokenListed(token_id=YES, condition_id=CONDITION, outcome_index=0),
    OutcomeTokenListed(token_id=NO, condition_id=CONDITION, outcome_index=1),
    fill(1, YES, 9_000_000, 3_600_001),
    fill(2, NO, 7_000_000, 3_500_000),
]


def entry(entry_id: str, **said: object) -> ManualEntry:
    said.setdefault("occurred_at_ms", 10)
    return msgspec.convert({"entry_id": entry_id, "who": "ada", "why": "counted", **said}, ManualEntry)


def rows(*facts: AnyFact) -> BookRows:
    books = Books()
    books.extend(facts)
    return all_rows(list(books.books.values()))


def position(token: str, *facts: AnyFact) -> PositionRow:
    return next(row for row in rows(*GROUND, *facts).positions if row.token_id == token)


def cash(*facts: AnyFact) -> int:
    return sum(row.cash for row in rows(*GROUND, *facts).movements) - sum(row.cash for row in rows(*GROUND).movements)


def test_C1_a_transfer_out_releases_its_cost_and_realizes_nothing() -> None:
    out = entry("a", act="TRANSFER", token_id=YES, condition_id=CONDITION, shares=-3_000_000)
    after = position(YES, out)
    assert (after.shares, after.cost_basis, after.realized_pnl) == (6_000_000, 2_400_001, 0)
    assert cash(out) == 0


def test_C1_a_transfer_in_carries_the_stated_cost() -> None:
    come = entry("a", act="TRANSFER", token_id=YES, condition_id=CONDITION, shares=10, cost=7, cost_policy="given")
    after = position(YES, come)
    assert (after.shares, after.cost_basis, after.realized_pnl) == (9_000_010, 3_600_008, 0)
    assert cash(come) == 0


def test_I4_a_merge_takes_the_same_of_every_leg_for_as_much_collateral() -> None:
    merge = entry("a", act="MERGE", legs=[YES, NO], condition_id=CONDITION, shares=-2_000_000, collateral=2_000_000)
    yes, no = position(YES, merge), position(NO, merge)
    assert (yes.shares, no.shares) == (7_000_000, 5_000_000)
    assert yes.realized_pnl + no.realized_pnl == 2_000_000 - (3_600_001 - yes.cost_basis) - (3_500_000 - no.cost_basis)
    assert cash(merge) == 2_000_000
    split = entry("b", act="SPLIT", legs=[YES, NO], condition_id=CONDITION, shares=5, collateral=-5)
    assert (position(YES, split).shares, position(NO, split).cost_basis, cash(split)) == (9_000_005, 3_500_002, -5)


def test_the_legs_of_an_entry_tie_their_books_together() -> None:
    alone = [fact for fact in GROUND if isinstance(fact, FillObserved)]
    loose = [msgspec.structs.replace(fact, condition_id="") for fact in alone]
    merge = entry("a", act="MERGE", legs=[YES, NO], shares=-2, collateral=2)
    books = Books()
    books.extend([*loose, merge])
    assert len(books.books) == 1
    assert sorted(row.shares for row in rows(*loose, merge).positions) == [6_999_998, 8_999_998]


def test_E6_an_entry_that_names_its_transaction_says_what_the_transfer_was() -> None:
    moved = TokenMoved(tx_hash=TX, log_index=4, block=9, token_id=YES, shares=50, occurred_at_ms=10)
    bought = entry("a", token_id=YES, condition_id=CONDITION, shares=50, collateral=-20, tx_hash=TX)
    for facts in ([moved, bought], [bought, moved]):
        after = position(YES, *facts)
        assert (after.shares, after.cost_basis) == (9_000_050, 3_600_021)
    less = msgspec.structs.replace(bought, shares=30)
    assert position(YES, moved, less).shares == 9_000_050, "what the entry leaves over is a transfer still"
    other = msgspec.structs.replace(bought, tx_hash="0x" + "7b" * 32)
    assert position(YES, moved, other).shares == 9_000_100, "another transaction explains nothing of this one"


def test_old_entries_are_read_and_written_as_before() -> None:
    old = b'{"kind":"manual","occurred_at_ms":5,"entry_id":"a","who":"b","why":"c","token_id":"1","shares":5}'
    fact = decode(old)
    assert isinstance(fact, ManualEntry)
    assert fact.act is Act.PLAIN
    assert encode(fact) == old


def test_a_reversal_is_judged_by_what_it_reverses_not_by_its_time() -> None:
    chain = {
        "a": entry("a", occurred_at_ms=9),
        "b": entry("b", reverses="a", occurred_at_ms=5),
        "c": entry("c", reverses="b", occurred_at_ms=1),
    }
    assert reversals({name: chain[name] for name in ("a", "b")}) == {"a": "b"}
    assert reversals(chain) == {"b": "c"}
    assert reversals({**chain, "d": entry("d", reverses="c")}) == {"c": "d", "a": "b"}
    assert reversals({"x": entry("x", reverses="y"), "y": entry("y", reverses="x")}) == {}
    assert reversals({"x": entry("x", reverses="gone")}) == {}


AMOUNTS = st.integers(1, 12_000_000)
SIGNS = st.sampled_from((1, -1))
PLAIN = st.builds(
    lambda token, shares, sign, money, fee: {
        "token_id": token,
        "shares": sign * shares,
        "collateral": -sign * money,
        "fee": fee,
    },
    st.sampled_from((YES, NO)),
    AMOUNTS,
    SIGNS,
    AMOUNTS,
    st.integers(0, 9),
)
MOVED = st.builds(
    lambda token, shares, sign, cost: {"act": "TRANSFER", "token_id": token, "shares": sign * shares, "cost": cost},
    st.sampled_from((YES, NO)),
    AMOUNTS,
    SIGNS,
    AMOUNTS,
)
SETS = st.builds(
    lambda act, shares: {
        "act": act,
        "legs": [YES, NO],
        "shares": shares if act == "SPLIT" else -shares,
        "collateral": -shares if act == "SPLIT" else shares,
    },
    st.sampled_from(("SPLIT", "MERGE")),
    AMOUNTS,
)
COST = st.builds(
    lambda token, by, sign: {"token_id": token, "cost_correction": sign * by},
    st.sampled_from((YES, NO)),
    AMOUNTS,
    SIGNS,
)
CASH = st.builds(lambda money, sign: {"collateral": sign * money}, AMOUNTS, SIGNS)


@st.composite
def histories(draw: st.DrawFn) -> list[ManualEntry]:
    """Entries, reversals of any of them, and reversals of those."""
    made: list[ManualEntry] = []
    for number in range(draw(st.integers(1, 9))):
        at = {"occurred_at_ms": draw(st.integers(0, 20))}
        if made and draw(st.booleans()):
            made.append(entry(f"e{number}", reverses=draw(st.sampled_from(made)).entry_id, **at))
        else:
            made.append(entry(f"e{number}", **draw(st.one_of(PLAIN, MOVED, SETS, COST, CASH)), **at))
    return made


def standing(made: list[ManualEntry]) -> list[ManualEntry]:
    """The entries that have their effect, told naively: by asking each reversal whether it stands."""

    def stands(one: ManualEntry) -> bool:
        return not any(other.reverses == one.entry_id and stands(other) for other in made)

    return [one for one in made if not one.reverses and stands(one)]


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_E6_C2_the_order_of_booking_does_not_matter_and_reversed_entries_never_were(
    made: list[ManualEntry], chance: object
) -> None:
    facts = [*GROUND, *made]
    want = rows(*facts)
    shuffled = list(facts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    books = Books()
    for fact in shuffled:
        books.extend([fact, fact])
    assert all_rows(list(books.books.values())) == want
    assert rows(*GROUND, *standing(made)) == want
    broken = {finding.id for finding in audit(list(books.books.values())) if finding.holds is False}
    assert broken <= {"I3"}, "an entry may sell what was never there; nothing else can go wrong"
