"""What a receipt leaves of the wallet's money, once its other facts are taken off (E6, C2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tieout.ledger.facts import CashFlowed, CollateralMoved, Flow, PayoutRedeemed
from tieout.venue import topics
from tieout.venue.addresses import CTF, P_USD, USDC_E, ZERO
from tieout.venue.chain_cash import caused
from tieout.venue.chain_window import decode_window
from tieout.venue.decode import Decoded, Identity, decode
from tieout.venue.tokens import ctf_tokens
from venue.test_chain import BLOCK, BOSONA, CONDITION, EXCHANGE, OTHER, OURS, REWARDS, TX, log

REDEEMER = "0xa1200000d0002264c9a1698e001292d00e1b00af"
ONRAMP = "0x93070a847efef7f70739046a929d47a521f5b8ee"


def receipt(*logs: dict[str, Any], **fields: Any) -> Decoded:
    placed = [{**each, "logIndex": hex(place)} for place, each in enumerate(logs)]
    return decode(json.dumps({"transactionHash": TX, "blockHash": BLOCK, "logs": placed, **fields}).encode(), OURS)


def flows(found: Decoded) -> list[tuple[Flow, int, int]]:
    """(what, micro-units, micro-units turned) of each flow; with them the transfers add up."""
    assert found.problems == []
    moved = sum(fact.amount for fact in found.facts if isinstance(fact, CollateralMoved))
    assert caused(found.facts) == moved
    return [(fact.flow, fact.amount, fact.turned) for fact in found.facts if isinstance(fact, CashFlowed)]


def paid(coin: str, source: str, target: str, amount: int) -> dict[str, Any]:
    return log(coin, topics.TRANSFER, [source, target], [amount])


def wrapped(caller: str, target: str, amount: int) -> dict[str, Any]:
    return log(P_USD, topics.WRAPPED, [caller, USDC_E, target], [amount])


def unwrapped(caller: str, target: str, amount: int) -> dict[str, Any]:
    return log(P_USD, topics.UNWRAPPED, [caller, USDC_E, target], [amount])


def test_E6_a_transfer_alone_is_a_deposit_or_a_withdrawal() -> None:
    assert flows(receipt(paid(P_USD, OTHER, BOSONA, 7))) == [(Flow.DEPOSIT, 7, 0)]
    assert flows(receipt(paid(P_USD, BOSONA, OTHER, 7))) == [(Flow.WITHDRAWAL, -7, 0)]
    assert flows(receipt(paid(USDC_E, OTHER, BOSONA, 7), paid(P_USD, BOSONA, OTHER, 3))) == [(Flow.DEPOSIT, 4, 0)]
    assert flows(receipt(paid(P_USD, BOSONA, BOSONA, 7))) == []


def test_E6_a_wrap_of_the_wallets_own_coins_changes_nothing() -> None:
    own = receipt(paid(USDC_E, BOSONA, P_USD, 5), paid(P_USD, ZERO, BOSONA, 5), wrapped(ONRAMP, BOSONA, 5))
    assert flows(own) == [(Flow.WRAP, 0, 5)]
    back = receipt(paid(P_USD, BOSONA, P_USD, 5), paid(USDC_E, OTHER, BOSONA, 5), unwrapped(ONRAMP, BOSONA, 5))
    assert flows(back) == [(Flow.UNWRAP, 0, 5)]


def test_E6_coins_of_somebody_else_turned_for_the_wallet_are_a_deposit() -> None:
    assert flows(receipt(paid(P_USD, ZERO, BOSONA, 5), wrapped(ONRAMP, BOSONA, 5))) == [(Flow.DEPOSIT, 5, 0)]
    assert flows(receipt(paid(USDC_E, OTHER, BOSONA, 5), unwrapped(OTHER, BOSONA, 5))) == [(Flow.DEPOSIT, 5, 0)]
    both = receipt(paid(USDC_E, BOSONA, P_USD, 2), paid(P_USD, ZERO, BOSONA, 5), wrapped(ONRAMP, BOSONA, 5))
    assert flows(both) == [(Flow.WRAP, 0, 2), (Flow.DEPOSIT, 3, 0)]


def test_E6_own_coins_turned_for_somebody_else_are_a_withdrawal() -> None:
    assert flows(receipt(paid(P_USD, BOSONA, P_USD, 5), unwrapped(BOSONA, OTHER, 5))) == [(Flow.WITHDRAWAL, -5, 0)]


def test_S5_a_reward_accounts_for_its_own_transfer() -> None:
    rewarded = receipt(paid(P_USD, REWARDS, BOSONA, 5), log(REWARDS, topics.DISTRIBUTED_REWARDS, [BOSONA], [5]))
    assert flows(rewarded) == [(Flow.REWARD, 5, 0)]


def test_E3_what_somebody_else_paid_for_is_a_deposit_without_a_transfer() -> None:
    """The wallet is named as the stakeholder of a split, and the collateral was another one's."""
    split = log(CTF, topics.CTF_SPLIT, [BOSONA, 0, CONDITION], [int(USDC_E, 16), 96, 9, 2, 1, 2])
    assert flows(receipt(paid(USDC_E, OTHER, CTF, 9), split)) == [(Flow.DEPOSIT, 9, 0)]


