"""Own fills from CLOB trades: rules 1 to 4 of polymarket.md 3.1, against recorded messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tieout.ledger.facts import FillObserved, Role, Side
from tieout.venue.decode import Decoded, Identity, decode

WALLET = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
KEY = "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe"
OURS = Identity(WALLET, frozenset((KEY,)))
YES = "21742633143463906290569050155826241533067272736897614950488156847949938836455"
NO = "48331043336612883890938759509493159234755048973500640148014422747788308965732"
CONDITION = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
ZERO = Identity("0x" + "0" * 40, frozenset(("000000000-0000-0000-0000-000000000000",)))

Load = Callable[[str], Any]
Raw = Callable[[str], bytes]


def fills(found: Decoded) -> list[FillObserved]:
    """The fills, after checking that nothing else went wrong."""
    assert found.problems == []
    return [fact for fact in found.facts if isinstance(fact, FillObserved)]


def changed(row: Any, **fields: Any) -> bytes:
    """The row with other fields; None takes a field away."""
    return json.dumps({key: value for key, value in {**row, **fields}.items() if value is not None}).encode()


def test_old_shape_without_side_on_the_takers_token_is_the_opposite_side(raw: Raw) -> None:
    assert fills(decode(raw("samples/ws_user_trade_capture_1.json"), OURS)) == [
        FillObserved(
            occurred_at_ms=1725868859000,
            trade_id="83b5c849-620e-4c23-b63b-2e779c04a6e7",
            order_id="0xab679e56242324e15e59cfd488cd0f12e4fd71b153b9bfb57518898b9983145e",
            token_id=YES,
            condition_id=CONDITION,
            side=Side.SELL,
            shares=5_000_000,
            collateral=2_590_000,
            fee=0,
            role=Role.MAKER,
            status="MINED",
            tx_hash="0x876310b8e67cacf110abdd4106438968c55f2cce795c13c3c7a0896fc4af730d",
        )
    ]


def test_old_shape_without_side_on_the_other_token_is_the_takers_side(raw: Raw) -> None:
    minter = Identity("0xffd192468b7a05b38c37c82d09fa941289faeb23", frozenset())
    (fill,) = fills(decode(raw("samples/ws_user_trade_capture_1.json"), minter))
    assert (fill.side, fill.token_id, fill.shares, fill.collateral) == (Side.BUY, NO, 10_000_000, 4_820_000)


def test_taker_event_gives_the_top_level_with_an_unknown_fee(raw: Raw) -> None:
    assert fills(decode(raw("samples/ws_user_trade_capture_2.json"), OURS)) == [
        FillObserved(
            occurred_at_ms=1725958681000,
            trade_id="f50e8ab2-652d-4dc8-9c82-8e46197fe98d",
            order_id="0x5b605a0e8e40f3402d3cb3bc19edad6733ed23fbc079d2a09ee399c3487ace81",
            token_id=YES,
            condition_id=CONDITION,
            side=Side.BUY,
            shares=5_000_000,
            collateral=2_600_000,
            fee=None,
            role=Role.TAKER,
            status="MATCHED",
            tx_hash="0xa667ef3b363b70731c59e3d4fff50d7bdb3d6b165d49e448032cab68c82e3c66",
        )
    ]


def test_cross_outcome_maker_fill_uses_our_own_price_token_and_side(raw: Raw) -> None:
    (fill,) = fills(decode(raw("samples/ws_user_trade_capture_3.json"), OURS))
    assert (fill.side, fill.token_id, fill.shares, fill.collateral) == (Side.BUY, YES, 5_000_000, 2_565_000)
    assert (fill.role, fill.fee, fill.status, fill.occurred_at_ms) == (Role.MAKER, 0, "CONFIRMED", 1762776367000)


def test_several_own_maker_orders_in_one_trade_are_several_fills(raw: Raw) -> None:
    found = fills(decode(raw("samples/ws_user_trade_capture_4.json"), OURS))
    assert [(fill.order_id[:6], fill.shares, fill.collateral) for fill in found] == [
        ("0x3ad0", 5_000_000, 2_000_000),
        ("0x67b5", 5_000_000, 1_500_000),
    ]
    assert len({fill.trade_id for fill in found}) == 1


def test_partitioned_fill_of_a_zero_identity_is_the_taker_leg_and_no_maker_leg(raw: Raw) -> None:
    (fill,) = fills(decode(raw("real/user-channel/test_trade_info_partitioned_maker_fill.json"), ZERO))
    assert (fill.role, fill.side, fill.shares, fill.collateral, fill.fee) == (
        Role.TAKER, Side.BUY, 7_000_000, 91_000, None,
    )  # fmt: skip
    assert fill.tx_hash == ""
    assert fill.occurred_at_ms == 1744590395000


def test_partitioned_fill_of_one_maker_is_only_its_part(raw: Raw) -> None:
    maker = Identity("0xa3e2000000000000000000000000000000000000", frozenset())
    (fill,) = fills(decode(raw("real/user-channel/test_trade_info_partitioned_maker_fill.json"), maker))
    assert (fill.role, fill.side, fill.shares, fill.collateral, fill.fee) == (
        Role.MAKER,
        Side.SELL,
        2_000_000,
        40_000,
        0,
    )


def test_all_zero_addresses_are_ours_only_when_we_are_zero(raw: Raw) -> None:
    found = decode(raw("real/user-channel/test_trade_info_maker_buy_matched.json"), OURS)
    assert found.facts == []
    assert [problem.code for problem in found.problems] == ["no_own_leg"]
    assert len(fills(decode(raw("real/user-channel/test_trade_info_maker_buy_matched.json"), ZERO))) == 1


def test_maker_message_whose_owner_is_ours_but_whose_wallet_is_not_has_no_taker_leg(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_3.json")
    (fill,) = fills(decode(changed(row, owner=KEY), OURS))
    assert fill.role is Role.MAKER


def test_self_match_gives_both_roles(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_3.json")
    found = fills(decode(changed(row, maker_address=WALLET.upper().replace("0X", "0x")), OURS))
    assert [(fill.role, fill.side, fill.collateral) for fill in found] == [
        (Role.TAKER, Side.BUY, 2_450_000),
        (Role.MAKER, Side.BUY, 2_565_000),
    ]


def test_owner_decides_when_the_role_is_missing(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_2.json")
    stranger = "0x" + "9" * 40
    (fill,) = fills(decode(changed(row, trader_side=None, maker_address=stranger), OURS))
    assert fill.role is Role.TAKER
    found = decode(changed(row, trader_side=None, maker_address=stranger, owner="x", trade_owner="x"), OURS)
    assert [problem.code for problem in found.problems] == ["no_own_leg"]


def test_status_prefix_is_stripped_and_an_unknown_status_is_kept_and_counted(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_2.json")
    (fill,) = fills(decode(changed(row, status="TRADE_STATUS_CONFIRMED"), OURS))
    assert fill.status == "CONFIRMED"
    found = decode(changed(row, status="SHIMMERING", sparkle=1), OURS)
    assert fills(found)[0].status == "SHIMMERING"
    assert found.unknown == ["field:sparkle", "status:SHIMMERING"]


def test_match_time_is_read_in_every_unit(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_2.json")
    for value in (1725958681, "1725958681", "1725958681000", 1725958681000000, "2024-09-10T08:58:01Z"):
        (fill,) = fills(decode(changed(row, match_time=value), OURS))
        assert fill.occurred_at_ms == 1725958681000, value
    (fill,) = fills(decode(changed(row, match_time=None, matchtime="1725958681"), OURS))
    assert fill.occurred_at_ms == 1725958681000


def test_a_bad_leg_does_not_take_a_good_one_with_it(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_4.json")
    row["maker_orders"][0]["matched_amount"] = "5.1234567"
    found = decode(json.dumps(row).encode(), OURS)
    assert sum(isinstance(fact, FillObserved) for fact in found.facts) == 1
    assert [(p.code, p.message) for p in found.problems] == [
        ("undecodable", "maker_orders.matched_amount: expected at most 6 decimals, was '5.1234567'")
    ]


def test_a_wrong_size_at_the_top_does_not_hide_our_maker_leg(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_3.json")
    assert len(fills(decode(changed(row, size="many"), OURS))) == 1


def test_rest_and_socket_say_the_same_fill_in_the_same_bytes(load: Load) -> None:
    row = load("samples/ws_user_trade_capture_3.json")
    rest = changed(row, event_type=None, type=None, timestamp=None, trade_owner=None, status="TRADE_STATUS_CONFIRMED")
    assert decode(rest, OURS).kind == "clob_trade"
    assert fills(decode(rest, OURS)) == fills(decode(json.dumps(row).encode(), OURS))
