"""Data API rows: the fee inside usdcSize, redemptions of both shapes, flows, positions (polymarket.md 4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tieout.ledger.facts import (
    CashFlowed,
    Flow,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionsMerged,
    PositionSplit,
    PositionStated,
    Side,
    TradeReported,
)
from tieout.venue.data_api import split_fee
from tieout.venue.decode import Identity, decode

WALLET = "0x" + "a1" * 20
OURS = Identity(WALLET, frozenset())
CONDITION = "0x" + "c0" * 32
ROW: dict[str, Any] = {
    "proxyWallet": WALLET,
    "timestamp": 1789468669,
    "conditionId": CONDITION,
    "type": "TRADE",
    "size": 21,
    "usdcSize": 10.8675,
    "transactionHash": "0xAB",
    "price": 0.5,
    "asset": "77",
    "side": "BUY",
    "outcomeIndex": 1,
}

Load = Callable[[str], Any]
Raw = Callable[[str], bytes]


def row(**fields: Any) -> bytes:
    """ROW with other fields; None takes a field away."""
    return json.dumps({key: value for key, value in {**ROW, **fields}.items() if value is not None}).encode()


def test_usdc_of_a_buy_is_split_into_collateral_and_fee() -> None:
    assert decode(row(), OURS).facts == [
        TradeReported(
            occurred_at_ms=1789468669000,
            tx_hash="0xab",
            token_id="77",
            condition_id=CONDITION,
            side=Side.BUY,
            shares=21_000_000,
            collateral=10_500_000,
            fee=367_500,
        ),
        OutcomeTokenListed(token_id="77", condition_id=CONDITION, outcome_index=1),
    ]


def test_the_fee_proof_row_of_v2_gives_the_fee_to_five_decimals(raw: Raw) -> None:
    found = decode(
        raw("samples/data_api_v2_activity.json"), Identity("0x7c3db723f1d4d8cb9c550095203b686cb11e5c6b", frozenset())
    )
    trades = [fact for fact in found.facts if isinstance(fact, TradeReported)]
    assert [(t.shares, t.collateral, t.fee) for t in trades] == [
        (14_285_715, 13_285_715, 0),
        (155_030_000, 13_402_400, 489_750),
    ]


def test_a_sell_below_gross_paid_its_fee_out_of_the_proceeds() -> None:
    (fact, _) = decode(row(side="SELL", size=5, price=0.31, usdcSize=1.49653), OURS).facts
    assert isinstance(fact, TradeReported)
    assert (fact.collateral, fact.fee) == (1_550_000, 53_470)
    (fact, _) = decode(row(side="SELL", size=5, price=0.31, usdcSize=1.55), OURS).facts
    assert isinstance(fact, TradeReported)
    assert (fact.collateral, fact.fee) == (1_550_000, 0)


def test_the_recorded_taker_fees_come_back_out_of_a_row_and_follow_the_floored_formula(load: Load) -> None:
    vectors = load("samples/chain_order_filled_taker_fees.json")
    assert len(vectors) == 21
    for vector in vectors:
        buys = vector["side"] == "BUY"
        making, taking = int(vector["maker_amount_filled"]), int(vector["taker_amount_filled"])
        cash, shares, fee = (making, taking, int(vector["fee"])) if buys else (taking, making, int(vector["fee"]))
        price, rate = Decimal(vector["price"]), Decimal(vector["fee_rate"])
        assert int(shares * price) == cash
        assert int(shares * rate * price * (1 - price) / 10) * 10 == fee
        usdc = cash + fee if buys else cash - fee
        side = Side.BUY if buys else Side.SELL
        assert split_fee(side, usdc, int(shares * price * 10_000), 10_000) == (cash, fee), vector


def test_trades_rows_have_no_fee_and_round_to_the_nearest_micro() -> None:
    (fact, _) = decode(row(type=None, usdcSize=None, size=7.575758, price=0.66), OURS).facts
    assert isinstance(fact, TradeReported)
    assert (fact.collateral, fact.fee) == (5_000_000, 0)


def test_a_redemption_by_outcome_names_its_token_and_a_loser_pays_nothing() -> None:
    (fact, _) = decode(row(type="REDEEM", size=513, usdcSize=0, price=0, side=""), OURS).facts
    assert fact == PayoutRedeemed(
        occurred_at_ms=1789468669000, tx_hash="0xab", condition_id=CONDITION, token_id="77",
        shares=513_000_000, payout=0,
    )  # fmt: skip


def test_a_combined_redemption_names_no_token_and_an_empty_row_says_nothing() -> None:
    combined = {"type": "REDEEM", "size": 9, "usdcSize": 9, "price": 0, "side": "", "asset": "", "outcomeIndex": 999}
    assert decode(row(**combined), OURS).facts == [
        PayoutRedeemed(occurred_at_ms=1789468669000, tx_hash="0xab", condition_id=CONDITION, payout=9_000_000)
    ]
    found = decode(row(**{**combined, "size": 0, "usdcSize": 0}), OURS)
    assert (found.facts, found.problems) == ([], [])


def test_split_and_merge_are_full_sets() -> None:
    common: dict[str, Any] = {"occurred_at_ms": 1789468669000, "tx_hash": "0xab", "condition_id": CONDITION}
    blank: dict[str, Any] = {"asset": "", "side": "", "price": 0, "outcomeIndex": 999, "usdcSize": 21}
    assert decode(row(type="SPLIT", **blank), OURS).facts == [PositionSplit(amount=21_000_000, **common)]
    assert decode(row(type="MERGE", **blank), OURS).facts == [PositionsMerged(amount=21_000_000, **common)]


@pytest.mark.parametrize(
    "kind", ["REWARD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "YIELD", "TIP", "DEPOSIT", "WITHDRAWAL"]
)
def test_flows_come_in_and_only_a_withdrawal_goes_out(kind: str) -> None:
    (fact,) = decode(
        row(type=kind, asset="", side="", price=0, outcomeIndex=999, conditionId="", usdcSize=3.5), OURS
    ).facts
    assert isinstance(fact, CashFlowed)
    assert (fact.flow, fact.amount) == (Flow(kind), -3_500_000 if kind == "WITHDRAWAL" else 3_500_000)


@pytest.mark.parametrize("kind", ["CONVERSION", "MIGRATION", "TELEPORT"])
def test_types_that_name_too_little_are_unsupported(kind: str) -> None:
    found = decode(row(type=kind), OURS)
    assert found.facts == []
    assert [problem.code for problem in found.problems] == ["unsupported"]
    assert found.unknown == (["type:TELEPORT"] if kind == "TELEPORT" else [])


def test_a_row_of_another_wallet_is_foreign() -> None:
    found = decode(row(proxyWallet="0x" + "b2" * 20), OURS)
    assert found.facts == []
    assert found.problems[0].code == "foreign"
    assert found.problems[0].message == f"row belongs to 0x{'b2' * 20}, expected {WALLET}"


def test_binary_noise_is_rounded_and_seven_decimals_are_refused() -> None:
    def shares(size: str) -> list[int]:
        raw_row = row(usdcSize=None).replace(b'"size": 21', f'"size": {size}'.encode())
        return [fact.shares for fact in decode(raw_row, OURS).facts if isinstance(fact, TradeReported)]

    assert shares("0.30000000000000004") == [300_000]
    assert shares("10980911.728675001") == [10_980_911_728_675]
    assert shares("1e2") == [100_000_000]
    assert shares("0.1234567") == []
    assert shares("0.12345678901") == []
    assert shares("-1") == []


def test_a_position_is_a_statement_and_lists_the_opposite_token() -> None:
    held = {"proxyWallet": WALLET, "asset": "77", "conditionId": CONDITION, "size": 0.005, "avgPrice": 0.7}
    found = decode(json.dumps({**held, "outcomeIndex": 0, "oppositeAsset": "88"}).encode(), OURS)
    assert found.facts == [
        PositionStated(
            token_id="77", condition_id=CONDITION, shares=5_000, average_price="0.7", source="data_api"
        ),
        OutcomeTokenListed(token_id="77", condition_id=CONDITION, outcome_index=0),
        OutcomeTokenListed(token_id="88", condition_id=CONDITION, outcome_index=1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("market", "profit"), [("1789456200", 65_047_699), ("1789468500", 63_270_100), ("1789739700", -101_340_000)]
)
def test_a_recorded_market_ends_flat_with_its_known_profit(market: str, profit: int, raw: Raw) -> None:
    ours = Identity("0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed", frozenset())
    cash, held = 0, dict[str, int]()
    for fact in decode(raw(f"real/activity/{market}.json"), ours).facts:
        if isinstance(fact, TradeReported):
            cash -= fact.collateral + fact.fee
            held[fact.token_id] = held.get(fact.token_id, 0) + fact.shares
        elif isinstance(fact, PayoutRedeemed):
            cash += fact.payout
            held[fact.token_id] -= fact.shares or 0
    assert cash == profit
    assert set(held.values()) == {0}


def test_a_losing_combined_redemption_of_before_the_change_burns_the_whole_balance() -> None:
    """Five such rows are recorded in July 2026; a row of September says nothing beside those of its outcomes."""
    row = {
        "proxyWallet": "0x" + "a1" * 20,
        "conditionId": "0x" + "c3" * 32,
        "type": "REDEEM",
        "size": 0,
        "usdcSize": 0,
        "transactionHash": "0x" + "11" * 32,
        "asset": "",
        "outcomeIndex": 999,
    }
    identity = Identity("0x" + "a1" * 20, frozenset())
    before = decode(json.dumps({**row, "timestamp": 1783804424}).encode(), identity)
    after = decode(json.dumps({**row, "timestamp": 1789469000}).encode(), identity)
    assert [(fact.shares, fact.payout) for fact in before.facts if isinstance(fact, PayoutRedeemed)] == [(None, 0)]
    assert after.facts == []
