"""`tieout sim serve` in a process of its own, as a user starts it, with both official clients on it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from polymarket import AsyncSecureClient
from polymarket.streams import MarketSpec, UserSpec
from py_clob_client_v2 import ClobClient, MarketOrderArgs, OrderType, TradeParams

from support.database import in_loop, until
from support.endpoints import environment, eoa, heard, items, private_key
from tieout.sim.engine.amounts import ONE
from tieout.sim.wire.wallets import deposit_wallet

ENDING_S = 20


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the process serves."""
    command = [
        sys.executable,
        "-m",
        "tieout",
        "sim",
        "serve",
        "--port",
        "0",
        "--seed",
        "5",
        "--markets",
        "6",
        "--quiet",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate(timeout=ENDING_S)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=ENDING_S)
    assert process.returncode == 0, errors


def control(url: str, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{url}/control{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fund(url: str, wallet: str) -> None:
    """10,000 of collateral, mined."""
    control(url, "/fund", wallet=wallet, amount=10_000 * ONE)
    control(url, "/advance", ms=3_000)


async def traded_token(client: Any) -> str:
    """The first outcome of a market that somebody sells."""
    found: list[str] = []

    async def offered() -> bool:
        for market in await items(client.list_markets(version="v1", page_size=4)):
            book = await client.get_order_book(asset_id=market.outcomes.yes.token_id)
            if sum(level.price * level.size for level in book.asks) > 50:
                found.append(book.asset_id)
        return bool(found)

    await until(offered, "a market with offers")
    return found[0]


@in_loop
async def test_polymarket_client_trades_and_hears_of_it(url):
    env = environment(url, url.replace("http", "ws"))
    fund(url, eoa(1))
    async with await AsyncSecureClient.create(private_key=private_key(1), wallet=eoa(1), environment=env) as client:
        token = await traded_token(client)
        async with (
            await client.subscribe(UserSpec()) as mine,
            await client.subscribe(MarketSpec(asset_ids=[token])) as public,
        ):
            await heard(public, lambda event: event.type == "book", "the book")
            resting = await client.place_limit_order(asset_id=token, price="0.01", size=100, side="BUY")
            placed = await heard(mine, lambda event: event.payload.id == resting.order_id, "the placement")
            assert placed.payload.order_event_type == "PLACEMENT"
            taken = await client.place_market_order(asset_id=token, side="BUY", amount=5, order_type="FAK")
            assert (taken.ok, taken.status) == (True, "matched")

            def mined(event: Any) -> bool:
                return event.type == "trade" and event.payload.status == "MINED"

            control(url, "/advance", ms=5_000)
            assert (await heard(mine, mined, "the mined trade")).payload.id == taken.trade_ids[0]
            control(url, "/advance", ms=30_000)
            (tx_hash,) = await client.wait_for_order_fill_settlement(taken)
            assert len(tx_hash) == 66
            assert (await client.cancel_all()).canceled == (resting.order_id,)
        control(url, "/advance", ms=71_000)
        (position,) = await items(client.list_positions())
        assert (position.asset_id, position.current_size) == (token, taken.taking_amount)


@in_loop
async def test_polymarket_client_makes_its_deposit_wallet(url):
    env = environment(url, url.replace("http", "ws"))
    async with await AsyncSecureClient.create(private_key=private_key(2), environment=env) as client:
        assert client.wallet.lower() == deposit_wallet(eoa(2))
        fund(url, client.wallet.lower())
        token = await traded_token(client)
        placed = await client.place_limit_order(asset_id=token, price="0.01", size=100, side="BUY")
        assert [order.id for order in await items(client.list_open_orders())] == [placed.order_id]
        assert (await client.get_balance_allowance(asset_type="COLLATERAL")).balance == 10_000 * ONE


@in_loop
async def test_py_clob_client_trades(url):
    env = environment(url, url.replace("http", "ws"))
    fund(url, eoa(3))
    client = ClobClient(url, 137, key=private_key(3))
    client.set_api_creds(await asyncio.to_thread(client.create_or_derive_api_key))
    async with await AsyncSecureClient.create(private_key=private_key(3), wallet=eoa(3), environment=env) as other:
        token = await traded_token(other)
    args = MarketOrderArgs(token_id=token, amount=5, side="BUY", order_type=OrderType.FAK)
    answer = await asyncio.to_thread(client.create_and_post_market_order, args, None, OrderType.FAK)
    assert answer["status"] == "matched"
    (trade,) = await asyncio.to_thread(client.get_trades, TradeParams(id=answer["tradeIDs"][0]))
    assert answer["transactionsHashes"] == [trade["transaction_hash"]]
    assert Decimal(trade["size"]) == Decimal(answer["takingAmount"])
