"""The unversioned paths: what they hide, how they page, what they refuse."""

from __future__ import annotations

import pytest

from sim.data_api.lives import Lives, lived
from tieout.sim.chain.calls import Condition, Deposit, PayReward, Split
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side


def test_small_positions_are_hidden_unless_the_threshold_says_otherwise():
    lives = Lives(1)
    wallet = lives.wallets[0]
    sizes = (ONE - 1, ONE, 3 * ONE)
    for market, size in zip(lives.markets, sizes, strict=False):
        lives.send(Split(wallet, Condition.of(market), size, market.version))
    assert [row["size"] for row in lives.ask("/positions", user=wallet)] == [3, 3, 1, 1]
    assert [row["size"] for row in lives.ask("/positions", user=wallet, sizeThreshold=0)] == [
        3,
        3,
        1,
        1,
        0.9999,
        0.9999,
    ]
    assert len(lives.ask("/positions", user=wallet, sizeThreshold=2)) == 2


def test_a_split_shows_an_average_of_a_half_and_a_pair_that_can_be_merged():
    lives = Lives(1)
    lives.send(Split(lives.wallets[0], Condition.of(lives.markets[1]), 400 * ONE))
    for row in lives.ask("/positions", user=lives.wallets[0]):
        assert (row["avgPrice"], row["initialValue"], row["mergeable"], row["redeemable"]) == (0.5, 200, True, False)


def test_positions_are_paged_without_loss_or_repeat():
    lives = lived(1)
    wallet = lives.wallets[0]
    whole = lives.ask("/positions", user=wallet, sizeThreshold=0)
    assert len(whole) > 4
    paged = [
        row
        for at in range(0, 20, 2)
        for row in lives.ask("/positions", user=wallet, sizeThreshold=0, limit=2, offset=at)
    ]
    assert [row["asset"] for row in paged] == [row["asset"] for row in whole]


def test_the_limit_is_cut_at_500_and_defaults_to_100():
    lives = Lives(1)
    wallet = lives.wallets[0]
    lives.send(*[PayReward(wallet, ONE + number) for number in range(600)])
    assert len(lives.ask("/activity", user=wallet)) == 100
    first = lives.ask("/activity", user=wallet, limit=9999)
    assert len(first) == 500
    rest = lives.ask("/activity", user=wallet, limit=500, offset=500)
    assert len({row["transactionHash"] for row in (*first, *rest)}) == 600


def test_an_offset_too_deep_is_refused_in_the_venues_words():
    lives = Lives(1)
    assert lives.reply("/trades", offset=10_000) == (200, [])
    assert lives.reply("/trades", offset=10_001) == (400, {"error": "max historical trades offset of 10000 exceeded"})


@pytest.mark.parametrize("path", ["/positions", "/activity", "/value"])
@pytest.mark.parametrize("user", ["", "0x12", "notawallet"])
def test_a_question_without_a_wallet_is_refused(path, user):
    assert Lives(1).reply(path, user=user) == (400, {"error": "required query param 'user' not provided"})


def test_transfers_of_money_are_no_activity_here():
    lives = Lives(1)
    lives.send(Deposit(lives.wallets[0], 5 * ONE), PayReward(lives.wallets[0], 2 * ONE))
    assert [row["type"] for row in lives.ask("/activity", user=lives.wallets[0])] == ["REWARD"]


def test_activity_is_newest_first_and_can_be_filtered():
    lives = lived(2)
    wallet = lives.wallets[0]
    rows = lives.ask("/activity", user=wallet, limit=500)
    stamps = [row["timestamp"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert lives.ask("/activity", user=wallet, limit=500, sortDirection="ASC") == rows[::-1]
    market = lives.markets[1].condition_id
    assert lives.ask("/activity", user=wallet, limit=500, market=market, type_="TRADE,SPLIT") == [
        row for row in rows if row["conditionId"] == market and row["type"] in ("TRADE", "SPLIT")
    ]
    middle = stamps[len(stamps) // 2]
    assert lives.ask("/activity", user=wallet, limit=500, start=middle) == [r for r in rows if r["timestamp"] >= middle]


def test_positions_are_sorted_as_asked():
    lives = lived(1)
    wallet = lives.wallets[0]
    for sort, field in (("TOKENS", "size"), ("CURRENT", "currentValue"), ("CASHPNL", "cashPnl"), ("PRICE", "curPrice")):
        shown = [row[field] for row in lives.ask("/positions", user=wallet, sizeThreshold=0, sortBy=sort)]
        assert shown == sorted(shown, reverse=True), sort
    shown = [row["size"] for row in lives.ask("/positions", user=wallet, sizeThreshold=0, sortDirection="ASC")]
    assert shown == sorted(shown)
    assert lives.reply("/positions", user=wallet, sortBy="SIZE")[0] == 400


def test_the_average_moves_with_buys_and_stays_with_sells():
    lives = Lives(1)
    buyer, other = lives.wallets[:2]
    market = lives.markets[4]
    market.fee_rate = 0
    lives.match(buyer, other, market, 0, 400_000, 10 * ONE)
    lives.match(buyer, other, market, 0, 600_000, 30 * ONE)
    (position,) = lives.ask("/positions", user=buyer)
    assert (position["avgPrice"], position["initialValue"], position["totalBought"]) == (0.55, 22, 40)
    lives.place(other, Side.BUY, market, 0, 700_000, 20 * ONE)
    lives.place(buyer, Side.SELL, market, 0, 700_000, 20 * ONE)
    lives.run(4)
    (position,) = lives.ask("/positions", user=buyer)
    assert (position["size"], position["avgPrice"], position["realizedPnl"]) == (20, 0.55, 3)


def test_value_holders_and_open_interest():
    lives = Lives(1)
    wallet, market = lives.wallets[0], lives.markets[1]
    lives.send(Split(wallet, Condition.of(market), 10 * ONE))
    assert lives.ask("/value", user=wallet) == [{"user": wallet, "value": 10}]
    holders = lives.ask("/holders", market=market.condition_id)
    assert [(each["token"], [h["amount"] for h in each["holders"]]) for each in holders] == [
        (str(token), [10]) for token in market.tokens
    ]
    assert lives.ask("/oi", market=market.condition_id) == [{"market": market.condition_id, "value": 10}]
    assert lives.ask("/traded", user=wallet) == {"user": wallet, "traded": 0}


def test_closed_positions_tell_their_profit():
    lives = Lives(1)
    wallet, other = lives.wallets[:2]
    market = lives.markets[4]
    market.fee_rate = 0
    lives.match(wallet, other, market, 0, 400_000, 10 * ONE)
    assert lives.ask("/closed-positions", user=wallet) == []
    lives.resolve(market, (ONE, 0))
    (row,) = lives.ask("/closed-positions", user=wallet)
    assert (row["avgPrice"], row["totalBought"], row["realizedPnl"], row["curPrice"]) == (0.4, 10, 6, 1)
