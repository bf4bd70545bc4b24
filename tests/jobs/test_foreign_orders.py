"""Another bot on the same key: what is open and not ours is shown, and adopted, cancelled or left by policy."""

from __future__ import annotations

import pytest

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop
from tieout.app.history import verify
from tieout.app.stopping import cancel_everything
from tieout.client.orders import OrderWanted
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.inventory import Inventory
from tieout.jobs.job import JobRunner
from tieout.jobs.order_sync import YOUNG_MS, OrderSync
from tieout.jobs.own_orders import own_intents, own_order_ids
from tieout.ledger.facts import Side
from tieout.store import runs
from tieout.store.runs import Action, IssueType, Job, Severity
from tieout.store.wallets import Lease


def sync_of(kept: House, policy: ForeignOrders) -> OrderSync:
    return OrderSync(kept.connection, kept.wallet_id, kept.orders, lambda _: True, policy)


async def beside_another(kept: House) -> tuple[str, set[str]]:
    """An order of ours that rests, and those of somebody else."""
    market = kept.market
    wanted = OrderWanted(token_id=market.token_ids[0], side=Side.BUY, price=10_000, size=10 * MILLION, tick=market.tick)
    kept.scenario.world.scheduler.run_for(60_000)
    mine = (await kept.orders.place(wanted, market.condition_id)).order.order_id
    theirs = kept.open_orders() - {mine}
    assert theirs
    return mine, theirs


@pytest.mark.parametrize("policy", list(ForeignOrders))
def test_E2_O1_orders_of_another_bot_are_shown_and_dealt_with_by_policy(dsn: str, policy: ForeignOrders) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            mine, theirs = await beside_another(kept)
            sync = sync_of(kept, policy)
            report = await sync.run()
            assert set(report.foreign) == theirs
            assert theirs <= (await kept.order_rows()).keys()
            assert {found.order_id for found in report.findings} == theirs
            expected = Action.LOGGED if policy is ForeignOrders.LEAVE else Action.CORRECTED
            assert {(found.type, found.severity, found.action) for found in report.findings} == {
                (IssueType.ORDER_IN_CLOB_NOT_DB, Severity.WARN, expected)
            }
            assert {found.evidence["policy"] for found in report.findings} == {policy.value}
            cancels = policy is ForeignOrders.CANCEL
            assert kept.open_orders() == ({mine} if cancels else {mine, *theirs})
            await sync.run()
            live = {each for each, row in (await kept.order_rows()).items() if row["state"] == "live"}
            assert live == kept.open_orders()
            assert (await verify(kept.connection, kept.wallet_id)).holds

    run()


def test_A1_an_order_of_another_bot_that_is_to_be_left_is_not_cancelled_to_make_sure(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=5_000) as kept:
            mine, theirs = await beside_another(kept)
            sync = sync_of(kept, ForeignOrders.LEAVE)
            await sync.run()
            kept.scenario.world.scheduler.run_for(YOUNG_MS + 1)
            open_ones = kept.open_orders()
            assert theirs & open_ones
            kept.scenario.faults.on("empty-list", path="/data/orders")
            kept.scenario.faults.on("null-order")
            report = await sync.run()
            assert (report.rested, report.closed) == ((mine,), ())
            assert kept.open_orders() == open_ones - {mine}
            live = {each for each, row in (await kept.order_rows()).items() if row["state"] == "live"}
            assert theirs & open_ones <= live

    run()


