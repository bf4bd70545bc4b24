"""What the contracts refuse, each with its reason, and that nothing of it remains."""

from __future__ import annotations

import pytest

from sim.chain.setting import A, B, C, Setting, fill, storage
from tieout.sim.chain.calls import Call, Condition, Fill, MatchOrders, Split, TransferCash, TransferTokens
from tieout.sim.chain.places import CTF
from tieout.sim.contracts import exchange_of
from tieout.sim.model import Side

BUY, SELL = Side.BUY, Side.SELL
YES, NO = 0, 1
Order = tuple[str, Side, int, int, int, int]
"""(wallet, side, outcome, making, taking, fee)."""

SHORT, EXCESS, MISMATCH = "TooLittleTokensReceived", "ComplementaryFillExceedsTakerFill", "AssetAccountingMismatch"
SELLER, BUYER = (B, SELL, YES, 100, 50, 0), (B, BUY, YES, 50, 100, 0)
OTHER_BUYER, OTHER_SELLER = (B, BUY, NO, 50, 100, 0), (B, SELL, NO, 100, 50, 0)

MATCHES: list[tuple[Order, list[Order], str, str]] = [
    ((A, BUY, YES, 50, 100, 0), [SELLER], "", ""),
    ((A, SELL, YES, 100, 50, 0), [BUYER], "", ""),
    ((A, BUY, YES, 50, 100, 0), [OTHER_BUYER], "", ""),
    ((A, SELL, YES, 100, 50, 0), [OTHER_SELLER], "", ""),
    ((A, BUY, YES, 49, 98, 0), [SELLER], EXCESS, EXCESS),
    ((A, SELL, YES, 99, 49, 0), [BUYER], EXCESS, EXCESS),
    ((A, BUY, YES, 50, 101, 0), [SELLER], SHORT, MISMATCH),
    ((A, SELL, YES, 100, 51, 0), [BUYER], SHORT, MISMATCH),
    ((A, BUY, YES, 50, 101, 0), [OTHER_BUYER], SHORT, MISMATCH),
    ((A, SELL, YES, 100, 51, 0), [OTHER_SELLER], SHORT, MISMATCH),
    ((A, SELL, YES, 100, 49, 0), [OTHER_SELLER], "", MISMATCH),
    ((A, BUY, YES, 49, 100, 0), [OTHER_BUYER], "InsufficientBalance", "InsufficientBalance"),
    ((A, BUY, YES, 5, 50, 0), [(B, BUY, NO, 60, 50, 0)], "", MISMATCH),
    ((A, SELL, YES, 101, 50, 0), [OTHER_SELLER], "", "TakerFillMismatch"),
    ((A, SELL, YES, 100, 50, 51), [OTHER_SELLER], "FeeExceedsProceeds", "FeeExceedsProceeds"),
    ((A, SELL, YES, 100, 50, 51), [BUYER], "FeeExceedsProceeds", "FeeExceedsProceeds"),
    ((A, BUY, YES, 50, 100, 0), [(B, SELL, YES, 100, 50, 51)], "FeeExceedsProceeds", "FeeExceedsProceeds"),
    ((A, BUY, YES, 50, 100, 0), [(B, BUY, YES, 50, 100, 0)], "MismatchedTokenIds", "MismatchedTokenIds"),
    ((A, BUY, YES, 50, 100, 0), [(B, SELL, NO, 100, 50, 0)], "MismatchedTokenIds", "MismatchedTokenIds"),
    ((A, BUY, YES, 50, 100, 0), [], "NoMakerOrders", "NoMakerOrders"),
]


def ready(version: str) -> tuple[Setting, Condition, str, tuple[int, int]]:
    setting = Setting()
    market = setting.market(version=version)
    condition = Condition.of(market)
    setting.fund(A, B)
    setting.done(Split(A, condition, 1000, version), Split(B, condition, 1000, version))
    return setting, condition, exchange_of(market), market.tokens


def order(given: Order, tokens: tuple[int, int], number: int) -> Fill:
    wallet, side, outcome, making, taking, fee = given
    return fill(wallet, side, tokens[outcome], making, taking, fee, number)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("taker", "makers", "v2_exchange", "v3_exchange"), MATCHES)
def test_a_match_is_settled_or_refused(
    version: str, taker: Order, makers: list[Order], v2_exchange: str, v3_exchange: str
) -> None:
    setting, condition, exchange, tokens = ready(version)
    before = storage(setting.chain)
    fills = tuple(order(maker, tokens, 2 + place) for place, maker in enumerate(makers))
    receipt = setting.run(MatchOrders(exchange, condition, order(taker, tokens, 1), fills))
    assert receipt.reason == (v3_exchange if version == "v2" else v2_exchange)
    assert (storage(setting.chain) == before) is bool(receipt.reason)


def test_amounts_below_zero_are_refused_everywhere() -> None:
    setting, condition, _, _ = ready("v1")
    yes = condition.ctf_tokens[0]
    calls: list[Call] = [
        TransferCash(A, B, -1),
        TransferTokens(CTF, A, B, (yes,), (-1,)),
        TransferTokens(CTF, A, B, condition.ctf_tokens, (1, -1)),
        Split(A, condition, -1),
        Split(A, condition, -1, "v2"),
    ]
    before = storage(setting.chain)
    for call in calls:
        assert setting.run(call).status == 0, call
    assert storage(setting.chain) == before


def test_lists_of_unequal_length_and_unknown_exchanges_are_refused() -> None:
    setting, condition, _, tokens = ready("v1")
    assert setting.run(TransferTokens(CTF, A, B, tokens, (1,))).reason == "ArrayLengthsMismatch"
    taker, maker = fill(A, BUY, tokens[0], 5, 10), fill(B, SELL, tokens[0], 10, 5)
    assert setting.run(MatchOrders(C, condition, taker, (maker,))).reason == "no such exchange"
