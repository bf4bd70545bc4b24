"""Full and quick sync over the wire: everything compared in order, what is missing said, each market for itself."""

from __future__ import annotations

import asyncio

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import connected, in_loop
from tieout.client.errors import VenueError
from tieout.client.orders import OrderWanted
from tieout.jobs.full_sync import FullSync
from tieout.jobs.job import Ended, Result
from tieout.jobs.market_check import MarketCheck
from tieout.jobs.order_desk import Fate
from tieout.jobs.order_sync import YOUNG_MS
from tieout.jobs.quick_sync import QuickSync
from tieout.jobs.reconcile import Reconcile
from tieout.ledger.facts import FillObserved, OrderClosed, OrderPlaced, Role, Side
from tieout.sim.model import OrderStatus
from tieout.store.runs import Action, IssueType, Job, Outcome, Severity

PRICE = 10_000


def full_sync(seen: Witnessed) -> FullSync:
    kept = seen.kept
    reconcile = Reconcile(kept.connection, kept.wallet_id, kept.wallet, seen.data_api, seen.feed)
    check = MarketCheck(kept.connection, kept.wallet_id)
    return FullSync(kept.keeper, {"positions": seen.positions.run, "data api": reconcile.run, "markets": check.run})


async def synced(seen: Witnessed, sync: FullSync) -> Ended:
    return await seen.runner.run(Job.FULL_SYNC, "test", sync.run)


