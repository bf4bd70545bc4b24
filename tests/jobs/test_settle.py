"""Settle over the wire: what is promised is asked for, what nobody proves is rejected, what comes late counts."""

from __future__ import annotations

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.client.orders import OrderWanted
from tieout.jobs.job import Result
from tieout.jobs.order_desk import Fate
from tieout.jobs.settle import TTL_MS, UNVERIFIED, Settle
from tieout.ledger.facts import MatchClaimed, Side
from tieout.sim.model import OrderStatus
from tieout.store.runs import Action, IssueType, Severity

PRICE = 10_000
TTL_S = TTL_MS // 1_000


class Feeds:
    """Whether the feeds are fresh, as the test says."""

    fresh = True

    def __call__(self) -> bool:
        return self.fresh


def settle_of(seen: Witnessed, feeds: Feeds | None = None, *, with_node: bool = True) -> Settle:
    kept = seen.kept
    return Settle(
        kept.connection,
        kept.wallet_id,
        kept.desk.account,
        seen.chain if with_node else None,
        seen.clock,
        kept.book,
        TTL_MS,
        feeds or Feeds(),
    )


async def resting(seen: Witnessed) -> str:
    """An order of 20 shares that rests at a price of its own."""
    market = seen.kept.market
    wanted = OrderWanted(token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=20 * MILLION, tick=market.tick)
    outcome = await seen.kept.orders.place(wanted, market.condition_id)
    assert outcome.fate is Fate.PLACED
    return outcome.order.order_id


def fill(seen: Witnessed, order_id: str, shares: int) -> None:
    """Somebody sells *shares* into the order."""
    exchange = seen.kept.scenario.world.exchange
    order = exchange.orders[order_id]
    others = [o for o in exchange.orders.values() if o.open and o.market is order.market and o is not order]
    seller = next(o for o in others if o.side == 1 and o.request.token == order.request.token)
    for other in others:
        exchange.cancel_order(other, OrderStatus.CANCELED)
    request = seller.request
    request.id = f"0x{len(exchange.orders):064x}"
    request.maker_amount, request.taker_amount = shares, shares * PRICE // MILLION
    exchange.place(request)


async def claimed(seen: Witnessed, order_id: str) -> None:
    """Only the order's claim is heard: the venue's list of trades is empty by mistake, and stays so."""
    seen.kept.scenario.faults.on("empty-list", path="/data/trades")
    assert (await seen.kept.desk.account.open_orders()).is_complete


async def gap(seen: Witnessed, order_id: str, shares: int = 6 * MILLION) -> None:
    fill(seen, order_id, shares)
    await claimed(seen, order_id)


def ghost(seen: Witnessed, order_id: str, matched: int) -> MatchClaimed:
    """A match that the venue claims and that never was."""
    token_id, condition_id = seen.kept.market.token_ids[0], seen.kept.market.condition_id
    return MatchClaimed(order_id=order_id, token_id=token_id, condition_id=condition_id, size_matched=matched)


async def row_of(seen: Witnessed, order_id: str) -> tuple[int, int, int]:
    row = (await seen.kept.order_rows())[order_id]
    return row["filled"], row["provisional"], row["rejected_shares"]


def rejections(result: Result) -> list[str]:
    return [found.order_id for found in result.findings if found.type is IssueType.FILL_UNVERIFIED]


@pytest.mark.parametrize("with_node", [True, False])
def test_T1_a_gap_is_rejected_after_its_time_and_the_late_trade_brings_it_back(dsn: str, with_node: bool) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            await gap(seen, order_id)
            job = settle_of(seen, with_node=with_node)
            assert (await job.run()).findings == []
            seen.kept.run(TTL_S - 1)
            assert (await job.run()).findings == []
            assert await row_of(seen, order_id) == (0, 6 * MILLION, 0)
            seen.kept.run(1)
            result = await job.run()
            (found,) = result.findings
            assert (found.type, found.severity, found.action, found.order_id) == (
                IssueType.FILL_UNVERIFIED,
                Severity.WARN,
                Action.CORRECTED,
                order_id,
            )
            assert await row_of(seen, order_id) == (0, 0, 6 * MILLION)
            kept = await seen.kept.connection.fetchval("SELECT fact FROM log WHERE fact LIKE '%claim_rejected%'")
            assert UNVERIFIED in kept
            assert (await job.run()).findings == [], "it is rejected once"
            seen.kept.scenario.faults.off("empty-list")
            await seen.trades()
            assert await row_of(seen, order_id) == (6 * MILLION, 0, 6 * MILLION)
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


