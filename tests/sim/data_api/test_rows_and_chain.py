"""The rows against the chain: whatever random lives do, the sums of activity are the balances."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from sim.data_api.lives import Lives, lived
from tieout.ledger.facts import kind_of
from tieout.sim.chain.calls import Condition, Convert, NegRiskEvent, Redeem, Split
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side
from tieout.venue.addresses import CTF, POSITION_MANAGER
from tieout.venue.decode import Identity, decode

CASH_SIGN = {"SPLIT": -1, "WITHDRAWAL": -1, "MIGRATION": 0}


def micro(value: float) -> int:
    return int(Decimal(str(value)) * ONE)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_cash_of_all_activity_is_the_balance(seed):
    lives = lived(seed)
    for wallet in lives.wallets:
        cash = 0
        for row in lives.walk("/v2/activity", user=wallet, exclude_deposits_withdrawals=False, limit=37):
            sign = CASH_SIGN.get(row["type"], 1)
            cash += (-1 if row["side"] == "BUY" else sign) * micro(row["usdc_size"])
        assert cash == lives.world.chain.cash(wallet)


@pytest.mark.parametrize("seed", [1, 2])
def test_sizes_of_positions_are_the_balances(seed):
    lives = lived(seed)
    found = 0
    for wallet in lives.wallets:
        held = {}
        for status in ("OPEN", "REDEEMABLE"):
            for row in lives.walk("/v2/positions", user=wallet, status=status, filter_amount=0, limit=2):
                held[int(row["token_id"])] = micro(row["current_size"])
        for market in lives.markets:
            for ledger, tokens in ((CTF, market.ctf_tokens), (POSITION_MANAGER, market.position_ids)):
                for token in tokens:
                    assert held.pop(token, 0) == lives.world.chain.tokens(ledger, wallet, token)
                    found += 1
        assert held == {}
    assert found


def test_the_trades_and_sets_of_one_market_make_its_balances():
    lives = lived(5)
    market = lives.markets[1]
    for wallet in lives.wallets:
        shares: Counter[int] = Counter()
        moved = False
        for row in lives.walk("/v2/activity", user=wallet, condition_id=market.condition_id):
            moved |= row["type"] == "MIGRATION"
            if row["type"] == "TRADE":
                shares[int(row["token_id"])] += micro(row["size"]) * (1 if row["side"] == "BUY" else -1)
            elif row["type"] in ("SPLIT", "MERGE"):
                for token in market.tokens:
                    shares[token] += micro(row["size"]) * (1 if row["type"] == "SPLIT" else -1)
        if not moved and not lives_gave(lives, wallet, market.tokens):
            for token in market.tokens:
                assert shares[token] == lives.world.chain.tokens(ledger_of(market), wallet, token)


def lives_gave(lives: Lives, wallet: str, tokens: tuple[int, int]) -> bool:
    """The wallet moved the tokens by transfer, which the Data API does not tell."""
    chain = lives.world.chain
    first, last = chain.block_by_tag("earliest").number, chain.head.number
    return any(
        getattr(receipt.transaction.call, "ids", ())
        and receipt.transaction.call.ids[0] in tokens
        and wallet in (receipt.transaction.call.sender, receipt.transaction.call.to)
        for number in range(first, last + 1)
        for receipt in chain.block(number).receipts
        if receipt.status
    )


@pytest.mark.parametrize("seed", [1, 4])
def test_our_own_decoder_reads_every_row(seed):
    lives = lived(seed)
    kinds: Counter[str] = Counter()
    for wallet in lives.wallets:
        identity = Identity(wallet, frozenset())
        pages = [
            lives.ask("/activity", user=wallet, limit=500),
            lives.walk("/v2/activity", user=wallet, exclude_deposits_withdrawals=False),
            lives.ask("/trades", user=wallet, takerOnly=False, limit=500),
            lives.walk("/v2/trades", user=wallet, taker_only=False),
            lives.ask("/positions", user=wallet, sizeThreshold=0),
            lives.walk("/v2/positions", user=wallet, filter_amount=0),
        ]
        for page in pages:
            assert page
            decoded = decode(json.dumps(page).encode(), identity)
            assert {problem.code for problem in decoded.problems} <= {"unsupported"}
            assert all("CONVERSION" in problem.message for problem in decoded.problems)
            assert set(decoded.unknown) <= {"field:verified"}, decoded.unknown
            kinds.update(kind_of(fact) for fact in decoded.facts)
    assert {"trade_reported", "split", "merge", "redemption", "cash_flow", "position_stated", "migration"} <= set(
        kinds
    ), kinds


def test_one_row_tells_all_fills_of_a_taker_in_one_transaction():
    lives = Lives(1)
    taker, first, second, _ = lives.wallets
    market = lives.markets[1]
    lives.place(first, Side.BUY, market, 1, 500_000, 10 * ONE)
    lives.place(second, Side.BUY, market, 1, 400_000, 20 * ONE)
    lives.place(taker, Side.BUY, market, 0, 600_000, 30 * ONE)
    lives.run(4)
    rows = lives.ask("/trades", user=taker)
    assert [(row["side"], row["size"], row["price"]) for row in rows] == [("BUY", 30, 0.5666666667)]
    assert lives.ask("/trades", user=first) == []
    makers = lives.ask("/trades", user=first, takerOnly=False)
    assert [(row["size"], row["price"], row["outcomeIndex"]) for row in makers] == [(10, 0.5, 1)]


def test_what_a_buyer_paid_includes_the_fee_and_the_price_does_not():
    lives = Lives(1)
    taker, maker = lives.wallets[:2]
    market = lives.markets[1]
    assert market.fee_rate == 40_000
    lives.match(taker, maker, market, 0, 600_000, 100 * ONE)
    (row,) = [row for row in lives.ask("/activity", user=taker) if row["type"] == "TRADE"]
    assert (row["size"], row["price"], row["usdcSize"]) == (100, 0.6, 60.96)
    (other,) = [row for row in lives.ask("/activity", user=maker) if row["type"] == "TRADE"]
    assert (other["size"], other["price"], other["usdcSize"]) == (100, 0.4, 40)


def test_what_a_seller_got_is_less_the_fee():
    lives = Lives(1)
    taker, maker = lives.wallets[:2]
    market = lives.markets[1]
    lives.send(Split(taker, Condition.of(market), 100 * ONE))
    lives.place(maker, Side.BUY, market, 0, 600_000, 100 * ONE)
    lives.place(taker, Side.SELL, market, 0, 600_000, 100 * ONE)
    lives.run(4)
    (row,) = [row for row in lives.ask("/activity", user=taker) if row["type"] == "TRADE"]
    assert (row["side"], row["price"], row["usdcSize"]) == ("SELL", 0.6, 59.04)


def test_a_redemption_is_one_row_for_each_outcome_held():
    lives = Lives(1)
    wallet = lives.wallets[0]
    for market, version in ((lives.markets[1], "v1"), (lives.markets[2], "v2")):
        lives.send(Split(wallet, Condition.of(market), 10 * ONE, version))
        lives.world.resolve(market, (0, ONE))
        lives.run(3)
        lives.send(Redeem(wallet, Condition.of(market), version=version))
        rows = lives.ask("/activity", user=wallet, market=market.condition_id, type_="REDEEM")
        told = {(row["outcomeIndex"], row["asset"], row["size"], row["usdcSize"]) for row in rows}
        assert told == {(0, str(market.tokens[0]), 10, 0), (1, str(market.tokens[1]), 10, 10)}


def test_a_redemption_of_nothing_is_one_row_without_a_token():
    lives = Lives(1)
    market = lives.markets[1]
    lives.world.resolve(market, (0, ONE))
    lives.run(3)
    lives.send(Redeem(lives.wallets[0], Condition.of(market)))
    (row,) = lives.ask("/activity", user=lives.wallets[0], type_="REDEEM")
    assert (row["asset"], row["size"], row["usdcSize"], row["price"], row["side"]) == ("", 0, 0, 0, "")


def test_a_conversion_frees_collateral_and_prices_the_yes_tokens_by_what_is_left():
    lives = Lives(1)
    wallet = lives.wallets[0]
    first, second, third = lives.event
    for market in (first, second):
        lives.match(wallet, lives.wallets[1], market, 1, 600_000, 10 * ONE)
    lives.send(Convert(wallet, NegRiskEvent.of(lives.event), 0b011, 10 * ONE))
    (row,) = lives.ask("/activity", user=wallet, type_="CONVERSION")
    assert (row["size"], row["usdcSize"], row["conditionId"]) == (10, 10, first.condition_id)
    (position,) = lives.ask("/positions", user=wallet)
    # 12 paid for both NO, 10 came free, 2 is the price of 10 YES of the third
    assert (position["asset"], position["size"], position["avgPrice"]) == (str(third.tokens[0]), 10, 0.2)
