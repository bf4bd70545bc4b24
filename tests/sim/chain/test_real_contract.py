"""The simulated ConditionalTokens against the real bytecode on a local machine: logs, order, balances, refusals."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from evm.machine import running, shipped
from sim.chain.twin import Twin

ONE = 1_000_000
THIRDS, MILLIONTHS = (1, 2), (333_333, 666_667)


@pytest.fixture(scope="session")
def twin_maker() -> Iterator[type[Twin]]:
    contract = shipped("@gnosis.pm/conditional-tokens-contracts", "ConditionalTokens", "bytecode")
    cash = shipped("openzeppelin-solidity", "ERC20Mintable", "bytecode")
    with running() as evm:

        class Fresh(Twin):
            """Both contracts, newly deployed."""

            def __init__(self) -> None:
                super().__init__(evm, evm.deploy(contract), evm.deploy(cash))

        yield Fresh


@pytest.fixture
def twin(twin_maker: type[Twin]) -> Twin:
    return twin_maker()  # type: ignore[call-arg]


@pytest.mark.parametrize("payouts", [(1, 0), (0, 1), THIRDS, MILLIONTHS, (1, 1)])
def test_the_life_of_a_condition(twin: Twin, payouts: tuple[int, int]) -> None:
    a, b, c, _ = twin.wallets
    condition = twin.condition(1)
    yes, no = condition.ctf_tokens
    assert not twin.split(a, condition, ONE)
    assert twin.prepare(condition)
    assert not twin.prepare(condition)
    assert twin.split(a, condition, 100 * ONE)
    assert twin.split(b, condition, 7)
    assert twin.merge(a, condition, 30 * ONE + 1)
    assert not twin.merge(a, condition, 70 * ONE)
    assert twin.send(a, a, c, yes, 20 * ONE)
    assert not twin.send(b, a, c, yes, 1)
    assert twin.approve(a, b, approved=True)
    assert twin.send(b, a, c, no, 10 * ONE + 2)
    assert not twin.send(b, a, c, no, 10**12)
    assert twin.send_batch(a, a, b, (yes, no), (3, 4 * ONE))
    assert not twin.send_batch(a, a, b, (yes, no), (3,))
    assert not twin.send_batch(c, a, b, (yes, no), (1, 1))
    assert twin.approve(a, b, approved=False)
    assert not twin.send(b, a, c, no, 1)
    assert not twin.redeem(a, condition)
    assert not twin.report(condition, (0, 0))
    assert twin.report(condition, payouts)
    assert not twin.report(condition, payouts)
    assert twin.merge(b, condition, 5)
    assert twin.split(b, condition, 11)
    for wallet in twin.wallets:
        assert twin.redeem(wallet, condition)
    assert twin.redeem(a, condition)
    assert twin.refusals == 11


def act(twin: Twin, draw: random.Random) -> bool:
    """One random act, possible or not."""
    wallet, other = draw.choice(twin.wallets), draw.choice(twin.wallets)
    condition = draw.choice(twin.conditions)
    amount = draw.choice((0, 1, 3, draw.randrange(10**9), 10**13))
    yes, no = condition.ctf_tokens
    ids = draw.choice(((yes, no), (no, yes), (yes, yes)))
    acts = (
        lambda: twin.prepare(condition),
        lambda: twin.split(wallet, condition, amount),
        lambda: twin.split(wallet, condition, amount),
        lambda: twin.merge(wallet, condition, amount),
        lambda: twin.send(wallet, wallet, other, ids[0], amount),
        lambda: twin.send(wallet, other, wallet, ids[0], amount),
        lambda: twin.send_batch(wallet, wallet, other, ids, (amount, amount // 2)),
        lambda: twin.approve(wallet, other, approved=draw.random() < 0.7),
        lambda: draw.random() < 0.2 and twin.report(condition, draw.choice((THIRDS, MILLIONTHS, (1, 0)))),
        lambda: twin.redeem(wallet, condition),
    )
    return draw.choice(acts)()


@pytest.mark.parametrize("seed", range(3))
def test_random_lives(twin: Twin, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(3):
        twin.condition(number)
    done = sum(act(twin, draw) for _ in range(400))
    assert done > 100
    assert twin.refusals > 50
    assert twin.wrote > 60
