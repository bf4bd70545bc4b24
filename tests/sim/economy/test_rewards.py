"""Liquidity rewards: who scores how much, and what is paid."""

from __future__ import annotations

import pytest

from sim.economy.bank import DAY_MS, POOL, Bank
from tieout.sim.chain import conservation
from tieout.sim.economy.rewards import Rewards
from tieout.sim.economy.scores import counts, scores
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Order

DAY_S = DAY_MS // 1000
PER_MINUTE = POOL // 1440


def scored(bank: Bank) -> dict[str, int]:
    return dict(scores(bank.market, bank.world.exchange.books[bank.market.condition_id]))


def scoring(bank: Bank, order: Order) -> bool:
    return counts(bank.market, bank.world.exchange.books[bank.market.condition_id], order)


def test_a_minute_of_quoting_alone_earns_the_whole_minute():
    bank = Bank()
    rewards = Rewards(bank.world)
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.run(60)
    assert rewards.earned(bank.a) == PER_MINUTE
    assert rewards.by_market(bank.a, 20_000) == {bank.market.condition_id: PER_MINUTE}
    bank.run(60)
    assert rewards.earned(bank.a) == 2 * PER_MINUTE


def test_the_score_falls_with_the_square_of_the_distance():
    bank = Bank()
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.quote(bank.b, 480_000, 520_000, 100)
    found = scored(bank)
    assert found[bank.a] * 4 == found[bank.b] * 9  # (4 - 1)^2 against (4 - 2)^2


def test_the_score_grows_with_the_size():
    bank = Bank()
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.quote(bank.b, 490_000, 510_000, 300)
    found = scored(bank)
    assert found[bank.b] == 3 * found[bank.a]


def test_small_orders_and_far_orders_score_nothing_and_make_no_midpoint():
    bank = Bank()
    bank.quote(bank.a, 490_000, 510_000, 100)
    before = scored(bank)
    bank.quote(bank.b, 495_000 // 10_000 * 10_000, 510_000, 19)
    bank.quote(bank.c, 460_000, 540_000, 1_000)
    assert scored(bank) == before
    lonely = Bank()
    lonely.quote(lonely.a, 490_000, 510_000, 19)
    assert scored(lonely) == {}


def test_one_side_alone_counts_for_a_third():
    bank = Bank()
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.buy(bank.b, 0, 490_000, 100)
    found = scored(bank)
    assert found[bank.b] == found[bank.a] // 3


def test_near_0_or_1_one_side_alone_counts_nothing():
    bank = Bank()
    bank.quote(bank.a, 60_000, 80_000, 100)
    bank.buy(bank.b, 0, 60_000, 100)
    assert set(scored(bank)) == {bank.a}


def test_orders_on_both_outcomes_are_one_book():
    bank = Bank()
    bank.buy(bank.a, 0, 490_000, 100)
    bank.buy(bank.b, 1, 490_000, 100)
    found = scored(bank)
    assert found[bank.a] == found[bank.b] > 0


def test_the_pool_is_shared_by_score_and_never_exceeded():
    bank = Bank()
    rewards = Rewards(bank.world)
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.quote(bank.b, 480_000, 520_000, 100)
    bank.run(60)
    assert (rewards.earned(bank.a), rewards.earned(bank.b)) == (POOL * 9 // (1440 * 13), POOL * 4 // (1440 * 13))
    assert (
        rewards.share(bank.a, bank.market.condition_id)[0] * 13
        == rewards.share(bank.a, bank.market.condition_id)[1] * 9
    )


def test_payment_comes_at_midnight_by_one_transfer_each_and_money_is_conserved():
    bank = Bank()
    rewards = Rewards(bank.world)
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.quote(bank.b, 480_000, 520_000, 100)
    before = {wallet: bank.cash(wallet) for wallet in (bank.a, bank.b, bank.c)}
    bank.run(DAY_S - 60)
    assert bank.cash(bank.a) == before[bank.a]
    expected = rewards.earned(bank.a)
    bank.run(120)
    gained = {wallet: bank.cash(wallet) - cash for wallet, cash in before.items()}
    assert gained[bank.a] == rewards.paid[bank.a] >= expected > 0
    assert gained[bank.c] == 0
    assert POOL * 99 // 100 < sum(gained.values()) <= POOL
    assert conservation.check(bank.world.chain) == []
    assert rewards.earned(bank.a) <= 2 * PER_MINUTE


def test_less_than_one_is_not_paid_and_lapses():
    bank = Bank()
    rewards = Rewards(bank.world)
    bank.quote(bank.a, 490_000, 510_000, 100)
    bank.run(600)
    bank.world.exchange.cancel_many(bank.world.exchange.open_of(bank.a))
    earned = rewards.earned(bank.a)
    assert 0 < earned < ONE
    before = bank.cash(bank.a)
    bank.run(DAY_S)
    assert bank.cash(bank.a) == before
    assert (rewards.earned(bank.a), rewards.paid[bank.a]) == (0, 0)


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_earned_in_closed_markets_or_without_a_programme(closed):
    bank = Bank()
    rewards = Rewards(bank.world)
    bank.quote(bank.a, 490_000, 510_000, 100)
    if closed:
        bank.world.resolve(bank.market, (ONE, 0))
    else:
        bank.market.reward_daily = 0
    bank.run(600)
    assert rewards.earned(bank.a) == 0


def test_whether_an_order_scores_now():
    bank = Bank()
    near = bank.buy(bank.a, 0, 490_000, 100)
    assert not scoring(bank, near)  # no midpoint yet
    other = bank.buy(bank.b, 1, 490_000, 100)
    far = bank.buy(bank.a, 0, 400_000, 100)
    assert [scoring(bank, order) for order in (near, other, far)] == [True, True, False]
    bank.world.exchange.cancel_many([near])
    assert not scoring(bank, near)
