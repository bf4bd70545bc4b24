"""Orders from the socket and from REST, answers to placing and canceling (polymarket.md 1.3, 2, 3.1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tieout.ledger.facts import CancelRefused, MatchClaimed, OrderClosed, OrderPlaced, OrderRejected, Side, encode
from tieout.venue.decode import Decoded, Identity, decode

NT = Identity("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", frozenset())
CAPTURE = Identity("0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8", frozenset())
ORDER = "0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef12"
TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
CONDITION = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"

Load = Callable[[str], Any]
Raw = Callable[[str], bytes]


def changed(row: Any, **fields: Any) -> bytes:
    """The row with other fields."""
    return json.dumps({**row, **fields}).encode()


def closing(found: Decoded) -> list[str]:
    """Reasons of the OrderClosed facts."""
    return [fact.reason for fact in found.facts if isinstance(fact, OrderClosed)]


def test_an_update_gives_terms_and_claim(raw: Raw) -> None:
    assert decode(raw("samples/nt_ws_user_order_update.json"), NT).facts == [
        OrderPlaced(
            occurred_at_ms=1703875200000,
            order_id=ORDER,
            token_id=TOKEN,
            condition_id=CONDITION,
            side=Side.BUY,
            price=500_000,
            size=100_000_000,
            order_type="GTC",
        ),
        MatchClaimed(
            occurred_at_ms=1703875200500,
            order_id=ORDER,
            token_id=TOKEN,
            condition_id=CONDITION,
            size_matched=25_000_000,
            observed_at_ms=1703875200500,
            trade_ids=("trade-0xabcdef1234",),
        ),
    ]


def test_rest_and_socket_place_the_same_order_in_the_same_bytes(raw: Raw) -> None:
    socket = decode(raw("samples/nt_ws_user_order_update.json"), NT).facts[0]
    rest = decode(raw("samples/nt_http_open_order.json"), NT).facts
    assert encode(socket) == encode(rest[0])
    assert rest[1] == MatchClaimed(
        order_id=ORDER, token_id=TOKEN, condition_id=CONDITION, size_matched=25_000_000, trade_ids=("0xabc001",)
    )


def test_a_cancellation_can_be_fully_matched_and_still_closes(raw: Raw) -> None:
    found = decode(raw("samples/ws_user_order_cancel_capture.json"), CAPTURE)
    claims = [fact.size_matched for fact in found.facts if isinstance(fact, MatchClaimed)]
    assert (claims, closing(found)) == ([5_000_000], ["CANCELED"])


def test_a_killed_fok_closes_with_the_venues_text_and_claims_nothing(raw: Raw) -> None:
    found = decode(raw("samples/nt_ws_user_order_fok_killed.json"), NT)
    assert closing(found) == ["CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed."]
    assert not any(isinstance(fact, MatchClaimed) for fact in found.facts)
    assert found.unknown == []


def test_statuses_that_rest_do_not_close_and_the_others_do(load: Load) -> None:
    row = load("samples/nt_http_open_order.json")
    for status in ("LIVE", "ORDER_STATUS_LIVE", "UNMATCHED", "DELAYED"):
        assert closing(decode(changed(row, status=status), NT)) == []
    for status in ("ORDER_STATUS_CANCELED_MARKET_RESOLVED", "INVALID", "EXPIRED"):
        assert closing(decode(changed(row, status=status), NT)) == [status.removeprefix("ORDER_STATUS_")]
    found = decode(changed(row, status="PONDERING"), NT)
    assert (closing(found), found.unknown) == ([], ["status:PONDERING"])


def test_matched_closes_only_up_to_a_hundredth_of_a_share(load: Load) -> None:
    row = load("samples/nt_http_open_order.json")
    assert closing(decode(changed(row, status="MATCHED", size_matched="99.99"), NT)) == ["MATCHED"]
    assert closing(decode(changed(row, status="MATCHED", size_matched="99.98"), NT)) == []


def test_a_cancellation_type_closes_whatever_its_status(load: Load) -> None:
    row = load("samples/nt_ws_user_order_cancellation.json")
    assert closing(decode(changed(row, status=""), NT)) == ["CANCELLATION"]
    assert closing(decode(changed(row, status="LIVE"), NT)) == ["LIVE"]


def test_an_order_of_somebody_else_is_foreign_and_no_key_is_told(raw: Raw) -> None:
    found = decode(raw("samples/ws_user_order_placement_capture.json"), NT)
    assert found.facts == []
    assert [problem.code for problem in found.problems] == ["foreign"]
    assert "3e2c94ca" not in found.problems[0].message


def test_expiration_and_creation_are_read_in_every_unit(load: Load) -> None:
    row = load("samples/nt_http_open_order.json")
    for value in (1735689600, "1735689600", "1735689600000", "2025-01-01T00:00:00Z"):
        placed = decode(changed(row, expiration=value, created_at=value), NT).facts[0]
        assert isinstance(placed, OrderPlaced)
        assert (placed.expiration_s, placed.occurred_at_ms) == (1735689600, 1735689600000)


def test_null_is_the_answer_for_an_order_that_is_no_longer_open() -> None:
    assert decode(b"null", NT) == Decoded("order_null", [], [], [])
    assert decode(b"null", NT, "open_order") == Decoded("order_null", [], [], [])


def test_a_placement_answer_claims_only_its_trades() -> None:
    answer = {"success": True, "errorMsg": "", "orderID": "0xAB", "status": "matched", "takingAmount": "5"}
    assert decode(changed(answer), NT).facts == []
    assert decode(changed(answer, tradeIDs=["t1", "t2"]), NT).facts == [
        MatchClaimed(order_id="0xab", size_matched=0, trade_ids=("t1", "t2"))
    ]


def test_a_refusal_that_names_its_order_is_a_rejection_even_with_success_true() -> None:
    answer = {"success": True, "errorMsg": "no orders found to match with FAK order", "orderID": "0xab", "status": ""}
    assert decode(changed(answer), NT).facts == [
        OrderRejected(order_id="0xab", reason="no orders found to match with FAK order")
    ]


def test_a_refusal_without_an_order_gives_the_venues_text(raw: Raw) -> None:
    found = decode(raw("samples/post_orders_batch_postonly_reject.json"), NT)
    assert found.facts == []
    assert "invalid post-only order: order crosses book" in found.problems[0].message


def test_a_cancel_answer_closes_and_refuses_by_id(raw: Raw) -> None:
    assert decode(raw("samples/nt_http_batch_cancel_response.json"), NT).facts == [
        OrderClosed(order_id="0x" + "1" * 64, reason="CANCELED"),
        OrderClosed(order_id="0x" + "2" * 64, reason="CANCELED"),
        CancelRefused(order_id="0x" + "3" * 64, reason="already canceled or matched"),
    ]
