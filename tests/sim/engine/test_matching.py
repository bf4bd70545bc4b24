"""Matching: three kinds of match, price and time, improvement to the taker, kinds of orders, exact amounts."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from sim.engine.desk import BUY, SELL, Desk
from support.shared import SHARED
from tieout.sim.engine.amounts import ONE, taker_fee, text
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.model import MatchKind, OrderKind, OrderStatus


def test_a_buy_takes_the_sell_of_the_same_token_at_the_makers_price():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    placed = desk.place("taker", BUY, 0, 550_000, 10)
    (trade,) = placed.trades
    (leg,) = trade.legs
    assert (placed.status, leg.kind) == ("matched", MatchKind.COMPLEMENTARY)
    assert (trade.shares, trade.cash, leg.cash, trade.price) == (10 * ONE, 5 * ONE, 5 * ONE, 500_000)


def test_two_buys_of_opposite_outcomes_mint_and_the_taker_pays_the_rest():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", BUY, 1, 513_000 // 10_000 * 10_000, 5)
    (trade,) = desk.place("taker", BUY, 0, 500_000, 5).trades
    (leg,) = trade.legs
    assert leg.kind is MatchKind.MINT
    assert (leg.cash, trade.cash) == (5 * 510_000, 5 * 490_000)


def test_two_sells_of_opposite_outcomes_merge():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 1, 300_000, 7)
    (trade,) = desk.place("taker", SELL, 0, 650_000, 7).trades
    assert trade.legs[0].kind is MatchKind.MERGE
    assert (trade.legs[0].cash, trade.cash) == (7 * 300_000, 7 * 700_000)


def test_best_price_first_then_oldest_over_both_outcomes():
    desk = Desk()
    desk.fund("a", "b", "c", "taker")
    desk.place("a", SELL, 0, 520_000, 10)
    desk.place("b", BUY, 1, 480_000, 10)  # the same level, younger
    desk.place("c", BUY, 1, 490_000, 10)  # better: 0.51
    (trade,) = desk.place("taker", BUY, 0, 520_000, 25).trades
    assert [(leg.maker.request.wallet, leg.shares // ONE) for leg in trade.legs] == [("c", 10), ("a", 10), ("b", 5)]
    assert desk.book(0) == ([], [(520_000, 5 * ONE)])
    assert desk.book(1) == ([(480_000, 5 * ONE)], [])


def test_the_rest_of_a_limit_order_rests():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    placed = desk.place("taker", BUY, 0, 500_000, 30)
    assert placed.order.status is OrderStatus.LIVE
    assert desk.book(0) == ([(500_000, 20 * ONE)], [])
    assert ("maker", "UPDATE", "MATCHED") in desk.told
    assert ("taker", "UPDATE", "LIVE") in desk.told


def test_post_only_is_refused_when_it_crosses_and_rests_when_not():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    with pytest.raises(Rejected) as refused:
        desk.place("taker", BUY, 0, 500_000, 10, post_only=True)
    assert refused.value.reason is Reason.POST_ONLY_CROSSES
    assert desk.place("taker", BUY, 0, 490_000, 10, post_only=True).status == "live"
    with pytest.raises(Rejected) as refused:
        desk.place("taker", BUY, 0, 490_000, 10, post_only=True, kind=OrderKind.FAK)
    assert refused.value.reason is Reason.POST_ONLY_KIND


def test_fok_is_all_or_nothing_and_keeps_its_order():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    with pytest.raises(Rejected) as refused:
        desk.spend("taker", 0, 500_000, 6 * ONE)
    assert refused.value.reason is Reason.FOK_NOT_FILLED
    assert refused.value.order is not None
    assert refused.value.order.status is OrderStatus.CANCELED
    assert desk.book(0)[1] == [(500_000, 10 * ONE)]
    assert desk.spend("taker", 0, 500_000, 5 * ONE).order.status is OrderStatus.MATCHED
    assert desk.book(0) == ([], [])


def test_fak_takes_what_is_there_and_cancels_the_rest():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", SELL, 0, 500_000, 10)
    placed = desk.spend("taker", 0, 500_000, 6 * ONE, OrderKind.FAK)
    assert (placed.order.status, placed.order.spent) == (OrderStatus.CANCELED, 5 * ONE)
    with pytest.raises(Rejected) as refused:
        desk.spend("taker", 0, 500_000, 6 * ONE, OrderKind.FAK)
    assert refused.value.reason is Reason.FAK_NO_MATCH


def test_a_market_sell_takes_the_bids():
    desk = Desk()
    desk.fund("maker", "taker")
    desk.place("maker", BUY, 0, 400_000, 10)
    (trade,) = desk.place("taker", SELL, 0, 300_000, 8, kind=OrderKind.FOK).trades
    assert (trade.cash, trade.shares) == (3_200_000, 8 * ONE)


def recorded_buys():
    rows = json.loads((SHARED / "samples" / "chain_order_filled_taker_fees.json").read_text())
    return [row for row in rows if row["side"] == "BUY"]


@pytest.mark.parametrize("row", recorded_buys(), ids=lambda row: f"{row['price']}-{row['taker_amount_filled']}")
def test_every_recorded_market_buy_comes_out_to_the_unit(row):
    """From the round budget alone: either by a maker selling the token, or by one buying the other outcome."""
    cash, shares = int(row["maker_amount_filled"]), int(row["taker_amount_filled"])
    price, rate = int(Fraction(row["price"]) * ONE), int(Fraction(row["fee_rate"]) * ONE)
    budget = round(cash / 10_000) * 10_000
    results = set()
    for outcome, side in ((0, SELL), (1, BUY)):
        desk = Desk(fee_rate=rate, tick=1_000)
        desk.fund("maker", "taker")
        desk.place("maker", side, outcome, price if outcome == 0 else ONE - price, 100)
        (trade,) = desk.spend("taker", 0, price, budget).trades
        results.add((trade.cash, trade.shares, trade.fee))
    assert (cash, shares, int(row["fee"])) in results


def test_every_recorded_taker_fee_comes_out_to_the_unit():
    rows = json.loads((SHARED / "samples" / "chain_order_filled_taker_fees.json").read_text())
    assert len(rows) == 21
    for row in rows:
        making, taking = int(row["maker_amount_filled"]), int(row["taker_amount_filled"])
        cash, shares = (making, taking) if row["side"] == "BUY" else (taking, making)
        assert taker_fee(shares, cash, int(Fraction(row["fee_rate"]) * ONE)) == int(row["fee"])


def test_a_fee_with_an_exponent_follows_the_formula_rounded_down():
    shares, cash = 30 * ONE, 12 * ONE
    exact = Fraction(30) * Fraction(7, 100) * (Fraction(4, 10) * Fraction(6, 10)) ** 2
    assert taker_fee(shares, cash, 70_000, 2) == int(exact * 100_000) * 10


@pytest.mark.parametrize(("amount", "shown"), [(0, "0"), (10 * ONE, "10"), (520_000, "0.52"), (7_575_758, "7.575758")])
def test_decimals_as_the_venue_writes_them(amount, shown):
    assert text(amount) == shown
