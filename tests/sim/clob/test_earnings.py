"""Rewards and rebates as the official clients read them: the figures are those that arrive on chain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from polymarket import AsyncSecureClient

from sim.clob.venue import KINDS, Trader, Venue
from tieout.sim.chain.calls import PayReward
from tieout.sim.economy.periods import DAY_MS
from tieout.sim.economy.rebates import Rebates
from tieout.sim.economy.rewards import Rewards
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Market, Side
from tieout.sim.wire.clob import Clob
from tieout.sim.wire.wallets import checksummed
from tieout.venue.addresses import P_USD

DAY, NEXT = "2026-09-21", "2026-09-22"
CROWD = "0x" + "c0" * 20


@pytest.fixture
def paying(live: Venue, monkeypatch: pytest.MonkeyPatch) -> Venue:
    """Rewards and rebates run; the clients read the venue's clock, so that a day can pass."""
    venue = Venue()
    rewards, rebates = Rewards(venue.world), Rebates(venue.world)
    venue.clob = Clob(venue.world, rewards, rebates)
    live.serve = venue.serve  # type: ignore[method-assign]
    monkeypatch.setattr(time, "time", lambda: venue.world.scheduler.now_ms / 1000)
    venue.fund(CROWD, 100_000 * ONE, 20_000 * ONE)
    return venue


