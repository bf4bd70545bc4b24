"""Splits, merges, redemptions, conversions and migrations: amounts, and the order of the logs, by who says what."""

from __future__ import annotations

import pytest

from sim.chain.setting import OUTSIDE, A, B, Setting
from tieout.sim.chain import conservation
from tieout.sim.chain.calls import (
    Convert,
    Deposit,
    Merge,
    Migrate,
    PayReward,
    Redeem,
    ReportPayouts,
    Split,
    TransferTokens,
    Unwrap,
    Withdraw,
    Wrap,
)
from tieout.sim.chain.chain import Condition, Receipt
from tieout.sim.chain.places import (
    AUTO_REDEEMER,
    BINARY_MODULE,
    CTF,
    CTF_ADAPTER,
    NEG_CTF_ADAPTER,
    NEG_RISK_ADAPTER,
    NEG_RISK_FEES,
    NO_BURN,
    OFFRAMP,
    ONRAMP,
    P_USD,
    POSITION_MANAGER,
    REWARDS,
    ROUTER,
    USDC_E,
    VAULT,
    WRAPPED_COLLATERAL,
)
from tieout.venue import topics
from tieout.venue.addresses import ZERO

ONE = 1_000_000
NAMES = {value: name for name, value in vars(topics).items() if isinstance(value, str) and value.startswith("0x")}


def said(receipt: Receipt) -> list[tuple[str, ...]]:
    """(contract, event, addresses among the indexed arguments) of each log."""
    assert receipt.reason == ""
    return [
        (log.address, NAMES[log.topic0], *(str(part) for part in log.indexed if len(str(part)) == 42))
        for log in receipt.logs
    ]


def ready(version: str = "v1") -> tuple[Setting, Condition]:
    setting = Setting()
    condition = Condition.of(setting.market(version=version))
    setting.fund(A, B)
    setting.done()
    return setting, condition


def neg_ready(size: int, fee_bips: int = 0):
    setting = Setting()
    event, _ = setting.event(size, fee_bips)
    setting.fund(A, B)
    setting.done()
    return setting, event


def test_a_split_and_a_merge_go_through_the_adapter_and_name_the_wallet() -> None:
    setting, condition = ready()
    assert said(setting.run(Split(A, condition, 10 * ONE))) == [
        (P_USD, "TRANSFER", A, P_USD),
        (USDC_E, "TRANSFER", VAULT, CTF_ADAPTER),
        (USDC_E, "APPROVAL", VAULT, P_USD),
        (P_USD, "TRANSFER", P_USD, ZERO),
        (P_USD, "UNWRAPPED", CTF_ADAPTER, USDC_E, CTF_ADAPTER),
        (USDC_E, "TRANSFER", CTF_ADAPTER, CTF),
        (USDC_E, "APPROVAL", CTF_ADAPTER, CTF),
        (CTF, "TRANSFER_BATCH", CTF_ADAPTER, ZERO, CTF_ADAPTER),
        (CTF, "CTF_SPLIT", CTF_ADAPTER),
        (CTF, "TRANSFER_BATCH", CTF_ADAPTER, CTF_ADAPTER, A),
        (CTF_ADAPTER, "CTF_SPLIT", A),
    ]
    assert said(setting.run(Merge(A, condition, 4 * ONE))) == [
        (CTF, "TRANSFER_BATCH", CTF_ADAPTER, A, CTF_ADAPTER),
        (CTF, "TRANSFER_BATCH", CTF_ADAPTER, CTF_ADAPTER, ZERO),
        (USDC_E, "TRANSFER", CTF, CTF_ADAPTER),
        (CTF, "CTF_MERGE", CTF_ADAPTER),
        (USDC_E, "TRANSFER", CTF_ADAPTER, P_USD),
        (P_USD, "TRANSFER", ZERO, A),
        (USDC_E, "TRANSFER", P_USD, VAULT),
        (P_USD, "WRAPPED", CTF_ADAPTER, USDC_E, A),
        (CTF_ADAPTER, "CTF_MERGE", A),
    ]
    assert [setting.chain.tokens(CTF, A, token) for token in condition.ctf_tokens] == [6 * ONE, 6 * ONE]
    assert setting.chain.cash(A) == 994 * ONE