def test_E2_a_foreign_order_that_cannot_be_cancelled_is_for_a_person_and_stays_live(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            mine, _ = await beside_another(kept)
            kept.scenario.faults.on("cancel-refused", count=1)
            report = await sync_of(kept, ForeignOrders.CANCEL).run()
            refused = {found.order_id for found in report.findings if found.severity is Severity.ERROR}
            assert refused
            assert {f.action for f in report.findings if f.order_id in refused} == {Action.REQUIRES_MANUAL}
            assert kept.open_orders() == {mine, *refused}
            again = await sync_of(kept, ForeignOrders.CANCEL).run()
            assert {found.action for found in again.findings} == {Action.CORRECTED}
            assert kept.open_orders() == {mine}

    run()


@pytest.mark.parametrize("policy", [ForeignOrders.ADOPT, ForeignOrders.LEAVE])
def test_E2_what_stays_is_told_once_also_over_a_restart_and_after_it_was_acknowledged(
    dsn: str, policy: ForeignOrders
) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            _, theirs = await beside_another(kept)
            lease = Lease(kept.wallet_id, kept.wallet, await epoch(kept), "test", exclusive=True)
            runner = JobRunner(kept.connection, lease, WorldClock(kept.scenario))
            first = await runner.run(Job.ORDER_SYNC, "test", sync_of(kept, policy).work)
            assert {found.order_id for found in first.result.findings} == theirs
            for issue in await runs.open_issues(kept.connection, kept.wallet_id):
                await runs.acknowledge(kept.connection, kept.wallet_id, issue.issue_id, "me", 1)
            restarted = sync_of(kept, policy)
            again = await runner.run(Job.ORDER_SYNC, "test", restarted.work)
            assert again.result.findings == ()
            assert again.result.detail["foreign"] == len(theirs)

    run()


async def epoch(kept: House) -> int:
    return int(await kept.connection.fetchval("SELECT epoch FROM wallet WHERE wallet_id = $1", kept.wallet_id))


def test_E2_an_order_placed_between_two_comparisons_is_not_touched_either(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            mine, theirs = await beside_another(kept)
            market = kept.market
            for policy, expected in ((ForeignOrders.LEAVE, theirs), (ForeignOrders.ADOPT, set())):
                spared = Spared(kept.connection, kept.wallet_id, policy)
                for _ in range(2):
                    assert await spared.among([mine, *theirs]) == expected
                assert await spared.among([]) == frozenset()
            await kept.keeper.catch_up()  # the books know them as open, and no sync has told whose they are
            spared = Spared(kept.connection, kept.wallet_id, ForeignOrders.LEAVE)
            ((_, resting),) = await Inventory(kept.connection, kept.wallet_id, spared).of([market])
            assert {order.id for order in resting} == {mine}
            clock = WorldClock(kept.scenario)
            left = await cancel_everything(kept.connection, kept.wallet_id, kept.orders, clock, spared=spared)
            assert left == ()
            assert kept.open_orders() == theirs

    run()


def test_ours_are_the_orders_with_an_intent_and_their_terms_are_those_signed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            mine, theirs = await beside_another(kept)
            await kept.keeper.catch_up()
            assert await own_order_ids(kept.connection, kept.wallet_id, [mine, *theirs, "0x00"]) == {mine}
            intent = (await own_intents(kept.connection, kept.wallet_id, [mine]))[mine]
            assert (intent.side, intent.price, intent.size) == (Side.BUY, 10_000, 10 * MILLION)
            assert await own_order_ids(kept.connection, kept.wallet_id + 1, [mine]) == set()

    run()


def test_asking_for_own_orders_reads_the_index_and_not_the_log(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=1_000) as kept:
            await beside_another(kept)
            await kept.keeper.catch_up()
            for _ in range(20):
                await own_order_ids(kept.connection, kept.wallet_id, ["0x00"])
            await kept.connection.execute("SET enable_seqscan = off")
            await own_order_ids(kept.connection, kept.wallet_id, ["0x00"])
            await kept.connection.execute("SELECT pg_stat_force_next_flush()")
            used = await kept.connection.fetchval(
                "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'log_own_intent'"
            )
            assert used > 0

    run()


def test_E2_orders_known_by_their_fills_alone_are_closed_without_asking_for_each(dsn: str) -> None:
    """A wallet comes with a long history of takers, its own or somebody else's; none of them ever rested."""

    @in_loop
    async def run() -> None:
        async with house(dsn, another_bot_ms=200) as kept:
            kept.run(120)
            kept.scenario.world.exchange.modes.cancel_only = True
            await kept.keeper.catch_up()
            kept.run(60)
            kept.scenario.faults.on("delay", path="/data/order/", settings={"delay_ms": 0})
            report = await sync_of(kept, ForeignOrders.ADOPT).run()
            assert len(report.taken) > 50
            asked = kept.scenario.faults.struck("delay")
            assert asked == 2 * len(report.closed)  # before and after its cancel
            assert report.denied_by_list == ()
            live = {each for each, row in (await kept.order_rows()).items() if row["state"] == "live"}
            assert live == kept.open_orders()

    run()
