"""The official polymarket-client 0.14.0: placing, refusals, reading back, cancelling, settlement."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from polymarket.errors import RequestRejectedError, TransactionFailedError

from support.database import in_loop
from support.endpoints import BUY, SELL, Venue, items, serving
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Market

CENT = ONE // 100


async def place(client: Any, market: Market, side: str, outcome: int, price: str, size: object, **more: Any) -> Any:
    token = str(market.tokens[outcome])
    return await client.place_limit_order(asset_id=token, price=price, size=size, side=side, **more)


async def refusal(attempt: Any) -> str:
    with pytest.raises(RequestRejectedError) as refused:
        await attempt
    assert refused.value.status == 400
    return str(refused.value)


def depth(venue: Venue, market: Market) -> None:
    """A book of yes: 60 bid at 0.40, 60 asked at 0.45 and at 0.46."""
    venue.crowd(market, BUY, 0, 40 * CENT, 60)
    venue.crowd(market, SELL, 0, 45 * CENT, 60)
    venue.crowd(market, SELL, 0, 46 * CENT, 60)


@in_loop
async def test_limit_orders_rest_with_their_kind():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        ends = int(time.time()) + 240
        good = await place(client, venue.market, "BUY", 0, "0.30", 10)
        dated = await place(client, venue.market, "BUY", 0, "0.31", 11, expiration=ends)
        posted = await place(client, venue.market, "SELL", 1, "0.80", "12.34", post_only=True)
        assert [order.status for order in (good, dated, posted)] == ["live"] * 3
        orders = {order.id: order for order in await items(client.list_open_orders())}
        assert [orders[order.order_id].order_type for order in (good, dated, posted)] == ["GTC", "GTD", "GTC"]
        assert orders[dated.order_id].expires_at.timestamp() == ends
        assert orders[good.order_id].expires_at is None
        assert orders[posted.order_id].original_size == Decimal("12.34")
        assert orders[good.order_id].owner == client.credentials.key
        venue.world.scheduler.run_for(200_000)
        assert {order.id for order in await items(client.list_open_orders())} == {good.order_id, posted.order_id}


@in_loop
async def test_orders_on_every_exchange_verify():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        for market in (venue.market, venue.event[1], venue.v2):
            venue.crowd(market, SELL, 0, 45 * CENT, 60)
            bought = await place(client, market, "BUY", 0, "0.45", 10)
            assert (bought.ok, bought.status) == (True, "matched"), market.version
            assert (bought.making_amount, bought.taking_amount) == (Decimal("4.5"), Decimal(10))
            resting = await place(client, market, "SELL", 1, "0.90", 10)
            assert resting.status == "live"
            assert resting.order_id in venue.world.exchange.orders


@in_loop
async def test_a_delayed_market_answers_delayed_and_matches_later():
    async with serving() as venue, await venue.client() as client:
        venue.crowd(venue.delayed, SELL, 0, 45 * CENT, 60)
        placed = await place(client, venue.delayed, "BUY", 0, "0.45", 10)
        assert (placed.ok, placed.status, placed.trade_ids) == (True, "delayed", ())
        venue.world.scheduler.run_for(100)
        (trade,) = await items(client.list_account_trades())
        assert (trade.taker_order_id, trade.size, trade.trader_side) == (placed.order_id, 10, "TAKER")


@in_loop
async def test_market_orders_take_what_the_book_has():
    async with serving() as venue, await venue.client(shares=200 * ONE) as client:
        token = str(venue.market.tokens[0])
        depth(venue, venue.market)
        assert await client.estimate_market_price(asset_id=token, side="BUY", amount=30) == Decimal("0.46")
        whole = await client.place_market_order(asset_id=token, side="BUY", amount=9, order_type="FOK")
        assert (whole.status, whole.making_amount, whole.taking_amount) == ("matched", 9, 20)
        capped = await client.place_market_order(
            asset_id=token, side="BUY", amount=100, max_price="0.46", order_type="FAK"
        )
        assert (capped.status, capped.taking_amount) == ("matched", 100)
        sold = await client.place_market_order(asset_id=token, side="SELL", shares=100, min_price="0.40")
        assert (sold.status, sold.making_amount, sold.taking_amount) == ("matched", 60, 24)
        assert not await items(client.list_open_orders())


@in_loop
async def test_a_market_order_within_a_spending_limit_leaves_room_for_the_fee():
    async with serving() as venue, await venue.client(cash=20 * ONE) as client:
        venue.crowd(venue.market, SELL, 0, 50 * CENT, 100)
        bought = await client.place_market_order(
            asset_id=str(venue.market.tokens[0]), side="BUY", amount=20, max_spend=20, order_type="FOK"
        )
        assert bought.status == "matched"
        assert Decimal(19) < bought.making_amount < Decimal(20)
        venue.settle()
        left = venue.world.chain.cash(client.wallet.lower())
        assert 0 <= left < ONE // 50


@in_loop
async def test_refusals_come_in_the_venues_words():
    async with serving() as venue, await venue.client(cash=100 * ONE, shares=20 * ONE) as client:
        market = venue.market
        depth(venue, market)
        assert "invalid post-only order: order crosses book" in await refusal(
            place(client, market, "BUY", 0, "0.45", 10, post_only=True)
        )
        assert "not enough balance / allowance: the balance is not enough -> balance: 100000000" in await refusal(
            place(client, market, "BUY", 0, "0.30", 1000)
        )
        assert "not enough balance / allowance" in await refusal(place(client, market, "SELL", 0, "0.60", 21))
        assert "lower than the minimum: 5" in await refusal(place(client, market, "BUY", 0, "0.30", 4))
        assert "order couldn't be fully filled. FOK orders are fully filled or killed." in await refusal(
            client.place_market_order(
                asset_id=str(market.tokens[0]), side="BUY", amount=90, max_price="0.45", order_type="FOK"
            )
        )
        assert "no orders found to match with FAK order" in await refusal(
            client.place_market_order(
                asset_id=str(market.tokens[0]), side="BUY", amount=10, max_price="0.10", order_type="FAK"
            )
        )
        signed = await client.create_limit_order(asset_id=str(market.tokens[0]), price="0.30", size=10, side="BUY")
        first = await client.post_order(signed)
        assert f"order {first.order_id} is invalid. Duplicated." in await refusal(client.post_order(signed))
        assert len(await items(client.list_open_orders())) == 1


@in_loop
async def test_an_order_signed_on_the_old_grid_breaks_the_tick_rule():
    async with serving() as venue, await venue.client() as client:
        venue.market.tick = ONE // 1000
        signed = await client.create_limit_order(
            asset_id=str(venue.market.tokens[0]), price="0.305", size=10, side="BUY"
        )
        venue.market.tick = CENT
        assert "Price (0.305) breaks minimum tick size rule: 0.01" in await refusal(client.post_order(signed))


@in_loop
async def test_a_batch_answers_each_order_in_its_place():
    async with serving() as venue, await venue.client(cash=100 * ONE) as client:
        market = venue.market
        depth(venue, market)
        token = str(market.tokens[0])
        orders = [
            await client.create_limit_order(asset_id=token, price="0.30", size=10, side="BUY"),
            await client.create_limit_order(asset_id=token, price="0.45", size=10, side="BUY", post_only=True),
            await client.create_limit_order(asset_id=token, price="0.45", size=10, side="BUY"),
            await client.create_limit_order(asset_id=token, price="0.30", size=2000, side="BUY"),
            await client.create_market_order(asset_id=token, side="BUY", amount=80, max_price="0.45", order_type="FOK"),
            await client.create_market_order(asset_id=token, side="BUY", amount=10, max_price="0.05", order_type="FAK"),
        ]
        answers = await client.post_orders(orders)
        assert [answer.status if answer.ok else answer.code for answer in answers] == [
            "live",
            "post_only_would_cross",
            "matched",
            "not_enough_balance",
            "fok_not_filled",
            "fak_not_filled",
        ]


@in_loop
async def test_open_orders_over_several_pages_and_by_filter():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        venue.clob.settings.page_size = 4
        placed = [await place(client, venue.market, "BUY", 0, f"0.{10 + number}", 5) for number in range(9)]
        other = await place(client, venue.free, "SELL", 1, "0.80", 5)
        pages = [page async for page in client.list_open_orders()]
        assert [len(page.items) for page in pages] == [4, 4, 2]
        everything = [order.id for page in pages for order in page.items]
        assert everything == [order.order_id for order in (*placed, other)]
        in_market = await items(client.list_open_orders(market=venue.free.condition_id))
        by_token = await items(client.list_open_orders(asset_id=str(venue.free.tokens[1])))
        by_id = await items(client.list_open_orders(id=other.order_id))
        assert [order.id for order in (*in_market, *by_token, *by_id)] == [other.order_id] * 3


@in_loop
async def test_cancels_of_one_many_a_market_and_all():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        placed = [
            (await place(client, market, "BUY", 0, f"0.{20 + number}", 5)).order_id
            for market in (venue.market, venue.free)
            for number in range(4)
        ]
        assert (await client.cancel_order(order_id=placed[0])).canceled == (placed[0],)
        again = await client.cancel_order(order_id=placed[0])
        assert again.canceled == ()
        assert again.not_canceled == {placed[0]: "already canceled or matched"}
        unknown = "0x" + "ab" * 32
        some = await client.cancel_orders(order_ids=[placed[1], unknown])
        assert (some.canceled, set(some.not_canceled)) == ((placed[1],), {unknown})
        assert set((await client.cancel_market_orders(market=venue.free.condition_id)).canceled) == set(placed[4:])
        assert set((await client.cancel_all()).canceled) == {placed[2], placed[3]}
        assert not await items(client.list_open_orders())
        assert (await client.cancel_all()).canceled == ()


@in_loop
async def test_trades_of_both_roles_over_pages():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        market = venue.market
        resting = await place(client, market, "SELL", 0, "0.45", 30)
        for size in (6, 7, 8):
            venue.crowd(market, BUY, 0, 45 * CENT, size)
        venue.crowd(market, BUY, 1, 60 * CENT, 10)
        taken = await place(client, market, "BUY", 0, "0.40", 10)
        venue.clob.settings.page_size = 2
        pages = [page async for page in client.list_account_trades()]
        trades = [trade for page in pages for trade in page.items]
        assert [len(page.items) for page in pages] == [2, 2]
        assert [trade.trader_side for trade in trades] == ["TAKER", "MAKER", "MAKER", "MAKER"]
        assert [trade.size for trade in trades] == [10, 8, 7, 6]
        assert trades[0].id == taken.trade_ids[0]
        mint = trades[0].maker_orders[0]
        assert (mint.asset_id, mint.side, mint.price) == (str(market.tokens[1]), "BUY", Decimal("0.6"))
        assert {leg.order_id for trade in trades[1:] for leg in trade.maker_orders} == {resting.order_id}
        (order,) = await items(client.list_open_orders())
        assert (order.size_matched, set(order.associate_trades)) == (21, {trade.id for trade in trades[1:]})
        assert {trade.status for trade in trades} == {"MATCHED_NOT_BROADCASTED"}
        venue.settle()
        (one,) = await items(client.list_account_trades(id=trades[0].id))
        assert (one.status, len(one.transaction_hash)) == ("CONFIRMED", 66)
        assert len(await items(client.list_account_trades(maker_address=client.wallet))) == 4
        assert await items(client.list_account_trades(after=str(int(time.time()) + 3600))) == []


@in_loop
async def test_a_fill_settles_with_its_hash_and_receipt():
    async with serving() as venue, await venue.client() as client:
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        placed = await place(client, venue.market, "BUY", 0, "0.45", 10)
        assert placed.transactions_hashes == ()
        venue.settle()
        (tx_hash,) = await client.wait_for_order_fill_settlement(placed)
        receipt = await client._ctx.rpc.eth_get_transaction_receipt(tx_hash)
        assert receipt["status"] == "0x1"
        assert placed.order_id in {topic for log in receipt["logs"] for topic in log["topics"]}


@in_loop
async def test_a_fill_that_never_settles_is_reported_as_failed():
    async with serving() as venue, await venue.client() as client:
        venue.world.settler.reverts = lambda _trade: True
        venue.crowd(venue.market, SELL, 0, 45 * CENT, 60)
        placed = await place(client, venue.market, "BUY", 0, "0.45", 10)
        venue.world.scheduler.run_for(30_000)
        with pytest.raises(TransactionFailedError):
            await client.wait_for_order_fill_settlement(placed)
        assert 8 in {notice.type for notice in await client.get_notifications()}


@in_loop
async def test_closed_only_wallets_may_only_sell():
    async with serving() as venue, await venue.client(shares=20 * ONE) as client:
        venue.world.exchange.modes.closed_only.add(client.wallet.lower())
        assert await client.get_closed_only_mode() is True
        assert "address in closed only mode" in await refusal(place(client, venue.market, "BUY", 0, "0.30", 10))
        assert (await place(client, venue.market, "SELL", 0, "0.30", 10)).ok


@in_loop
async def test_a_resolved_market_takes_nothing_more_and_cancels_what_rests():
    async with serving() as venue, await venue.client() as client:
        await place(client, venue.market, "BUY", 0, "0.30", 10)
        venue.world.resolve(venue.market, (ONE, 0))
        assert not await items(client.list_open_orders())
        assert "does not exist" in await refusal(place(client, venue.market, "BUY", 0, "0.30", 10))
        kinds = {int(notice.type) for notice in await client.get_notifications()}
        assert 1 in kinds