def test_a_redemption_burns_both_sides_and_pays_the_rounded_shares() -> None:
    setting, condition = ready()
    setting.done(Split(A, condition, 100), TransferTokens(CTF, A, B, condition.ctf_tokens[:1], (1,)))
    assert setting.run(Redeem(A, condition)).reason == "result for condition not received yet"
    setting.done(ReportPayouts(condition, (1, 2)))
    before = setting.chain.cash(A)
    receipt = setting.run(Redeem(A, condition))
    assert said(receipt) == [
        (CTF, "TRANSFER_BATCH", CTF_ADAPTER, A, CTF_ADAPTER),
        (CTF, "TRANSFER_SINGLE", CTF_ADAPTER, CTF_ADAPTER, ZERO),
        (CTF, "TRANSFER_SINGLE", CTF_ADAPTER, CTF_ADAPTER, ZERO),
        (USDC_E, "TRANSFER", CTF, CTF_ADAPTER),
        (CTF, "CTF_REDEMPTION", CTF_ADAPTER, USDC_E),
        (USDC_E, "TRANSFER", CTF_ADAPTER, P_USD),
        (P_USD, "TRANSFER", ZERO, A),
        (USDC_E, "TRANSFER", P_USD, VAULT),
        (P_USD, "WRAPPED", CTF_ADAPTER, USDC_E, A),
        (CTF_ADAPTER, "CTF_REDEMPTION", A, USDC_E),
    ]
    assert setting.chain.cash(A) - before == 99 // 3 + 200 // 3
    assert [setting.chain.tokens(CTF, A, token) for token in condition.ctf_tokens] == [0, 0]
    setting.done(Redeem(B, condition))
    assert setting.chain.cash(B) == 1000 * ONE
    assert conservation.check(setting.chain) == []


@pytest.mark.parametrize("neg_risk", [False, True])
def test_the_auto_redeemer_pays_the_wallet_and_needs_its_approval(neg_risk: bool) -> None:
    setting, event = neg_ready(2)
    condition = event.conditions[0] if neg_risk else Condition.of(setting.market())
    setting.done(Split(A, condition, 100), ReportPayouts(condition, (1, 0)))
    before = setting.chain.cash(A)
    heard = said(setting.run(Redeem(A, condition, AUTO_REDEEMER)))
    assert heard[0] == (CTF, "TRANSFER_BATCH", AUTO_REDEEMER, A, AUTO_REDEEMER)
    told = "AUTO_NEG_REDEMPTION" if neg_risk else "AUTO_BINARY_REDEMPTION"
    assert heard[-2:] == [(P_USD, "WRAPPED", ONRAMP, USDC_E, A), (AUTO_REDEEMER, told, A)]
    assert setting.chain.cash(A) - before == 100
    setting.chain.submit(Deposit(OUTSIDE, 5))
    assert setting.run(Redeem(OUTSIDE, condition, AUTO_REDEEMER)).reason == "NotOwnerNorApproved"
    assert conservation.check(setting.chain) == []


def test_a_neg_risk_set_goes_through_both_adapters() -> None:
    setting, event = neg_ready(3)
    condition = event.conditions[0]
    heard = said(setting.run(Split(A, condition, 10)))
    assert heard[5:] == [
        (USDC_E, "TRANSFER", NEG_CTF_ADAPTER, NEG_RISK_ADAPTER),
        (USDC_E, "APPROVAL", NEG_CTF_ADAPTER, NEG_RISK_ADAPTER),
        (USDC_E, "TRANSFER", NEG_RISK_ADAPTER, WRAPPED_COLLATERAL),
        (USDC_E, "APPROVAL", NEG_RISK_ADAPTER, WRAPPED_COLLATERAL),
        (WRAPPED_COLLATERAL, "TRANSFER", ZERO, NEG_RISK_ADAPTER),
        (WRAPPED_COLLATERAL, "TRANSFER", NEG_RISK_ADAPTER, CTF),
        (CTF, "TRANSFER_BATCH", NEG_RISK_ADAPTER, ZERO, NEG_RISK_ADAPTER),
        (CTF, "CTF_SPLIT", NEG_RISK_ADAPTER),
        (CTF, "TRANSFER_BATCH", NEG_RISK_ADAPTER, NEG_RISK_ADAPTER, NEG_CTF_ADAPTER),
        (NEG_RISK_ADAPTER, "NEG_SPLIT", NEG_CTF_ADAPTER),
        (CTF, "TRANSFER_BATCH", NEG_CTF_ADAPTER, NEG_CTF_ADAPTER, A),
        (NEG_CTF_ADAPTER, "CTF_SPLIT", A),
    ]
    setting.done(ReportPayouts(condition, (0, 1)))
    assert said(setting.run(Redeem(A, condition))) == [
        (CTF, "TRANSFER_BATCH", NEG_CTF_ADAPTER, A, NEG_CTF_ADAPTER),
        (CTF, "TRANSFER_BATCH", NEG_RISK_ADAPTER, NEG_CTF_ADAPTER, NEG_RISK_ADAPTER),
        (CTF, "TRANSFER_SINGLE", NEG_RISK_ADAPTER, NEG_RISK_ADAPTER, ZERO),
        (CTF, "TRANSFER_SINGLE", NEG_RISK_ADAPTER, NEG_RISK_ADAPTER, ZERO),
        (WRAPPED_COLLATERAL, "TRANSFER", CTF, NEG_RISK_ADAPTER),
        (CTF, "CTF_REDEMPTION", NEG_RISK_ADAPTER, WRAPPED_COLLATERAL),
        (WRAPPED_COLLATERAL, "TRANSFER", NEG_RISK_ADAPTER, ZERO),
        (USDC_E, "TRANSFER", WRAPPED_COLLATERAL, NEG_CTF_ADAPTER),
        (NEG_RISK_ADAPTER, "NEG_REDEMPTION", NEG_CTF_ADAPTER),
        (USDC_E, "TRANSFER", NEG_CTF_ADAPTER, P_USD),
        (P_USD, "TRANSFER", ZERO, A),
        (USDC_E, "TRANSFER", P_USD, VAULT),
        (P_USD, "WRAPPED", NEG_CTF_ADAPTER, USDC_E, A),
        (NEG_CTF_ADAPTER, "CTF_REDEMPTION", A, WRAPPED_COLLATERAL),
    ]
    assert setting.chain.cash(A) == 1000 * ONE


