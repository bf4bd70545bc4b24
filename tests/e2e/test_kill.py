"""kill -9 at random moments: no order and no fill is lost or doubled."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from e2e.kill_child import MILLION, Life, live, ready, worker_of
from support.database import connected, in_loop, until
from tieout.app.clock import now_ms
from tieout.app.history import verify
from tieout.sim.rng import Stream
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.truth import open_orders, shares_held
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.wallets import wallet_id_of

KILLS = int(os.environ.get("TIEOUT_KILLS", "100"))
"""In both lives together."""

LONGEST_MS = 1_500
PATIENCE_S = 600.0


@dataclass
class Deaths:
    """What the killed ones left behind."""

    intended: int = 0
    resting: int = 0
    moving: int = 0


async def kill_often(
    scenario: Scenario, server: Server, life: Life, connection: asyncpg.Connection, kills: int
) -> Deaths:
    """One short life after the other."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["e2e.kill_child"])
    first = context.Process(target=ready)
    first.start()
    await asyncio.to_thread(first.join)
    chance: Stream = scenario.world.chance.stream("deaths")
    deaths = Deaths()
    for _ in range(kills):
        process = context.Process(target=live, args=(life,), daemon=True)
        process.start()
        await server.clock.wait(chance.randrange(1, LONGEST_MS))
        process.kill()
        await asyncio.to_thread(process.join)
        left = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM orders WHERE state = 'intended') AS intended, "
            "(SELECT count(*) FROM movements WHERE status IN ('MATCHED', 'RETRYING')) AS moving"
        )
        deaths.intended += left["intended"] > 0
        deaths.moving += left["moving"] > 0
        deaths.resting += bool(open_orders(scenario.world, life.wallet))
    return deaths


async def last_life(scenario: Scenario, life: Life, connection: asyncpg.Connection) -> int:
    """A worker that nobody kills brings everything to a quiet end; the wallet's id."""
    stop = asyncio.Event()
    worker = asyncio.create_task(worker_of(life).run(stop))
    wallet_id = await wallet_id_of(connection, life.wallet)
    assert wallet_id is not None
    command = Command(WHOLE_WALLET, State.PAUSED, "the end", "the test", Actor.PERSON)
    await set_state(connection, wallet_id, command, now_ms())

    async def agrees() -> bool:
        assert not worker.done(), worker.exception()
        rows = await connection.fetch("SELECT token_id, shares FROM positions WHERE shares > 0")
        books = {row["token_id"]: row["shares"] for row in rows}
        live_rows = await connection.fetchval(
            "SELECT count(*) FROM orders WHERE state IN ('intended', 'live', 'closing')"
        )
        moving = await connection.fetchval("SELECT count(*) FROM movements WHERE status IN ('MATCHED', 'RETRYING')")
        world = scenario.world
        return not (live_rows or moving or open_orders(world, life.wallet)) and books == shares_held(world, life.wallet)

    await until(agrees, "books and venue agree")
    stop.set()
    await worker
    return wallet_id


@pytest.mark.parametrize(
    ("faulty", "kills"), [(False, KILLS * 2 // 5), (True, KILLS * 3 // 5)], ids=["alone", "faults"]
)
def test_D1_P1_P3_killed_at_random_moments_no_order_and_no_fill_is_lost_or_doubled(
    dsn: str, faulty: bool, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server that forks the lives loads our module before it knows this process's path.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))

    async def run() -> None:
        scenario = build(Options(seed=11 + faulty, markets=4, cash=50_000 * MILLION, start_ms=now_ms() - 30_000))
        account = scenario.accounts[0]
        async with running(scenario.site) as server, connected(dsn) as connection:
            life = Life(dsn, server.http_url, account.address, account.private_key, 4)
            if faulty:
                scenario.faults.on("timeout-after", probability=0.1, path="/order", settings={"delay_ms": 50})
                scenario.faults.on("ws-drop", probability=0.1)
            deaths = await kill_often(scenario, server, life, connection, kills)
            for name in ("timeout-after", "ws-drop"):
                scenario.faults.off(name)
            wallet_id = await last_life(scenario, life, connection)
            await compare(scenario, life, connection, wallet_id)
            assert deaths.resting > kills // 10, deaths
            assert deaths.intended + deaths.moving, deaths

    in_loop(run, patience_s=PATIENCE_S)()


async def compare(scenario: Scenario, life: Life, connection: asyncpg.Connection, wallet_id: int) -> None:
    """Order by order and fill by fill, with the venue's own accounts."""
    venue = {o.id: o for o in scenario.world.exchange.orders.values() if o.request.wallet == life.wallet}
    rows = {row["order_id"]: row for row in await connection.fetch("SELECT * FROM orders")}
    assert venue.keys() <= rows.keys(), "an order of the venue is not in the books"
    never = [row for order_id, row in rows.items() if order_id not in venue]
    assert not any(row["filled"] for row in never)
    assert {row["state"] for row in never} <= {"closed", "rejected"}
    differing = {
        order_id: (rows[order_id]["filled"], rows[order_id]["failed"], order.matched)
        for order_id, order in venue.items()
        if rows[order_id]["filled"] + rows[order_id]["failed"] != order.matched
    }
    assert not differing, "shares filled in the books and matched at the venue"
    assert sum(order.matched for order in venue.values()), "nothing was ever filled"
    assert (await verify(connection, wallet_id)).holds
