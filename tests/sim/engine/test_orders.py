"""Orders: what is refused, how they end, what the venue does on its own."""

from __future__ import annotations

import pytest

from sim.engine.desk import BUY, SELL, START_MS, Desk
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE, TICKS
from tieout.sim.engine.heartbeat import GRACE_MS, SILENCE_MS, Heartbeats, WrongHeartbeatError
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.events import MarketResolved, TickChanged
from tieout.sim.model import OrderKind, OrderStatus
from tieout.sim.rng import Chance


def refused(desk: Desk, *args: object, **more: object) -> Rejected:
    with pytest.raises(Rejected) as caught:
        desk.place(*args, **more)  # type: ignore[arg-type]
    assert desk.exchange.open_of(f"signer of {args[0]}") == []
    return caught.value


@pytest.mark.parametrize("tick", TICKS)
def test_prices_lie_on_the_grid_inside_one_tick_of_the_ends(tick):
    desk = Desk(tick=tick)
    desk.fund("a")
    for price in (tick, 5 * tick if tick < 100_000 else 2 * tick, ONE - tick):
        assert desk.place("a", BUY, 0, price, 1_000).status == "live"
    desk = Desk(tick=tick)
    desk.fund("a")
    assert refused(desk, "a", BUY, 0, ONE - tick // 2, 1_000).reason is Reason.PRICE_RANGE
    assert refused(desk, "a", BUY, 0, tick + tick // 2, 1_000).reason is Reason.TICK


def test_small_sizes_and_odd_decimals_are_refused():
    desk = Desk()
    desk.fund("a")
    assert refused(desk, "a", BUY, 0, 500_000, 4.99).facts == {"size": 4_990_000, "min_size": 5_000_000}
    assert refused(desk, "a", BUY, 0, 500_000, 5.001).reason is Reason.ACCURACY


def test_a_marketable_buy_spends_at_least_one():
    desk = Desk()
    desk.fund("maker", "a")
    desk.place("maker", SELL, 0, 100_000, 100)
    assert refused(desk, "a", BUY, 0, 100_000, 9).facts == {"cash": 900_000}
    assert desk.place("a", BUY, 0, 100_000, 10).status == "matched"


def test_the_same_order_twice_is_refused_and_named():
    desk = Desk()
    desk.fund("a")
    request = desk.request("a", BUY, 0, 500_000, 10 * ONE)
    first = desk.exchange.place(request).order
    with pytest.raises(Rejected) as caught:
        desk.exchange.place(request)
    assert (caught.value.reason, caught.value.order) == (Reason.DUPLICATED, first)


def test_balance_counts_what_matched_and_has_not_settled_but_not_other_orders():
    desk = Desk()
    desk.fund("maker")
    desk.fund("a", cash=10, shares=0)
    desk.place("a", BUY, 0, 400_000, 25)
    desk.place("a", BUY, 0, 300_000, 25)  # together more than the wallet has: allowed
    desk.place("maker", SELL, 0, 400_000, 15)  # takes 6 of the 10
    error = refused_after = None
    with pytest.raises(Rejected) as caught:
        desk.place("a", BUY, 0, 500_000, 10)
    error, refused_after = caught.value.facts, caught.value.reason
    assert refused_after is Reason.BALANCE
    assert error == {"balance": 10 * ONE, "matched": 6 * ONE, "amount": 5 * ONE}


def test_the_fee_of_a_taker_must_be_covered_too():
    desk = Desk(fee_rate=70_000)
    desk.fund("maker")
    desk.fund("a", cash=5, shares=0)
    desk.place("maker", SELL, 0, 500_000, 10)
    assert refused(desk, "a", BUY, 0, 500_000, 10).facts["amount"] == 5 * ONE + 175_000


def test_an_order_without_allowance_or_tokens_is_refused():
    desk = Desk()
    desk.fund("a", shares=0)
    assert refused(desk, "a", SELL, 0, 500_000, 10).facts["balance"] == 0
    desk.purse.allowance = 0
    assert refused(desk, "a", BUY, 0, 500_000, 10).facts["balance"] == 0


def test_resting_orders_a_wallet_can_no_longer_pay_are_cancelled_by_the_venue():
    desk = Desk()
    desk.fund("a", "maker", cash=100)
    big = desk.place("a", BUY, 0, 500_000, 150).order
    small = desk.place("a", BUY, 1, 100_000, 10).order
    desk.place("maker", SELL, 0, 500_000, 120)
    assert (big.status, small.status) == (OrderStatus.LIVE, OrderStatus.LIVE)  # 15 of 40 free, and 1 of 40
    desk.purse.money["a"] = 70 * ONE
    desk.exchange.cancel_uncovered({"a"})
    assert (big.status, small.status) == (OrderStatus.CANCELED_NOT_ENOUGH_BALANCE, OrderStatus.LIVE)


def test_good_till_date_leaves_a_minute_before_its_date():
    desk = Desk()
    desk.fund("a")
    soon = START_MS // 1000 + 60
    assert refused(desk, "a", BUY, 0, 500_000, 10, kind=OrderKind.GTD, expiration=soon).reason is Reason.EXPIRATION
    assert refused(desk, "a", BUY, 0, 500_000, 10, expiration=soon + 500).reason is Reason.EXPIRATION
    order = desk.place("a", BUY, 0, 500_000, 10, kind=OrderKind.GTD, expiration=soon + 30).order
    desk.scheduler.run_for(29_999)
    assert order.status is OrderStatus.LIVE
    desk.scheduler.run_for(1)
    assert order.status is OrderStatus.CANCELED_EXPIRED_ORDER
    assert desk.book(0) == ([], [])


def test_cancelling_is_for_the_owner_and_for_open_orders():
    desk = Desk()
    desk.fund("a", "b")
    order = desk.place("a", BUY, 0, 500_000, 10).order
    assert desk.exchange.cancel("signer of b", order.id) is not None
    assert desk.exchange.cancel("signer of a", order.id) is None
    assert desk.exchange.cancel("signer of a", order.id) is not None
    assert desk.told[-1] == ("a", "CANCELLATION", "CANCELED")


def test_a_taker_waits_out_the_delay_and_cannot_be_cancelled_meanwhile():
    desk = Desk(delay_ms=250)
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    placed = desk.place("taker", BUY, 0, 500_000, 10)
    assert placed.status == "delayed"
    assert desk.exchange.cancel("signer of taker", placed.order.id) is not None
    desk.scheduler.run_for(249)
    assert placed.order.status is OrderStatus.DELAYED
    desk.scheduler.run_for(1)
    assert placed.order.status is OrderStatus.MATCHED


def test_a_delayed_order_whose_liquidity_left_rests_or_is_killed():
    desk = Desk(delay_ms=250)
    desk.fund("maker", "taker")
    ask = desk.place("maker", SELL, 0, 500_000, 10).order
    limit = desk.place("taker", BUY, 0, 500_000, 10).order
    killed = desk.spend("taker", 0, 500_000, 5 * ONE).order
    desk.exchange.cancel("signer of maker", ask.id)
    desk.scheduler.run_for(250)
    assert (limit.status, killed.status) == (OrderStatus.LIVE, OrderStatus.CANCELED)
    assert ("taker", "UPDATE", "UNMATCHED") in desk.told
    assert desk.book(0) == ([(500_000, 10 * ONE)], [])


def test_a_finer_grid_keeps_orders_and_a_coarser_one_cancels_those_off_it():
    desk = Desk(tick=1_000)
    desk.fund("a")
    off, on = desk.place("a", BUY, 0, 501_000, 10).order, desk.place("a", BUY, 0, 500_000, 10).order
    lifecycle.change_tick(desk.exchange, desk.market, 10_000)
    assert (off.status, on.status) == (OrderStatus.INVALID, OrderStatus.LIVE)
    assert TickChanged(desk.market, 1_000, 10_000) in desk.events


def test_resolution_cancels_and_refuses():
    desk = Desk()
    desk.fund("a")
    order = desk.place("a", BUY, 0, 500_000, 10).order
    lifecycle.resolve_market(desk.exchange, desk.market, (333_333, 666_667))
    assert order.status is OrderStatus.CANCELED_MARKET_RESOLVED
    assert MarketResolved(desk.market) in desk.events
    assert refused(desk, "a", BUY, 0, 500_000, 10).reason is Reason.MARKET_CLOSED


def test_migration_wipes_the_book_and_changes_the_tokens():
    desk = Desk()
    desk.fund("a")
    order = desk.place("a", BUY, 0, 500_000, 10).order
    old = desk.request("a", BUY, 0, 500_000, 10 * ONE)
    lifecycle.migrate_market(desk.exchange, desk.market)
    assert order.status is OrderStatus.INVALID
    with pytest.raises(Rejected) as caught:
        desk.exchange.place(old)
    assert caught.value.reason is Reason.UNKNOWN_TOKEN
    assert desk.place("a", BUY, 0, 500_000, 10).status == "live"


def test_modes_refuse_what_they_say():
    desk = Desk()
    desk.fund("a")
    desk.exchange.modes.post_only = True
    assert refused(desk, "a", BUY, 0, 500_000, 10).reason is Reason.POST_ONLY_MODE
    assert desk.place("a", BUY, 0, 500_000, 10, post_only=True).status == "live"
    desk.exchange.cancel_many(desk.exchange.open_of("signer of a"))
    desk.exchange.modes.cancel_only = True
    assert refused(desk, "a", BUY, 0, 500_000, 10, post_only=True).reason is Reason.CANCEL_ONLY
    desk.exchange.modes.cancel_only = desk.exchange.modes.post_only = False
    desk.exchange.modes.closed_only.add("a")
    assert refused(desk, "a", BUY, 0, 500_000, 10).reason is Reason.CLOSED_ONLY
    assert desk.place("a", SELL, 0, 500_000, 10).status == "live"


def test_a_silent_heartbeat_cancels_the_orders_of_its_key_only():
    desk = Desk()
    desk.fund("a", "b")
    mine, other = desk.place("a", BUY, 0, 500_000, 10).order, desk.place("b", BUY, 0, 500_000, 10).order
    beats = Heartbeats(desk.scheduler, desk.exchange, Chance(1).stream("beats"))
    first = beats.beat("key of a", "")
    with pytest.raises(WrongHeartbeatError) as wrong:
        beats.beat("key of a", "")
    assert wrong.value.expected == first
    desk.scheduler.run_for(SILENCE_MS - 1)
    second = beats.beat("key of a", first)
    desk.scheduler.run_for(SILENCE_MS - 1)
    assert (mine.status, second != first) == (OrderStatus.LIVE, True)
    desk.scheduler.run_for(GRACE_MS + 1)
    assert (mine.status, other.status) == (OrderStatus.CANCELED, OrderStatus.LIVE)
