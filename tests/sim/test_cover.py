"""Resting orders that their wallet can no longer pay: the venue cancels those, at once, and no others."""

from __future__ import annotations

import pytest

from tieout.sim.chain.calls import Call, Disapprove, Split, TransferCash, TransferTokens
from tieout.sim.chain.chain import Condition
from tieout.sim.crowd.trader import Trader
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import Order, OrderKind, OrderStatus, Side
from tieout.sim.world import World

BUY, SELL = Side.BUY, Side.SELL
CANCELED, LIVE = OrderStatus.CANCELED_NOT_ENOUGH_BALANCE, OrderStatus.LIVE


class Stage:
    """Two markets and two wallets with 1000 of collateral each, and 100 shares of every outcome."""

    def __init__(self) -> None:
        self.world = World(3)
        draw = self.world.chance.stream("test")
        self.market, self.second = (
            make_market(draw, number, self.world.scheduler.now_ms, category="geopolitics") for number in (1, 2)
        )
        self.trader, self.other = (Trader.drawn(self.world, draw) for _ in range(2))
        for market in (self.market, self.second):
            self.world.open_market(market)
        for each in (self.trader, self.other):
            self.world.fund(each.account.wallet, 1_200 * ONE)
            for market in (self.market, self.second):
                self.world.chain.submit(Split(each.account.wallet, Condition.of(market), 100 * ONE, market.version))
        self.world.scheduler.run_for(4_000)
        self.wallet = self.trader.account.wallet
        self.friend = self.other.account.wallet

    def rest(self, side: Side, price: int, size: int, *, outcome: int = 0, second: bool = False) -> Order:
        market = self.second if second else self.market
        placed = self.trader.limit(market, outcome, side, price * 10_000, size * ONE)
        assert placed is not None
        return placed.order

    def mine(self, *calls: Call) -> None:
        for call in calls:
            self.world.chain.submit(call)
        self.world.scheduler.run_for(2_000)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_collateral_that_leaves_takes_the_orders_that_need_more_than_is_left(stage: Stage):
    dear, cheap = stage.rest(BUY, 50, 1_600), stage.rest(BUY, 10, 1_000)
    also, selling = stage.rest(BUY, 40, 1_500, second=True), stage.rest(SELL, 90, 100)
    stage.mine(TransferCash(stage.wallet, stage.friend, 300 * ONE))
    assert [each.status for each in (dear, cheap, also, selling)] == [CANCELED, LIVE, LIVE, LIVE]
    stage.mine(TransferCash(stage.wallet, stage.friend, 150 * ONE))
    assert [each.status for each in (cheap, also, selling)] == [LIVE, CANCELED, LIVE]
    again = stage.rest(BUY, 50, 1_000)
    stage.mine(TransferCash(stage.wallet, stage.friend, 100 * ONE))
    assert [each.status for each in (cheap, again, selling)] == [LIVE, CANCELED, LIVE]


def test_shares_that_leave_take_the_orders_that_sell_them(stage: Stage):
    orders = [
        stage.rest(SELL, 90, 100),
        stage.rest(SELL, 91, 40),
        stage.rest(SELL, 90, 100, outcome=1),
        stage.rest(SELL, 90, 100, second=True),
        stage.rest(BUY, 1, 100),
    ]
    token = stage.market.tokens[0]
    stage.mine(TransferTokens(stage.world.ledger(stage.market), stage.wallet, stage.friend, (token,), (50 * ONE,)))
    assert [order.status for order in orders] == [CANCELED, LIVE, LIVE, LIVE, LIVE]


def test_approvals_taken_back_take_every_order(stage: Stage):
    orders = [stage.rest(SELL, 90, 100), stage.rest(BUY, 1, 100), stage.rest(BUY, 1, 100, second=True)]
    stage.mine(Disapprove(stage.wallet))
    assert {order.status for order in orders} == {CANCELED}


def test_a_match_takes_the_orders_that_its_payment_left_without_cover(stage: Stage):
    resting, dear = stage.rest(BUY, 50, 1_000), stage.rest(BUY, 70, 1_400, second=True)
    cheap, selling = stage.rest(BUY, 10, 1_000, second=True), stage.rest(SELL, 90, 100)
    before_ms = stage.world.scheduler.now_ms
    assert stage.other.market_sell(stage.market, 0, 500_000, 100 * ONE, OrderKind.FOK)
    assert resting.matched == 100 * ONE
    assert [each.status for each in (resting, dear, cheap, selling)] == [LIVE, CANCELED, LIVE, LIVE]
    assert stage.world.scheduler.now_ms == before_ms
