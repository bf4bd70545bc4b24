"""Several acts of the wallet in one transaction, each with what is its own (E3, E4, E6)."""

from __future__ import annotations

from tieout.ledger.facts import Flow, PayoutRedeemed, PositionMigrated, PositionsConverted
from tieout.venue import topics
from tieout.venue.addresses import CTF, NEG_RISK_ADAPTER, P_USD, USDC_E, ZERO
from tieout.venue.tokens import ctf_tokens, neg_risk_tokens
from venue.test_chain import BOSONA, CONDITION, MODULE, NEG_ADAPTER, OTHER, log
from venue.test_chain_cash import ONRAMP, REDEEMER, flows, paid, receipt, wrapped

EVENTS = (0xAB << 8, 0xCD << 8)
NEW = (1 << 248) | (0xABC << 120) | (2 << 104)
CTF_ADAPTER = "0xada100db00ca00073811820692005400218fce1f"


def gone(to: str, *moves: tuple[str, int]) -> dict[str, object]:
    ids, amounts = [int(token) for token, _ in moves], [amount for _, amount in moves]
    size = len(ids)
    return log(CTF, topics.TRANSFER_BATCH, [to, BOSONA, to], [64, 96 + 32 * size, size, *ids, size, *amounts])


def come(source: str, token: str, amount: int) -> dict[str, object]:
    return log(CTF, topics.TRANSFER_SINGLE, [source, source, BOSONA], [int(token), amount])


def test_E6_conversions_of_two_events_and_a_gift_are_told_apart_by_their_ids() -> None:
    (first, second), adapter = EVENTS, NEG_ADAPTER
    no, other_no = neg_risk_tokens(first, 1)[1], neg_risk_tokens(second, 0)[1]
    yes, other_yes = neg_risk_tokens(first, 0)[0], neg_risk_tokens(second, 2)[0]
    found = receipt(
        gone(adapter, (no, 10)),
        log(NEG_RISK_ADAPTER, topics.NEG_CONVERTED, [adapter, first, 0b10], [10]),
        come(adapter, yes, 9),
        gone(adapter, (other_no, 10)),
        log(NEG_RISK_ADAPTER, topics.NEG_CONVERTED, [adapter, second, 0b1], [10]),
        come(adapter, other_yes, 10),
        come(OTHER, "77", 5),
    )
    assert found.problems == []
    conversions = [fact for fact in found.facts if isinstance(fact, PositionsConverted)]
    assert [(each.burned, each.minted, each.collateral) for each in conversions] == [
        (((no, 10),), ((yes, 9),), 0),
        (((other_no, 10),), ((other_yes, 10),), 0),
    ]


def test_E6_all_questions_converted_bring_money_alone_less_the_fee() -> None:
    market, adapter = EVENTS[0], NEG_ADAPTER
    burned = [(neg_risk_tokens(market, index)[1], 100) for index in range(3)]
    found = receipt(
        paid(P_USD, OTHER, BOSONA, 6),
        gone(adapter, *burned),
        log(NEG_RISK_ADAPTER, topics.NEG_CONVERTED, [adapter, market, 0b111], [100]),
        paid(P_USD, ZERO, BOSONA, 198),
        wrapped(adapter, BOSONA, 198),
    )
    (fact,) = [each for each in found.facts if isinstance(each, PositionsConverted)]
    assert (fact.burned, fact.minted, fact.collateral) == (tuple(sorted(burned)), (), 198)
    assert flows(found) == [(Flow.DEPOSIT, 6, 0)]


def test_E6_both_outcomes_migrated_in_the_same_amount_keep_their_own_tokens() -> None:
    """The module merges the pairs on the CTF: that log names the condition, and with it the outcomes."""
    yes, no = ctf_tokens(CONDITION, USDC_E)
    found = receipt(
        gone(MODULE, (no, 5), (yes, 5)),
        log(CTF, topics.CTF_MERGE, [MODULE, 0, CONDITION], [int(USDC_E, 16), 96, 5, 2, 1, 2]),
        log(MODULE, topics.PM_MIGRATED, [BOSONA, f"0x{NEW:064x}", NEW], [0, 5]),
        log(MODULE, topics.PM_MIGRATED, [BOSONA, f"0x{NEW:064x}", NEW | 1], [1, 5]),
    )
    migrated = [fact for fact in found.facts if isinstance(fact, PositionMigrated)]
    assert [(each.from_token_id, each.outcome_index) for each in migrated] == [(yes, 0), (no, 1)]


def test_E3_E4_a_redemption_takes_only_what_went_to_it() -> None:
    yes, no = ctf_tokens(CONDITION, USDC_E)
    redeemed = log(CTF_ADAPTER, topics.CTF_REDEMPTION, [BOSONA, USDC_E, 0], [CONDITION, 96, 6, 2, 1, 2])
    nothing = log(CTF_ADAPTER, topics.CTF_REDEMPTION, [BOSONA, USDC_E, 0], [CONDITION, 96, 0, 2, 1, 2])
    found = receipt(
        gone(OTHER, (yes, 2)),
        gone(CTF_ADAPTER, (yes, 4), (no, 4)),
        log(CTF_ADAPTER, topics.CTF_MERGE, [BOSONA, 0, CONDITION], [int(USDC_E, 16), 96, 4, 2, 1, 2]),
        gone(CTF_ADAPTER, (yes, 6), (no, 1)),
        redeemed,
        nothing,
    )
    assert [fact.amounts for fact in found.facts if isinstance(fact, PayoutRedeemed)] == [(6, 1), (0, 0)]


def test_E4_what_the_auto_redeemer_found_taken_already_is_not_taken_twice() -> None:
    ledger = "0x006f54f7f9a22e0000cc2ab60031000000ae9fef"
    found = receipt(
        log(ledger, topics.TRANSFER_SINGLE, [OTHER, BOSONA, MODULE], [NEW, 8]),
        log(MODULE, topics.PM_REDEEMED, [OTHER, NEW, BOSONA], [8, 8]),
        log(REDEEMER, topics.AUTO_REDEMPTION, [BOSONA, NEW], [0]),
    )
    assert [fact.shares for fact in found.facts if isinstance(fact, PayoutRedeemed)] == [8]


def test_E6_coins_wrapped_for_another_beside_a_merge_are_a_withdrawal() -> None:
    merge = log(CTF_ADAPTER, topics.CTF_MERGE, [BOSONA, 0, CONDITION], [int(USDC_E, 16), 96, 3, 2, 1, 2])
    found = receipt(
        paid(USDC_E, BOSONA, P_USD, 3),
        wrapped(ONRAMP, OTHER, 3),
        paid(P_USD, ZERO, BOSONA, 3),
        wrapped(CTF_ADAPTER, BOSONA, 3),
        merge,
    )
    assert flows(found) == [(Flow.WITHDRAWAL, -3, 0)]
