"""Whether anything may be placed, as the ends of real jobs on a simulated venue say it."""

from __future__ import annotations

from jobs.test_order_sync import placed
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.app.config import Intervals
from tieout.app.readiness import STARTING, UNREAD_MS, Readiness
from tieout.client.health import Health
from tieout.jobs.drift_findings import ERROR_FROM
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.full_sync import FullSync
from tieout.jobs.job import Result, Work
from tieout.jobs.order_sync import OrderSync
from tieout.ledger.facts import ManualEntry
from tieout.store.runs import IssueType, Job

UNREAD = "open orders could not be read for a while"


def readiness_of(seen: Witnessed, *, has_chain: bool = False) -> Readiness:
    return Readiness(seen.clock, Health(seen.clock), seen.kept.keeper, has_chain, Intervals())


def orders_of(seen: Witnessed) -> Work:
    kept = seen.kept
    return OrderSync(kept.connection, kept.wallet_id, kept.orders, lambda _: True, ForeignOrders.LEAVE).work


def cut_lists(seen: Witnessed) -> None:
    seen.kept.scenario.faults.on("wrong-cursor", path="/data/orders", settings={"mode": "endless"})


def test_D2_lists_of_open_orders_that_are_always_cut_stop_quoting_until_a_full_sync_read_one_whole(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            ready, orders, kept = readiness_of(seen), orders_of(seen), seen.kept
            kept.keeper.live = True
            await placed(kept, 1)

            async def after(job: Job, work: Work) -> str:
                ready.note(await seen.runner.run(job, "test", work))
                return ready.why_not()

            assert await after(Job.FULL_SYNC, FullSync(kept.keeper, {"orders": orders}).run) == ""
            cut_lists(seen)
            for _ in range(UNREAD_MS // 60_000):
                kept.run(60)
                assert await after(Job.ORDER_SYNC, orders) == ""
            kept.run(1)
            assert await after(Job.ORDER_SYNC, orders) == UNREAD
            kept.scenario.faults.off("wrong-cursor")
            assert "a full sync comes first" in await after(Job.ORDER_SYNC, orders)
            assert await after(Job.FULL_SYNC, FullSync(kept.keeper, {"orders": orders}).run) == ""

    run()


def test_D1_a_full_sync_whose_orders_were_not_compared_is_not_the_one_that_quoting_waits_for(dsn: str) -> None:
    """The trades and orders to catch up with came whole, the list that was to be compared did not."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            ready, orders, kept = readiness_of(seen), orders_of(seen), seen.kept
            kept.keeper.live = True
            await placed(kept, 1)

            async def spoil() -> Result:
                cut_lists(seen)
                return Result()

            sync = FullSync(kept.keeper, {"spoil": spoil, "orders": orders})
            ended = await seen.runner.run(Job.FULL_SYNC, "test", sync.run)
            assert (ended.problem, ended.is_clean) == ("", True)
            assert [found.type for found in ended.result.findings] == [IssueType.SYNC_FAILED]
            ready.note(ended)
            assert ready.why_not() == f"a full sync comes first: {STARTING}"

    run()


def test_C2_collateral_that_does_not_tie_out_stops_a_running_worker_as_it_does_one_that_starts(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept, compare = seen.kept, seen.positions.run
            kept.keeper.live = True
            full = FullSync(kept.keeper, {"orders": orders_of(seen), "positions": compare}).run

            async def after(ready: Readiness, job: Job, work: Work) -> str:
                ready.note(await seen.runner.run(job, "test", work))
                return ready.why_not()

            async def enter(amount: int) -> None:
                now_ms = seen.clock.now_ms()
                entry = ManualEntry(
                    entry_id=f"e{amount}", who="a test", why="a mistake", collateral=amount, occurred_at_ms=now_ms
                )
                await kept.book([entry])

            running, started = (readiness_of(seen, has_chain=True) for _ in range(2))
            assert await after(running, Job.FULL_SYNC, full) == ""
            await enter(ERROR_FROM - 1)
            assert await after(running, Job.POSITION_SYNC, compare) == "", "a warning"
            await enter(1)
            reason = await after(running, Job.POSITION_SYNC, compare)
            assert reason == "the collateral does not tie out: books and wallet differ by 0.100000"
            assert running.drifting == {}, "no market is to blame"
            assert await after(started, Job.FULL_SYNC, full) == reason
            await enter(-ERROR_FROM)
            assert await after(running, Job.POSITION_SYNC, compare) == ""
            assert await after(started, Job.POSITION_SYNC, compare) == f"a full sync comes first: {STARTING}"
            assert await after(started, Job.FULL_SYNC, full) == ""

    run()
