"""Both official clients, unmodified but for their hosts, against the CLOB and the relayer inside the process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from polymarket import AsyncSecureClient
from polymarket.auth import BuilderApiKey
from polymarket.errors import OrderHeartbeatMismatchError, RateLimitError, RequestRejectedError
from polymarket.models.clob import PriceRequest
from py_clob_client_v2 import (
    ApiCreds,
    BalanceAllowanceParams,
    BookParams,
    ClobClient,
    MarketOrderArgs,
    OrderArgs,
    OrderMarketCancelParams,
    OrderPayload,
    OrderType,
    PartialCreateOrderOptions,
    TradeParams,
)
from py_clob_client_v2.exceptions import PolyApiException

from sim.clob.venue import KINDS, Trader, Venue
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import OrderStatus, Side
from tieout.sim.wire.limits import SignerLimits
from tieout.sim.wire.wallets import checksummed, deposit_wallet, legacy_deposit_wallet

CROWD = "0x" + "c0" * 20


def with_client(venue: Venue, trader: Trader, work: Callable[[AsyncSecureClient], Awaitable[Any]], **more: Any) -> Any:
    async def run() -> Any:
        more.setdefault("wallet", checksummed(trader.wallet))
        client = await AsyncSecureClient.create(
            private_key=trader.account.key.hex(), environment=venue.environment(), **more
        )
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_creates_itself_places_lists_and_cancels(live: Venue, kind: str):
    trader = live.trader(kind)

    async def work(client: AsyncSecureClient) -> None:
        for market in live.markets:
            token = str(market.tokens[0])
            placed = await client.place_limit_order(
                token_id=token, price="0.37", size="12.5", side="BUY", post_only=True
            )
            assert (placed.ok, placed.status) == (True, "live")
            assert (await client.get_order(order_id=placed.order_id)).price == Decimal("0.37")
        listed = [order async for page in client.list_open_orders() for order in page.items]
        assert {order.condition_id for order in listed} == {market.condition_id for market in live.markets}
        assert {order.maker_address for order in listed} == {checksummed(trader.wallet)}
        gone = await client.cancel_order(order_id=listed[0].id)
        assert gone.canceled == (listed[0].id,)
        market = await client.cancel_market_orders(market=listed[1].condition_id)
        assert market.canceled == (listed[1].id,)
        rest = await client.cancel_orders(order_ids=[order.id for order in listed])
        assert (rest.canceled, set(rest.not_canceled)) == (
            tuple(order.id for order in listed[2:]),
            {order.id for order in listed[:2]},
        )
        assert (await client.cancel_all()).canceled == ()

    with_client(live, trader, work)


def test_the_sdk_finds_the_deposit_wallet_by_itself(live: Venue):
    trader = live.trader("deposit")

    async def work(client: AsyncSecureClient) -> None:
        assert client.wallet == checksummed(deposit_wallet(trader.signer))
        placed = await client.place_limit_order(
            token_id=str(live.v2_market.tokens[1]), price="0.25", size="20", side="SELL"
        )
        assert placed.ok

    live.world.keys.delete(trader.key.key)
    with_client(live, trader, work, wallet=None)


def test_the_sdk_prefers_an_old_deposit_wallet_that_exists(live: Venue):
    trader = live.trader(cash=0, shares=0)
    legacy = legacy_deposit_wallet(trader.signer)
    live.fund(legacy, 50 * ONE)

    async def work(client: AsyncSecureClient) -> None:
        assert client.wallet == checksummed(legacy)
        placed = await client.place_limit_order(
            token_id=str(live.market.tokens[0]), price="0.25", size="20", side="BUY"
        )
        assert placed.ok
        assert (await client.get_balance_allowance(asset_type="COLLATERAL")).balance == 50 * ONE

    with_client(live, trader, work, wallet=None)


def test_the_sdk_trades_at_market_and_sees_the_settlement(live: Venue):
    live.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    for price in (500_000, 520_000):
        live.crowd(live.market, Side.SELL, 0, price, 20 * ONE, CROWD)
        live.crowd(live.market, Side.BUY, 0, price - 100_000, 20 * ONE, CROWD)
    trader, token = live.trader(), str(live.market.tokens[0])

    async def work(client: AsyncSecureClient) -> None:
        bought = await client.place_market_order(token_id=token, side="BUY", amount="15.4", order_type="FAK")
        assert (bought.ok, bought.status, bought.making_amount) == (True, "matched", Decimal("15.4"))
        assert bought.taking_amount == Decimal("30.384616")
        sold = await client.place_market_order(token_id=token, side="SELL", shares="7", order_type="FOK")
        assert (sold.making_amount, sold.taking_amount) == (Decimal(7), Decimal("2.94"))
        live.run(60)
        hashes = await client.wait_for_order_fill_settlement(bought)
        assert hashes == (live.world.exchange.trades[bought.trade_ids[0]].tx_hash,)
        trades = [trade async for page in client.list_account_trades(token_id=token) for trade in page.items]
        assert [(trade.side, trade.status, trade.trader_side) for trade in trades] == [
            ("SELL", "CONFIRMED", "TAKER"),
            ("BUY", "CONFIRMED", "TAKER"),
        ]
        assert [note.type for note in await client.get_notifications()] == [2, 2]

    with_client(live, trader, work)


@pytest.mark.parametrize(("tick", "price"), [(1_000, 333_000), (100, 333_300), (5_000, 335_000), (2_500, 332_500)])
def test_both_clients_buy_at_market_on_fine_grids(live: Venue, tick: int, price: int):
    live.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    live.market.tick = tick
    live.crowd(live.market, Side.SELL, 0, price, 400 * ONE, CROWD)
    trader, token = live.trader(), str(live.market.tokens[0])

    async def work(client: AsyncSecureClient) -> None:
        bought = await client.place_market_order(token_id=token, side="BUY", amount="10.01", order_type="FOK")
        assert bought.ok, bought
        assert bought.making_amount == Decimal("10.01")

    with_client(live, trader, work)
    client = live.py_client(trader)
    if tick in (1_000, 100):
        args = MarketOrderArgs(token_id=token, amount=10.01, side="BUY", order_type=OrderType.FOK)
        bought = client.post_order(client.create_market_order(args), OrderType.FOK, defer_exec=True)
        assert bought["status"] == "matched"


def test_the_sdk_reads_refusals_and_modes(live: Venue):
    trader, token = live.trader(), str(live.market.tokens[0])

    async def refused(client: AsyncSecureClient) -> RequestRejectedError:
        with pytest.raises(RequestRejectedError) as caught:
            await client.place_limit_order(token_id=token, price="0.4", size="10", side="BUY")
        return caught.value

    async def work(client: AsyncSecureClient) -> None:
        modes = live.world.exchange.modes
        modes.cancel_only = True
        assert (await refused(client)).restriction == "cancel_only"
        modes.cancel_only, modes.post_only = False, True
        error = await refused(client)
        assert (error.restriction, error.code, error.retry_after) == ("post_only", "post_only_mode", 79)
        modes.post_only = False
        live.clob.settings.restarting = True
        assert (await refused(client)).restriction == "restarting"
        live.clob.settings.restarting = False
        order = await client.create_limit_order(token_id=token, price="0.4", size="10", side="BUY", post_only=True)
        first, again = await client.post_orders([order, order])
        assert (first.ok, again.ok) == (True, False)
        assert again.message == f"order {first.order_id} is invalid. Duplicated."
        with pytest.raises(OrderHeartbeatMismatchError) as wrong:
            await client.send_order_heartbeat(heartbeat_id="nonsense")
        sent = await client.send_order_heartbeat(heartbeat_id=wrong.value.heartbeat_id)
        assert (await client.send_order_heartbeat(heartbeat_id=sent.heartbeat_id)).heartbeat_id != sent.heartbeat_id

    with_client(live, trader, work)


def test_the_sdk_hears_of_the_signers_limits(live: Venue):
    trader, token, heard = live.trader(), str(live.market.tokens[0]), []
    limits: SignerLimits = live.clob.signer_limits
    limits.enforced = True

    async def work(client: AsyncSecureClient) -> None:
        order = await client.create_limit_order(token_id=token, price="0.4", size="10", side="BUY")
        await client.post_order(order)
        assert (heard[-1].remaining, heard[-1].tier, heard[-1].warning) == (59, "Standard", False)
        limits.order(trader.signer, 59)
        with pytest.raises(RateLimitError) as refused:
            await client.post_order(order)
        assert (refused.value.retry_after, refused.value.rate_limit.remaining) == (1, 0)

    with_client(live, trader, work, on_rate_limit_update=heard.append)


def test_the_sdk_reads_every_public_and_private_shape(live: Venue):
    live.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    trader, token = live.trader(), str(live.market.tokens[0])
    live.crowd(live.market, Side.BUY, 0, 400_000, 30 * ONE, CROWD)
    live.crowd(live.market, Side.SELL, 0, 460_000, 30 * ONE, CROWD, builder="0x" + "bb" * 32)
    live.crowd(live.market, Side.BUY, 0, 460_000, 10 * ONE, CROWD)
    live.clob.settings.builder_fees["0x" + "bb" * 32] = (10, 25)
    day = "2026-09-21"

    async def work(client: AsyncSecureClient) -> None:
        book = await client.get_order_book(token_id=token)
        assert (book.bids[-1].price, book.asks[-1].price) == (Decimal("0.4"), Decimal("0.46"))
        assert [found.asset_id for found in await client.get_order_books(token_ids=[token])] == [token]
        assert await client.get_midpoint(token_id=token) == Decimal("0.43")
        assert await client.get_midpoints(token_ids=[token]) == {token: Decimal("0.43")}
        assert await client.get_price(token_id=token, side="SELL") == Decimal("0.46")
        assert await client.get_prices(requests=[PriceRequest(token, "BUY")]) == {token: {"BUY": Decimal("0.4")}}
        assert await client.get_spread(token_id=token) == Decimal("0.06")
        assert await client.get_spreads(token_ids=[token]) == {token: Decimal("0.06")}
        assert (await client.get_last_trade_price(token_id=token)).side == "BUY"
        assert (await client.get_last_trade_prices(token_ids=[token]))[0].price == Decimal("0.46")
        placed = await client.place_limit_order(token_id=token, price="0.42", size="30", side="BUY")
        assert await client.get_order_scoring(order_id=placed.order_id) is True
        assert await client.get_orders_scoring(order_ids=[placed.order_id]) == {placed.order_id: True}
        assert await client.get_closed_only_mode() is False
        assert trader.key.key in await client.fetch_api_keys()
        for listed in (
            client.list_current_rewards(),
            client.list_reward_markets(),
            client.list_market_rewards(condition_id=live.market.condition_id),
            client.list_user_earnings_and_markets_config(date=day),
            client.list_builder_trades(builder_code="0x" + "bb" * 32),
        ):
            assert [row async for page in listed for row in page.items]
        earned = client.list_user_earnings_for_day(date=day)
        assert [row async for page in earned for row in page.items] == []
        assert await client.get_total_earnings_for_user_for_day(date=day) == ()
        assert await client.get_reward_percentages() == {}
        assert await client.get_current_rebates(date=day, maker_address=trader.wallet) == ()
        assert (await client.get_builder_fee_rates("0x" + "bb" * 32)).taker == Decimal("0.0025")
        builder = await client.create_builder_api_key()
        assert [found.key for found in await client.fetch_builder_api_keys()] == [builder.key]
        live.world.resolve(live.market, (ONE, 0))
        notes = await client.get_notifications()
        await client.drop_notifications(ids=[note.id for note in notes])
        assert await client.get_notifications() == ()
        await client.delete_api_key()

    with_client(live, trader, work)


def test_the_sdk_deploys_a_wallet_and_approves_through_the_relayer(live: Venue, monkeypatch: pytest.MonkeyPatch):
    trader = live.trader(cash=0, shares=0)
    builder = BuilderApiKey(key="k", secret="c2VjcmV0", passphrase="p")
    live.relayer.is_deployed = lambda wallet: wallet in live.relayer._created

    async def work(client: AsyncSecureClient) -> None:
        live.relayer.is_deployed = type(live.relayer).is_deployed.__get__(live.relayer)
        wallet = deposit_wallet(trader.signer)
        assert client.wallet == checksummed(wallet)
        exchange = live.environment()._config.standard_exchange
        monkeypatch.setattr(client._ctx.rpc, "eth_get_latest_block_timestamp", lambda: _value(0))
        handle = await client.approve_erc20(
            token_address=live.environment()._config.collateral_token, spender_address=exchange, amount="max"
        )
        live.run(60)
        outcome = await handle.wait()
        assert live.world.chain.receipt(outcome.transaction_hash).status == 1
        assert live.world.chain.cash_allowance(wallet, exchange.lower()) > 0

    with_client(live, trader, work, wallet=None, api_key=builder)


async def _value(value: int) -> int:
    return value


# py-clob-client-v2


@pytest.mark.parametrize("kind", KINDS)
def test_the_older_client_places_lists_and_cancels(live: Venue, kind: str):
    trader = live.trader(kind)
    client = live.py_client(trader)
    placed = []
    for market in (live.market, live.event_market):
        args = OrderArgs(token_id=str(market.tokens[0]), price=0.37, size=12.5, side="BUY")
        placed.append(client.create_and_post_order(args, order_type=OrderType.GTC, post_only=True))
    v2 = OrderArgs(position_id=str(live.v2_market.tokens[0]), token_id=None, price=0.37, size=12.5, side="BUY")
    options = PartialCreateOrderOptions(tick_size="0.01", neg_risk=False)
    placed.append(client.create_and_post_order(v2, options))
    assert [answered["status"] for answered in placed] == ["live"] * 3
    ids = [answered["orderID"] for answered in placed]
    assert [row["id"] for row in client.get_open_orders()] == ids
    assert client.get_order(ids[0])["price"] == "0.37"
    assert client.cancel_order(OrderPayload(orderID=ids[0]))["canceled"] == [ids[0]]
    assert client.cancel_market_orders(OrderMarketCancelParams(market=live.event_market.condition_id))["canceled"] == [
        ids[1]
    ]
    assert client.cancel_orders(ids)["canceled"] == [ids[2]]
    assert client.cancel_all() == {"canceled": [], "not_canceled": {}}
    assert client.get_order(ids[0]) is None


def test_the_older_client_creates_and_derives_its_key(live: Venue):
    trader = live.trader(cash=0, shares=0)
    client = ClobClient("http://clob.test", 137, key=trader.account.key.hex())
    made = client.create_api_key(nonce=5)
    with pytest.raises(PolyApiException) as refused:
        client.create_api_key(nonce=5)
    assert refused.value.error_msg == {"error": "Could not create api key"}
    assert client.create_or_derive_api_key(nonce=5) == made
    client.set_api_creds(ApiCreds(made.api_key, made.api_secret, made.api_passphrase))
    assert made.api_key in client.get_api_keys()["apiKeys"]
    readonly = client.create_readonly_api_key()["apiKey"]
    assert client.get_readonly_api_keys() == [readonly]
    assert client.delete_readonly_api_key(readonly) == "OK"
    assert client.delete_api_key() == "OK"


def test_the_older_client_trades_and_waits_for_the_hash(live: Venue):
    live.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    live.crowd(live.market, Side.SELL, 0, 500_000, 50 * ONE, CROWD)
    trader, token = live.trader(), str(live.market.tokens[0])
    client = live.py_client(trader)
    args = MarketOrderArgs(token_id=token, amount=20, side="BUY", order_type=OrderType.FOK)
    bought = client.post_order(client.create_market_order(args), OrderType.FOK, defer_exec=True)
    assert (bought["status"], bought["makingAmount"], bought["takingAmount"]) == ("matched", "20", "40")
    live.run(60)
    (trade,) = client.get_trades(TradeParams(id=bought["tradeIDs"][0]))
    assert trade["transaction_hash"] == live.world.exchange.trades[trade["id"]].tx_hash
    assert client._resolve_transactions_hashes(bought)["transactionsHashes"] == [trade["transaction_hash"]]
    told = client.get_balance_allowance(BalanceAllowanceParams(asset_type="CONDITIONAL", token_id=token))
    assert told["balance"] == str(1_040 * ONE)
    assert live.world.exchange.orders[bought["orderID"]].status is OrderStatus.MATCHED


def test_the_older_client_reads_the_public_side(live: Venue):
    live.fund(CROWD, 100_000 * ONE, 1_000 * ONE)
    live.crowd(live.market, Side.BUY, 0, 400_000, 30 * ONE, CROWD)
    live.crowd(live.market, Side.SELL, 0, 460_000, 30 * ONE, CROWD)
    token = str(live.market.tokens[0])
    client = ClobClient("http://clob.test", 137)
    assert client.get_ok() == "OK"
    assert client.get_version() == 2
    assert client.get_server_time() == live.world.scheduler.now_s
    assert client.get_tick_size(token) == "0.01"
    assert client.get_neg_risk(token) is False
    assert client.get_fee_rate_bps(token) == 1000
    assert client.get_midpoint(token) == {"mid": "0.43"}
    assert client.get_order_books([BookParams(token_id=token)])[0]["asset_id"] == token
    assert client.get_prices([BookParams(token_id=token, side="BUY")]) == {token: {"BUY": "0.4"}}
    assert client.get_clob_market_info(live.market.condition_id)["t"][0]["t"] == token
    assert client.get_market(live.market.condition_id)["condition_id"] == live.market.condition_id
    assert len(client.get_markets()["data"]) == 4
    assert len(client.get_simplified_markets()["data"]) == 4
    assert len(client.get_current_rewards()) == 4
    assert client.calculate_market_price(token, "BUY", 5) == 0.46
