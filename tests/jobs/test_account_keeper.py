"""Books kept from the user channel and REST, beside another bot on the same key, whatever the channel does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from jobs.account import House, house
from support.database import in_loop, until
from tieout.app.history import verify
from tieout.sim.model import TradeStatus

FINAL = {TradeStatus.CONFIRMED, TradeStatus.FAILED}


async def live(kept: House, *, deaf: bool, rounds: int = 20) -> None:
    """Let the world go on while the keeper listens, then let everything settle and be booked."""
    since = kept.scenario.world.scheduler.now_ms

    async def booked() -> bool:
        orders = [o for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet]
        wanted = {o.id for o in orders if o.open or (o.created_ms > since and not deaf)}
        return wanted <= (await kept.order_rows()).keys()

    async with kept.feed as feed:
        keeping = asyncio.create_task(kept.keeper.run(feed))
        await until(lambda: ready(kept), "the feed is live")
        for _ in range(rounds):
            kept.run(6)
            await asyncio.sleep(0.01)
        kept.scenario.world.exchange.modes.cancel_only = True
        kept.run(90)
        for name in [each["name"] for each in kept.scenario.faults.state() if each["on"]]:
            kept.scenario.faults.off(str(name))
        assert {trade.status for trade in kept.scenario.world.exchange.trades.values()} <= FINAL
        await kept.keeper.catch_up()
        await until(lambda: ties(kept), "the books equal the chain")
        await until(booked, "every order is booked")
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def ready(kept: House) -> bool:
    return kept.keeper.live


async def ties(kept: House) -> bool:
    return await kept.shares() == kept.truth()


DEAF = ("ws-drop", "ws-malformed", "ws-disconnect")
"""Faults that may hide an order which is placed and gone again between two readings of REST."""

FAULTS = ("", "ws-duplicate", "ws-reorder", "settlement-failed", *DEAF)


@pytest.mark.parametrize("fault", FAULTS)
def test_E2_A5_books_beside_another_bot_equal_the_chain(dsn: str, fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            if fault:
                kept.scenario.faults.on(fault, probability=0.2)
            await live(kept, deaf=fault in DEAF)
            assert kept.truth()
            if fault:
                assert kept.scenario.faults.struck(fault)
            assert (await verify(kept.connection, kept.wallet_id)).holds

    run()


def test_A7_every_page_of_trades_and_orders_is_read(dsn: str) -> None:
    """Nothing is heard on the channel: the whole life is read by REST afterwards."""

    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=200) as kept:
            kept.run(240)
            kept.scenario.world.exchange.modes.cancel_only = True
            kept.run(90)
            trades = [t for t in kept.scenario.world.exchange.trades.values() if t.taker.request.wallet == kept.wallet]
            assert len(trades) > 100
            assert await kept.keeper.catch_up()
            assert await kept.shares() == kept.truth()

    run()


def test_A1_a_list_that_does_not_come_whole_is_not_live(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=500) as kept:
            kept.run(120)
            kept.scenario.faults.on("wrong-cursor", settings={"mode": "endless"})
            assert not await kept.keeper.catch_up()
            kept.scenario.faults.off("wrong-cursor")
            assert await kept.keeper.catch_up()

    run()
