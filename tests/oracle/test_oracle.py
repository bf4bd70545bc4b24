"""The oracle against lives worked out by hand, and the generator's own promises."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.ledger.facts import (
    AdjustmentInferred,
    AnyFact,
    CashFlowed,
    ClaimRejected,
    ConditionResolved,
    FillObserved,
    Flow,
    ManualEntry,
    MatchClaimed,
    OrderFilledOnChain,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    Role,
    Side,
    TokenMoved,
    TradeReported,
    TransferCostStated,
    decode,
    encode,
    kind_of,
)

from . import history
from .history import (
    AdjustmentEvent,
    CashEvent,
    Condition,
    ConversionEvent,
    Event,
    FillEvent,
    Leg,
    Life,
    ManualEvent,
    MergeEvent,
    MigrationEvent,
    RedemptionEvent,
    ResolutionEvent,
    Slot,
    SplitEvent,
    TransferEvent,
    life,
    lives,
    observe,
    variants,
)
from .oracle import divide, expected, shrink

EVERY_KIND = {t.__struct_config__.tag for t in AnyFact.__args__}  # type: ignore[attr-defined]


# --- lives by hand ----------------------------------------------------------------------------------------------------


def slot(n: int) -> Slot:
    return Slot(block=n * 10, tx_hash=f"0x{n:064x}", log=5, alt_block=n * 10 - 1, shift=300)


def on(n: int, log: int = 5) -> dict[str, int | str]:
    """The chain fields of a fact in slot *n*; `log` -1 for a row."""
    place = {"tx_hash": f"0x{n:064x}", "log_index": log, "occurred_at_ms": slot(n).time_ms}
    return place if log < 0 else {**place, "block": n * 10}


def leg(
    side: Side,
    shares: int,
    collateral: int,
    *,
    fee: int = 0,
    price: int = 0,
    trade: str = "t",
    order: str = "o",
    log: int = 5,
) -> Leg:
    return Leg(
        trade_id=trade,
        order_id=order,
        token_id="Y",
        condition_id="C",
        side=side,
        price=price,
        shares=shares,
        collateral=collateral,
        fee=fee,
        role=Role.TAKER,
        log_index=log,
    )


def log_of(n: int, g: Leg) -> OrderFilledOnChain:
    return OrderFilledOnChain(
        order_id=g.order_id,
        token_id="Y",
        side=g.side,
        shares=g.shares,
        collateral=g.collateral,
        fee=g.fee,
        role=g.role,
        **on(n, g.log_index),
    )


def word_of(n: int, g: Leg, status: str) -> FillObserved:
    return FillObserved(
        trade_id=g.trade_id,
        order_id=g.order_id,
        token_id="Y",
        side=g.side,
        shares=g.shares,
        collateral=g.estimate,
        role=g.role,
        status=status,
        occurred_at_ms=slot(n).time_ms - 4_000,
    )


def row_of(n: int, *legs: Leg) -> TradeReported:
    return TradeReported(
        token_id="Y",
        side=legs[0].side,
        shares=sum(g.shares for g in legs),
        collateral=sum(g.collateral for g in legs),
        fee=sum(g.fee for g in legs),
        **on(n, -1),
    )


def hand(*events: Event, window: bool = False) -> Life:
    conditions = [
        Condition("C", {"ctf": ("Y", "N"), "pm": ("PY", "PN")}),
        Condition("D", {"ctf": ("DY", "DN")}, "M"),
        Condition("E", {"ctf": ("EY", "EN")}, "M"),
        Condition("F", {"ctf": ("FY", "FN")}, "M"),
    ]
    return Life(0, conditions, list(events), {}, 0, window)


C = Condition("C", {"ctf": ("Y", "N"), "pm": ("PY", "PN")})


def books(true: Life, facts: list[AnyFact], token: str = "Y") -> tuple[int, int, int, int, int]:
    t = expected(true, facts).tokens[token]
    return t["shares"], t["cost_basis"], t["realized_pnl"], t["fees"], t["unexplained_shares"]


def test_buy_and_sell_with_a_floor() -> None:
    buy, sell = leg(Side.BUY, 3, 10, fee=1), leg(Side.SELL, 1, 5, fee=2, order="p")
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[sell]))
    facts = [log_of(1, buy), log_of(2, sell)]
    assert books(true, facts) == (2, 7, 2, 3, 0)  # floor(10 x 1 / 3) = 3 leaves; 5 - 3 = 2
    assert expected(true, facts).cash == -10 - 1 + 5 - 2


def test_selling_everything_takes_all_cost() -> None:
    buy, sell = leg(Side.BUY, 3, 10), leg(Side.SELL, 3, 4, order="p")
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[sell]))
    assert books(true, [log_of(1, buy), row_of(2, sell)]) == (0, 0, -6, 0, 0)


def test_the_estimate_stands_until_something_exact_is_known() -> None:
    buy = leg(Side.BUY, 7, 4, fee=1, price=500_000)  # floor(3.5) = 3 by the CLOB, without fee
    true = hand(FillEvent(slot=slot(1), legs=[buy]))
    assert books(true, [word_of(1, buy, "CONFIRMED")]) == (7, 3, 0, 0, 0)
    assert books(true, [word_of(1, buy, "CONFIRMED"), row_of(1, buy)]) == (7, 4, 0, 1, 0)
    assert books(true, [word_of(1, buy, "MATCHED"), log_of(1, buy)]) == (7, 4, 0, 1, 0)


def test_legs_are_disposed_one_by_one_where_identified_and_as_one_in_a_row() -> None:
    buy = leg(Side.BUY, 7, 10)
    a, b = leg(Side.SELL, 2, 3, order="a"), leg(Side.SELL, 2, 3, order="b", log=6)
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[a, b], twins=True))
    first = log_of(1, buy)
    # floor(10 x 2 / 7) = 2, floor(8 x 2 / 5) = 3; as one: floor(10 x 4 / 7) = 5
    assert books(true, [first, log_of(2, a), log_of(2, b)]) == (3, 5, 1, 0, 0)
    assert books(true, [first, row_of(2, a, b)]) == (3, 5, 1, 0, 0)
    c, d = leg(Side.SELL, 1, 3, order="a"), leg(Side.SELL, 4, 3, order="b", log=6)
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[c, d]))
    # floor(10 / 7) = 1, floor(9 x 4 / 6) = 6; as one: floor(10 x 5 / 7) = 7
    assert books(true, [first, log_of(2, c), log_of(2, d)]) == (2, 3, -1, 0, 0)
    assert books(true, [first, row_of(2, c, d)]) == (2, 3, -1, 0, 0)
    e, f = leg(Side.SELL, 1, 3, order="a"), leg(Side.SELL, 1, 3, order="b", log=6)
    buy = leg(Side.BUY, 4, 6)
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[e, f], twins=True))
    # floor(6 / 4) = 1, floor(5 / 3) = 1; as one: floor(6 x 2 / 4) = 3
    assert books(true, [log_of(1, buy), log_of(2, e), log_of(2, f)]) == (2, 4, 4, 0, 0)
    assert books(true, [log_of(1, buy), row_of(2, e, f)]) == (2, 3, 3, 0, 0)


def test_failed_has_no_effect_and_pending_comes_last() -> None:
    failed = leg(Side.BUY, 9, 9, price=1_000_000, order="f")
    buy = leg(Side.BUY, 4, 8, price=2_000_000)
    pending = leg(Side.SELL, 2, 2, price=1_000_000, order="s")
    later = leg(Side.BUY, 4, 2, order="l")
    true = hand(
        FillEvent(slot=slot(1), legs=[failed], fate="failed"),
        FillEvent(slot=slot(2), legs=[buy]),
        FillEvent(slot=slot(3), legs=[pending], fate="pending"),
        FillEvent(slot=slot(4), legs=[later]),
    )
    facts = [
        word_of(1, failed, "MATCHED"),
        word_of(1, failed, "FAILED"),
        word_of(2, buy, "MINED"),
        word_of(3, pending, "MATCHED"),
        log_of(4, later),
    ]
    # 8 shares at 10, then 2 sold for 2: floor(10 x 2 / 8) = 2
    assert books(true, facts) == (6, 8, 0, 0, 0)
    # MINED and RETRYING is pending: at its match time among the pending, still before `pending`
    assert books(true, [*facts, word_of(2, buy, "RETRYING")]) == (6, 8, 0, 0, 0)
    assert expected(true, facts).orders["f"] == {"matched": 0, "filled": 0, "provisional": 0}


def test_a_log_taken_back_is_no_evidence() -> None:
    buy = leg(Side.BUY, 7, 4, fee=1, price=500_000)
    true = hand(FillEvent(slot=slot(1), legs=[buy]))
    log = log_of(1, buy)
    gone = OrderFilledOnChain(**{f: getattr(log, f) for f in log.__struct_fields__} | {"version": 1, "removed": True})
    assert books(true, [gone, log, word_of(1, buy, "CONFIRMED")]) == (7, 3, 0, 0, 0)
    with pytest.raises(AssertionError, match="nobody saw"):
        expected(true, [log, gone])


def test_split_and_merge_of_odd_amounts() -> None:
    true = hand(
        SplitEvent(slot=slot(1), condition=C, ledger="ctf", amount=7),
        MergeEvent(slot=slot(2), condition=C, ledger="ctf", amount=3),
    )
    facts: list[AnyFact] = [
        PositionSplit(condition_id="C", amount=7, **on(1)),
        PositionsMerged(condition_id="C", amount=3, **on(2, -1)),
    ]
    # Y: 7 for 4; 3 leave with floor(4 x 3 / 7) = 1 for 2. N: 7 for 3; 3 leave with floor(9 / 7) = 1 for 1.
    assert books(true, facts) == (4, 3, 1, 0, 0)
    assert books(true, facts, "N") == (4, 2, 0, 0, 0)
    assert expected(true, facts).cash == -4


@pytest.mark.parametrize(
    ("quantities", "payout", "numerators", "parts"),
    [
        ((5, 5), 5, (1, 0), [5, 0]),
        ((5, 0), 0, (0, 1), [0, 0]),
        ((3, 3), 3, (1, 1), [2, 1]),  # 1 and 1; the odd one to the lower of equals
        ((2, 5), 3, (1, 1), [1, 2]),
        ((3, 5), 4, (1, 1), [1, 3]),  # 1 and 2; the odd one to the larger
        ((3, 5), 5, None, [0, 5]),
        ((3, 0), 0, None, [0, 0]),
        ((5, 5), 5, None, [2, 3]),  # both fit exactly, so by quantity, the odd one to the last
        ((7, 0), 3, None, [3, 0]),
        ((3, 4), 5, None, [2, 3]),  # floor(15 / 7) = 2, floor(20 / 7) = 2
    ],
)
def test_dividing_a_payout(
    quantities: tuple[int, int], payout: int, numerators: tuple[int, int] | None, parts: list[int]
) -> None:
    assert divide(quantities, payout, numerators) == parts


def test_a_combined_redemption_takes_the_whole_balance_or_what_moved() -> None:
    c = Condition("C", {"ctf": ("Y", "N")}, numerators=(1, 0))
    true = hand(
        SplitEvent(slot=slot(1), condition=c, ledger="ctf", amount=6),
        ResolutionEvent(slot=slot(2), condition=c),
        RedemptionEvent(
            slot=slot(3), condition=c, ledger="ctf", form="combined", quantities=(6, 6), payouts=(6, 0), payout=6
        ),
    )
    facts: list[AnyFact] = [
        PositionSplit(condition_id="C", amount=6, **on(1)),
        ConditionResolved(condition_id="C", numerators=(1, 0), **on(2)),
        PayoutRedeemed(condition_id="C", payout=6, **on(3)),
    ]
    assert books(true, facts) == (0, 0, 3, 0, 0)
    assert books(true, facts, "N") == (0, 0, -3, 0, 0)
    # without the resolution both quantities equal the payout: 3 and 3
    assert books(true, [facts[0], facts[2]]) == (0, 0, 0, 0, 0)
    moved: list[AnyFact] = [TokenMoved(token_id=t, shares=-n, **on(3, 20 + n)) for t, n in (("Y", 6), ("N", 4))]
    assert books(true, [*facts, *moved]) == (0, 0, 3, 0, 0)
    assert books(true, [*facts, *moved], "N") == (2, 1, -2, 0, 0)


@pytest.mark.parametrize(
    ("costs", "received", "realized", "minted"),
    [((5, 6), 4, 0, (4, 3)), ((1, 2), 4, 1, (0, 0)), ((2, 2), 4, 0, (0, 0))],
)
def test_conversion(costs: tuple[int, int], received: int, realized: int, minted: tuple[int, int]) -> None:
    """Burn 4 of DN and EN; here two are minted, FY and Y, to see the remainder go to the first."""
    event = ConversionEvent(
        slot=slot(3), market_id="M", burned=(("DN", 4), ("EN", 4)), minted=(("FY", 4), ("Y", 4)), collateral=received
    )
    true = hand(
        TransferEvent(slot=slot(1), items=(("DN", 4, costs[0]), ("EN", 4, costs[1])), policy="stated"),
        event,
    )
    facts: list[AnyFact] = [
        TokenMoved(token_id="DN", shares=4, **on(1)),
        TokenMoved(token_id="EN", shares=4, sub_index=1, **on(1)),
        TransferCostStated(tx_hash=slot(1).tx_hash, token_id="DN", cost=costs[0], cost_policy="given"),
        TransferCostStated(tx_hash=slot(1).tx_hash, token_id="EN", cost=costs[1], cost_policy="given"),
        PositionsConverted(market_id="M", burned=event.burned, minted=event.minted, collateral=received, **on(3)),
    ]
    assert books(true, facts, "DN") == (0, 0, realized, 0, 0)
    assert books(true, facts, "EN") == (0, 0, 0, 0, 0)
    assert books(true, facts, "FY") == (4, minted[0], 0, 0, 0)
    assert books(true, facts, "Y") == (4, minted[1], 0, 0, 0)
    assert expected(true, facts).cash == received


def test_migration_transfers_and_adjustments_carry_cost_without_profit() -> None:
    buy = leg(Side.BUY, 7, 10)
    true = hand(
        FillEvent(slot=slot(1), legs=[buy]),
        MigrationEvent(slot=slot(2), condition=C, outcome=0, amount=2),
        TransferEvent(slot=slot(3), items=(("Y", -2, 0),)),
        AdjustmentEvent(slot=slot(4), token_id="Y", statement_id="s", shares=2),
        AdjustmentEvent(slot=slot(5), token_id="PY", statement_id="s", shares=5),
    )
    facts: list[AnyFact] = [
        log_of(1, buy),
        PositionMigrated(condition_id="C", to_token_id="PY", outcome_index=0, amount=2, **on(2)),
        TokenMoved(token_id="Y", shares=-2, **on(3)),
        AdjustmentInferred(token_id="Y", statement_id="s", shares=2, cause="?", occurred_at_ms=slot(4).time_ms),
        AdjustmentInferred(token_id="PY", statement_id="s", shares=5, cause="?", occurred_at_ms=slot(5).time_ms),
    ]
    # 10 over 7: floor(20 / 7) = 2 migrates; floor(8 x 2 / 5) = 3 is sent; floor(5 x 1 / 3) = 1 vanishes
    assert books(true, facts) == (2, 4, 0, 0, 0)
    assert books(true, facts, "PY") == (5, 2, 0, 0, 0)
    assert expected(true, facts).cash == -10


def test_manual_entries() -> None:
    true = hand(
        CashEvent(slot=slot(1), flow=Flow.DEPOSIT, amount=100),
        ManualEvent(slot=slot(2), entry_id="b", token_id="Y", shares=10, collateral=-21, fee=1),
        ManualEvent(slot=slot(3), entry_id="x", token_id="Y", shares=-10, collateral=99, dead=True),
        ManualEvent(slot=slot(4), entry_id="s", token_id="Y", shares=-5, collateral=20, fee=2),
        ManualEvent(slot=slot(5), entry_id="r", reverses="x", dead=True),
        ManualEvent(slot=slot(6), entry_id="c", token_id="Y", cost_correction=-30),
        ManualEvent(slot=slot(7), entry_id="d", token_id="Y", cost_correction=4),
    )
    facts: list[AnyFact] = [CashFlowed(flow=Flow.DEPOSIT, amount=100, **on(1))]
    facts += [ManualEntry(entry_id=e.entry_id, who="me", why="test") for e in true.events if isinstance(e, ManualEvent)]
    assert books(true, facts) == (5, 4, 10, 3, 0)  # 21 for 10; floor(10.5) leaves for 20; 11 corrected to 0, then 4
    assert expected(true, facts).cash == 100 - 21 - 1 + 20 - 2


def test_disposing_of_more_than_held() -> None:
    buy, sell = leg(Side.BUY, 3, 2), leg(Side.SELL, 7, 10, order="p")
    true = hand(FillEvent(slot=slot(1), legs=[buy]), FillEvent(slot=slot(2), legs=[sell]), window=True)
    facts: list[AnyFact] = [log_of(1, buy), log_of(2, sell)]
    assert books(true, facts) == (0, 0, 2, 0, 4)  # floor(10 x 3 / 7) = 4 explained, 4 - 2 = 2
    assert expected(true, facts).cash == 8
    true.hidden = 1
    assert books(true, facts[1:]) == (0, 0, 0, 0, 7)


def test_the_gap_of_an_order() -> None:
    a, b, c = (leg(Side.BUY, n, n, trade=f"t{n}", price=1_000_000) for n in (10, 20, 30))
    true = hand(
        FillEvent(slot=slot(1), legs=[a]),
        FillEvent(slot=slot(2), legs=[b], fate="failed"),
        FillEvent(slot=slot(3), legs=[c]),
    )
    facts: list[AnyFact] = [
        log_of(1, a),  # only the chain identifies it
        word_of(2, b, "FAILED"),
        row_of(3, c),  # a row identifies no order
        MatchClaimed(order_id="o", size_matched=65),
        MatchClaimed(order_id="o", size_matched=50),
        ClaimRejected(order_id="o", shares=3, reason="?"),
        ClaimRejected(order_id="o", shares=4, reason="?"),
    ]
    assert expected(true, facts).orders == {"o": {"matched": 65, "filled": 10, "provisional": 65 - 10 - 20 - 4}}
    assert books(true, facts)[0] == 40


# --- the generator ----------------------------------------------------------------------------------------------------


def digest(seeds: range) -> str:
    told = hashlib.sha256()
    for seed in seeds:
        for window in (False, True):
            true = life(seed, 40, window=window)
            facts = observe(true, seed + 1)
            told.update(b"\n".join(encode(f) for f in facts))
            for batches in variants(facts, seed):
                told.update(repr([len(b) for b in batches]).encode())
                told.update(b"".join(encode(f) for b in batches for f in b))
            told.update(repr(expected(true, facts)).encode())
    return told.hexdigest()


def test_a_seed_decides_everything() -> None:
    assert life(7, 60) == life(7, 60)
    assert life(7, 60) != life(8, 60)
    assert observe(life(7, 60), 1) != observe(life(7, 60), 2)
    tests = str(Path(__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {tests!r}); from oracle.test_oracle import digest; print(digest(range(8)))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert runs == {digest(range(8))}


def test_sizes_shrink_to_prefixes() -> None:
    long, short = life(3, 40), life(3, 15)
    assert [e.slot for e in short.events[:15]] == [e.slot for e in long.events[:15]]


def test_every_kind_of_fact_and_event_occurs() -> None:
    facts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    types: Counter[type[Event]] = Counter()
    statuses: Counter[str] = Counter()
    versions: Counter[tuple[int, bool]] = Counter()
    for seed in range(300):
        true = life(seed, 50)
        observations = observe(true, seed)
        labels.update(e.label for e in true.events)
        types.update(type(e) for e in true.events)
        facts.update(kind_of(f) for f in observations)
        statuses.update(f.status for f in observations if isinstance(f, FillObserved))
        versions.update((f.version, f.removed) for f in observations if isinstance(f, OrderFilledOnChain))
    assert set(facts) == EVERY_KIND - {"collateral_moved"}
    assert set(types) == set(history._WITNESS)
    wanted = {f"fill.{k}" for k in ("maker", "taker", "two_of_order", "shared_trade", "failed", "pending")}
    wanted |= {"split.ctf", "split.pm", "merge.ctf", "merge.pm", "migration", "conversion.one", "conversion.several"}
    forms, results = ("token", "amounts", "combined"), ("winner", "loser", "fractional")
    wanted |= {f"redemption.{f}.{r}" for f in forms for r in results}
    wanted |= {"transfer_in.zero", "transfer_in.stated", "transfer_in.given", "transfer_out", "statement", "note"}
    wanted |= {f"manual.{k}" for k in ("buy", "sell", "correction", "reverse")} | {f"cash.{f.lower()}" for f in Flow}
    wanted |= {f"adjustment.{k}" for k in ("up", "down", "none")} | {"resolution", "resolution.fractional"}
    wanted |= {f"order.{k}" for k in ("placed", "rejected", "closed", "cancel_refused")}
    wanted |= {"claim", "claim.gap", "claim.rejected"}
    assert set(labels) == wanted
    assert min(labels.values()) >= 10
    assert set(statuses) == {"MATCHED", "MATCHED_NOT_BROADCASTED", "MINED", "RETRYING", "CONFIRMED", "FAILED"}
    assert set(versions) == {(0, False), (1, True), (2, False)}


@given(lives(), st.integers(0, 2**16))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_life_seen_whole_ends_in_what_is_truly_held(true: Life, seed: int) -> None:
    books = expected(true, observe(true, seed))
    assert {t: b["shares"] for t, b in books.tokens.items()} == true.holdings
    assert not any(b["unexplained_shares"] for b in books.tokens.values())


@given(lives(window=True), st.integers(0, 2**16))
@settings(max_examples=100, deadline=None)
def test_a_window_is_decided_by_the_rules(true: Life, seed: int) -> None:
    expected(true, observe(true, seed))


@pytest.mark.parametrize("sources", [{"clob"}, {"chain"}, {"activity"}, {"clob", "activity"}, {"clob", "chain"}])
@pytest.mark.parametrize("window", [False, True])
def test_every_set_of_sources_sees_all_that_is_settled(sources: set[str], window: bool) -> None:
    for seed in range(100):
        true = life(seed, 50, window=window)
        books = expected(true, observe(true, seed, sources=frozenset(sources)))
        pending = any(isinstance(e, FillEvent) and e.fate == "pending" for e in true.events)
        if not window and ("clob" in sources or not pending):
            assert {t: b["shares"] for t, b in books.tokens.items()} == true.holdings


def test_facts_survive_the_log_and_deliveries_are_complete() -> None:
    for seed in range(30):
        true = life(seed, 50)
        facts = observe(true, seed)
        assert [decode(encode(f)) for f in facts] == facts
        whole = expected(true, facts)
        for batches in variants(facts, seed):
            told = [f for b in batches for f in b]
            assert {encode(f) for f in told} == {encode(f) for f in facts}
            assert expected(true, told) == whole


def test_a_log_index_is_one_log_and_a_place_is_one_event() -> None:
    for seed in range(100):
        true = life(seed, 50)
        seen: dict[tuple[object, ...], type] = {}
        owner: dict[str, int] = {}
        for i, event in enumerate(true.events):
            assert owner.setdefault(event.slot.tx_hash, i) == i
        for fact in observe(true, seed):
            if getattr(fact, "log_index", -1) >= 0:
                key = (fact.tx_hash, fact.log_index)  # type: ignore[union-attr]
                assert seen.setdefault(key, type(fact)) is type(fact)


def test_fills_of_one_order_differ_in_shares_but_for_twins() -> None:
    for seed in range(100):
        used: dict[str, set[int]] = {}
        for event in life(seed, 60).events:
            if isinstance(event, FillEvent):
                for order_id, shares in {(g.order_id, g.shares) for g in event.legs}:
                    assert shares not in used.setdefault(order_id, set())
                    used[order_id].add(shares)


def test_shrinking_finds_one_cause() -> None:
    many = (life(seed, 40) for seed in range(100))
    true = next(t for t in many if any(isinstance(e, MigrationEvent) for e in t.events))
    small = shrink(true, 1, lambda facts, _: any(isinstance(f, PositionMigrated) for f in facts))
    assert any(isinstance(e, MigrationEvent) for e in small.events)
    assert len(small.events) <= 3
