"""Two recorded receipts of mainnet, log for log: address, topics and data.

Not compared: Polygon's own fee log (0x...1010) at the end of one of them. Set by the test, because a transaction cannot
know them: the allowances whose rest two Approval logs of the mint tell.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from sim.chain.setting import Setting, condition_of, shown
from support.shared import SHARED
from tieout.sim.chain import conservation
from tieout.sim.chain.calls import Approve, Deposit, Fill, MatchOrders, PrepareCondition, Split, TransferTokens
from tieout.sim.chain.places import CTF, CTF_EXCHANGE, EXCHANGE_CTF_ADAPTER, P_USD, USDC_E, VAULT
from tieout.sim.chain.state import ALLOWANCE
from tieout.sim.model import Side
from tieout.venue.topics import APPROVAL, CTF_MERGE, CTF_SPLIT, ORDER_FILLED

MINT = "0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1"
MERGE = "0x2c76e733a2633f69306250462d4c7dae512df3314340d2cc8248517d8be85482"
POLYGON = "0x0000000000000000000000000000000000001010"
GIVER = "0x" + "77" * 20


def recorded(name: str) -> list[dict[str, Any]]:
    logs: list[dict[str, Any]] = json.loads((SHARED / f"real/receipts/{name}.json").read_bytes())["logs"]
    return [log for log in logs if log["address"] != POLYGON]


def address(topic: str) -> str:
    return "0x" + topic[-40:]


def fills(logs: list[dict[str, Any]]) -> list[Fill]:
    """The orders of a match from its OrderFilled logs; the last is the taker's."""
    found = []
    for log in logs:
        if log["topics"][0] == ORDER_FILLED:
            words = [log["data"][2 + 64 * place : 66 + 64 * place] for place in range(7)]
            side, token, making, taking, fee = (int(word, 16) for word in words[:5])
            found.append(
                Fill(
                    log["topics"][1],
                    address(log["topics"][2]),
                    Side(side),
                    token,
                    making,
                    taking,
                    fee,
                    "0x" + words[5],
                    "0x" + words[6],
                )
            )
    return found


def set_up(setting: Setting, logs: list[dict[str, Any]]) -> MatchOrders:
    """The wallets of the match with what they need, and the match."""
    (set_log,) = [log for log in logs if log["topics"][0] in (CTF_SPLIT, CTF_MERGE)]
    condition = condition_of(set_log["topics"][3])
    *makers, taker = fills(logs)
    setting.mine(PrepareCondition(condition), Deposit(GIVER, 10**9), Approve(GIVER), Split(GIVER, condition, 10**8))
    for order in (*makers, taker):
        if order.side is Side.BUY:
            setting.chain.submit(Deposit(order.wallet, order.making + order.fee))
        else:
            setting.chain.submit(TransferTokens(CTF, GIVER, order.wallet, (order.token,), (order.making,)))
        setting.chain.submit(Approve(order.wallet))
    setting.done()
    for log in logs:
        if log["topics"][0] == APPROVAL and log["address"] == USDC_E:
            owner, spender = map(address, log["topics"][1:])
            spent = next(order.taking for order in makers)
            setting.chain.state.put((ALLOWANCE, USDC_E, owner, spender), int(log["data"], 16) + spent)
    return MatchOrders(CTF_EXCHANGE, condition, taker, tuple(makers))


@pytest.mark.parametrize("name", [MINT, MERGE])
def test_the_match_of_a_recorded_receipt_writes_its_logs(name: str) -> None:
    logs = recorded(name)
    setting = Setting()
    match = set_up(setting, logs)
    receipt = setting.run(match)
    assert receipt.reason == ""
    assert shown(receipt.logs) == [(log["address"], log["topics"], log["data"]) for log in logs]
    assert conservation.check(setting.chain) == []


def test_every_wallet_of_the_recorded_mint_is_empty_handed_but_for_what_it_bought() -> None:
    setting = Setting()
    match = set_up(setting, recorded(MINT))
    setting.done(match)
    for order in (match.taker, *match.makers):
        assert setting.chain.cash(order.wallet) == 0
        assert setting.chain.tokens(CTF, order.wallet, order.token) == 21_000_000
    assert setting.chain.cash(match.fee_receiver) == 367_500


def test_the_allowances_set_by_the_test_are_those_two() -> None:
    rests = [log for log in recorded(MINT) if log["topics"][0] == APPROVAL]
    parties = [(address(log["topics"][1]), address(log["topics"][2])) for log in rests]
    assert parties == [(VAULT, P_USD), (EXCHANGE_CTF_ADAPTER, CTF)]