async def resting(seen: Witnessed) -> str:
    """An order that rests, old enough to be missed."""
    market = seen.kept.market
    wanted = OrderWanted(token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=20 * MILLION, tick=market.tick)
    outcome = await seen.kept.orders.place(wanted, market.condition_id)
    assert outcome.fate is Fate.PLACED
    seen.kept.run(YOUNG_MS // 1_000 + 1)
    return outcome.order.order_id


def quick_sync(seen: Witnessed) -> QuickSync:
    kept = seen.kept
    return QuickSync(kept.connection, kept.wallet_id, kept.desk.account, seen.positions, seen.clock)


def kinds(result: Result) -> list[IssueType]:
    return [found.type for found in result.findings]


def test_D1_what_happened_while_nobody_looked_is_in_the_books_after_one_full_sync(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, human_ms=7_000, another_bot_ms=3_000) as seen:
            seen.kept.run(300)
            ended = await synced(seen, full_sync(seen))
            assert (ended.is_clean, [f for f in ended.result.findings if f.severity is not Severity.INFO]) == (True, [])
            assert ended.result.detail["markets"]["books"] > 1
            seen.kept.run(60)
            assert (await synced(seen, full_sync(seen))).is_clean

    run()


def test_A2_without_the_data_api_the_rest_is_compared_and_it_is_said(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            seen.kept.scenario.faults.on("server-error", path="/data-api/v2")
            ended = await synced(seen, full_sync(seen))
            assert (ended.outcome, ended.is_clean) == (Outcome.ISSUES, True)
            assert kinds(ended.result) == [IssueType.DATA_API_UNAVAILABLE]
            assert ended.result.detail["markets"]["books"] > 0

    run()


def test_D2_without_the_order_book_or_the_node_it_fails_and_is_not_clean(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            for path in ("/data/orders", "/data/trades"):
                seen.kept.scenario.faults.on("server-error", path=path)
                ended = await synced(seen, full_sync(seen))
                assert (ended.outcome, ended.is_clean) == (Outcome.FAILED, False)
                assert kinds(ended.result) == [IssueType.CLOB_UNAVAILABLE]
            seen.kept.scenario.faults.off("server-error")
            seen.kept.scenario.faults.on("malformed-row", path="/data/trades")
            seen.buy()
            seen.kept.run(2)
            with pytest.raises(VenueError, match="whole"):
                await full_sync(seen).run()
            assert kinds((await synced(seen, full_sync(seen))).result) == [IssueType.CLOB_UNAVAILABLE]

    run()


async def damaged(dsn: str, statement: str, *arguments: object) -> None:
    """Somebody writes into the database beside the books, against its triggers."""
    async with connected(dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        assert await connection.execute(statement, *arguments) != "UPDATE 0"


def test_L1_a_stored_position_that_the_log_does_not_give_is_found(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            check = MarketCheck(seen.kept.connection, seen.kept.wallet_id)
            assert (await check.run()).findings == []
            await damaged(dsn, "UPDATE positions SET shares = shares + 1")
            (found,) = (await check.run()).findings
            assert (found.type, found.severity, found.action, found.condition_id) == (
                IssueType.INVARIANT_VIOLATED,
                Severity.CRITICAL,
                Action.HALTED,
                seen.market.condition_id,
            )
            assert found.evidence["rows"] == [f"positions: {seen.kept.market.token_ids[0]}"]
            await damaged(dsn, "UPDATE positions SET shares = shares - 1")
            await damaged(
                dsn, "INSERT INTO positions SELECT wallet_id, '77', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM wallet"
            )
            (more,) = (await check.run()).findings
            assert more.evidence == {"invariant": "L1", "positions": 1}

    run()


def test_one_market_that_cannot_be_folded_does_not_stop_the_others(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            for market in list(seen.kept.scenario.world.exchange.markets.values())[:3]:
                seen.buy(market)
            await seen.until_final()
            first = seen.market.condition_id
            held = await seen.kept.connection.fetch("SELECT DISTINCT condition_id FROM positions")
            other = next(row["condition_id"] for row in held if row["condition_id"] != first)
            await damaged(dsn, "UPDATE log SET fact = 'x' || fact WHERE fact LIKE '%' || $1 || '%'", first)
            await damaged(dsn, "UPDATE positions SET fees = fees + 1 WHERE condition_id = $1", other)
            result = await MarketCheck(seen.kept.connection, seen.kept.wallet_id).run()
            failed = next(found for found in result.findings if found.type is IssueType.SYNC_FAILED)
            assert failed.severity is Severity.ERROR
            broken = {found.evidence["invariant"]: found for found in result.findings if found is not failed}
            assert broken.keys() == {"L1", "L2"}
            assert broken["L1"].condition_id == other

    run()


def test_O2_a_broken_invariant_of_the_history_is_a_warning_with_its_sentence(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            market = seen.kept.market
            sold = FillObserved(
                trade_id="11111111-0000-4000-8000-000000000001", order_id="0x" + "9" * 64, token_id=market.token_ids[0],
                condition_id=market.condition_id, side=Side.SELL, shares=MILLION, collateral=MILLION // 2,
                role=Role.MAKER, status="CONFIRMED", occurred_at_ms=seen.clock.now_ms(),
            )  # fmt: skip
            await seen.kept.book([sold])
            (found,) = (await MarketCheck(seen.kept.connection, seen.kept.wallet_id).run()).findings
            assert found.severity is Severity.WARN
            assert found.evidence["invariant"] == "I3"
            assert found.condition_id == market.condition_id

    run()


def test_R2_the_check_reads_one_moment_beside_a_writer(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, another_bot_ms=1_000) as seen:
            job = MarketCheck(seen.kept.connection, seen.kept.wallet_id)
            counts: set[int] = set()

            async def write() -> None:
                for _ in range(15):
                    seen.kept.run(3)
                    await seen.trades()

            writing = asyncio.create_task(write())
            while not writing.done():
                result = await job.run()
                assert result.findings == []
                counts.add(result.detail["movements"])
            await writing
            assert len(counts) > 3

    run()


def test_O1_quick_sync_tells_both_ways_and_changes_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            first, second = await resting(seen), await resting(seen)
            job = quick_sync(seen)
            assert (await job.run()).findings == []
            assert not job.wants_full_sync
            exchange = seen.kept.scenario.world.exchange
            exchange.cancel_order(exchange.orders[first], OrderStatus.CANCELED)
            market = seen.kept.market
            closed = OrderClosed(
                order_id=second, token_id=market.token_ids[0], condition_id=market.condition_id, reason="wrong"
            )
            await seen.kept.book([closed])
            seen.kept.scenario.faults.on("foreign-orders", count=1)
            seen.kept.run(60)
            await seen.trades()
            await seen.positions.run()
            ours = [order for order in exchange.orders.values() if order.request.wallet == seen.kept.wallet]
            theirs = {order.id for order in ours if order.open} - {second}
            result = await job.run()
            found = {each.order_id: each for each in result.findings}
            assert {order_id: each.type for order_id, each in found.items()} == {
                first: IssueType.ORDER_IN_DB_NOT_CLOB,
                second: IssueType.ORPHAN_ORDER,
                **dict.fromkeys(theirs, IssueType.ORDER_IN_CLOB_NOT_DB),
            }
            assert theirs
            assert {each.action for each in found.values()} == {Action.LOGGED}
            assert job.wants_full_sync
            assert (await seen.kept.order_rows())[first]["state"] == "live"

    run()


def test_O1_quick_sync_tells_of_other_terms(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            order_id = await resting(seen)
            market = seen.kept.market
            other = OrderPlaced(
                order_id=order_id, token_id=market.token_ids[0], condition_id=market.condition_id, side=Side.BUY,
                price=2 * PRICE, size=20 * MILLION, order_type="GTC",
            )  # fmt: skip
            await seen.kept.book([other])
            (found,) = (await quick_sync(seen).run()).findings
            assert (found.type, found.order_id) == (IssueType.ORDER_MISMATCH, order_id)

    run()


def test_A1_quick_sync_concludes_nothing_from_a_list_that_is_not_whole(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await resting(seen)
            seen.kept.scenario.faults.on("malformed-row", path="/data/orders")
            job = quick_sync(seen)
            assert (await job.run()).findings == []
            assert job.wants_full_sync

    run()


def test_I1_quick_sync_tells_a_drift_and_corrects_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            await seen.data_positions.run()
            seen.kept.run(120)
            seen.owner.send_tokens(seen.market, 0, 2 * MILLION)
            seen.kept.run(150)
            kept = seen.kept
            job = QuickSync(kept.connection, kept.wallet_id, kept.desk.account, seen.data_positions, seen.clock)
            for _ in range(3):
                (found,) = (await job.run()).findings
                assert (found.type, found.action, job.wants_full_sync) == (
                    IssueType.POSITION_DRIFT,
                    Action.LOGGED,
                    True,
                )
                seen.kept.run(150)
            assert await kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind = 'adjustment'") == 0
            await seen.positions.run()
            assert (await quick_sync(seen).run()).findings == []

    run()
