"""A worker that finds its books wrong, over the wire and in virtual time: what it pauses and halts, whom it tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from client.stage import Says, Site, serving
from e2e.day import MILLION, MINUTE_MS, Day, config_of, day, worker_on
from e2e.test_worker import resting, until_agrees, until_resting, virtually
from support.database import connected
from tieout.app.chain_books import BEGINS
from tieout.app.config import AlertSettings, Intervals
from tieout.app.history import verify
from tieout.app.reading_start import reading_start
from tieout.app.waking import Hearing
from tieout.app.worker import Worker
from tieout.client.endpoints import Endpoints
from tieout.intake.intake import Intake, own
from tieout.ledger.facts import AnyFact, TokenMoved
from tieout.sim.serve.server import Server
from tieout.sim.truth import open_orders
from tieout.store import watermarks
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.errors import BrokenInvariantError
from tieout.store.runs import Job
from tieout.store.wallets import acquire
from tieout.store.watermarks import Watermark
from tieout.venue.addresses import CTF
from tieout.venue.decode import Identity

HOUR_MS = 60 * MINUTE_MS
OFTEN: dict[str, object] = {"jobs": Intervals(market_making=30_000, full_sync=MINUTE_MS)}


@asynccontextmanager
async def told() -> AsyncIterator[tuple[Site, dict[str, object]]]:
    """An address for alerts, and the setting that names it."""
    async with serving() as site:
        site.script(Says(200))
        yield site, {"alerts": AlertSettings(webhook=f"{site.url}/x", desk_url="http://desk")}


def kinds(site: Site) -> list[str]:
    return [asked.json["type"] for asked in site.asked]


async def damage(dsn: str, *statements: str) -> None:
    """Somebody writes into the database beside the books, against its triggers."""
    async with connected(dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert await connection.execute(statement) not in ("UPDATE 0", "DELETE 0")


async def held_token(kept: Day) -> tuple[str, str]:
    """(token, condition) of something the wallet holds in a market that is quoted."""
    for _ in range(40):
        rows = await kept.connection.fetch(
            "SELECT token_id, condition_id FROM positions WHERE wallet_id = $1 AND shares > 1000000 ORDER BY token_id",
            kept.wallet_id,
        )
        for row in rows:
            if row["condition_id"] in kept.worker.state.markets:
                return row["token_id"], row["condition_id"]
        await kept.wait(15_000)
    raise AssertionError("nothing was bought")


async def control(kept: Day, condition_id: str) -> tuple[str, str, str]:
    row = await kept.connection.fetchrow(
        "SELECT state, lift, reason FROM control WHERE wallet_id = $1 AND condition_id = $2",
        kept.wallet_id,
        condition_id,
    )
    return tuple(row) if row is not None else ("active", "", "")


async def ends_halted(kept: Day, words: str) -> None:
    """The worker halts the whole wallet, cancels everything, ends by the error and keeps the evidence."""
    with pytest.raises(BrokenInvariantError, match=words):
        await asyncio.wait_for(asyncio.shield(kept.task), 2 * 3_600)
    state, lift, reason = await control(kept, WHOLE_WALLET)
    assert (state, lift) == ("halted", "force")
    assert words in reason
    issue = await kept.connection.fetchrow(
        "SELECT severity, action, summary, evidence FROM sync_issue WHERE type = 'INVARIANT_VIOLATED' "
        "AND condition_id = '' AND action = 'HALTED'"
    )
    assert (issue["severity"], issue["action"]) == ("CRITICAL", "HALTED")
    assert words in issue["summary"]
    assert json.loads(issue["evidence"])["invariant"] == words
    assert open_orders(kept.scenario.world, kept.wallet) == set()


def breaking(run: Callable[[], Coroutine[Any, Any, None]], words: str) -> None:
    """Run a day whose worker must end by a broken invariant."""
    with pytest.raises(BrokenInvariantError, match=words):
        virtually(run)


def test_I1_the_third_drift_in_an_hour_pauses_the_market_and_alerts(dsn: str) -> None:
    async def run() -> None:
        async with told() as (site, changes), day(dsn, markets=4, intensity=1.0, changes=changes) as kept:
            await until_resting(kept)
            token, condition = await held_token(kept)
            await kept.steer(State.PAUSED, "until everything has settled")
            await kept.wait(3 * MINUTE_MS)
            await until_agrees(kept)
            await damage(dsn, f"UPDATE positions SET shares = shares + 200000 WHERE token_id = '{token}'")
            await kept.wait(12_000)
            assert (await control(kept, condition))[0] == "active", "once is not often"
            await kept.steer(State.ACTIVE, "go on")
            await kept.wait(MINUTE_MS)
            state, lift, reason = await control(kept, condition)
            assert (state, lift) == ("paused", "person"), reason
            assert reason.startswith("I1:")
            conditions = {kept.scenario.world.exchange.orders[i].market.condition_id for i in resting(kept)}
            assert condition not in conditions
            assert conditions, "the other markets are quoted"
            times = await kept.connection.fetchval(
                "SELECT count(*) FROM sync_run WHERE job = 'position_sync' AND detail->'drifted' ? $1", condition
            )
            assert times >= 3
            assert {"POSITION_DRIFT", "INVARIANT_VIOLATED", "PAUSED"} <= set(kinds(site))
            assert len(site.asked) < 8, "a drift at every look is one alert, then a count"
            links = {asked.json["url"] for asked in site.asked if asked.json["type"] == "POSITION_DRIFT"}
            issues = await kept.connection.fetch("SELECT issue_id FROM sync_issue WHERE type = 'POSITION_DRIFT'")
            assert links <= {f"http://desk/w/{kept.wallet}/incident/{row['issue_id']}" for row in issues}

    virtually(run)


def test_I3_a_stored_balance_below_zero_halts_the_wallet_and_alerts(dsn: str) -> None:
    async def run() -> None:
        async with told() as (site, changes), day(dsn, markets=4, intensity=1.0, changes=changes) as kept:
            await until_resting(kept)
            token, _ = await held_token(kept)
            await damage(
                dsn,
                "ALTER TABLE positions DROP CONSTRAINT i3_inventory_not_negative",
                "UPDATE positions SET shares = -5, cost_basis = 0, realized_pnl = sold - bought "
                f"WHERE token_id = '{token}'",
            )
            await ends_halted(kept, "I3")
            assert {"INVARIANT_VIOLATED", "ENDED"} <= set(kinds(site))

    breaking(run, "I3")


def test_L1_a_state_that_the_log_does_not_give_halts_the_wallet(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, intensity=1.0, changes=OFTEN) as kept:
            await until_resting(kept)
            token, _ = await held_token(kept)
            await damage(dsn, f"UPDATE positions SET fees = fees + 1 WHERE token_id = '{token}'")
            await ends_halted(kept, "L1")

    breaking(run, "L1")


def test_L2_a_broken_hash_chain_halts_the_wallet(dsn: str) -> None:
    async def run() -> None:
        async with day(dsn, markets=4, intensity=1.0, changes=OFTEN) as kept:
            await until_resting(kept)
            await damage(dsn, "UPDATE log SET received_at_ms = received_at_ms + 1 WHERE seq = 3")
            await ends_halted(kept, "L2")

    breaking(run, "L2")


@asynccontextmanager
async def second_worker(dsn: str, kept: Day, changes: dict[str, object]) -> AsyncIterator[Worker]:
    """Another worker on the wallet; the first one was stopped."""
    config = config_of(kept.scenario, kept.server, **changes)
    worker, stop = worker_on(dsn, kept.scenario, kept.server, config), asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await task


async def plant(dsn: str, kept: Day, fact: AnyFact) -> None:
    """Book a fact that never happened, while no worker holds the wallet."""
    async with connected(dsn) as writer, connected(dsn) as reader:
        lease = await acquire(writer, kept.wallet, exclusive=True)
        intake = Intake(writer, reader, lease, Identity(kept.wallet, frozenset()), lambda: kept.now_ms)
        assert (await intake.take([own(fact, "test")])).new_facts == 1


def test_I3_shares_that_left_and_were_never_there_halt_their_market_once_and_the_others_are_quoted(dsn: str) -> None:
    """A transfer out, long final, of what nothing before it had brought; the balances are equal all the same."""

    async def run() -> None:
        async with told() as (site, changes), day(dsn, markets=4, intensity=1.0) as kept:
            await until_resting(kept)
            token, condition = await held_token(kept)
            await kept.wait(2 * MINUTE_MS)
            kept.stop.set()
            await kept.task
            block = kept.scenario.world.chain.block_by_tag("earliest")
            moved = TokenMoved(
                tx_hash="0x" + "9e" * 32, log_index=7, block=block.number + 1, block_hash="0x" + "9f" * 32,
                occurred_at_ms=block.timestamp_s * 1_000, token_id=token, shares=-5 * MILLION,
                counterparty="0x" + "77" * 20, contract=CTF,
            )  # fmt: skip
            await plant(dsn, kept, moved)
            async with second_worker(dsn, kept, {**OFTEN, **changes}) as worker:
                kept.worker = worker
                await until_resting(kept)
                await kept.wait(2 * MINUTE_MS)
                state, lift, reason = await control(kept, condition)
                assert (state, lift, reason.startswith("I3: 5.0")) == ("halted", "force", True), reason
                assert await control(kept, WHOLE_WALLET) == ("active", "", "")
                conditions = {kept.scenario.world.exchange.orders[i].market.condition_id for i in resting(kept)}
                assert condition not in conditions
                assert conditions, "the other markets are quoted"
                await kept.wait(MINUTE_MS)
                assert {"INVARIANT_VIOLATED", "HALTED"} <= set(kinds(site))
                command = Command(condition, State.ACTIVE, "I know", "the test", Actor.PERSON, force=True)
                await set_state(kept.connection, kept.wallet_id, command, kept.now_ms)
                await kept.wait(3 * MINUTE_MS)
                assert (await control(kept, condition))[0] == "active", "a person has looked: it is not halted again"
                assert worker.state.runs[Job.FULL_SYNC] > 3

    virtually(run)


SELDOM = Intervals(market_making=30_000, position_sync=10 * MINUTE_MS, full_sync=HOUR_MS, quick_sync=HOUR_MS)


@asynccontextmanager
async def hearing(dsn: str, url: str = "", jobs: Intervals = SELDOM, **options: Any) -> AsyncIterator[Day]:
    """A worker that hears heads of the simulated node, or of the one at *url*; its position sync is far off."""
    options = {"markets": 4, "intensity": 1.0, **options}

    def changes(server: Server) -> dict[str, object]:
        endpoints = replace(Endpoints.of(server.http_url), rpc_ws=url or f"{server.ws_url}/rpc")
        return {"jobs": jobs, "endpoints": endpoints}

    async with day(dsn, changes=changes, **options) as kept:
        yield kept


async def syncs(kept: Day, since_ms: int) -> list[tuple[int, str]]:
    """(when it began, why) of every position sync since."""
    rows = await kept.connection.fetch(
        "SELECT started_at_ms, reason FROM sync_run WHERE wallet_id = $1 AND job = 'position_sync' "
        "AND started_at_ms >= $2 ORDER BY run_id",
        kept.wallet_id,
        since_ms,
    )
    return [tuple(row) for row in rows]


def test_T2_every_head_brings_the_position_sync_forward_but_not_more_often_than_its_spacing(dsn: str) -> None:
    async def run() -> None:
        async with hearing(dsn, jobs=replace(SELDOM, head_spacing_ms=5_000)) as kept:
            await until_resting(kept)
            since = kept.now_ms
            kept.scenario.faults.on("human-split", count=1, wallet=kept.wallet)
            await kept.wait(2 * MINUTE_MS)
            found = await syncs(kept, since)
            assert {reason for _, reason in found} == {"a new head"}
            gaps = [later - before for (before, _), (later, _) in pairwise(found)]
            assert 15 <= len(found) <= 25
            assert min(gaps) >= 5_000
            assert kept.worker.state.heads is Hearing.LIVE
            await until_agrees(kept)

    virtually(run)


def test_A5_while_heads_stay_away_the_interval_alone_keeps_it_going(dsn: str) -> None:
    async def run() -> None:
        async with hearing(dsn, jobs=replace(SELDOM, position_sync=30_000)) as kept:
            await until_resting(kept)
            kept.scenario.faults.on("ws-silent", path="/rpc")
            kept.scenario.faults.on("ws-disconnect", path="/rpc", count=1)
            await kept.wait(MINUTE_MS)
            assert kept.worker.state.heads in (Hearing.AWAY, Hearing.SILENT)
            since = kept.now_ms
            await kept.wait(3 * MINUTE_MS)
            found = await syncs(kept, since)
            assert {reason for _, reason in found} == {"schedule"}
            assert 5 <= len(found) <= 7
            kept.scenario.faults.off("ws-silent")
            since = kept.now_ms
            await kept.wait(2 * MINUTE_MS)
            assert kept.worker.state.heads is Hearing.LIVE
            assert "a new head" in {reason for _, reason in await syncs(kept, since)}

    virtually(run)


def test_D1_a_first_block_before_the_one_that_was_read_from_is_told_at_every_start_and_no_opening_is_of_it(
    dsn: str,
) -> None:
    async def run() -> None:
        began = 94_100_010

        async def told_of(kept: Day) -> tuple[int, str]:
            row = await kept.connection.fetchrow(
                "SELECT times, summary FROM sync_issue WHERE type = 'SYNC_FAILED' AND summary LIKE 'account.first%'"
            )
            return (row["times"], row["summary"]) if row is not None else (0, "")

        async with day(dsn, markets=4, changes={"first_block": began}) as kept:
            await until_resting(kept)
            kept.stop.set()
            await kept.task
            assert await told_of(kept) == (0, "")
            for first, times in ((began - 10, 1), (None, 1), (began, 1), (0, 2)):
                async with second_worker(dsn, kept, {"first_block": first}) as worker:
                    while Job.POSITION_SYNC not in worker.state.jobs:
                        await kept.wait(1_000)
                    assert (await told_of(kept))[0] == times
                assert (await reading_start(kept.connection, kept.wallet_id, first, kept.now_ms))[0] == began
            assert f"was read from block {began} on" in (await told_of(kept))[1]
            begun = Watermark(str(began - 10), kept.now_ms)
            await watermarks.put(kept.connection, kept.wallet_id, BEGINS, begun)
            async with second_worker(dsn, kept, {"first_block": began - 10}) as worker:
                while Job.POSITION_SYNC not in worker.state.jobs:
                    await kept.wait(1_000)
            assert (await told_of(kept))[0] == 2, "somebody has read it meanwhile"

    virtually(run)


def test_heads_of_blocks_that_go_away_again_do_no_harm(dsn: str) -> None:
    async def run() -> None:
        async with hearing(dsn) as kept:
            await until_resting(kept)
            kept.scenario.faults.on("reorg", count=6)
            kept.scenario.faults.on("ws-duplicate", path="/rpc", probability=0.5)
            await kept.wait(10 * MINUTE_MS)
            assert kept.scenario.faults.struck("reorg") > 2
            assert kept.scenario.faults.struck("ws-duplicate")
            assert kept.worker.state.heads is Hearing.LIVE
            await until_agrees(kept)
            assert (await verify(kept.connection, kept.wallet_id)).holds

    virtually(run)


def test_a_node_that_refuses_heads_is_told_once_and_left_alone(dsn: str) -> None:
    async def run() -> None:
        asked = 0

        async def refuse(connection: ServerConnection) -> None:
            nonlocal asked
            asked += 1
            await connection.recv()
            error = {"code": -32601, "message": "notifications not supported"}
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}))
            await connection.wait_closed()

        async with serve(refuse, "127.0.0.1", 0, close_timeout=0.1) as node:
            url = f"ws://127.0.0.1:{next(iter(node.sockets)).getsockname()[1]}"
            async with hearing(dsn, url, jobs=replace(SELDOM, position_sync=10_000)) as kept:
                await until_resting(kept)
                await kept.wait(10 * MINUTE_MS)
                assert (asked, kept.worker.state.heads) == (1, Hearing.REFUSED)
                issue = await kept.connection.fetchrow(
                    "SELECT severity, times, summary FROM sync_issue WHERE type = 'SYNC_FAILED'"
                )
                assert (issue["severity"], issue["times"]) == ("WARN", 1)
                assert "notifications not supported" in issue["summary"]

    virtually(run)
