"""The Data API as a third witness: its lag explains, it never undoes a fill, and a stuck one is not believed."""

from __future__ import annotations

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.jobs.data_feed import ACTIVITY, LAG, LAG_MS, MARGIN_MS
from tieout.jobs.job import Result
from tieout.jobs.reconcile import Reconcile
from tieout.ledger.facts import FillObserved, OutcomeTokenListed, Role, Side
from tieout.store import watermarks
from tieout.store.runs import Action, Finding, IssueType, Job, Severity


def reconcile(seen: Witnessed) -> Reconcile:
    kept = seen.kept
    return Reconcile(kept.connection, kept.wallet_id, kept.wallet, seen.data_api, seen.feed)


def of(result: Result, kind: IssueType) -> list[Finding]:
    return [found for found in result.findings if found.type is kind]


async def listed(seen: Witnessed) -> None:
    """The books know both tokens of the market, as they do of every market that is quoted."""
    market = seen.kept.market
    facts = [
        OutcomeTokenListed(token_id=token, condition_id=market.condition_id, outcome_index=index)
        for index, token in enumerate(market.token_ids)
    ]
    await seen.kept.book(facts)


async def adjustments(seen: Witnessed) -> int:
    found = await seen.kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind = 'adjustment'")
    return int(found)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_T1_a_fill_younger_than_the_lag_is_no_drift(dsn: str, version: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, version) as seen:  # type: ignore[arg-type]
            lagged = 0
            for number in range(12):
                if number < 6:
                    seen.buy(outcome=number % 2)
                seen.kept.run(15)
                await seen.trades()
                result = await seen.data_positions.run()
                assert result.findings == []
                lagged += len(seen.data_positions.lagging)
            assert lagged
            assert (seen.data_positions.lagging, await adjustments(seen)) == ({}, 0)
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_T2_tokens_that_left_are_inferred_after_two_readings_and_superseded_by_the_receipt(
    dsn: str, version: str
) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, version) as seen:  # type: ignore[arg-type]
            seen.buy()
            await seen.until_final()
            seen.kept.run(120)
            assert (await seen.data_positions.run()).findings == []
            (bought,) = seen.kept.truth().values()
            seen.owner.send_tokens(seen.market, 0, 5 * MILLION)
            seen.kept.run(80)
            (first,) = of(await seen.data_positions.run(), IssueType.POSITION_DRIFT)
            assert (first.severity, first.action) == (Severity.INFO, Action.LOGGED)
            assert await adjustments(seen) == 0
            seen.kept.run(60)
            (again,) = of(await seen.data_positions.run(), IssueType.POSITION_DRIFT)
            assert (again.severity, await adjustments(seen)) == (Severity.INFO, 0), "the readings are not a lag apart"
            seen.kept.run(LAG_MS // 1_000)
            (second,) = of(await seen.data_positions.run(), IssueType.POSITION_DRIFT)
            assert (second.severity, second.action) == (Severity.ERROR, Action.CORRECTED)
            assert (second.evidence["drift"], second.evidence["cause"]) == (5 * MILLION, "UNTRACKED_REDUCTION")
            assert await adjustments(seen) == 1
            assert await seen.kept.shares() == seen.kept.truth()
            assert (await seen.data_positions.run()).findings == []
            assert (await seen.positions.run()).detail["differences"] == 0
            kinds = await seen.kept.connection.fetch("SELECT kind, shares FROM movements WHERE kind <> 'cash'")
            assert {(row["kind"], row["shares"]) for row in kinds} == {
                ("buy", bought),
                ("transfer out", 5 * MILLION),
                ("adjustment", bought - 5 * MILLION),
            }
            assert await seen.kept.shares() == seen.kept.truth()

    run()


def test_R3_an_inference_never_undoes_a_fill_that_comes_meanwhile(dsn: str) -> None:
    """Fills land all the time on the token that drifts: it is told, and nothing is inferred."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy(cash=40 * MILLION)
            await seen.until_final()
            seen.kept.run(120)
            seen.owner.send_tokens(seen.market, 0, 5 * MILLION)
            for _ in range(12):
                seen.buy(cash=2 * MILLION)
                seen.kept.run(40)
                await seen.trades()
                await seen.data_positions.run()
            assert await adjustments(seen) == 0
            seen.kept.run(2 * LAG_MS // 1_000)
            await seen.data_positions.run()
            seen.kept.run(LAG_MS // 1_000)
            await seen.data_positions.run()
            assert await adjustments(seen) == 1
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


async def ready_to_infer(seen: Witnessed, *, on_its_way: bool = False) -> None:
    """Shares have left, and that was read for longer than the lag: the next reading infers it."""
    seen.buy()
    await seen.until_final()
    seen.kept.run(120)
    seen.owner.send_tokens(seen.market, 0, 5 * MILLION)
    if on_its_way:
        seen.kept.scenario.faults.on("slow-settlement", settings={"delay_ms": 400_000}, wallet=seen.kept.wallet)
        seen.buy()
        await seen.trades()
    seen.kept.run(80)
    await seen.data_positions.run()
    seen.kept.run(LAG_MS // 1_000 + 1)


def test_R3_a_fill_that_is_heard_of_only_after_an_inference_counts(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await ready_to_infer(seen)
            seen.buy()
            seen.kept.run(20)
            (found,) = of(await seen.data_positions.run(), IssueType.POSITION_DRIFT)
            assert (found.action, await adjustments(seen)) == (Action.CORRECTED, 1)
            await seen.until_final()
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


def test_R3_nothing_is_inferred_of_a_token_with_a_fill_in_a_status_that_nobody_knows(dsn: str) -> None:
    """It may still settle, so a statement without it is no proof against it."""

    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            market = seen.kept.market
            await seen.kept.book(
                [
                    FillObserved(
                        trade_id="11111111-0000-4000-8000-000000000001", order_id="0x" + "9" * 64,
                        token_id=market.token_ids[0], condition_id=market.condition_id, side=Side.BUY,
                        shares=7 * MILLION, collateral=3 * MILLION, role=Role.MAKER, status="ON_ITS_WAY_SOMEHOW",
                        occurred_at_ms=seen.clock.now_ms(),
                    )
                ]
            )  # fmt: skip
            for _ in range(4):
                seen.kept.run(2 * LAG_MS // 1_000)
                assert (await seen.data_positions.run()).findings == []
            assert seen.data_positions.lagging == {market.token_ids[0]: 7 * MILLION}
            assert await adjustments(seen) == 0

    run()


def test_R3_nothing_is_inferred_of_a_token_with_a_fill_on_its_way(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await ready_to_infer(seen, on_its_way=True)
            (found,) = of(await seen.data_positions.run(), IssueType.POSITION_DRIFT)
            assert (found.severity, found.action) == (Severity.ERROR, Action.LOGGED)
            assert await adjustments(seen) == 0

    run()


def test_A2_a_stuck_index_is_noticed_and_nothing_is_concluded_from_it(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            seen.kept.run(120)
            job = reconcile(seen)
            assert (await job.run()).findings == []
            seen.kept.scenario.index.frozen = True
            seen.buy(outcome=1)
            await seen.until_final()
            assert (await job.run()).findings == []
            assert not job.stale, "it may merely be late"
            for _ in range(3):
                seen.kept.run(LAG_MS // 1_000 + 1)
                (found,) = of(await job.run(), IssueType.DATA_API_STALE)
                assert job.stale
                assert (found.severity, found.action) == (Severity.WARN, Action.LOGGED)
                assert (await seen.data_positions.run()).findings == []
            assert await adjustments(seen) == 0
            assert await seen.kept.shares() == seen.kept.truth() != {}
            seen.kept.scenario.index.frozen = False
            assert (await job.run()).findings == []
            assert not job.stale
            assert seen.feed.lag_ms == LAG_MS, "what was stuck says nothing of the lag"

    run()


def test_A2_a_stale_answer_is_noticed_by_what_the_chain_settled_also_at_the_start(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.kept.scenario.index.frozen = True
            seen.buy()
            await seen.until_final()
            await seen.positions.run()
            seen.kept.run(LAG_MS // 1_000)
            await seen.feed.read()
            assert seen.feed.stale

    run()


def test_A2_a_longer_lag_is_measured_and_then_allowed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.kept.scenario.index.lag_ms = (115_000, 115_000)
            seen.buy()
            for _ in range(13):
                seen.kept.run(10)
                await seen.trades()
                await seen.feed.read()
                assert not seen.feed.stale
            assert LAG_MS < seen.feed.lag_ms <= 115_000 + MARGIN_MS
            known = await watermarks.get(seen.kept.connection, seen.kept.wallet_id, LAG)
            assert known is not None
            assert int(known.value) == seen.feed.lag_ms - MARGIN_MS

    run()


def test_activity_is_read_on_from_where_it_was_read(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await listed(seen)
            seen.owner.split(seen.market, 5 * MILLION)
            seen.kept.run(1_000)
            assert (await seen.feed.read()).since_s == 0
            mark = await watermarks.get(seen.kept.connection, seen.kept.wallet_id, ACTIVITY)
            assert mark is not None
            seen.owner.merge(seen.market, 2 * MILLION)
            seen.kept.run(1_000)
            reading = await seen.feed.read()
            assert (reading.since_s, reading.flaw) == (int(mark.value) - 600, "")
            await seen.feed.read()
            assert (await seen.feed.read()).rows == 1
            assert await seen.kept.shares() == seen.kept.truth() != {}

    run()


@pytest.mark.parametrize(("per_mille", "wide"), [(70, True), (10, False)])
def test_S1_a_wide_average_is_told_and_never_imported(dsn: str, per_mille: int, wide: bool) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            seen.kept.run(120)
            assert (await reconcile(seen).run()).findings == []
            before = await seen.kept.connection.fetch("SELECT * FROM positions")
            seen.kept.scenario.faults.on("data-average", settings={"per_mille": per_mille})
            found = of(await reconcile(seen).run(), IssueType.AVG_COST_DRIFT)
            assert [each.token_id for each in found] == [seen.kept.market.token_ids[0]] * wide
            assert all(each.severity is Severity.WARN and each.action is Action.LOGGED for each in found)
            assert all("ours stays" in each.summary for each in found)
            assert await seen.kept.connection.fetch("SELECT * FROM positions") == before

    run()


def test_S1_shares_that_were_not_all_bought_have_other_averages_and_alarm_nobody(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.owner.split(seen.market, 20 * MILLION)
            seen.buy()
            await seen.until_final()
            await seen.positions.run()
            seen.kept.run(120)
            seen.kept.scenario.faults.on("data-average", settings={"per_mille": 100})
            found = of(await reconcile(seen).run(), IssueType.AVG_COST_DRIFT)
            assert {each.severity for each in found} == {Severity.INFO}

    run()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_A6_more_positions_than_a_page_are_all_compared(dsn: str, version: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, version, markets=270, intensity=0) as seen:  # type: ignore[arg-type]
            for market in seen.kept.scenario.world.exchange.markets.values():
                seen.owner.split(market, 2 * MILLION)
            seen.kept.run(60)
            await seen.positions.run()
            assert len(await seen.kept.shares()) == 540
            seen.kept.run(120)
            listing = await seen.data_api.positions(seen.kept.wallet)
            assert (listing.is_complete, len(listing.rows)) == (True, 540)
            result = await seen.data_positions.run()
            assert (result.findings, result.detail["tokens"]) == ([], 540)

    run()


def test_A6_rows_that_repeat_beyond_an_offset_are_not_the_whole_and_take_nothing_away(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn, "v1", markets=270, intensity=0) as seen:
            for market in seen.kept.scenario.world.exchange.markets.values():
                seen.owner.split(market, 2 * MILLION)
            seen.kept.run(60)
            await seen.positions.run()
            seen.kept.run(120)
            seen.kept.scenario.faults.on("data-repeat", settings={"offset": 0})
            for _ in range(3):
                result = await seen.data_positions.run()
                assert (result.findings, result.detail["flaw"] != "") == ([], True)
                seen.kept.run(LAG_MS // 1_000)
            assert await adjustments(seen) == 0

    run()


def test_I1_without_a_node_only_a_drift_that_stays_counts(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            seen.buy()
            await seen.until_final()
            seen.kept.run(120)
            for number in range(3):
                seen.owner.send_tokens(seen.market, 0, 2 * MILLION)
                seen.kept.run(100)
                await seen.runner.run(Job.POSITION_SYNC, "test", seen.data_positions.run)
                assert seen.data_positions.pauses == ()
                seen.kept.run(LAG_MS // 1_000)
                await seen.runner.run(Job.POSITION_SYNC, "test", seen.data_positions.run)
                assert len(seen.data_positions.pauses) == (number == 2)

    run()
