"""The official polymarket-client 0.14.0, as it is but for the hosts: keys, wallets, markets, books, the account."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from polymarket import AsyncPublicClient, AsyncSecureClient
from polymarket.errors import (
    InsufficientLiquidityError,
    OrderHeartbeatMismatchError,
    RateLimitError,
    RequestRejectedError,
    UnexpectedResponseError,
)

from support.database import in_loop
from support.endpoints import BUY, SELL, eoa, items, private_key, serving
from tieout.sim.contracts import CTF_EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.limits import IpRule
from tieout.sim.wire.wallets import checksummed, deposit_wallet

CENT = ONE // 100
EXCHANGES = (CTF_EXCHANGE, NEG_RISK_EXCHANGE, EXCHANGE_V3)


@in_loop
async def test_derives_the_same_key_again_and_a_new_one_for_another_nonce():
    async with serving() as venue:
        async with await venue.client() as first, await venue.client() as again:
            assert first.credentials == again.credentials
            assert await first.fetch_api_keys() == (first.credentials.key,)
            assert (first.wallet, first.signer, first.wallet_type) == (checksummed(eoa(1)), checksummed(eoa(1)), "EOA")
        async with await venue.client(nonce=7) as other:
            assert other.credentials != first.credentials
            assert set(await other.fetch_api_keys()) == {first.credentials.key, other.credentials.key}


@in_loop
async def test_a_deleted_key_is_refused():
    async with serving() as venue, await venue.client() as client:
        await client.delete_api_key()
        with pytest.raises(RequestRejectedError, match="Unauthorized/Invalid api key") as refused:
            await client.get_closed_only_mode()
        assert refused.value.status == 401


@in_loop
async def test_without_a_wallet_the_deposit_wallet_is_deployed_and_trades():
    async with serving() as venue:
        venue.crowd(venue.market, SELL, 0, 40 * CENT, 100)
        async with await venue.deposit_client(2, shares=0) as client:
            assert client.wallet_type == "DEPOSIT_WALLET"
            assert client.wallet.lower() == deposit_wallet(eoa(2))
            token = str(venue.market.tokens[0])
            placed = await client.place_limit_order(asset_id=token, price="0.40", size=10, side="BUY")
            assert (placed.ok, placed.status, placed.taking_amount) == (True, "matched", Decimal(10))
            balance = await client.get_balance_allowance(asset_type="COLLATERAL")
            assert balance.balance == 10_000 * ONE
            venue.settle()
            balance = await client.get_balance_allowance(asset_type="CONDITIONAL", asset_id=token)
            assert balance.balance == 10 * ONE


@in_loop
async def test_lists_every_market_and_event_over_all_pages():
    async with serving() as venue, AsyncPublicClient(environment=venue.environment()) as client:
        pages = [page async for page in client.list_markets(version=["v1", "v2"], page_size=3)]
        listed = [market for page in pages for market in page.items]
        assert [len(page.items) for page in pages] == [3, 3, 1]
        assert {market.condition_id for market in listed} == {market.condition_id for market in venue.markets}
        newer = await items(client.list_markets(version="v2", page_size=4))
        assert [market.condition_id for market in newer] == [venue.v2.condition_id]
        assert newer[0].outcomes.no.position_id == str(venue.v2.tokens[1])
        events = await items(client.list_events(page_size=2))
        assert {len(event.markets) for event in events} == {1, 3}
        one = await client.get_market(slug=venue.market.slug)
        assert one.outcomes.yes.token_id == str(venue.market.tokens[0])
        assert one.condition_id == venue.market.condition_id


@in_loop
async def test_books_and_prices_are_those_of_the_engine():
    async with serving() as venue:
        yes, no = (str(token) for token in venue.market.tokens)
        venue.crowd(venue.market, BUY, 0, 40 * CENT, 100)
        venue.crowd(venue.market, SELL, 0, 44 * CENT, 50)
        venue.crowd(venue.market, BUY, 1, 55 * CENT, 20)
        async with AsyncPublicClient(environment=venue.environment()) as client:
            book = await client.get_order_book(asset_id=yes)
            assert [(level.price, level.size) for level in book.bids] == [(Decimal("0.4"), 100)]
            assert [(level.price, level.size) for level in book.asks] == [(Decimal("0.45"), 20), (Decimal("0.44"), 50)]
            assert (book.tick_size, book.min_order_size, book.neg_risk) == (Decimal("0.01"), 5, False)
            assert await client.get_midpoint(asset_id=yes) == Decimal("0.42")
            assert await client.get_price(asset_id=yes, side="BUY") == Decimal("0.4")
            assert await client.get_price(asset_id=no, side="SELL") == Decimal("0.6")
            assert await client.get_spread(asset_id=yes) == Decimal("0.04")
            assert len(await client.get_order_books(asset_ids=[yes, no])) == 2
            assert await client.get_last_trade_price(asset_id=yes) is None
            venue.crowd(venue.market, BUY, 0, 44 * CENT, 5)
            last = await client.get_last_trade_price(asset_id=yes)
            assert (last.price, last.side) == (Decimal("0.44"), "BUY")


@in_loop
async def test_account_calls():
    async with serving() as venue, await venue.client(shares=100 * ONE) as client:
        assert await client.get_closed_only_mode() is False
        collateral = await client.get_balance_allowance(asset_type="COLLATERAL")
        assert collateral.balance == 10_000 * ONE
        assert all(collateral.allowances[checksummed(spender)] > 10**30 for spender in EXCHANGES)
        held = await client.get_balance_allowance(asset_type="CONDITIONAL", asset_id=str(venue.market.tokens[1]))
        assert held.balance == 100 * ONE
        newer = await client.get_balance_allowance(asset_type="CONDITIONAL-V2", asset_id=str(venue.v2.tokens[1]))
        assert newer.balance == 100 * ONE


@in_loop
async def test_heartbeats_chain_and_a_wrong_one_names_the_right_one():
    async with serving() as venue, await venue.client() as client:
        first = await client.send_order_heartbeat()
        second = await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
        with pytest.raises(OrderHeartbeatMismatchError) as wrong:
            await client.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
        assert wrong.value.heartbeat_id == second.heartbeat_id
        assert await client.send_order_heartbeat(heartbeat_id=wrong.value.heartbeat_id)


@in_loop
async def test_silence_after_a_heartbeat_cancels_every_order():
    async with serving() as venue, await venue.client() as client:
        placed = await client.place_limit_order(asset_id=str(venue.market.tokens[0]), price="0.3", size=10, side="BUY")
        await client.send_order_heartbeat()
        assert await items(client.list_open_orders())
        venue.world.scheduler.run_for(16_000)
        assert not await items(client.list_open_orders())
        (notice,) = await client.get_notifications()
        assert (notice.payload.order_id, notice.type) == (placed.order_id, 1)
        await client.drop_notifications(ids=[notice.id])
        assert await client.get_notifications() == ()


@in_loop
async def test_rewards_and_scoring():
    async with serving() as venue, await venue.client() as client:
        token = str(venue.market.tokens[0])
        venue.crowd(venue.market, BUY, 0, 40 * CENT, 100)
        venue.crowd(venue.market, SELL, 0, 42 * CENT, 100)
        near = await client.place_limit_order(asset_id=token, price="0.40", size=50, side="BUY")
        far = await client.place_limit_order(asset_id=token, price="0.20", size=50, side="BUY")
        assert await client.get_order_scoring(order_id=near.order_id) is True
        assert await client.get_orders_scoring(order_ids=[near.order_id, far.order_id]) == {
            near.order_id: True,
            far.order_id: False,
        }
        rewarded = await items(client.list_current_rewards())
        assert {reward.condition_id for reward in rewarded} == {market.condition_id for market in venue.markets}
        (reward,) = await items(client.list_market_rewards(condition_id=venue.market.condition_id))
        assert reward.rewards_min_size == 20
        assert await items(client.list_user_earnings_for_day(date="2026-11-24")) == []
        assert list(await client.get_total_earnings_for_user_for_day(date="2026-11-24")) == []
        assert await items(client.list_reward_markets())
        await items(client.list_user_earnings_and_markets_config(date="2026-11-24"))
        await client.get_reward_percentages()
        await client.get_current_rebates(date="2026-11-24", maker_address=client.wallet)


@in_loop
async def test_the_rate_limit_listener_hears_every_order_and_a_429_is_typed():
    heard = []
    async with serving() as venue, await venue.client(on_rate_limit_update=heard.append) as client:
        await client.get_closed_only_mode()
        assert heard == []
        await client.place_limit_order(asset_id=str(venue.market.tokens[0]), price="0.3", size=10, side="BUY")
        await client.cancel_all()
        assert [(update.tier, update.warning) for update in heard] == [("Standard", False)] * 2
        assert heard[0].remaining is not None
        venue.clob.ip_limits.replace([IpRule(re.compile(r"GET /data/orders"), 1)])
        await client.list_open_orders().first_page()
        with pytest.raises(RateLimitError) as limited:
            await client.list_open_orders().first_page()
        assert limited.value.retry_after == 10


@in_loop
async def test_trading_restrictions_are_typed():
    async with serving() as venue, await venue.client() as client:
        order = {"asset_id": str(venue.market.tokens[0]), "price": "0.3", "size": 10, "side": "BUY"}
        venue.clob.settings.restarting = True
        with pytest.raises(RequestRejectedError) as refused:
            await client.place_limit_order(**order)
        assert (refused.value.status, refused.value.restriction) == (425, "restarting")
        venue.clob.settings.restarting = False
        venue.world.exchange.modes.cancel_only = True
        with pytest.raises(RequestRejectedError) as refused:
            await client.place_limit_order(**order)
        assert (refused.value.status, refused.value.restriction) == (503, "cancel_only")
        venue.world.exchange.modes.cancel_only = False
        venue.world.exchange.modes.post_only = True
        with pytest.raises(RequestRejectedError) as refused:
            await client.place_limit_order(**order)
        assert (refused.value.status, refused.value.restriction) == (503, "post_only")
        assert refused.value.retry_after == venue.clob.settings.retry_after_s
        assert (await client.place_limit_order(**order, post_only=True)).ok


@in_loop
async def test_an_order_that_is_no_longer_open_is_null_which_this_client_does_not_read():
    async with serving() as venue, await venue.client() as client:
        placed = await client.place_limit_order(asset_id=str(venue.market.tokens[0]), price="0.3", size=10, side="BUY")
        order = await client.get_order(order_id=placed.order_id)
        assert (order.id, order.status, order.size_matched) == (placed.order_id, "LIVE", 0)
        await client.cancel_order(order_id=placed.order_id)
        with pytest.raises(UnexpectedResponseError):
            await client.get_order(order_id=placed.order_id)


@in_loop
async def test_an_empty_book_has_no_price_for_a_market_order():
    async with serving() as venue, await venue.client() as client:
        with pytest.raises(InsufficientLiquidityError):
            await client.estimate_market_price(asset_id=str(venue.market.tokens[0]), side="BUY", amount=10)


@in_loop
async def test_wrong_credentials_are_replaced_by_derived_ones():
    async with serving() as venue:
        stranger = venue.credentials(5)
        client = await AsyncSecureClient.create(
            private_key=private_key(1), wallet=eoa(1), environment=venue.environment(), credentials=stranger
        )
        async with client:
            assert client.credentials != stranger
            assert client.credentials == venue.credentials(1)