def test_a_conversion_turns_no_into_the_other_yes_and_cash_less_the_fee() -> None:
    setting, event = neg_ready(4, fee_bips=150)
    chosen, others = event.conditions[:3], event.conditions[3:]
    setting.done(*(Split(A, condition, 1000) for condition in chosen))
    before = setting.chain.cash(A)
    setting.done(Convert(A, event, 0b0111, 999))
    fee = 999 * 150 // 10_000
    assert setting.chain.cash(A) - before == 2 * (999 - fee)
    assert setting.chain.cash(NEG_RISK_FEES, USDC_E) == 2 * fee
    assert [setting.chain.tokens(CTF, A, condition.ctf_tokens[1]) for condition in chosen] == [1, 1, 1]
    assert [setting.chain.tokens(CTF, A, condition.ctf_tokens[0]) for condition in others] == [999 - fee]
    assert {setting.chain.tokens(CTF, NO_BURN, condition.ctf_tokens[1]) for condition in event.conditions} == {999}
    for index_set in (0, 16):
        assert setting.run(Convert(A, event, index_set, 1)).reason == "InvalidIndexSet"
    assert conservation.check(setting.chain) == []


def test_after_conversions_every_winner_of_the_event_is_paid() -> None:
    """The event as a whole holds exactly what its one true question costs."""
    setting, event = neg_ready(3)
    setting.done(*(Split(A, condition, 1000) for condition in event.conditions))
    setting.done(Convert(A, event, 0b011, 1000), Convert(A, event, 0b100, 400))
    setting.done(*(ReportPayouts(each, (0, 1)) for each in event.conditions[:2]))
    setting.done(ReportPayouts(event.conditions[2], (1, 0)))
    setting.done(*(Redeem(A, condition) for condition in event.conditions))
    assert setting.chain.cash(A) == 1000 * ONE
    assert setting.chain.cash(WRAPPED_COLLATERAL, USDC_E) == 0
    assert conservation.check(setting.chain) == []


def test_protocol_v2_sets_go_through_the_router() -> None:
    setting, condition = ready("v2")
    assert said(setting.run(Split(A, condition, 10, "v2"))) == [
        (P_USD, "TRANSFER", A, BINARY_MODULE),
        (POSITION_MANAGER, "TRANSFER_SINGLE", BINARY_MODULE, ZERO, A),
        (POSITION_MANAGER, "TRANSFER_SINGLE", BINARY_MODULE, ZERO, A),
        (P_USD, "TRANSFER", BINARY_MODULE, ZERO),
        (BINARY_MODULE, "PM_SPLIT", ROUTER, A),
        (ROUTER, "ROUTER_SPLIT", A),
    ]
    assert said(setting.run(Merge(A, condition, 4, "v2"))) == [
        (POSITION_MANAGER, "TRANSFER_SINGLE", ROUTER, A, BINARY_MODULE),
        (POSITION_MANAGER, "TRANSFER_SINGLE", ROUTER, A, BINARY_MODULE),
        (P_USD, "TRANSFER", ZERO, A),
        (POSITION_MANAGER, "TRANSFER_SINGLE", BINARY_MODULE, BINARY_MODULE, ZERO),
        (POSITION_MANAGER, "TRANSFER_SINGLE", BINARY_MODULE, BINARY_MODULE, ZERO),
        (BINARY_MODULE, "PM_MERGED", ROUTER, A),
        (ROUTER, "ROUTER_MERGED", A),
    ]
    assert setting.run(Redeem(A, condition, version="v2")).reason == "ConditionNotResolved"
    setting.done(ReportPayouts(condition, (1, 2)))
    for by, shares in ((None, 6), (AUTO_REDEEMER, 7)):
        setting.done(Split(A, condition, 7 if by else 0, "v2"))
        before = setting.chain.cash(A)
        heard = said(setting.run(Redeem(A, condition, by, "v2")))
        assert [entry[1] for entry in heard].count("PM_REDEEMED") == 2
        assert heard[0] == (POSITION_MANAGER, "TRANSFER_SINGLE", by or ROUTER, A, BINARY_MODULE)
        assert heard[-1] == (by or ROUTER, "AUTO_REDEMPTION" if by else "ROUTER_REDEEMED", A)
        assert setting.chain.cash(A) - before == shares * 333_333 // ONE + shares * 666_667 // ONE
    assert conservation.check(setting.chain) == []


