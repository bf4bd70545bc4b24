"""Quoting on the simulated venue over the wire: fills come, and books, orders and chain agree."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop, until
from tieout.app.history import verify
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.market_making import Maker, MarketMaking, Purse, Quoted, Quoting, RoundReport, book_view
from tieout.jobs.quote_log import QuoteLog
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.risk import Limits

PARAMS = Params(tiers=2, tier_size=30 * MILLION, half_spread=10_000).checked()
MAKER = Maker(Ladder(), PARAMS, Limits(), 500 * MILLION)


NOT_LIVE = "the feed is not live"


def making_of(kept: House) -> MarketMaking:
    spared = Spared(kept.connection, kept.wallet_id, ForeignOrders.ADOPT)
    return MarketMaking(kept.connection, kept.wallet_id, kept.orders, spared)


async def one_round(
    kept: House, making: MarketMaking, why_not: str = "", purse: Purse | None = None, *, dry: bool = False
) -> RoundReport:
    books = await kept.public.books(kept.market.token_ids)
    quoted = Quoted(kept.market, MAKER, book_view(kept.market, books.rows), why_not)
    now_ms = WorldClock(kept.scenario).now_ms()
    return await making.round([quoted], purse or Purse(), now_ms, dry=dry)


async def rounds(kept: House, count: int, seconds: int = 5) -> list[Quoting]:
    making, made, history = making_of(kept), [], QuoteLog(kept.connection, kept.wallet_id)
    for _ in range(count):
        report = await one_round(kept, making, "" if kept.keeper.live else NOT_LIVE)
        await history.note(report, WorldClock(kept.scenario).now_ms(), dry=False)
        made += report.markets
        kept.run(seconds)
        await asyncio.sleep(0.02)
    return made


async def quote(kept: House, count: int) -> list[Quoting]:
    """Some rounds with the feed live, then everything cancelled and settled."""
    async with kept.feed as feed:
        keeping = asyncio.create_task(kept.keeper.run(feed))

        async def ready() -> bool:
            return kept.keeper.live

        async def ties() -> bool:
            return await kept.shares() == kept.truth()

        await until(ready, "the feed is live")
        reports = await rounds(kept, count)
        await kept.keeper.catch_up()
        kept.scenario.world.exchange.modes.cancel_only = True
        await one_round(kept, making_of(kept), NOT_LIVE)
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
            assert kept.truth(), "no quote was filled"
            assert not kept.open_orders()
            rows = await kept.order_rows()
            sent = {outcome.order.order_id for report in reports for _, outcome in report.outcomes}
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
            assert len(mine) == len({o.order.order_id for r in reports for _, o in r.outcomes} & mine)
            assert (await verify(kept.connection, kept.wallet_id)).holds

    run()


def test_D2_while_truth_is_out_of_reach_a_round_only_cancels(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            making = making_of(kept)
            (placed,) = (await one_round(kept, making)).markets
            assert placed.outcomes
            assert kept.open_orders()
            (after,) = (await one_round(kept, making, NOT_LIVE)).markets
            assert any(NOT_LIVE in reason for reason in after.decision.reasons)
            assert not after.outcomes
            assert not kept.open_orders()

    run()


def test_a_dry_round_decides_and_sends_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            report = await one_round(kept, making_of(kept), dry=True)
            (made,) = report.markets
            assert made.decision.plan.places
            assert not made.outcomes
            assert not kept.open_orders()
            assert not await kept.order_rows()
            history = QuoteLog(kept.connection, kept.wallet_id)
            events = await history.note(report, 1, dry=True)
            assert [event.dry for event in events] == [True] * len(made.decision.quotes)
            assert not await history.note(report, 2, dry=True), "told once, until it changes"

    run()


def test_the_day_s_loss_stops_every_market(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            making = making_of(kept)
            assert (await one_round(kept, making)).markets[0].outcomes
            lost = Purse(pnl=-MAKER.limits.daily_loss_max, pnl_at_day_start=0)
            (made,) = (await one_round(kept, making, purse=lost)).markets
            assert "daily_loss_max" in made.decision.reasons[0]
            assert not kept.open_orders()

    run()


def test_markets_share_the_cash_and_the_total_exposure(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            making = making_of(kept)
            books = await kept.public.books(kept.market.token_ids)
            twice = [Quoted(kept.market, MAKER, book_view(kept.market, books.rows))] * 2
            alone = (await making.round(twice[:1], Purse(), 1, dry=True)).markets[0].decision.quotes
            need = sum(-(-q.size * q.price // MILLION) for q in alone if q.side == "BUY")
            report = await making.round(twice[:1], Purse(cash=need // 2), 1, dry=True)
            spent = sum(-(-q.size * q.price // MILLION) for q in report.markets[0].decision.quotes)
            assert 0 < spent <= need // 2

    run()


def test_every_quote_has_its_history_and_every_fill_is_in_it_once(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            await quote(kept, 40)
            claimed = "SELECT sum(claimed) FROM orders WHERE wallet_id = $1"
            noted = "SELECT sum(size) FROM quote_event WHERE wallet_id = $1 AND event IN ('FILL', 'PARTIAL_FILL')"
            lives = "SELECT order_id, array_agg(event ORDER BY seq) AS life FROM quote_event GROUP BY 1"
            rows = await kept.connection.fetch(lives)
            assert {row["life"][0] for row in rows} <= {"PLACED", "REJECTED"}
            assert await kept.connection.fetchval(noted, kept.wallet_id) > 0
            assert await kept.connection.fetchval(noted, kept.wallet_id) <= await kept.connection.fetchval(
                claimed, kept.wallet_id
            )

    run()
