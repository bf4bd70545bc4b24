"""Quoting on the simulated venue over the wire: fills come, and books, orders and chain agree."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop, until
from tieout.app.history import verify
from tieout.jobs.market_making import NOT_LIVE, CycleReport, Maker, MarketMaking
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits

PARAMS = Params(tiers=2, tier_size=30 * MILLION, half_spread=10_000).checked()
MAKER = Maker(Ladder(), PARAMS, Limits(), 500 * MILLION)


def making_of(kept: House) -> MarketMaking:
    return MarketMaking(kept.connection, kept.wallet_id, kept.public, kept.orders)


async def cycles(kept: House, count: int, clock: WorldClock, seconds: int = 5) -> list[CycleReport]:
    making, reports = making_of(kept), []
    for _ in range(count):
        reports.append(await making.cycle(kept.market, MAKER, clock, live=kept.keeper.live, dry=False))
        kept.run(seconds)
        await asyncio.sleep(0.02)
    return reports


def open_orders(kept: House) -> set[str]:
    orders = kept.scenario.world.exchange.orders.values()
    return {order.id for order in orders if order.request.wallet == kept.wallet and order.open}


async def quote(kept: House, count: int) -> list[CycleReport]:
    """Some cycles with the feed live, then everything cancelled and settled."""
    clock = WorldClock(kept.scenario)
    async with kept.feed as feed:
        keeping = asyncio.create_task(kept.keeper.run(feed))

        async def ready() -> bool:
            return kept.keeper.live

        async def ties() -> bool:
            return await kept.shares() == kept.truth()

        await until(ready, "the feed is live")
        reports = await cycles(kept, count, clock)
        await kept.keeper.catch_up()
        kept.scenario.world.exchange.modes.cancel_only = True
        await making_of(kept).cycle(kept.market, MAKER, clock, live=False, dry=False)
        await kept.desk.orders.cancel_all()
        kept.run(90)
        await kept.keeper.catch_up()
        await until(ties, "the books equal the chain")
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
    return reports


def test_quotes_are_filled_and_the_books_equal_the_chain(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            reports = await quote(kept, 40)
            assert sum(len(report.outcomes) for report in reports) > 10
            assert not [report.problem for report in reports if report.problem]
            assert kept.truth(), "no quote was filled"
            assert not open_orders(kept)
            rows = await kept.order_rows()
            sent = {outcome.order.order_id for report in reports for outcome in report.outcomes}
            assert rows.keys() == sent
            assert {row["state"] for row in rows.values()} <= {"closed", "rejected"}
            assert (await verify(kept.connection, kept.wallet_id)).holds

    run()


@pytest.mark.parametrize("fault", ["timeout-after", "timeout-before", "server-error", "cancel-refused"])
def test_P3_P5_no_order_is_lost_or_doubled_when_requests_fail(dsn: str, fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            settings = {"delay_ms": 0} if fault.startswith("timeout") else {}
            kept.scenario.faults.on(fault, probability=0.2, path="/order", settings=settings)
            reports = await quote(kept, 25)
            assert kept.scenario.faults.struck(fault)
            mine = {o.id for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet}
            assert mine <= (await kept.order_rows()).keys()
            assert len(mine) == len({o.order.order_id for r in reports for o in r.outcomes} & mine)
            assert (await verify(kept.connection, kept.wallet_id)).holds

    run()


def test_D2_while_the_feed_is_not_live_a_cycle_only_cancels(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            clock, making = WorldClock(kept.scenario), making_of(kept)
            placed = await making.cycle(kept.market, MAKER, clock, live=True, dry=False)
            assert placed.outcomes
            assert open_orders(kept)
            after = await making.cycle(kept.market, MAKER, clock, live=False, dry=False)
            assert any(NOT_LIVE in reason for reason in after.decision.reasons)
            assert not after.outcomes
            assert not open_orders(kept)

    run()


def test_a_dry_cycle_decides_and_sends_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            report = await making_of(kept).cycle(kept.market, MAKER, WorldClock(kept.scenario), live=True, dry=True)
            assert report.decision.plan.places
            assert not report.outcomes
            assert not open_orders(kept)
            assert not await kept.order_rows()

    run()
