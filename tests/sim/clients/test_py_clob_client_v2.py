"""The older official client, py-clob-client-v2 1.2.1, as it is: synchronous, raw JSON, float arithmetic.

It runs in a thread beside the venue's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from py_clob_client_v2 import (
    ApiCreds,
    BalanceAllowanceParams,
    ClobClient,
    DropNotificationParams,
    MarketOrderArgs,
    OpenOrderParams,
    OrderArgs,
    OrderMarketCancelParams,
    OrderPayload,
    OrderType,
    TradeParams,
)
from py_clob_client_v2.clob_types import (
    BookParams,
    BuilderTradeParams,
    OrderScoringParams,
    OrdersScoringParams,
    PostOrdersV2Args,
    PricesHistoryParams,
)
from py_clob_client_v2.exceptions import PolyApiException

from support.database import in_loop
from support.endpoints import BUY, SELL, Venue, eoa, private_key, serving
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.wallets import checksummed, deposit_wallet

CENT = ONE // 100
run = asyncio.to_thread


async def trader(venue: Venue, number: int = 1, *, cash: int = 10_000 * ONE, shares: int = 0) -> ClobClient:
    """A client with a derived key and money."""
    venue.fund(eoa(number), cash, shares)
    client = venue.clob_client(number)
    client.set_api_creds(await run(client.create_or_derive_api_key))
    return client


async def refusal(call: Callable[..., Any], *given: Any) -> tuple[int, str]:
    with pytest.raises(PolyApiException) as refused:
        await run(call, *given)
    return refused.value.status_code, refused.value.error_msg["error"]


def bid(venue: Venue, price: float, size: float, **more: Any) -> OrderArgs:
    return OrderArgs(token_id=str(venue.market.tokens[0]), price=price, size=size, side="BUY", **more)


async def placed(client: ClobClient, args: OrderArgs, *more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await run(client.create_and_post_order, args, None, *more)
    return answer


@in_loop
async def test_keys_are_created_once_and_derived_after():
    async with serving() as venue:
        client = await trader(venue)
        again: ApiCreds = await run(client.create_or_derive_api_key)
        assert again == client.creds == await run(client.derive_api_key)
        assert await run(client.get_api_keys) == {"apiKeys": [client.creds.api_key]}
        assert await run(client.get_closed_only_mode) == {"closed_only": False}
        assert await run(client.delete_api_key) == "OK"
        assert await refusal(client.get_api_keys) == (401, "Unauthorized/Invalid api key")


@in_loop
async def test_readonly_and_builder_keys():
    async with serving() as venue:
        client = await trader(venue)
        made = await run(client.create_readonly_api_key)
        assert made["apiKey"] in str(await run(client.get_readonly_api_keys))
        await run(client.delete_readonly_api_key, made["apiKey"])
        assert made["apiKey"] not in str(await run(client.get_readonly_api_keys))
        builder = await run(client.create_builder_api_key)
        assert builder["key"] in str(await run(client.get_builder_api_keys))


@in_loop
async def test_server_and_markets():
    async with serving() as venue:
        client, market = venue.clob_client(), venue.market
        assert await run(client.get_ok) == "OK"
        assert abs(int(await run(client.get_server_time)) - time.time()) < 60
        assert await run(client.get_version) == 2
        listed = await run(client.get_markets)
        assert (listed["next_cursor"], len(listed["data"])) == ("LTE=", len(venue.markets))
        assert (await run(client.get_market, market.condition_id))["question"] == market.question
        compact = await run(client.get_clob_market_info, market.condition_id)
        assert [token["t"] for token in compact["t"]] == [str(token) for token in market.tokens]
        for calls in (
            client.get_simplified_markets,
            client.get_sampling_markets,
            client.get_sampling_simplified_markets,
        ):
            assert (await run(calls))["data"]
        token = str(market.tokens[0])
        assert await run(client.get_tick_size, token) == "0.01"
        assert await run(client.get_neg_risk, str(venue.event[0].tokens[0])) is True
        assert await run(venue.clob_client().get_fee_rate_bps, token) >= 0
        assert await run(client.get_fee_exponent, token) == 1
        current = await run(client.get_current_rewards)
        assert {reward["condition_id"] for reward in current} == {each.condition_id for each in venue.markets}
        assert await run(client.get_raw_rewards_for_market, market.condition_id)


@in_loop
async def test_books_and_prices():
    async with serving() as venue:
        client, token = venue.clob_client(), str(venue.market.tokens[0])
        venue.crowd(venue.market, BUY, 0, 40 * CENT, 60)
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        venue.crowd(venue.market, SELL, 0, 50 * CENT, 60)
        book = await run(client.get_order_book, token)
        assert book["asks"] == [{"price": "0.5", "size": "60"}, {"price": "0.45", "size": "60"}]
        assert len(await run(client.get_order_book_hash, book)) == len(book["hash"]) == 40
        assert (await run(client.get_order_books, [BookParams(token)]))[0]["asset_id"] == token
        assert await run(client.get_midpoint, token) == {"mid": "0.425"}
        assert await run(client.get_midpoints, [BookParams(token)]) == {token: "0.425"}
        assert await run(client.get_price, token, "BUY") == {"price": "0.4"}
        assert await run(client.get_prices, [BookParams(token, "SELL")]) == {token: {"SELL": "0.45"}}
        assert await run(client.get_spread, token) == {"spread": "0.05"}
        assert await run(client.get_spreads, [BookParams(token)]) == {token: "0.05"}
        assert await run(client.get_last_trade_price, token) == {"price": "0.5", "side": ""}
        assert await run(client.calculate_market_price, token, "BUY", 40) == 0.5
        assert await run(client.calculate_market_price, token, "SELL", 40) == 0.4
        assert "history" in await run(client.get_prices_history, PricesHistoryParams(market=token, interval="1d"))


@in_loop
async def test_places_every_kind_of_order():
    async with serving() as venue:
        client = await trader(venue, shares=100 * ONE)
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        good = await placed(client, bid(venue, 0.30, 10))
        dated = await placed(client, bid(venue, 0.31, 10, expiration=int(time.time()) + 200), OrderType.GTD)
        posted = await placed(client, bid(venue, 0.32, 10), OrderType.GTC, True)
        assert [answer["status"] for answer in (good, dated, posted)] == ["live"] * 3
        whole = await placed(client, bid(venue, 0.45, 20), OrderType.FOK, False, True)
        assert (whole["status"], whole["makingAmount"], whole["takingAmount"]) == ("matched", "9", "20")
        part = await placed(client, bid(venue, 0.45, 100), OrderType.FAK, False, True)
        assert (part["status"], part["takingAmount"]) == ("matched", "40")
        orders = await run(client.get_open_orders)
        assert [order["id"] for order in orders] == [answer["orderID"] for answer in (good, dated, posted)]
        assert [order["order_type"] for order in orders] == ["GTC", "GTD", "GTC"]
        (one,) = await run(client.get_open_orders, OpenOrderParams(id=dated["orderID"]))
        assert await run(client.get_order, dated["orderID"]) == one
        assert await run(client.get_pre_migration_orders) == []


@in_loop
async def test_the_answer_waits_for_the_hash_of_its_fills():
    async with serving() as venue:
        client = await trader(venue)
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        answer = await placed(client, bid(venue, 0.45, 20))
        (tx_hash,) = answer["transactionsHashes"]
        (trade,) = await run(client.get_trades, TradeParams(id=answer["tradeIDs"][0]))
        assert trade["transaction_hash"] == tx_hash


@in_loop
async def test_market_orders_reckon_their_price_from_the_book():
    async with serving() as venue:
        client = await trader(venue, shares=100 * ONE)
        token = str(venue.market.tokens[0])
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        venue.crowd(venue.market, SELL, 0, 46 * CENT, 60)
        venue.crowd(venue.market, BUY, 0, 40 * CENT, 60)
        args = MarketOrderArgs(token_id=token, amount=40, side="BUY", order_type=OrderType.FOK)
        bought = await run(client.create_and_post_market_order, args, None, OrderType.FOK, True)
        assert (bought["status"], bought["makingAmount"]) == ("matched", "40")
        shares = Decimal(60) + (Decimal(40) - 27) / Decimal("0.46")
        assert abs(Decimal(bought["takingAmount"]) - shares) < Decimal("0.01")
        args = MarketOrderArgs(token_id=token, amount=50, side="SELL", order_type=OrderType.FAK)
        sold = await run(client.create_and_post_market_order, args, None, OrderType.FAK, True)
        assert (sold["makingAmount"], sold["takingAmount"]) == ("50", "20")


@in_loop
async def test_protocol_v2_and_event_markets_verify():
    async with serving() as venue:
        client = await trader(venue, shares=100 * ONE)
        newer = OrderArgs(position_id=str(venue.v2.tokens[0]), price=0.3, size=10, side="BUY")
        assert (await placed(client, newer))["status"] == "live"
        in_event = OrderArgs(token_id=str(venue.event[2].tokens[1]), price=0.9, size=10, side="SELL")
        assert (await placed(client, in_event))["status"] == "live"


@in_loop
async def test_a_deposit_wallet_signs_by_its_owner():
    async with serving() as venue:
        wallet = deposit_wallet(eoa(3))
        venue.fund(wallet, 100 * ONE)
        client = venue.clob_client(3, signature_type=3, funder=checksummed(wallet))
        client.set_api_creds(await run(client.create_or_derive_api_key))
        answer = await placed(client, bid(venue, 0.30, 10))
        (order,) = await run(client.get_open_orders)
        assert (answer["status"], order["maker_address"]) == ("live", checksummed(wallet))


@in_loop
async def test_refusals_have_the_venues_status_and_words():
    async with serving() as venue:
        client = await trader(venue, cash=100 * ONE)
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        post = client.create_and_post_order
        status, text = await refusal(post, bid(venue, 0.45, 10), None, OrderType.GTC, True)
        assert (status, text) == (400, "invalid post-only order: order crosses book")
        status, text = await refusal(post, bid(venue, 0.30, 1000))
        assert (status, text[:31]) == (400, "not enough balance / allowance:")
        assert "lower than the minimum: 5" in (await refusal(post, bid(venue, 0.30, 4)))[1]
        status, text = await refusal(post, bid(venue, 0.45, 100), None, OrderType.FOK)
        assert text == "order couldn't be fully filled. FOK orders are fully filled or killed."
        signed = await run(client.create_order, bid(venue, 0.30, 10))
        first = await run(client.post_order, signed)
        assert await refusal(client.post_order, signed) == (400, f"order {first['orderID']} is invalid. Duplicated.")
        stranger = ClobClient(venue.server.http_url, 137, key=private_key(4), creds=client.creds)
        assert await refusal(stranger.get_open_orders) == (401, "Unauthorized/Invalid api key")


@in_loop
async def test_a_batch_and_every_way_to_cancel():
    async with serving() as venue:
        client = await trader(venue)
        orders = [await run(client.create_order, bid(venue, 0.10 + 0.01 * number, 10)) for number in range(6)]
        args = [PostOrdersV2Args(order=order, orderType=OrderType.GTC) for order in orders]
        ids = [answer["orderID"] for answer in await run(client.post_orders, args)]
        args = [PostOrdersV2Args(order=orders[0], orderType=OrderType.GTC)]
        (again,) = await run(client.post_orders, args)
        assert (again["success"], again["orderID"], again["errorMsg"][-11:]) == (True, "", "Duplicated.")
        venue.clob.settings.page_size = 2
        assert [order["id"] for order in await run(client.get_open_orders)] == ids
        assert len(await run(client.get_open_orders, None, True)) == 2
        one = await run(client.cancel_order, OrderPayload(orderID=ids[0]))
        assert one == {"canceled": [ids[0]], "not_canceled": {}}
        some = await run(client.cancel_orders, ids[:2])
        assert some["canceled"] == [ids[1]]
        assert some["not_canceled"] == {ids[0]: "already canceled or matched"}
        of_token = OrderMarketCancelParams(asset_id=str(venue.market.tokens[1]))
        assert await run(client.cancel_market_orders, of_token) == {"canceled": [], "not_canceled": {}}
        of_market = OrderMarketCancelParams(market=venue.market.condition_id)
        assert set((await run(client.cancel_market_orders, of_market))["canceled"]) == set(ids[2:])
        assert await run(client.cancel_all) == {"canceled": [], "not_canceled": {}}


@in_loop
async def test_trades_over_pages():
    async with serving() as venue:
        client = await trader(venue)
        resting = await placed(client, bid(venue, 0.40, 30))
        for size in (5, 6, 7):
            venue.crowd(venue.market, SELL, 0, 40 * CENT, size)
        venue.clob.settings.page_size = 2
        trades = await run(client.get_trades)
        assert [trade["size"] for trade in trades] == ["7", "6", "5"]
        assert {trade["trader_side"] for trade in trades} == {"MAKER"}
        assert {leg["order_id"] for trade in trades for leg in trade["maker_orders"]} == {resting["orderID"]}
        page = await run(client.get_trades_paginated, TradeParams(market=venue.market.condition_id))
        assert (page["limit"], page["count"], len(page["trades"])) == (2, 2, 2)
        page = await run(client.get_trades_paginated, None, page["next_cursor"])
        assert (page["count"], page["next_cursor"]) == (1, "LTE=")
        of_builder = BuilderTradeParams(builder_code="0x" + "07" * 32)
        assert (await run(client.get_builder_trades, of_builder))["trades"] == []
        events = await run(client.get_market_trades_events, venue.market.condition_id)
        assert [event["size"] for event in events] == ["7", "6", "5"]


@in_loop
async def test_balances_heartbeats_notifications_and_rewards():
    async with serving() as venue:
        client = await trader(venue, shares=20 * ONE)
        token = str(venue.market.tokens[0])
        cash = BalanceAllowanceParams(asset_type="COLLATERAL")
        assert (await run(client.get_balance_allowance, cash))["balance"] == str(10_000 * ONE)
        venue.fund(eoa(1), 5 * ONE)
        assert (await run(client.get_balance_allowance, cash))["balance"] == str(10_000 * ONE)
        assert await run(client.update_balance_allowance, cash) == ""
        assert (await run(client.get_balance_allowance, cash))["balance"] == str(10_005 * ONE)
        held = BalanceAllowanceParams(asset_type="CONDITIONAL", token_id=token)
        assert (await run(client.get_balance_allowance, held))["balance"] == str(20 * ONE)
        beat = await run(client.post_heartbeat)
        with pytest.raises(PolyApiException) as wrong:
            await run(client.post_heartbeat, "no such id")
        assert wrong.value.error_msg == {"error_msg": "Invalid Heartbeat ID", **beat}
        order = await placed(client, bid(venue, 0.30, 50))
        venue.crowd(venue.market, BUY, 0, 30 * CENT, 50)
        venue.crowd(venue.market, SELL, 0, 32 * CENT, 50)
        scoring = OrderScoringParams(orderId=order["orderID"])
        assert await run(client.is_order_scoring, scoring) == {"scoring": True}
        several = OrdersScoringParams(orderIds=[order["orderID"]])
        assert await run(client.are_orders_scoring, several) == {order["orderID"]: True}
        await run(client.cancel_all)
        (notice,) = await run(client.get_notifications)
        assert (notice["type"], notice["payload"]["order_id"]) == (1, order["orderID"])
        await run(client.drop_notifications, DropNotificationParams(ids=[str(notice["id"])]))
        assert await run(client.get_notifications) == []
        assert await run(client.get_earnings_for_user_for_day, "2026-11-24") == []
        await run(client.get_total_earnings_for_user_for_day, "2026-11-24")
        await run(client.get_user_earnings_and_markets_config, "2026-11-24")
        assert isinstance(await run(client.get_reward_percentages), dict)
