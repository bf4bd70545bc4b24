"""Receipts and logs: recorded transactions, and each event built word by word (polymarket.md 6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_hash.auto import keccak

from tieout.ledger.facts import (
    CashFlowed,
    CollateralMoved,
    ConditionResolved,
    Flow,
    OrderFilledOnChain,
    OutcomeTokenListed,
    PayoutRedeemed,
    PositionMigrated,
    PositionsConverted,
    PositionsMerged,
    PositionSplit,
    Role,
    Side,
    TokenMoved,
)
from tieout.venue import topics
from tieout.venue.addresses import CONTRACTS, CTF, P_USD, POSITION_MANAGER, USDC_E, WRAPPED_COLLATERAL
from tieout.venue.decode import Decoded, Identity, decode
from tieout.venue.tokens import ctf_tokens

BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
OURS = Identity(BOSONA, frozenset())
OTHER = "0x" + "22" * 20
EXCHANGE = "0xe111180000d2663c0091e4f400237545b87b996b"
V1 = "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e"
NEG = "0xd91e80cf2e7be2e162c6513ced06f1dd0da35296"
NEG_ADAPTER = "0xada2005600dec949baf300f4c6120000bdb6eaab"
MODULE = "0x1000008dd9001b968442c1000017eae6e0da00ba"
REWARDS = "0xdd8db71ce3be8d71ff148b2163d64da181a29e8b"
CONDITION = "0x" + "c0" * 32
TX, BLOCK = "0x" + "aa" * 32, "0x" + "bb" * 32
PLACE: dict[str, Any] = {
    "occurred_at_ms": 1_789_468_669_000, "tx_hash": TX, "log_index": 7, "block": 100, "block_hash": BLOCK,
}  # fmt: skip

Raw = Callable[[str], bytes]
Load = Callable[[str], Any]


def word(value: int | str) -> str:
    """One 32-byte word without 0x; text is hex."""
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def log(address: str, topic: str, indexed: list[int | str], data: list[int | str], **fields: Any) -> dict[str, Any]:
    """One log of eth_getLogs."""
    return {
        "address": address,
        "topics": [topic, *(f"0x{word(value)}" for value in indexed)],
        "data": "0x" + "".join(word(value) for value in data),
        "blockNumber": "0x64",
        "transactionHash": TX,
        "blockHash": BLOCK,
        "blockTimestamp": "0x6aa91ffd",
        "logIndex": "0x7",
        "removed": False,
        **fields,
    }


def run(*logs: dict[str, Any]) -> Decoded:
    """Decodes a lone log, or several as a list."""
    return decode(json.dumps(logs[0] if len(logs) == 1 else logs).encode(), OURS)


def own(found: Decoded) -> list[Any]:
    """The facts but the listings."""
    return [fact for fact in found.facts if not isinstance(fact, OutcomeTokenListed)]


def test_every_topic_is_the_hash_of_its_signature() -> None:
    for name, signature in topics.SIGNATURES.items():
        assert getattr(topics, name) == "0x" + keccak(signature.encode()).hex(), signature
    gas = "LogFeeTransfer(address,address,address,uint256,uint256,uint256,uint256,uint256)"
    assert "0x" + keccak(gas.encode()).hex() == topics.POLYGON_FEE_TRANSFER
    assert len({contract.address for contract in CONTRACTS}) == len(CONTRACTS)
    assert all(contract.address == contract.address.lower() for contract in CONTRACTS)


def test_the_recorded_taker_receipt_is_21_shares_for_10_5_and_a_fee_of_0_3675(raw: Raw) -> None:
    name = "0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1"
    place: dict[str, Any] = {
        "occurred_at_ms": 1789468669000, "tx_hash": name, "block": 93842424,
        "block_hash": "0xf0c5a87a623d7a999f236b35f4cc82ed06cf680216eccaafcc07d8b4878cdb5a",
    }  # fmt: skip
    token = "14433856961248609606355258208411983787910610555175396865083542416428220765081"
    assert own(decode(raw(f"real/receipts/{name}.json"), OURS)) == [
        CollateralMoved(log_index=628, amount=-10_867_500, counterparty=EXCHANGE, contract=P_USD, **place),
        TokenMoved(
            log_index=644, token_id=token, shares=21_000_000, counterparty=EXCHANGE, contract=CTF, **place
        ),
        OrderFilledOnChain(
            log_index=645, order_id="0x50a191362345627c1137113cee4a186cfc50f5e21eb0cd21022bbc7f594e8e75",
            token_id=token, side=Side.BUY, shares=21_000_000, collateral=10_500_000, fee=367_500,
            role=Role.TAKER, exchange=EXCHANGE, **place,
        ),
    ]  # fmt: skip


def test_the_recorded_maker_receipt_is_2_shares_for_0_22_without_a_fee(raw: Raw) -> None:
    name = "0x2c76e733a2633f69306250462d4c7dae512df3314340d2cc8248517d8be85482"
    found = own(decode(raw(f"real/receipts/{name}.json"), OURS))
    assert found[2] == OrderFilledOnChain(
        occurred_at_ms=1789739781000, tx_hash=name, log_index=714, block=94023165,
        block_hash="0x1e6592676b9a895bd3cd1308a4eaccc5ec725db81eade0b01da87782f2c72cd4",
        order_id="0x254b4a5138bd0e99593f7d81fcd74c5ceeffcc66f53d4c996145df8526d2ee62",
        token_id="57029113676402003685641623665532721625077606461161904167484958380864180029422",
        side=Side.BUY, shares=2_000_000, collateral=220_000, fee=0, role=Role.MAKER, exchange=EXCHANGE,
    )  # fmt: skip
    assert [type(fact) for fact in found] == [CollateralMoved, TokenMoved, OrderFilledOnChain]


def test_a_receipt_says_the_same_as_its_logs_and_as_an_rpc_answer(load: Load) -> None:
    receipt = load("real/receipts/0x2c76e733a2633f69306250462d4c7dae512df3314340d2cc8248517d8be85482.json")
    whole = decode(json.dumps(receipt).encode(), OURS)
    for shape in (receipt["logs"], {"result": receipt}, {"jsonrpc": "2.0", "id": 1, "result": receipt["logs"]}):
        assert decode(json.dumps(shape).encode(), OURS).facts == whole.facts
    fills = [row for row in receipt["logs"] if row["logIndex"] == "0x2ca"]
    assert decode(json.dumps(fills[0]).encode(), OURS).facts == [own(whole)[2]]


def test_a_flat_event_of_an_indexer_is_a_fill(raw: Raw) -> None:
    maker = Identity("0x6e0c80c90ea6c15917308f820eac91ce2724b5b5", frozenset())
    assert decode(raw("samples/chain_order_filled_v2_event.json"), maker).facts == [
        OrderFilledOnChain(
            occurred_at_ms=1775220779000, log_index=255, block=85050371,
            tx_hash="0x5a829009714d1e2b8e17383078b18f64ef195da5ccd056107ecf01c5a4737ed1",
            order_id="0xe6fb5cb4d88c728f34ebc10ba8a641fc646a1baf99e74d89192614973c1af784",
            token_id="102936224134271070189104847090829839924697394514566827387181305960175107677216",
            side=Side.BUY, shares=5_000_000, collateral=2_500_000, fee=0, role=Role.MAKER, exchange=EXCHANGE,
        )
    ]  # fmt: skip


def test_a_sale_on_chain_is_shares_out_and_collateral_before_the_fee() -> None:
    filled = log(EXCHANGE, topics.ORDER_FILLED, [5, BOSONA, EXCHANGE], [1, 77, 5_000_000, 1_550_000, 53_470, 0, 0])
    assert run(filled).facts == [
        OrderFilledOnChain(
            order_id=f"0x{5:064x}", token_id="77", side=Side.SELL, shares=5_000_000, collateral=1_550_000,
            fee=53_470, role=Role.TAKER, exchange=EXCHANGE, **PLACE,
        )
    ]  # fmt: skip


def test_a_v1_purchase_paid_its_fee_in_shares_and_a_v1_sale_in_collateral() -> None:
    buy = log(V1, topics.ORDER_FILLED_V1, [5, BOSONA, OTHER], [0, 77, 500_000, 1_000_000, 10_000])
    sell = log(V1, topics.ORDER_FILLED_V1, [6, BOSONA, V1], [77, 0, 1_000_000, 500_000, 5_000])
    (bought,), (sold,) = run(buy).facts, run(sell).facts
    assert isinstance(bought, OrderFilledOnChain)
    assert isinstance(sold, OrderFilledOnChain)
    assert (bought.side, bought.shares, bought.collateral, bought.fee, bought.role) == (
        Side.BUY, 990_000, 500_000, 0, Role.MAKER,
    )  # fmt: skip
    assert (sold.side, sold.shares, sold.collateral, sold.fee, sold.role) == (
        Side.SELL, 1_000_000, 500_000, 5_000, Role.TAKER,
    )  # fmt: skip


def test_transfers_are_signed_and_a_transfer_to_oneself_is_nothing() -> None:
    out = log(CTF, topics.TRANSFER_SINGLE, [OTHER, BOSONA, OTHER], [77, 3])
    assert run(out).facts == [TokenMoved(token_id="77", shares=-3, counterparty=OTHER, contract=CTF, **PLACE)]
    same = run(log(CTF, topics.TRANSFER_SINGLE, [OTHER, BOSONA, BOSONA], [77, 3]))
    assert (same.facts, same.problems) == ([], [])
    batch = log(POSITION_MANAGER, topics.TRANSFER_BATCH, [OTHER, OTHER, BOSONA], [64, 160, 2, 77, 88, 2, 4, 5])
    assert run(batch).facts == [
        TokenMoved(token_id="77", shares=4, sub_index=0, counterparty=OTHER, contract=POSITION_MANAGER, **PLACE),
        TokenMoved(token_id="88", shares=5, sub_index=1, counterparty=OTHER, contract=POSITION_MANAGER, **PLACE),
    ]
    paid = log(USDC_E, topics.TRANSFER, [BOSONA, OTHER], [9])
    assert run(paid).facts == [CollateralMoved(amount=-9, counterparty=OTHER, contract=USDC_E, **PLACE)]


def test_only_known_contracts_may_speak_of_the_wallet() -> None:
    fake = run(log(OTHER, topics.ORDER_FILLED, [5, BOSONA, OTHER], [0, 77, 1, 1, 0, 0, 0]))
    assert (fake.facts, [problem.code for problem in fake.problems]) == ([], ["unsupported"])
    spam = run(log(OTHER, topics.TRANSFER_SINGLE, [OTHER, OTHER, BOSONA], [77, 3]))
    assert (spam.facts, spam.unknown) == ([], [f"contract:{OTHER}"])


def test_a_lone_foreign_log_is_told_and_in_a_receipt_it_is_silent() -> None:
    foreign = log(CTF, topics.TRANSFER_SINGLE, [OTHER, OTHER, OTHER[:-1] + "3"], [77, 3])
    assert [problem.code for problem in run(foreign).problems] == ["foreign"]
    quiet = decode(json.dumps({"logs": [foreign]}).encode(), OURS)
    assert (quiet.facts, quiet.problems) == ([], [])
    unknown = run(log(CTF, "0x" + "de" * 32, [], []))
    assert (unknown.problems, unknown.unknown) == ([], ["topic:0x" + "de" * 32])


def test_a_removed_log_is_the_same_identity_with_a_higher_version() -> None:
    (fact,) = run(log(CTF, topics.TRANSFER_SINGLE, [OTHER, BOSONA, OTHER], [77, 3], removed=True)).facts
    assert isinstance(fact, TokenMoved)
    assert (fact.removed, fact.version, fact.log_index) == (True, 1, 7)


def test_a_log_without_a_time_asks_for_it_and_takes_it_from_its_receipt() -> None:
    bare = log(CTF, topics.TRANSFER_SINGLE, [OTHER, BOSONA, OTHER], [77, 3])
    del bare["blockTimestamp"]
    (problem,) = run(bare).problems
    assert problem.message == "log has no blockTimestamp; ask the node for it or give logs with it"
    (fact,) = decode(json.dumps({"logs": [bare], "blockTimestamp": "0x6aa91ffd"}).encode(), OURS).facts
    assert fact.occurred_at_ms == 1_789_468_669_000


def test_words_of_the_wrong_number_are_undecodable() -> None:
    short = log(EXCHANGE, topics.ORDER_FILLED, [5, BOSONA, EXCHANGE], [0, 77, 5])
    assert [p.message for p in run(short).problems] == ["data: expected 7 words of 32 bytes, was 96 bytes"]
    few = log(EXCHANGE, topics.ORDER_FILLED, [5, BOSONA], [0, 77, 5, 1, 0, 0, 0])
    assert [p.message for p in run(few).problems] == ["topics: expected 4, was 3"]


@pytest.mark.parametrize(
    ("address", "collateral", "backing"),
    [(CTF, USDC_E, USDC_E), (CTF, WRAPPED_COLLATERAL, WRAPPED_COLLATERAL), (NEG_ADAPTER, P_USD, WRAPPED_COLLATERAL)],
)
def test_ctf_split_merge_and_redemption_of_the_wallet_list_both_tokens(
    address: str, collateral: str, backing: str
) -> None:
    tokens = ctf_tokens(CONDITION, backing)
    listed = [
        OutcomeTokenListed(token_id=token, condition_id=CONDITION, outcome_index=place)
        for place, token in enumerate(tokens)
    ]
    data: list[int | str] = [collateral, 96, 5_000_000, 2, 1, 2]
    split = run(log(address, topics.CTF_SPLIT, [BOSONA, 0, CONDITION], data))
    merge = run(log(address, topics.CTF_MERGE, [BOSONA, 0, CONDITION], data))
    redeem = run(log(address, topics.CTF_REDEMPTION, [BOSONA, collateral, 0], [CONDITION, 96, 7, 2, 1, 2]))
    common: dict[str, Any] = {"condition_id": CONDITION, "ledger": "ctf", **PLACE}
    assert split.facts == [PositionSplit(amount=5_000_000, **common), *listed]
    assert merge.facts == [PositionsMerged(amount=5_000_000, **common), *listed]
    assert redeem.facts == [PayoutRedeemed(payout=7, **common), *listed]


def test_a_partition_that_is_no_full_set_is_refused() -> None:
    odd = run(log(CTF, topics.CTF_SPLIT, [BOSONA, 0, CONDITION], [USDC_E, 96, 5, 2, 1, 4]))
    assert (odd.facts, [p.code for p in odd.problems]) == ([], ["undecodable"])


def test_neg_risk_adapter_events_of_the_wallet() -> None:
    common: dict[str, Any] = {"condition_id": CONDITION, "ledger": "ctf", **PLACE}
    assert own(run(log(NEG, topics.NEG_SPLIT, [BOSONA, CONDITION], [5]))) == [PositionSplit(amount=5, **common)]
    assert own(run(log(NEG, topics.NEG_MERGE, [BOSONA, CONDITION], [5]))) == [PositionsMerged(amount=5, **common)]
    redeemed = run(log(NEG, topics.NEG_REDEMPTION, [BOSONA, CONDITION], [64, 9, 2, 9, 0]))
    assert own(redeemed) == [PayoutRedeemed(amounts=(9, 0), payout=9, **common)]


def test_a_conversion_takes_its_tokens_from_the_transfers_of_its_transaction() -> None:
    burn = log(CTF, topics.TRANSFER_BATCH, [NEG, BOSONA, NEG], [64, 160, 2, 11, 12, 2, 1_000_000, 1_000_000])
    mint = log(CTF, topics.TRANSFER_SINGLE, [NEG, NEG, BOSONA], [13, 1_000_000], logIndex="0x8")
    cash = log(USDC_E, topics.TRANSFER, [NEG, BOSONA], [990_000], logIndex="0x9")
    converted = log(NEG, topics.NEG_CONVERTED, [BOSONA, "0xfe", 0b011], [1_000_000], logIndex="0xa")
    expected = PositionsConverted(
        market_id=f"0x{0xFE:064x}", burned=(("11", 1_000_000), ("12", 1_000_000)), minted=(("13", 1_000_000),),
        collateral=990_000, **{**PLACE, "log_index": 10},
    )  # fmt: skip
    assert own(run(converted, burn, mint, cash))[-1] == expected
    without_cash = own(run(burn, mint, converted))[-1]
    assert isinstance(without_cash, PositionsConverted)
    assert without_cash.collateral == 1_000_000
    alone = run(converted)
    assert (alone.facts, [problem.code for problem in alone.problems]) == ([], ["unsupported"])


def test_a_conversion_through_a_collateral_adapter_is_ours_when_we_sent_it_the_tokens() -> None:
    burn = log(CTF, topics.TRANSFER_SINGLE, [NEG_ADAPTER, BOSONA, NEG_ADAPTER], [11, 5])
    mint = log(CTF, topics.TRANSFER_SINGLE, [NEG_ADAPTER, NEG_ADAPTER, BOSONA], [13, 5])
    converted = log(NEG, topics.NEG_CONVERTED, [NEG_ADAPTER, "0xfe", 1], [5])
    (fact,) = [fact for fact in run(burn, mint, converted).facts if isinstance(fact, PositionsConverted)]
    assert (fact.burned, fact.minted, fact.collateral) == ((("11", 5),), (("13", 5),), 0)
    assert not any(isinstance(fact, PositionsConverted) for fact in run(mint, converted).facts)


def test_protocol_v2_module_events_of_the_wallet() -> None:
    token = (1 << 248) | (0xABC << 120) | (2 << 104) | 1
    condition = f"0x{token - 1:064x}"
    common: dict[str, Any] = {"condition_id": condition, "ledger": "pm", **PLACE}
    split = log(MODULE, topics.PM_SPLIT, [OTHER, condition, BOSONA], [BOSONA, 5])
    assert run(split).facts == [
        PositionSplit(amount=5, **common),
        OutcomeTokenListed(token_id=str(token - 1), condition_id=condition, outcome_index=0, ledger="pm"),
        OutcomeTokenListed(token_id=str(token), condition_id=condition, outcome_index=1, ledger="pm"),
    ]
    merged = log(MODULE, topics.PM_MERGED, [OTHER, condition, BOSONA], [5])
    assert own(run(merged)) == [PositionsMerged(amount=5, **common)]
    redeemed = log(MODULE, topics.PM_REDEEMED, [OTHER, token, BOSONA], [5, 4])
    assert own(run(redeemed)) == [PayoutRedeemed(token_id=str(token), shares=5, payout=4, **common)]
    match = run(log(MODULE, topics.PM_SPLIT, [EXCHANGE, condition, BOSONA], [OTHER, 5]))
    assert match.facts == []


def test_a_migration_finds_its_old_token_in_the_transaction() -> None:
    token = (1 << 248) | (0xABC << 120) | (2 << 104) | 1
    migrated = log(MODULE, topics.PM_MIGRATED, [BOSONA, f"0x{token - 1:064x}", token], [1, 5])
    left = log(CTF, topics.TRANSFER_SINGLE, [MODULE, BOSONA, MODULE], [77, 5])
    (fact,) = [fact for fact in run(left, migrated).facts if isinstance(fact, PositionMigrated)]
    assert (fact.from_token_id, fact.to_token_id, fact.outcome_index, fact.amount) == ("77", str(token), 1, 5)
    (fact,) = [fact for fact in run(migrated).facts if isinstance(fact, PositionMigrated)]
    assert fact.from_token_id == ""


def test_resolutions_concern_everybody() -> None:
    ctf = run(log(CTF, topics.CONDITION_RESOLUTION, [CONDITION, OTHER, 9], [2, 64, 2, 0, 1]))
    assert ctf.facts == [ConditionResolved(condition_id=CONDITION, numerators=(0, 1), **PLACE)]
    module = run(log(MODULE, topics.PM_RESOLVED, [CONDITION], [32, 2, 1_000_000, 0]))
    assert own(module) == [ConditionResolved(condition_id=CONDITION, numerators=(1_000_000, 0), **PLACE)]


def test_a_reward_is_a_flow() -> None:
    assert run(log(REWARDS, topics.DISTRIBUTED_REWARDS, [BOSONA], [5])).facts == [
        CashFlowed(flow=Flow.REWARD, amount=5, **PLACE)
    ]