def test_T1_the_truth_is_asked_once_more_before_a_gap_is_rejected(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            await gap(seen, order_id)
            job = settle_of(seen)
            seen.kept.run(TTL_S)
            # The list of all trades is still empty; the second question is answered.
            seen.kept.scenario.faults.on("empty-list", path="/data/trades", count=1)
            assert (await job.run()).findings == []
            assert await row_of(seen, order_id) == (6 * MILLION, 0, 0)

    run()


def test_T1_an_answer_that_closes_a_part_of_the_gap_begins_the_time_of_the_rest_again(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            await gap(seen, order_id)
            await seen.kept.book([ghost(seen, order_id, 11 * MILLION)])
            seen.kept.run(TTL_S)
            seen.kept.scenario.faults.on("empty-list", path="/data/trades", count=1)
            assert (await settle_of(seen).run()).findings == []
            assert await row_of(seen, order_id) == (6 * MILLION, 5 * MILLION, 0)
            seen.kept.run(TTL_S)
            assert rejections(await settle_of(seen).run()) == [order_id]

    run()


def test_T1_a_second_gap_of_an_order_is_rejected_beside_the_first(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            for matched in (6 * MILLION, 11 * MILLION):
                await seen.kept.book([ghost(seen, order_id, matched)])
                seen.kept.run(TTL_S)
                assert rejections(await settle_of(seen).run()) == [order_id]
                assert await row_of(seen, order_id) == (0, 0, matched)

    run()


def test_T1_a_list_that_did_not_come_whole_rejects_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            seen.buy()
            await seen.until_final()
            await seen.kept.book([ghost(seen, order_id, 6 * MILLION)])
            seen.kept.run(TTL_S)
            seen.kept.scenario.faults.on("malformed-row", path="/data/trades")
            assert (await settle_of(seen).run()).findings == []
            assert await row_of(seen, order_id) == (0, 6 * MILLION, 0)
            seen.kept.scenario.faults.off("malformed-row")
            assert rejections(await settle_of(seen).run()) == [order_id]

    run()


def test_T1_a_gap_never_runs_out_while_the_feeds_are_stale(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            await gap(seen, order_id)
            feeds = Feeds()
            job = settle_of(seen, feeds)
            feeds.fresh = False
            for _ in range(3):
                seen.kept.run(TTL_S)
                assert (await job.run()).findings == []
            feeds.fresh = True
            assert (await job.run()).findings == [], "its time begins again when the feeds are fresh again"
            seen.kept.run(TTL_S - 1)
            assert (await job.run()).findings == []
            seen.kept.run(1)
            assert rejections(await job.run()) == [order_id]

    run()


def test_T1_a_partial_settlement_begins_the_time_again(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            fill(seen, order_id, 6 * MILLION)
            seen.kept.run(60)
            await seen.kept.book([ghost(seen, order_id, 11 * MILLION)])
            job = settle_of(seen)
            seen.kept.run(TTL_S - 10)
            assert (await job.run()).findings == []
            assert await row_of(seen, order_id) == (6 * MILLION, 5 * MILLION, 0)
            seen.kept.run(20)
            assert (await job.run()).findings == []
            seen.kept.run(TTL_S)
            assert rejections(await job.run()) == [order_id]
            assert await row_of(seen, order_id) == (6 * MILLION, 0, 5 * MILLION)

    run()


def test_P1_the_time_of_a_gap_goes_on_over_a_restart(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            await gap(seen, order_id)
            assert (await settle_of(seen).run()).findings == []
            seen.kept.run(TTL_S)
            assert rejections(await settle_of(seen).run()) == [order_id]

    run()


def test_P1_a_trade_that_was_never_heard_of_again_settles(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.trades()
            job = settle_of(seen)
            assert (await job.run()).detail["unsettled"] == 1
            seen.kept.run(60)
            assert await seen.kept.shares() == {}
            await job.run()
            assert await seen.kept.shares() == seen.kept.truth() != {}
            assert (await job.run()).detail["unsettled"] == 0

    run()


def test_P1_more_unsettled_trades_than_are_asked_for_singly_settle(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, cash=100_000 * MILLION) as seen:
            for number in range(25):
                seen.buy(outcome=number % 2, cash=2 * MILLION)
            await seen.trades()
            job = settle_of(seen)
            assert (await job.run()).detail["unsettled"] > 20
            seen.kept.run(60)
            await job.run()
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


def test_F1_a_trade_that_failed_unheard_is_taken_back(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.kept.scenario.faults.on("settlement-failed", count=1, wallet=seen.kept.wallet)
            seen.buy()
            await seen.trades()
            assert await seen.kept.connection.fetchval("SELECT sum(shares) FROM positions") > 0
            seen.kept.run(60)
            assert (await settle_of(seen).run()).findings == []
            assert await seen.kept.connection.fetchval("SELECT COALESCE(sum(shares), 0) FROM positions") == 0
            (row,) = (await seen.kept.order_rows()).values()
            assert row["failed"] > 0
            assert row["provisional"] == 0

    run()


def test_T1_an_old_fill_is_looked_for_on_chain_when_the_clob_tells_no_more(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            seen.kept.run(2)
            await seen.trades()
            (row,) = await seen.kept.connection.fetch("SELECT * FROM movements WHERE kind = 'buy'")
            assert row["tx_hash"]
            assert row["status"] != "CONFIRMED"
            seen.kept.scenario.faults.on("empty-list", path="/data/trades")
            seen.kept.run(TTL_S)
            await settle_of(seen).run()
            seen.kept.run(2)
            await settle_of(seen).run()
            (row,) = await seen.kept.connection.fetch("SELECT * FROM movements WHERE kind = 'buy'")
            assert row["status"] == "SETTLED"
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()
