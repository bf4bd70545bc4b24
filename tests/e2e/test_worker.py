"""A worker's life over the wire, in virtual time: start, stop, halt, outage, crash, a broken invariant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from e2e.day import MINUTE_MS, Day, config_of, day, worker_on
from tieout.app.config import Intervals
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.settle import UNVERIFIED
from tieout.sim.oracle.reading import read_rows
from tieout.sim.oracle.verdict import disagreements
from tieout.sim.oracle.witness import Witness
from tieout.sim.truth import open_orders
from tieout.sim.virtual.run import run_virtual
from tieout.store.controls import Actor, Command, State, set_state
from tieout.store.errors import BrokenInvariantError, LeaseHeldError
from tieout.store.runs import Action, IssueType, all_issues


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtual(test, wall_limit_s=200.0)


def resting(kept: Day) -> set[str]:
    return open_orders(kept.scenario.world, kept.wallet)


async def until_resting(kept: Day) -> None:
    """Quoting, with something on the book."""
    await kept.until_quoting()
    for _ in range(40):
        if resting(kept):
            return
        await kept.wait(5_000)
    raise AssertionError("no order came to rest")


async def until_agrees(kept: Day) -> None:
    for _ in range(20):
        found = await kept.look()
        if not found.drift:
            return
        await kept.wait(15_000)
    raise AssertionError(await kept.story(found))


def test_a_stop_leaves_nothing_resting(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            await until_resting(kept)
        assert not resting(kept)
        assert (kept.worker.state.phase, kept.worker.state.left_open) == ("stopped", ())

    virtually(run)


def test_a_dry_run_decides_and_sends_nothing(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, is_live=False) as kept:
            await kept.until_quoting()
            await kept.wait(2 * MINUTE_MS)
            assert any(each.quotes for each in kept.worker.state.markets.values())
            mine = [o for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet]
            assert not mine
            assert await kept.connection.fetchval("SELECT bool_and(dry) FROM quote_event")

    virtually(run)


def test_E2_a_dry_run_leaves_the_orders_of_another_bot_whatever_its_policy_is(dsn: str) -> None:
    async def run() -> None:
        changes = {"foreign_orders": ForeignOrders.CANCEL}
        async with day(dsn, markets=2, is_live=False, changes=changes, intensity=0.0) as kept:
            await kept.until_quoting()
            kept.scenario.faults.on("foreign-orders", count=1, wallet=kept.wallet, settings={"actions": 12})
            await kept.wait(10_000)
            theirs = resting(kept)
            assert theirs
            await kept.wait(3 * MINUTE_MS)
            assert resting(kept) == theirs
            found = [issue for issue in await all_issues(kept.connection, kept.wallet_id) if issue.order_id in theirs]
            assert {issue.order_id for issue in found} == theirs
            assert {issue.action for issue in found} == {Action.LOGGED}

    virtually(run)


def test_a_halt_cancels_everything_and_the_books_go_on(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, intensity=0.3) as kept:
            await until_resting(kept)
            await kept.steer(State.HALTED, "a person looks")
            await kept.wait(5_000)
            assert not resting(kept)
            before = await kept.shares()
            kept.scenario.faults.on("human-split", count=1, wallet=kept.wallet)
            await kept.wait(2 * MINUTE_MS)
            await until_agrees(kept)
            assert await kept.shares() != before
            assert not resting(kept), "nothing is placed while it is halted"
            await kept.steer(State.ACTIVE, "looked")
            await until_resting(kept)

    virtually(run)


def test_a_pause_of_one_market_leaves_the_others(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            await until_resting(kept)
            await kept.wait(MINUTE_MS)
            orders = kept.scenario.world.exchange.orders
            paused = orders[next(iter(resting(kept)))].market.condition_id
            command = Command(paused, State.PAUSED, "news", "the test", Actor.PERSON)
            await set_state(kept.connection, kept.wallet_id, command, kept.now_ms)
            await kept.wait(5_000)
            conditions = {orders[order_id].market.condition_id for order_id in resting(kept)}
            assert paused not in conditions
            assert conditions

    virtually(run)


def test_D2_while_orders_cannot_be_read_it_only_cancels_and_a_clean_sync_comes_before_the_next_quote(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            await until_resting(kept)
            kept.scenario.faults.on("server-error", path="/data")
            await kept.wait(5 * MINUTE_MS)
            assert any(words in kept.worker.state.why_not for words in ("could not be read", "away"))
            assert not resting(kept)
            kept.scenario.faults.off("server-error")
            await until_resting(kept)
            reasons = await kept.connection.fetch("SELECT reason, outcome FROM sync_run WHERE job = 'full_sync'")
            assert {reason for reason, outcome in reasons if outcome == "ok"} & {
                "open orders were out of reach",
                "the order book was away",
            }

    virtually(run)


def test_D2_A3_after_an_outage_a_clean_sync_comes_before_the_next_quote(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            await until_resting(kept)
            kept.scenario.faults.on("outage", duration_ms=3 * MINUTE_MS)
            await kept.wait(2 * MINUTE_MS)
            assert kept.worker.state.why_not
            mine = [o for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet]
            assert all(order.created_ms < kept.now_ms - MINUTE_MS for order in mine)
            await kept.wait(2 * MINUTE_MS)
            await kept.until_quoting()
            rows = await kept.connection.fetch("SELECT reason, outcome FROM sync_run WHERE job = 'full_sync'")
            assert any("away" in reason and outcome in ("ok", "issues") for reason, outcome in rows), rows
            await until_agrees(kept)

    virtually(run)


def test_D1_what_happened_while_the_worker_was_dead_is_booked_before_its_first_quote(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, intensity=0.3) as kept:
            await until_resting(kept)
            kept.task.cancel()
            with suppress(asyncio.CancelledError):
                await kept.task
            left = resting(kept)
            assert left, "killed, not stopped"
            kept.scenario.faults.on("sweep", count=1)
            await kept.wait(3 * MINUTE_MS)
            assert kept.truth() != await kept.shares()
            placed = "SELECT count(*) FROM quote_event WHERE event = 'PLACED'"
            before = await kept.connection.fetchval(placed)
            worker = worker_on(dsn, kept.scenario, kept.server, config_of(kept.scenario, kept.server))
            stop = asyncio.Event()
            again = asyncio.create_task(worker.run(stop))
            while not worker.state.tied_out_since_ms:
                assert await kept.connection.fetchval(placed) == before
                await kept.wait(50)
            assert await kept.shares() == kept.truth()
            stop.set()
            await again
            kept.task = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]
            assert not resting(kept)

    virtually_ending(run)


def virtually_ending(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """As `virtually`; the worker that the test killed has nothing more to say."""
    with suppress(asyncio.CancelledError):
        virtually(test)


async def phantom(kept: Day) -> str:
    """The venue calls a part of a resting order matched, and nobody traded with it: the order's id."""
    await until_resting(kept)
    kept.scenario.faults.on("phantom-match", count=1, wallet=kept.wallet)
    await kept.wait(5_000)
    found = await kept.connection.fetch("SELECT order_id FROM orders WHERE provisional > 0")
    assert len(found) == kept.scenario.faults.struck("phantom-match") == 1
    return str(found[0]["order_id"])


