"""Maker rebates and taker tier rebates."""

from __future__ import annotations

from sim.economy.bank import DAY_MS, Bank
from tieout.sim.chain import conservation
from tieout.sim.chain.places import FEE_RECEIVER
from tieout.sim.economy.rebates import Rebates
from tieout.sim.engine.amounts import ONE
from tieout.sim.index.index import Index
from tieout.sim.index.rows import Kind
from tieout.sim.model import Trade, TradeStatus

DAY_S = DAY_MS // 1000


def traded(bank: Bank, *, shares: int = 1_000) -> Trade:
    """c takes from a at 0.60 and from b at 0.62, *shares* of each."""
    bank.buy(bank.a, 1, 400_000, shares)
    bank.buy(bank.b, 1, 380_000, shares)
    bank.buy(bank.c, 0, 620_000, 2 * shares)
    return list(bank.world.exchange.trades.values())[-1]


def test_makers_get_their_share_of_the_fee_by_what_their_part_would_have_cost():
    bank = Bank()
    rebates = Rebates(bank.world)
    trade = traded(bank)
    assert rebates.earned(bank.a) == 0  # not final yet
    bank.run(40)
    assert trade.status is TradeStatus.CONFIRMED
    pool = trade.fee * trade.market.rebate_rate // ONE
    # shares x p (1 - p): 1000 x 0.24 and 1000 x 0.2356
    assert rebates.earned(bank.a) == pool * 2_400 // 4_756
    assert rebates.earned(bank.b) == pool * 2_356 // 4_756
    assert pool - 2 <= rebates.earned(bank.a) + rebates.earned(bank.b) <= pool
    assert rebates.earned(bank.c) == 0


def test_rebates_are_paid_once_a_day_and_money_is_conserved():
    bank = Bank()
    rebates = Rebates(bank.world, taker_rate=100_000)
    index = Index(bank.world, lag_ms=(0, 0))
    trade = traded(bank)
    bank.run(40)
    before = {wallet: bank.cash(wallet) for wallet in (bank.a, bank.b, bank.c)}
    due = {wallet: rebates.earned(wallet) for wallet in before}
    assert min(due.values()) > ONE
    assert due[bank.c] == trade.fee // 10
    bank.run(DAY_S)
    assert {wallet: bank.cash(wallet) - cash for wallet, cash in before.items()} == due
    assert {wallet: rebates.earned(wallet) for wallet in before} == dict.fromkeys(before, 0)
    assert dict(rebates.paid) == due
    bank.run(DAY_S)
    assert dict(rebates.paid) == due
    assert sum(due.values()) < bank.cash(FEE_RECEIVER)
    assert conservation.check(bank.world.chain) == []
    rows = index.read().by_wallet
    assert [row.usdc for row in rows[bank.a] if row.kind is Kind.MAKER_REBATE] == [due[bank.a]]
    assert [row.usdc for row in rows[bank.c] if row.kind is Kind.TAKER_REBATE] == [due[bank.c]]


def test_less_than_one_waits_for_the_next_day():
    bank = Bank()
    rebates = Rebates(bank.world)
    traded(bank, shares=200)
    bank.run(40)
    small = rebates.earned(bank.a)
    assert 0 < small < ONE
    before = bank.cash(bank.a)
    bank.run(DAY_S)
    assert (bank.cash(bank.a), rebates.earned(bank.a)) == (before, small)
    traded(bank)
    bank.run(40)
    due, before = rebates.earned(bank.a), bank.cash(bank.a)
    assert due > small
    bank.run(DAY_S)
    assert bank.cash(bank.a) == before + due


def test_a_trade_that_failed_gives_nothing():
    bank = Bank()
    rebates = Rebates(bank.world)
    bank.world.settler.reverts = lambda _trade: True
    trade = traded(bank)
    bank.run(200)
    assert trade.status is TradeStatus.FAILED
    assert rebates.earned(bank.a) == 0


def test_a_market_without_fees_gives_nothing():
    bank = Bank()
    rebates = Rebates(bank.world, taker_rate=500_000)
    bank.market.fee_rate = 0
    traded(bank)
    bank.run(40)
    assert [rebates.earned(wallet) for wallet in (bank.a, bank.b, bank.c)] == [0, 0, 0]
