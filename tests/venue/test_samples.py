"""Every recorded payload decodes, with the identity it belongs to, to what was read in it by hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tieout.ledger.facts import kind_of
from tieout.venue.decode import KINDS, Identity, decode

BOSONA = "0xc2ad03f79ca3f3c17d8c7de2612ce0c89b7d40ed"
CAPTURE = "0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"
NT = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
LARGE = "0x09b428f7c2b469786286214aa5c90dd9015f7320"
ZERO = "0x" + "0" * 40
V2 = "0x7c3db723f1d4d8cb9c550095203b686cb11e5c6b"
NT_OWNER = "00000000-0000-0000-0000-000000000001"

# file -> (wallet, kind, facts by kind, problems by code); wallet None: any
EXPECTED: dict[str, tuple[str | None, str, dict[str, int], dict[str, int]]] = {
    "samples/chain_order_filled_taker_fees.json": (None, "vector", {}, {}),
    "samples/chain_order_filled_v2_event.json": (
        "0x6e0c80c90ea6c15917308f820eac91ce2724b5b5", "chain_event", {"order_filled": 1}, {},
    ),
    "samples/clob_book.json": (None, "book", {}, {}),
    "samples/clob_market.json": (None, "clob_market", {"token_listed": 2}, {}),
    "samples/data_api_v1_trades.json": (
        "0xe0904e088f7c17f72c97f1f87c9fa13dafbdc8ea", "data_trade",
        {"trade_reported": 1, "token_listed": 2}, {"foreign": 3},
    ),
    "samples/data_api_v2_activity.json": (V2, "activity", {"trade_reported": 2, "token_listed": 4}, {}),
    "samples/data_api_v2_positions.json": (V2, "position", {"position_stated": 1, "token_listed": 2}, {}),
    "samples/data_api_v2_trades.json": (
        "0x84cfffc3f16dcc353094de30d4a45226eccd2f63", "data_trade",
        {"trade_reported": 1, "token_listed": 2}, {"foreign": 1},
    ),
    "samples/heartbeat_400.json": (None, "heartbeat", {}, {}),
    "samples/nt_clob_book_response.json": (None, "book", {}, {}),
    "samples/nt_clob_fee_rate_response_nonzero.json": (None, "fee_rate", {}, {}),
    "samples/nt_data_api_positions_response.json": (
        "0x56687bf447db6ffa42ffe2204a05edaa20f55839", "position", {"position_stated": 4, "token_listed": 8}, {},
    ),
    "samples/nt_data_api_trades_response.json": (
        "0x1111111111111111111111111111111111111111", "data_trade", {"trade_reported": 1}, {"foreign": 2},
    ),
    "samples/nt_gamma_market.json": (None, "gamma_market", {"token_listed": 2}, {}),
    "samples/nt_gamma_market_sports_market_money_line.json": (None, "gamma_market", {"token_listed": 2}, {}),
    "samples/nt_http_balance_allowance_collateral.json": (None, "balance_allowance", {}, {}),
    "samples/nt_http_balance_allowance_no_allowance.json": (None, "balance_allowance", {}, {}),
    "samples/nt_http_batch_cancel_response.json": (
        None, "cancel_answer", {"order_closed": 2, "cancel_refused": 1}, {},
    ),
    "samples/nt_http_cancel_response_failed.json": (None, "cancel_answer", {"cancel_refused": 1}, {}),
    "samples/nt_http_cancel_response_ok.json": (None, "cancel_answer", {"order_closed": 1}, {}),
    "samples/nt_http_open_order.json": (NT, "open_order", {"order_placed": 1, "match_claimed": 1}, {}),
    "samples/nt_http_open_order_sell_fok.json": (
        NT, "open_order", {"order_placed": 1, "match_claimed": 1, "order_closed": 1}, {},
    ),
    "samples/nt_http_open_orders_page.json": (NT, "open_order", {"order_placed": 2, "match_claimed": 1}, {}),
    "samples/nt_http_order_response_error_500.json": (None, "error_answer", {}, {"unsupported": 1}),
    "samples/nt_http_order_response_failed.json": (None, "order_answer", {}, {"unsupported": 1}),
    "samples/nt_http_order_response_ok.json": (None, "order_answer", {}, {}),
    "samples/nt_http_signed_order.json": (None, "signed_order", {}, {}),
    "samples/nt_http_trade_report.json": (NT, "clob_trade", {"fill": 1}, {}),
    "samples/nt_http_trades_page.json": (NT, "clob_trade", {"fill": 1}, {}),
    "samples/nt_ws_market_best_bid_ask_msg.json": (None, "market_event", {}, {}),
    "samples/nt_ws_market_new_market_msg.json": (None, "new_market", {"token_listed": 2}, {}),
    "samples/nt_ws_market_resolved_msg.json": (None, "market_resolved", {"resolution": 1, "token_listed": 2}, {}),
    "samples/nt_ws_user_order_cancellation.json": (NT, "user_order", {"order_placed": 1, "order_closed": 1}, {}),
    "samples/nt_ws_user_order_fok_killed.json": (NT, "user_order", {"order_placed": 1, "order_closed": 1}, {}),
    "samples/nt_ws_user_order_matched.json": (
        NT, "user_order", {"order_placed": 1, "match_claimed": 1, "order_closed": 1}, {},
    ),
    "samples/nt_ws_user_order_update.json": (NT, "user_order", {"order_placed": 1, "match_claimed": 1}, {}),
    "samples/nt_ws_user_order_venue_cancel.json": (NT, "user_order", {"order_placed": 1, "order_closed": 1}, {}),
    "samples/nt_ws_user_trade.json": (NT, "user_trade", {"fill": 1}, {}),
    "samples/official_ws_user_order.json": ("<maker_address>", "user_order", {"order_placed": 1}, {}),
    "samples/official_ws_user_subscribe.json": (None, "subscribe", {}, {}),
    "samples/official_ws_user_trade.json": ("<maker_address>", "user_trade", {"fill": 2}, {}),
    "samples/post_order_body_sdk_0_14.json": (None, "order_request", {}, {}),
    "samples/post_order_response_rest.json": (None, "order_answer", {}, {}),
    "samples/post_orders_batch_postonly_reject.json": (None, "order_answer", {}, {"unsupported": 1}),
    "samples/settlement_balance_flows.json": (None, "vector", {}, {}),
    "samples/ws_market_book.json": (None, "book", {}, {}),
    "samples/ws_market_last_trade_price.json": (None, "market_event", {}, {}),
    "samples/ws_market_price_change.json": (None, "market_event", {}, {}),
    "samples/ws_market_tick_size_change.json": (None, "tick_size_change", {"market_noted": 1}, {}),
    "samples/ws_user_order_cancel_capture.json": (
        CAPTURE, "user_order", {"order_placed": 1, "match_claimed": 1, "order_closed": 1, "token_listed": 2}, {},
    ),
    "samples/ws_user_order_placement_capture.json": (
        CAPTURE, "user_order", {"order_placed": 1, "token_listed": 2}, {},
    ),
    "samples/ws_user_trade_capture_1.json": (CAPTURE, "user_trade", {"fill": 1, "token_listed": 2}, {}),
    "samples/ws_user_trade_capture_2.json": (CAPTURE, "user_trade", {"fill": 1, "token_listed": 2}, {}),
    "samples/ws_user_trade_capture_3.json": (CAPTURE, "user_trade", {"fill": 1, "token_listed": 2}, {}),
    "samples/ws_user_trade_capture_4.json": (CAPTURE, "user_trade", {"fill": 2, "token_listed": 2}, {}),
    "real/activity/1789456200.json": (
        BOSONA, "activity", {"trade_reported": 8, "redemption": 2, "token_listed": 2}, {},
    ),
    "real/activity/1789468500.json": (
        BOSONA, "activity", {"trade_reported": 5, "redemption": 2, "token_listed": 2}, {},
    ),
    "real/activity/1789739700.json": (
        BOSONA, "activity", {"trade_reported": 4, "redemption": 1, "token_listed": 2}, {},
    ),
    "real/receipts/0x2102dbbdcda563c858cc419e05530786d3287775c2f8300cbcf6f04a7dd51ec1.json": (
        BOSONA, "receipt", {"collateral_moved": 1, "token_moved": 1, "order_filled": 1, "token_listed": 2}, {},
    ),
    "real/receipts/0x2c76e733a2633f69306250462d4c7dae512df3314340d2cc8248517d8be85482.json": (
        BOSONA, "receipt", {"collateral_moved": 1, "token_moved": 1, "order_filled": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_order_info_maker_buy_placement.json": (
        ZERO, "user_order", {"order_placed": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_order_info_maker_buy_unmatched.json": (
        ZERO, "user_order", {"order_placed": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_order_info_maker_buy_update.json": (
        ZERO, "user_order", {"order_placed": 1, "match_claimed": 1, "order_closed": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_trade_info_maker_buy_confirmed.json": (
        ZERO, "user_trade", {"fill": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_trade_info_maker_buy_matched.json": (
        ZERO, "user_trade", {"fill": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_trade_info_partitioned_maker_fill.json": (
        ZERO, "user_trade", {"fill": 1, "token_listed": 2}, {},
    ),
    "real/user-channel/test_trade_info_taker_buy_matched.json": (
        ZERO, "user_trade", {"fill": 1, "token_listed": 2}, {},
    ),
    "real/wallet/activity.json": (LARGE, "activity", {"redemption": 15}, {}),
    "real/wallet/activity_all.json": (
        LARGE, "activity", {"trade_reported": 42, "cash_flow": 6, "redemption": 2, "token_listed": 4}, {},
    ),
    "real/wallet/positions.json": (LARGE, "position", {"position_stated": 2, "token_listed": 4}, {}),
    "real/wallet/trades.json": (
        "0xac482f27ac3d1144ca4f778af405eb5cac5d2feb", "data_trade",
        {"trade_reported": 1, "token_listed": 2}, {"foreign": 4},
    ),
}  # fmt: skip


def test_every_recorded_payload_gives_the_facts_that_were_counted_in_it_by_hand(recorded: Path) -> None:
    name = f"{recorded.relative_to(recorded.parents[2] if 'real' in recorded.parts else recorded.parents[1])}"
    wallet, kind, facts, problems = EXPECTED[name]
    found = decode(recorded.read_bytes(), Identity(wallet or "0x" + "1" * 40, frozenset((NT_OWNER,))))
    assert found.kind == kind
    assert kind in KINDS
    assert Counter(kind_of(fact) for fact in found.facts) == facts
    assert Counter(problem.code for problem in found.problems) == problems
    assert found.unknown == []


def test_a_page_of_gamma_says_what_its_markets_say(raw):
    market = json.loads(raw("samples/nt_gamma_market.json"))
    page = json.dumps({"markets": [market], "next_cursor": "x"}).encode()
    alone = decode(json.dumps(market).encode(), Identity(ZERO, frozenset()))
    assert decode(page, Identity(ZERO, frozenset())).facts == alone.facts != []
