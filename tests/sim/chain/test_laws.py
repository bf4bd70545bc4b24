"""Thousands of random calls of all kinds: the laws hold after each block, and every log decodes."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.chain.life import Life
from sim.chain.setting import A, B, Setting, fill, row, storage
from tieout.ledger.facts import (
    CashFlowed,
    ConditionResolved,
    OrderFilledOnChain,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    TokenMoved,
)
from tieout.sim.chain import calls, conservation
from tieout.sim.chain.chain import Receipt
from tieout.sim.chain.condition import Condition
from tieout.sim.chain.ctf import LOCKED
from tieout.sim.chain.places import CTF, CTF_EXCHANGE, P_USD, POSITION_MANAGER, USDC_E, VAULT
from tieout.sim.chain.state import ALLOWANCE, CASH, TOKEN_SUPPLY, TOKENS
from tieout.sim.model import Side
from tieout.venue.decode import Identity, decode

KINDS = {kind for kind in vars(calls).values() if isinstance(kind, type) and hasattr(kind, "execute")} - {calls.Call}


@pytest.mark.parametrize("seed", range(4))
def test_every_law_holds_after_every_block(seed: int) -> None:
    life = Life(seed)
    chain = life.setting.chain
    done: Counter[tuple[type, int]] = Counter()
    for number in range(300):
        block = life.block(10)
        done.update((type(receipt.transaction.call), receipt.status) for receipt in block.receipts)
        assert conservation.check_block(chain) == []
        if number % 10 == 0:
            assert conservation.check(chain) == []
        if number % 40 == 39:
            chain.reorg(5, shuffle=True)
            assert conservation.check(chain) == []
    assert conservation.check(chain) == []
    assert {kind for kind, status in done if status} >= KINDS - {
        calls.ForcedRevert,
        calls.PauseUser,
        calls.PrepareCondition,
    }
    assert sum(count for (_, status), count in done.items() if not status) > 200


@pytest.mark.parametrize("seed", range(2))
def test_undoing_every_block_leaves_what_was_there_before(seed: int) -> None:
    life = Life(seed, finality=1000)
    chain = life.setting.chain
    stored = [storage(chain)]
    for _ in range(60):
        life.block(10)
        stored.append(storage(chain))
    for before in reversed(stored[:-1]):
        chain.reorg(1, drop=[receipt.tx_hash for receipt in chain.head.receipts])
        assert storage(chain) == before


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_failing_call_changes_nothing_and_a_law_is_never_broken(seed: int) -> None:
    life = Life(seed)
    chain = life.setting.chain
    for _ in range(25):
        before = storage(chain)
        block = life.block(1)
        assert conservation.check(chain) == []
        if not block.receipts[0].status:
            assert storage(chain) == before
            assert block.receipts[0].logs == []
            assert block.receipts[0].reason


def problems(receipt: Receipt, wallet: str) -> list[str]:
    found = decode(
        json.dumps({"logs": [row(log) for log in receipt.logs]}).encode(), Identity(wallet, frozenset()), "receipt"
    )
    return [f"{problem.code}: {problem.message}" for problem in found.problems]


def test_every_log_decodes_for_every_wallet() -> None:
    facts: Counter[type] = Counter()
    life = Life(9)
    for _ in range(120):
        block = life.block(10)
        for receipt in block.receipts:
            for wallet in life.wallets:
                assert problems(receipt, wallet) == []
        rows = json.dumps([row(log) for log in block.logs]).encode()
        for wallet in life.wallets:
            found = decode(rows, Identity(wallet, frozenset()))
            assert found.problems == []
            facts.update(map(type, found.facts))
    assert facts.keys() >= {
        CashFlowed,
        ConditionResolved,
        OrderFilledOnChain,
        PayoutRedeemed,
        PositionMigrated,
        PositionsConverted,
        PositionsMerged,
        PositionSplit,
        TokenMoved,
    }


def settled() -> tuple[Setting, Condition]:
    setting = Setting()
    condition = Condition.of(setting.market())
    setting.fund(A)
    setting.done(calls.Split(A, condition, 1000))
    assert conservation.check(setting.chain) == []
    return setting, condition


@pytest.mark.parametrize(
    ("slot", "amount"),
    [
        ((CASH, P_USD, A), 1),
        ((CASH, P_USD, VAULT), -1),
        ((CASH, USDC_E, VAULT), 1),
        ((CASH, USDC_E, CTF), -1),
        ((CASH, P_USD, CTF_EXCHANGE), 1),
        ((TOKENS, CTF, A, "yes"), 1),
        ((TOKENS, CTF, A, "yes"), -2000),
        ((TOKEN_SUPPLY, CTF, "no"), 1),
        ((TOKEN_SUPPLY, CTF, 12345), 1),
        ((LOCKED, "condition"), 1),
    ],
)
def test_each_broken_law_is_told(slot: tuple[str | int, ...], amount: int) -> None:
    """One slot changed by hand, as a wrong contract would: both forms see it."""
    setting, condition = settled()
    yes, no = condition.ctf_tokens
    names = {"yes": yes, "no": no, "condition": condition.condition_id}
    real = tuple(names.get(str(part), part) for part in slot)

    class Wrong:
        """A contract with a fault."""

        def execute(self, state: calls.State, emit: object) -> None:
            state.add(real, amount)

    setting.mine(Wrong())
    assert conservation.check(setting.chain)
    assert conservation.check_block(setting.chain)


def test_two_tokens_wrong_alike_are_told() -> None:
    """A full set out of nothing, with its supplies: only the collateral behind it is missing."""
    setting, condition = settled()

    class Wrong:
        """A contract that mints without collateral."""

        def execute(self, state: calls.State, emit: object) -> None:
            for token in condition.ctf_tokens:
                state.add((TOKENS, CTF, B, token), 5)
                state.add((TOKEN_SUPPLY, CTF, token), 5)

    setting.mine(Wrong())
    (broken,) = conservation.check(setting.chain)
    assert broken == f"{condition.condition_id}: YES 1005, NO 1005, collateral 1000"
    assert conservation.check_block(setting.chain) == [broken]


@pytest.mark.parametrize("resolved", [False, True])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_tokens_that_nothing_pays_for_are_told(version: str, resolved: bool) -> None:
    """Before the resolution and after it, on either ledger."""
    setting, condition = settled()
    setting.done(calls.Split(A, condition, 1000, "v2"))
    if resolved:
        setting.done(calls.ReportPayouts(condition, (1, 2)))
    ledger, tokens = (POSITION_MANAGER, condition.position_ids) if version == "v2" else (CTF, condition.ctf_tokens)

    class Wrong:
        """A contract that mints without collateral."""

        def execute(self, state: calls.State, emit: object) -> None:
            for token in tokens:
                state.add((TOKENS, ledger, B, token), 5)
                state.add((TOKEN_SUPPLY, ledger, token), 5)

    assert conservation.check(setting.chain) == []
    setting.mine(Wrong())
    (broken,) = conservation.check(setting.chain)
    assert broken.startswith(condition.condition_id)
    assert conservation.check_block(setting.chain) == [broken]


def test_without_allowance_approval_or_balance_a_match_reverts() -> None:
    """Each missing thing alone is enough."""
    setting, condition = settled()
    setting.fund(B)
    setting.done()

    yes = condition.ctf_tokens[0]
    match = calls.MatchOrders(
        CTF_EXCHANGE, condition, fill(B, Side.BUY, yes, 50, 100), (fill(A, Side.SELL, yes, 100, 50, number=2),)
    )
    assert setting.run(match).status == 1
    big = calls.MatchOrders(
        CTF_EXCHANGE, condition, fill(B, Side.BUY, yes, 500, 1000), (fill(A, Side.SELL, yes, 1000, 500, number=2),)
    )
    assert setting.run(big).reason == "InsufficientBalance"
    for wallet, reason in ((A, "NotOwnerNorApproved"), (B, "InsufficientAllowance")):
        setting.done(calls.Disapprove(wallet))
        assert setting.run(match).reason == reason
        setting.done(calls.Approve(wallet))
    setting.chain.state.put((ALLOWANCE, P_USD, B, CTF_EXCHANGE), 49)
    assert setting.run(match).reason == "InsufficientAllowance"
    setting.done(calls.Approve(B), calls.PauseUser(A, 1))
    assert setting.run(match).reason == "UserIsPaused"
