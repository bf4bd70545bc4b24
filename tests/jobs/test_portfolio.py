"""The portfolio over the wire: every position priced or said not to be, cash, and what the day began with."""

from __future__ import annotations

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.jobs.portfolio import BOOKS_MAX, Portfolio, PricedBy
from tieout.ledger.facts import INCOME, CashFlowed, ConditionResolved, Flow, TokensTransferred
from tieout.sim.model import Market, OrderStatus, Side
from tieout.sim.world import START_MS
from tieout.store import marks


def portfolio_of(seen: Witnessed, *, with_node: bool = True) -> Portfolio:
    kept = seen.kept
    chain = seen.chain if with_node else None
    return Portfolio(kept.connection, kept.wallet_id, kept.wallet, kept.public, chain, kept.desk.account, seen.clock)


async def bought(seen: Witnessed, outcome: int = 0) -> None:
    seen.buy(outcome=outcome)
    await seen.until_final()
    await seen.positions.run()


def prices(seen: Witnessed, outcome: int = 0) -> tuple[int, int]:
    """(best bid, best ask) in the world."""
    book = seen.kept.scenario.world.exchange.books[seen.market.condition_id]
    bid, ask = (book.best(outcome, side) for side in (Side.BUY, Side.SELL))
    assert bid is not None
    assert ask is not None
    return bid, ask


def traded(seen: Witnessed) -> list[Market]:
    return list(seen.kept.scenario.world.exchange.markets.values())


@pytest.mark.parametrize("with_node", [True, False])
def test_what_is_held_is_worth_the_midpoint_and_cash_is_counted_once(dsn: str, with_node: bool) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await bought(seen)
            job = portfolio_of(seen, with_node=with_node)
            await job.run()
            (held,) = job.positions
            (shares,) = seen.kept.truth().values()
            bid, ask = prices(seen)
            assert (held.shares, held.by) == (shares, PricedBy.MIDPOINT)
            assert held.value == shares * ((bid + ask) // 2) // MILLION
            assert job.cash == seen.kept.scenario.world.chain.cash(seen.kept.wallet)
            row = await seen.kept.connection.fetchrow("SELECT * FROM positions")
            assert job.pnl == held.value - row["cost_basis"] - row["fees"]
            mark = await marks.latest(seen.kept.connection, seen.kept.wallet_id)
            assert mark is not None
            assert (mark.cash, mark.market_value, mark.pnl, mark.positions) == (job.cash, held.value, job.pnl, 1)

    run()


@pytest.mark.parametrize("with_node", [True, False])
def test_S6_a_resolved_position_is_worth_its_payout(dsn: str, with_node: bool) -> None:
    """The node is asked; without one it is what the market channel told."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await bought(seen, 0)
            await bought(seen, 1)
            seen.kept.scenario.world.resolve(seen.market, (250_000, 750_000))
            seen.kept.run(60)
            if not with_node:
                told = ConditionResolved(condition_id=seen.market.condition_id, numerators=(1, 3))
                await seen.kept.book([told])
            job = portfolio_of(seen, with_node=with_node)
            await job.run()
            found = {each.outcome_index: each for each in job.positions}
            assert [found[0].by, found[1].by] == [PricedBy.PAYOUT] * 2
            assert found[0].value == found[0].shares // 4
            assert found[1].value == found[1].shares * 3 // 4

    run()


def test_without_bids_the_last_price_counts_and_without_any_price_it_is_said(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await bought(seen)
            exchange = seen.kept.scenario.world.exchange
            for order in [o for o in exchange.orders.values() if o.open and o.market is seen.market]:
                exchange.cancel_order(order, OrderStatus.CANCELED)
            (book,) = (await seen.kept.public.books([seen.kept.market.token_ids[0]])).rows
            assert not (book.bids and book.asks)
            unknown = TokensTransferred(
                token_id="12345", shares=3 * MILLION, cost=MILLION, cost_policy="given", tx_hash="0x" + "7" * 64,
                log_index=1, block=1, occurred_at_ms=seen.clock.now_ms(),
            )  # fmt: skip
            await seen.kept.book([unknown])
            job = portfolio_of(seen)
            result = await job.run()
            by = {each.token_id: each for each in job.positions}
            last, nothing = by[seen.kept.market.token_ids[0]], by["12345"]
            assert (last.by, last.value) == (PricedBy.LAST_PRICE, last.shares * book.last_price // MILLION)
            assert (nothing.by, nothing.value) == (PricedBy.NOTHING, MILLION)
            assert result.detail["unpriced"] == ["12345"]

    run()


def test_S5_rewards_count_and_deposits_do_not(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            job = portfolio_of(seen)
            await job.run()
            assert job.pnl == 0
            flows = [
                CashFlowed(
                    flow=flow, amount=1 << number, tx_hash=f"0x{number:064x}", occurred_at_ms=seen.clock.now_ms()
                )
                for number, flow in enumerate(Flow)
            ]
            await seen.kept.book(flows)
            await job.run()
            assert job.pnl == sum(1 << number for number, flow in enumerate(Flow) if flow in INCOME)

    run()


def test_the_day_begins_with_the_mark_at_midnight(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        evening = START_MS + marks.DAY_MS - START_MS % marks.DAY_MS - 180_000
        async with witnessed(dsn, start_ms=evening) as seen:
            await bought(seen)
            job = portfolio_of(seen)
            await job.run()
            before, start = job.pnl, job.pnl_at_day_start
            assert start == before, "the first mark of a day is what it began with"
            seen.kept.run(180)
            seen.owner.send_tokens(seen.market, 0)
            seen.kept.run(60)
            await seen.positions.run()
            await job.run()
            assert job.pnl_at_day_start == before != job.pnl

    run()


def test_A6_more_positions_than_one_request_takes_are_all_priced(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, markets=270, intensity=0.1) as seen:
            for market in seen.kept.scenario.world.exchange.markets.values():
                seen.owner.split(market, 2 * MILLION)
            seen.kept.run(60)
            await seen.positions.run()
            job = portfolio_of(seen)
            await job.run()
            books = [seen.kept.scenario.world.exchange.books[m.condition_id] for m in traded(seen)]
            two_sided = sum(all(book.best(0, side) is not None for side in (Side.BUY, Side.SELL)) for book in books)
            assert len(job.positions) == 540
            assert sum(each.by is PricedBy.MIDPOINT for each in job.positions) == 2 * two_sided > BOOKS_MAX

    run()