def ask(venue: Venue, trader: Trader, work: Callable[[AsyncSecureClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        client = await AsyncSecureClient.create(
            private_key=trader.account.key.hex(), environment=venue.environment(), wallet=checksummed(trader.wallet)
        )
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def quote(venue: Venue, market: Market, wallet: str, size: int, *, bid: int = 480_000, ask: int = 520_000) -> None:
    venue.crowd(market, Side.BUY, 0, bid, size, wallet)
    venue.crowd(market, Side.SELL, 0, ask, size, wallet)


def to_midnight(venue: Venue) -> None:
    """One minute past the end of the day."""
    now = venue.world.scheduler.now_ms
    venue.run((DAY_MS - now % DAY_MS) // 1000 + 60)


def paid(venue: Venue, wallet: str, kind: str) -> int:
    """What the chain has sent the wallet."""
    chain = venue.world.chain
    calls = [
        receipt.transaction.call
        for number in range(chain.block_by_tag("earliest").number, chain.head.number + 1)
        for receipt in chain.block(number).receipts
        if receipt.status
    ]
    return sum(
        call.amount for call in calls if isinstance(call, PayReward) and (call.wallet, call.kind) == (wallet, kind)
    )


def micro(amount: Decimal) -> int:
    return int(amount * ONE)


@pytest.mark.parametrize("kind", KINDS)
def test_rewards_of_a_day_are_what_arrives_at_midnight(paying: Venue, kind: str):
    trader = paying.trader(kind)
    for market, size in ((paying.market, 30), (paying.other, 90)):
        quote(paying, market, trader.wallet, size * ONE)
        quote(paying, market, CROWD, 30 * ONE)
    before = paying.world.chain.cash(trader.wallet)
    to_midnight(paying)
    arrived = paying.world.chain.cash(trader.wallet) - before
    assert arrived == paid(paying, trader.wallet, "reward") > ONE

    async def work(client: AsyncSecureClient) -> None:
        rows = [row async for page in client.list_user_earnings_for_day(date=DAY) for row in page.items]
        assert {row.condition_id for row in rows} == {paying.market.condition_id, paying.other.condition_id}
        assert sum(micro(row.earnings) for row in rows) == arrived
        assert {
            (row.maker_address, row.asset_address, row.asset_rate, row.date.date().isoformat()) for row in rows
        } == {(checksummed(trader.wallet), P_USD, 1, DAY)}
        (total,) = await client.get_total_earnings_for_user_for_day(date=DAY)
        assert (micro(total.earnings), total.maker_address) == (arrived, checksummed(trader.wallet))
        assert (total.native_earnings, total.sponsored_earnings) == (total.earnings, 0)
        listed = client.list_user_earnings_and_markets_config(date=DAY)
        by_market = {row.condition_id: row async for page in listed for row in page.items}
        assert len(by_market) == 4
        assert {key: row.earnings[0].earnings for key, row in by_market.items() if row.earnings[0].earnings} == {
            row.condition_id: row.earnings for row in rows
        }
        shares = await client.get_reward_percentages()
        assert shares == {paying.market.condition_id: 50, paying.other.condition_id: 75}
        assert {key: row.earning_percentage for key, row in by_market.items() if row.earning_percentage} == shares

    ask(paying, trader, work)


def test_the_day_goes_on_and_is_listed_before_it_is_paid(paying: Venue):
    trader = paying.trader()
    quote(paying, paying.market, trader.wallet, 30 * ONE)
    to_midnight(paying)
    of_first = paid(paying, trader.wallet, "reward")
    paying.run(3600)

    async def total(client: AsyncSecureClient) -> list[int]:
        found = [await client.get_total_earnings_for_user_for_day(date=day) for day in (DAY, NEXT, "2026-09-23")]
        return [sum(micro(row.earnings) for row in rows) for rows in found]

    first, second, third = ask(paying, trader, total)
    assert (first, third) == (of_first, 0)
    assert 0 < second < of_first
    to_midnight(paying)
    _, second, _ = ask(paying, trader, total)
    assert paid(paying, trader.wallet, "reward") == first + second


def test_a_market_that_closed_keeps_what_it_earned(paying: Venue):
    trader = paying.trader()
    quote(paying, paying.market, trader.wallet, 30 * ONE)
    paying.run(3600)
    paying.world.resolve(paying.market, (ONE, 0))

    async def work(client: AsyncSecureClient) -> None:
        listed = client.list_user_earnings_and_markets_config(date=DAY)
        rows = {row.condition_id: row async for page in listed for row in page.items}
        assert rows[paying.market.condition_id].earnings[0].earnings > 0
        assert rows[paying.market.condition_id].earning_percentage == 0
        assert await client.get_reward_percentages() == {}

    ask(paying, trader, work)


def test_rebates_of_a_day_are_what_arrives_at_midnight(paying: Venue):
    trader = paying.trader()
    for market in (paying.market, paying.v2_market):
        paying.crowd(market, Side.SELL, 0, 600_000, 1_000 * ONE, trader.wallet)
        paying.crowd(market, Side.BUY, 0, 600_000, 1_000 * ONE, CROWD)
    paying.run(60)
    before = paying.world.chain.cash(trader.wallet)
    to_midnight(paying)
    arrived = paying.world.chain.cash(trader.wallet) - before
    assert arrived == paid(paying, trader.wallet, "rebate") > ONE

    async def work(client: AsyncSecureClient) -> None:
        rows = await client.get_current_rebates(date=DAY, maker_address=checksummed(trader.wallet))
        assert {row.condition_id for row in rows} == {paying.market.condition_id, paying.v2_market.condition_id}
        assert sum(micro(row.rebated_fees_usdc) for row in rows) == arrived
        assert {(row.maker_address, row.asset_address, row.date.isoformat()) for row in rows} == {
            (checksummed(trader.wallet), P_USD, DAY)
        }
        assert await client.get_current_rebates(date=NEXT, maker_address=trader.wallet) == ()
        assert await client.get_current_rebates(date=DAY, maker_address=CROWD) == ()

    ask(paying, trader, work)


def test_dates_that_are_none_and_wrong_signature_types(paying: Venue):
    trader = paying.trader()
    assert trader.ask("GET", "/rewards/user/total", date="soon").body == []
    assert paying.get("/rebates/current", maker_address=trader.wallet).body == []
    assert trader.ask("GET", "/rewards/user", date=DAY, signature_type="9").status == 400