def test_T1_F2_O3_a_match_that_never_was_is_provisional_and_rejected_with_its_reason_in_time(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            world, order_id = kept.scenario.world, await phantom(kept)
            witness = Witness(world, kept.wallet)
            claimed = world.exchange.orders[order_id].matched
            await kept.steer(State.PAUSED, "the oracle looks")
            await kept.wait(5 * MINUTE_MS)
            rows = await read_rows(kept.connection, kept.wallet_id)
            (order,) = (row for row in rows.orders if row.gap)
            assert (order.order_id, order.state, order.gap) == (order_id, "closing", claimed - order.filled)
            assert disagreements(world, kept.wallet, rows) == witness.claims_beyond(rows) == []
            for name, words in (
                ("claimed", f"at most {order.gap} may be provisional"),
                ("filled", f"expected {order.filled} filled"),
            ):
                more = order._replace(**{name: getattr(order, name) + 1})
                wrong = replace(rows, orders=(more, *(row for row in rows.orders if row is not order)))
                assert any(words in found.sentence for found in disagreements(world, kept.wallet, wrong))
                assert "O2" in {found.row for found in witness.claims_beyond(wrong)}, "nor may a fill take its place"
            await kept.wait(11 * MINUTE_MS)
            rows = await read_rows(kept.connection, kept.wallet_id)
            (order,) = (row for row in rows.orders if row.order_id == order_id)
            assert (order.state, order.gap, order.rejected_shares) == ("closed", 0, claimed - order.filled)
            assert disagreements(world, kept.wallet, rows) == witness.claims_beyond(rows) == []
            issues = await all_issues(kept.connection, kept.wallet_id)
            (issue,) = (each for each in issues if each.type is IssueType.FILL_UNVERIFIED)
            assert (issue.action, issue.order_id) == (Action.CORRECTED, order_id)
            fact = await kept.connection.fetchval("SELECT fact FROM log WHERE fact LIKE '%claim_rejected%'")
            assert UNVERIFIED in fact

    virtually(run)


def test_T1_P1_a_match_that_never_was_keeps_no_worker_from_stopping_and_is_rejected_by_the_next(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            order_id = await phantom(kept)
            began_ms = kept.now_ms
            kept.stop.set()
            await kept.task
            assert (kept.worker.state.phase, kept.worker.state.left_open) == ("stopped", ())
            assert kept.now_ms - began_ms < MINUTE_MS
            state = "SELECT state FROM orders WHERE order_id = $1"
            assert await kept.connection.fetchval(state, order_id) == "closing"
            worker = worker_on(dsn, kept.scenario, kept.server, config_of(kept.scenario, kept.server))
            stop = asyncio.Event()
            task = asyncio.create_task(worker.run(stop))
            await kept.wait(17 * MINUTE_MS)
            assert await kept.connection.fetchval(state, order_id) == "closed"
            stop.set()
            await task

    virtually(run)


def test_R1_a_second_worker_is_refused_the_wallet(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4) as kept:
            await kept.until_quoting()
            second = worker_on(dsn, kept.scenario, kept.server, config_of(kept.scenario, kept.server))
            with pytest.raises(LeaseHeldError, match="is being written by"):
                await second.run(asyncio.Event())

    virtually(run)


def test_a_broken_invariant_halts_the_wallet_and_keeps_the_evidence(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, intensity=0.3) as kept:
            await until_resting(kept)
            await kept.connection.execute("ALTER TABLE positions ADD CONSTRAINT planted CHECK (shares < 1) NOT VALID")
            kept.scenario.faults.on("sweep", count=1)
            with pytest.raises(BrokenInvariantError, match="planted"):
                await asyncio.wait_for(asyncio.shield(kept.task), 600)
            control = await kept.connection.fetchrow("SELECT state, lift FROM control WHERE condition_id = ''")
            assert tuple(control) == ("halted", "force")
            issue = await kept.connection.fetchrow(
                "SELECT severity, action FROM sync_issue WHERE type = 'INVARIANT_VIOLATED'"
            )
            assert tuple(issue) == ("CRITICAL", "HALTED")
            assert kept.worker.state.left_open == ()
            assert open_orders(kept.scenario.world, kept.wallet) == set()

    with pytest.raises(BrokenInvariantError):
        virtually(run)


def test_T4_a_fill_is_in_the_books_by_the_push_path_long_before_any_job_looks(dsn: str) -> None:
    """Every job is far off, so only the socket can have brought it; how long it took is measured for each frame."""
    later = Intervals(
        market_making=10 * MINUTE_MS,
        position_sync=10 * MINUTE_MS,
        order_sync=10 * MINUTE_MS,
        quick_sync=10 * MINUTE_MS,
        settle=10 * MINUTE_MS,
        reconcile=10 * MINUTE_MS,
    )

    async def run() -> None:
        async with day(dsn, markets=4, changes={"jobs": later}) as kept:
            await until_resting(kept)
            before = await kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind IN ('buy', 'sell')")
            frames = kept.worker.state.frames
            kept.scenario.faults.on("sweep", count=1)
            await kept.wait(5_000)
            after = await kept.connection.fetchval("SELECT count(*) FROM movements WHERE kind IN ('buy', 'sell')")
            assert after > before
            assert kept.worker.state.frames > frames
            assert max(kept.worker.state.latencies_ms) < 1_000

    virtually(run)


def test_T5_many_markets_fill_and_cancel_at_once_and_nothing_waits_for_a_later_cycle(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=40) as kept:
            await until_resting(kept)
            await kept.wait(MINUTE_MS)
            open_before = resting(kept)
            assert len(open_before) > 100
            kept.scenario.faults.on("sweep", count=1)
            kept.scenario.faults.on("mass-cancel", count=1)
            await kept.wait(3_000)
            rows = await kept.connection.fetch(
                "SELECT order_id, filled, state FROM orders WHERE order_id = ANY ($1)", sorted(open_before)
            )
            orders = kept.scenario.world.exchange.orders
            booked = {row["order_id"]: (row["filled"], row["state"]) for row in rows}
            ended = {order_id for order_id in open_before if not orders[order_id].open}
            assert len(ended) > 100
            assert {i: booked[i] for i in ended} == {i: (orders[i].matched, "closed") for i in ended}

    virtually(run)
