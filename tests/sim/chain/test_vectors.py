"""Golden settlement vectors: the flows of the exchange's own tests, and the fees of recorded fills, to the unit."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from sim.chain.setting import A, B, C, Setting, fill
from support.shared import SHARED
from tieout.sim.chain import conservation
from tieout.sim.chain.calls import Condition, Fill, MatchOrders, Split
from tieout.sim.chain.places import CTF, EXCHANGE_V3, FEE_RECEIVER, P_USD, POSITION_MANAGER
from tieout.sim.chain.state import State
from tieout.sim.contracts import exchange_of
from tieout.sim.model import Market, Side
from tieout.venue.topics import FEE_CHARGED, ORDER_FILLED, ORDERS_MATCHED

VECTORS: list[dict[str, Any]] = json.loads((SHARED / "samples/settlement_balance_flows.json").read_bytes())
FILLS: list[dict[str, Any]] = json.loads((SHARED / "samples/chain_order_filled_taker_fees.json").read_bytes())
ONE = 1_000_000


def ready(version: str) -> tuple[Setting, Market]:
    setting = Setting()
    market = setting.market(version=version)
    setting.fund(A, B, C)
    setting.mine()
    for wallet in (A, B, C):
        setting.chain.submit(Split(wallet, Condition.of(market), 200 * ONE, version))
    setting.done()
    return setting, market


def orders(vector: dict[str, Any], market: Market) -> tuple[Fill, tuple[Fill, Fill]]:
    """The orders that a vector's title names: 100 YES for 50, against 40 for 20 and 60 for 30."""
    yes, no = market.tokens
    mint, buys = vector["case"].startswith("MINT"), "taker BUY" in vector["case"]
    fees = vector["makerFees"]
    taker = (
        fill(A, Side.BUY, yes, 50 * ONE, 100 * ONE, vector["takerFee"])
        if buys
        else fill(A, Side.SELL, yes, 100 * ONE, 50 * ONE, vector["takerFee"])
    )
    maker_buys = mint or not buys
    makers = []
    for wallet, shares, cash, fee in ((B, 40 * ONE, 20 * ONE, fees[0]), (C, 60 * ONE, 30 * ONE, fees[1])):
        side = Side.BUY if maker_buys else Side.SELL
        making, taking = (cash, shares) if maker_buys else (shares, cash)
        makers.append(fill(wallet, side, no if mint else yes, making, taking, fee, number=2))
    return taker, (makers[0], makers[1])


def holdings(state: State, market: Market, wallet: str) -> dict[str, int]:
    ledger = POSITION_MANAGER if market.version == "v2" else CTF
    yes, no = (state.tokens(ledger, wallet, token) for token in market.tokens)
    return {"collateral": state.cash(P_USD, wallet), "YES": yes, "NO": no}


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["case"][:28] for vector in VECTORS])
def test_the_balance_flows_are_those_of_the_exchange_tests(vector: dict[str, Any], version: str) -> None:
    setting, market = ready(version)
    state = setting.chain.state
    before = [holdings(state, market, wallet) for wallet in (A, B, C)]
    taker, makers = orders(vector, market)
    setting.done(MatchOrders(exchange_of(market), Condition.of(market), taker, makers))
    for who, wallet, old in zip(("taker", "maker1", "maker2"), (A, B, C), before, strict=True):
        now = holdings(state, market, wallet)
        assert {key: now[key] - old[key] for key in old if now[key] != old[key]} == vector[who]
    assert state.cash(P_USD, FEE_RECEIVER) == vector["feeReceiver"]
    assert conservation.check(setting.chain) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("recorded", FILLS, ids=[f"{row['side']}-{row['fee']}" for row in FILLS])