def test_a_receipt_taken_back_takes_its_flows_back() -> None:
    at = {"blockNumber": "0x64", "transactionHash": TX, "blockHash": BLOCK, "blockTimestamp": "0x6aa91ffd"}
    logs = [paid(P_USD, OTHER, BOSONA, 7)]
    body = {"version": 3, "removed": True, "receipt": {**at, "logs": logs}}
    found = decode(json.dumps(body).encode(), OURS)
    assert found.kind == "chain_version"
    assert {(fact.version, fact.removed) for fact in found.facts} == {(3, True)}  # type: ignore[union-attr]
    assert len(found.facts) == 2


@pytest.mark.parametrize("neg_risk", [False, True])
def test_E4_what_the_auto_redeemer_took_is_told_by_the_transfers_beside_its_event(neg_risk: bool) -> None:
    collateral = "0x3a3bd7bb9528e159577f7c2e685cc81a765002e2" if neg_risk else USDC_E
    yes, no = (int(token) for token in ctf_tokens(CONDITION, collateral))
    topic = topics.AUTO_NEG_REDEMPTION if neg_risk else topics.AUTO_BINARY_REDEMPTION
    found = receipt(
        log(CTF, topics.TRANSFER_BATCH, [REDEEMER, BOSONA, REDEEMER], [64, 160, 2, yes, no, 2, 30, 4]),
        paid(P_USD, ZERO, BOSONA, 30),
        wrapped(REDEEMER, BOSONA, 30),
        log(REDEEMER, topic, [BOSONA, CONDITION], [30]),
    )
    (fact,) = [each for each in found.facts if isinstance(each, PayoutRedeemed)]
    assert (fact.condition_id, fact.amounts, fact.payout, fact.ledger) == (CONDITION, (30, 4), 30, "ctf")
    assert flows(found) == []
    assert found.unknown == []


def test_E4_the_auto_redeemer_on_the_newer_ledger() -> None:
    token = (1 << 248) | (0xABC << 120) | (2 << 104)
    ledger = "0x006f54f7f9a22e0000cc2ab60031000000ae9fef"
    found = receipt(
        log(ledger, topics.TRANSFER_SINGLE, [REDEEMER, BOSONA, REDEEMER], [token, 8]),
        paid(P_USD, REDEEMER, BOSONA, 8),
        log(REDEEMER, topics.AUTO_REDEMPTION, [BOSONA, token], [8]),
        log(REDEEMER, topics.AUTO_REDEMPTION, [BOSONA, token | 1], [0]),
    )
    (fact,) = [each for each in found.facts if isinstance(each, PayoutRedeemed)]
    assert (fact.token_id, fact.shares, fact.payout, fact.ledger) == (str(token), 8, 8, "pm")
    assert flows(found) == []


def test_E4_a_redeemer_that_is_none_is_not_believed() -> None:
    fake = log(OTHER, topics.AUTO_BINARY_REDEMPTION, [BOSONA, CONDITION], [30])
    assert not any(isinstance(fact, PayoutRedeemed) for fact in receipt(fake).facts)


ORDER = "0x" + "0d" * 32
BOUGHT = (
    log(EXCHANGE, topics.ORDER_FILLED, [ORDER, BOSONA, OTHER], [0, 77, 40, 100, 1, 0, 0]),
    log(CTF, topics.TRANSFER_SINGLE, [EXCHANGE, OTHER, BOSONA], [77, 100]),
    paid(P_USD, BOSONA, EXCHANGE, 41),
)


def window(*lists: list[dict[str, Any]]) -> bytes:
    """One batch: each log somewhere in the lists, with its place in the block."""
    return json.dumps([{"jsonrpc": "2.0", "id": n, "result": logs} for n, logs in enumerate(lists)]).encode()


def at(place: int, each: dict[str, Any], tx: str = TX) -> dict[str, Any]:
    return {**each, "logIndex": hex(place), "transactionHash": tx}


def test_T2_in_a_window_fills_alone_are_booked_and_the_others_are_asked_for() -> None:
    other = "0x" + "ab" * 32
    filled, tokens, money = (at(place, each) for place, each in enumerate(BOUGHT))
    given = at(3, log(CTF, topics.TRANSFER_SINGLE, [OTHER, OTHER, BOSONA], [78, 5]), other)
    body = window([filled], [tokens, given], [money, money])
    found = decode(body, OURS, "chain_window")
    assert sorted(type(fact).__name__ for fact in found.facts) == [
        "CollateralMoved",
        "OrderFilledOnChain",
        "TokenMoved",
    ]
    out = Decoded("chain_window")
    assert [each.tx_hash for each in decode_window(json.loads(body), OURS, out).unexplained] == [other]
    assert out.facts == found.facts


@pytest.mark.parametrize("missing", range(3))
def test_a_fill_that_its_logs_do_not_account_for_waits_for_its_receipt(missing: int) -> None:
    kept = [at(place, each) for place, each in enumerate(BOUGHT) if place != missing]
    out = Decoded("chain_window")
    assert [each.tx_hash for each in decode_window(json.loads(window(kept)), OURS, out).unexplained] == [TX]
    assert out.facts == []


def test_a_batch_with_an_error_says_nothing() -> None:
    logs = [at(place, each) for place, each in enumerate(BOUGHT)]
    body = json.dumps([{"id": 1, "result": logs}, {"id": 2, "error": {"code": -32005, "message": "too many"}}])
    assert decode(body.encode(), Identity(BOSONA, frozenset()), "chain_window").facts == []
