"""Automatic redemption and migration by the operator."""

from __future__ import annotations

from sim.economy.bank import Bank
from tieout.sim.chain import conservation
from tieout.sim.chain.calls import Condition, Disapprove, ReportPayouts, Split
from tieout.sim.chain.places import AUTO_REDEEMER, OPERATOR
from tieout.sim.economy.operators import DELAY_MS, AutoRedemption, OperatorMigration
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.venue.addresses import CTF, POSITION_MANAGER


def split(bank: Bank, *wallets: str) -> None:
    for wallet in wallets:
        bank.world.chain.submit(Split(wallet, Condition.of(bank.market), 10 * ONE, bank.market.version))
    bank.run(4)


def test_only_wallets_that_joined_are_redeemed_some_time_after():
    bank = Bank()
    auto = AutoRedemption(bank.world)
    auto.join(bank.a)
    split(bank, bank.a, bank.b)
    before = bank.cash(bank.a), bank.cash(bank.b)
    bank.world.resolve(bank.market, (250_000, 750_000))
    bank.run(DELAY_MS[0] / 1000 - 5)
    assert bank.cash(bank.a) == before[0]
    bank.run(DELAY_MS[1] / 1000)
    assert (bank.cash(bank.a), bank.cash(bank.b)) == (before[0] + 10 * ONE, before[1])
    assert [bank.world.chain.tokens(CTF, bank.a, token) for token in bank.market.ctf_tokens] == [0, 0]
    assert conservation.check(bank.world.chain) == []


def test_positions_of_both_generations_are_redeemed():
    bank = Bank()
    auto, mover = AutoRedemption(bank.world), OperatorMigration(bank.world)
    auto.join(bank.a)
    split(bank, bank.a)
    assert mover.migrate(bank.a, bank.market) is not None
    bank.run(4)
    split(bank, bank.a)
    bank.world.resolve(bank.market, (ONE, 0))
    before = bank.cash(bank.a)
    bank.run(DELAY_MS[1] / 1000 + 5)
    assert bank.cash(bank.a) == before + 20 * ONE
    assert len(auto.redeem(bank.a, bank.market)) == 0


def test_the_redeemer_waits_for_the_payouts_on_chain():
    bank = Bank()
    auto = AutoRedemption(bank.world, delay_ms=(60_000, 60_000))
    auto.join(bank.a)
    split(bank, bank.a)
    before = bank.cash(bank.a)
    lifecycle.resolve_market(bank.world.exchange, bank.market, (ONE, 0))
    bank.run(200)
    assert bank.cash(bank.a) == before
    bank.world.chain.submit(ReportPayouts(Condition.of(bank.market), (1, 0)))
    bank.run(130)
    assert bank.cash(bank.a) == before + 10 * ONE


def test_without_approval_the_redeemer_can_do_nothing():
    bank = Bank()
    auto = AutoRedemption(bank.world)
    auto.join(bank.a)
    split(bank, bank.a)
    bank.world.chain.submit(Disapprove(bank.a))
    bank.world.resolve(bank.market, (ONE, 0))
    before = bank.cash(bank.a)
    bank.run(DELAY_MS[1] / 1000 + 5)
    assert bank.cash(bank.a) == before
    (receipt,) = [
        receipt
        for number in range(bank.world.chain.block_by_tag("earliest").number, bank.world.chain.head.number + 1)
        for receipt in bank.world.chain.block(number).receipts
        if getattr(receipt.transaction.call, "by", None) == AUTO_REDEEMER
    ]
    assert (receipt.status, receipt.reason) == (0, "NotOwnerNorApproved")


def test_the_operator_moves_wallets_that_joined_after_their_market_moved():
    bank = Bank()
    mover = OperatorMigration(bank.world)
    mover.join(bank.a)
    split(bank, bank.a, bank.b)
    lifecycle.migrate_market(bank.world.exchange, bank.market)
    bank.run(DELAY_MS[1] / 1000 + 5)
    held = [
        [bank.world.chain.tokens(ledger, wallet, tokens[0]) for wallet in (bank.a, bank.b)]
        for ledger, tokens in ((CTF, bank.market.ctf_tokens), (POSITION_MANAGER, bank.market.position_ids))
    ]
    assert held == [[0, 10 * ONE], [10 * ONE, 0]]
    assert mover.migrate(bank.a, bank.market) is None
    tx_hash = mover.migrate(bank.b, bank.market)
    bank.run(4)
    receipt = bank.world.chain.receipt(tx_hash)
    assert (receipt.status, receipt.sender, receipt.transaction.call.operator) == (1, OPERATOR, OPERATOR)
    assert conservation.check(bank.world.chain) == []


def test_equal_seeds_act_at_the_same_moments():
    def acted(seed: int) -> int:
        bank = Bank(seed)
        AutoRedemption(bank.world).join(bank.a)
        other = make_market(bank.draw, 2, bank.world.scheduler.now_ms)
        bank.world.open_market(other)
        split(bank, bank.a)
        bank.world.resolve(bank.market, (ONE, 0))
        before, passed = bank.cash(bank.a), 0
        while bank.cash(bank.a) == before:
            bank.run(1)
            passed += 1
        return passed

    assert acted(1) == acted(1)
    assert acted(1) != acted(2)