def test_a_migration_moves_whole_balances_and_pairs_go_to_the_vault() -> None:
    setting, condition = ready()
    yes, no = condition.ctf_tokens
    setting.done(Split(A, condition, 100), TransferTokens(CTF, A, B, (no,), (30,)))
    vault = setting.chain.cash(VAULT, USDC_E)
    assert said(setting.run(Migrate(B, condition))) == [
        (CTF, "TRANSFER_BATCH", BINARY_MODULE, B, BINARY_MODULE),
        (POSITION_MANAGER, "TRANSFER_BATCH", BINARY_MODULE, ZERO, B),
        (BINARY_MODULE, "PM_MIGRATED", B),
    ]
    assert setting.chain.cash(VAULT, USDC_E) == vault
    setting.done(Migrate(A, condition))
    assert setting.chain.cash(VAULT, USDC_E) == vault + 100
    assert [setting.chain.tokens(CTF, holder, token) for holder in (A, B, BINARY_MODULE) for token in (yes, no)] == [
        0
    ] * 6
    assert [setting.chain.tokens(POSITION_MANAGER, A, token) for token in condition.position_ids] == [100, 70]
    assert setting.run(Migrate(A, condition)).reason == "nothing to migrate"
    assert setting.run(Merge(A, condition, 70, "v2")).status == 1
    assert conservation.check(setting.chain) == []


@pytest.mark.parametrize("late", [False, True])
def test_migrated_tokens_are_paid_from_the_old_ones(late: bool) -> None:
    """Whether the migration comes before the resolution or after it; rounding to millionths is the module's loss."""
    setting, condition = ready()
    setting.done(Split(A, condition, 3 * ONE), TransferTokens(CTF, A, B, condition.ctf_tokens[:1], (3 * ONE,)))
    acts = [Migrate(A, condition), ReportPayouts(condition, (1, 2))]
    setting.done(*(acts[::-1] if late else acts))
    before = setting.chain.cash(A)
    setting.done(Redeem(A, condition, version="v2"))
    assert setting.chain.cash(A) - before == 3 * 666_667
    assert conservation.check(setting.chain) == []
    assert conservation.check_block(setting.chain) == []


def test_money_comes_in_and_goes_out_by_the_ramps() -> None:
    setting, _ = ready()
    assert said(setting.run(Deposit(A, 7)))[-2:] == [
        (USDC_E, "TRANSFER", P_USD, VAULT),
        (P_USD, "WRAPPED", ONRAMP, USDC_E, A),
    ]
    setting.done(Unwrap(A, 5))
    assert setting.chain.cash(A, USDC_E) == 5
    setting.done(Wrap(A, 3))
    assert (setting.chain.cash(A, USDC_E), setting.chain.cash(A)) == (2, 1000 * ONE + 5)
    assert said(setting.run(Withdraw(A, OUTSIDE, 100)))[-1] == (P_USD, "UNWRAPPED", OFFRAMP, USDC_E, OUTSIDE)
    assert setting.chain.cash(OUTSIDE, USDC_E) == 100
    totals = setting.chain.totals()
    assert totals.cash[USDC_E] == 2000 * ONE + 7
    assert totals.cash[P_USD] == totals.vault_usdc == 2000 * ONE + 7 - 100 - 2


def test_rewards_are_told_and_rebates_are_plain_transfers() -> None:
    setting, _ = ready()
    assert said(setting.run(PayReward(A, 5)))[-2:] == [
        (P_USD, "TRANSFER", REWARDS, A),
        (REWARDS, "DISTRIBUTED_REWARDS", A),
    ]
    assert said(setting.run(PayReward(A, 6, "rebate")))[-1][:2] == (P_USD, "TRANSFER")
    assert setting.run(PayReward(A, 6, "gift")).reason == "no such reward"
    assert setting.chain.cash(A) == 1000 * ONE + 11