def test_the_fee_of_a_recorded_fill_is_paid_on_top_or_out_of_the_proceeds(
    recorded: dict[str, Any], version: str
) -> None:
    setting, market = ready(version)
    yes = market.tokens[0]
    making, taking, fee = (int(recorded[key]) for key in ("maker_amount_filled", "taker_amount_filled", "fee"))
    buys = recorded["side"] == "BUY"
    taker = fill(A, Side.BUY if buys else Side.SELL, yes, making, taking, fee)
    maker = fill(B, Side.SELL if buys else Side.BUY, yes, taking, making, number=2)
    before = setting.chain.cash(A)
    setting.done(MatchOrders(exchange_of(market), Condition.of(market), taker, (maker,)))
    assert setting.chain.cash(A) - before == (-making - fee if buys else taking - fee)
    assert setting.chain.cash(FEE_RECEIVER) == fee


def matches(market: Market) -> list[MatchOrders]:
    """One match of every kind, with fees for everybody."""
    yes, no = market.tokens
    condition, exchange = Condition.of(market), exchange_of(market)
    buy, sell = Side.BUY, Side.SELL
    return [
        MatchOrders(
            exchange,
            condition,
            fill(A, buy, yes, 50, 100, 2),
            (fill(B, buy, no, 20, 40, 1), fill(C, sell, yes, 60, 30, 1)),
        ),
        MatchOrders(
            exchange,
            condition,
            fill(A, sell, yes, 100, 50, 2),
            (fill(B, sell, no, 40, 20, 1), fill(C, buy, yes, 30, 60, 1)),
        ),
        MatchOrders(exchange, condition, fill(A, buy, yes, 50, 100, 2), (fill(B, sell, yes, 100, 50, 1),)),
        MatchOrders(exchange, condition, fill(A, sell, yes, 100, 50, 2), (fill(B, buy, yes, 50, 100, 1),)),
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_grammar_of_a_match(version: str) -> None:
    """One OrderFilled per maker, the taker's directly before OrdersMatched, and FeeCharged adds up to the fees."""
    setting, market = ready(version)
    for match in matches(market):
        receipt = setting.run(match)
        assert receipt.reason == ""
        names = [log.topic0 for log in receipt.logs if log.address == match.exchange]
        assert names.count(ORDER_FILLED) == len(match.makers) + 1
        assert (ORDER_FILLED, ORDERS_MATCHED) in pairwise(log.topic0 for log in receipt.logs)
        filled = [log for log in receipt.logs if log.topic0 == ORDER_FILLED]
        assert [log.indexed[2] for log in filled] == [A] * len(match.makers) + [match.exchange]
        charged = sum(int(log.data, 16) for log in receipt.logs if log.topic0 == FEE_CHARGED)
        assert charged == 2 + len(match.makers) == sum(int(log.data[2 + 256 : 2 + 320], 16) for log in filled)


def test_improvement_goes_to_the_taker() -> None:
    """V2 tells what the order offered and gives the rest back; V3 tells what was spent. The taker pays the same."""
    for version, told in (("v1", 60), ("v2", 50)):
        setting, market = ready(version)
        before = setting.chain.cash(A)
        yes, no = market.tokens
        taker = fill(A, Side.BUY, yes, 60, 100, 3)
        match = MatchOrders(
            exchange_of(market), Condition.of(market), taker, (fill(B, Side.BUY, no, 50, 100, number=2),)
        )
        receipt = setting.run(match)
        assert receipt.reason == ""
        assert before - setting.chain.cash(A) == 53
        assert int(receipt.logs[-1].data[2 + 128 : 2 + 192], 16) == told
        assert conservation.check(setting.chain) == []


def test_a_third_exchange_settles_like_the_first() -> None:
    setting, market = ready("v1")
    match = matches(market)[0]
    third = MatchOrders("0xe2222d002000ba0053cef3375333610f64600036", match.condition, match.taker, match.makers)
    assert setting.run(third).status == 1
    assert (
        setting.run(MatchOrders(EXCHANGE_V3, match.condition, match.taker, match.makers)).reason == "MismatchedTokenIds"
    )
