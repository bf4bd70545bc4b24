"""kill -9 at chosen and at random moments: no order and no fill is lost or doubled."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path

import asyncpg
import pytest

from e2e.kill_child import MILLION, Life, live, ready, worker_of
from e2e.reaper import Reaper, When
from e2e.worker_house import FINAL, Accounts
from support.database import connected, in_loop
from tieout.app.clock import now_ms
from tieout.sim.events import Event, OrderChanged
from tieout.sim.faults.faults import Faults
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import Server, running
from tieout.sim.truth import open_orders
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.wallets import wallet_id_of

KILLS = int(os.environ.get("TIEOUT_KILLS", "100"))
"""In both tests together."""

EARLY = (When.BIRTH, When.READING, When.CHAIN, When.ANY)
"""They come soon in a life, so they are had twice as often."""

SWEPT_EVERY = 7
"""After so many deaths all that rests fills before the next life begins; so does what was taken without an answer."""

DEAD_MS = 250
PATIENCE_MS = 60_000

FAULTS = {
    "timeout-before": 0.05,
    "timeout-after": 0.1,
    "cut": 0.05,
    "ws-drop": 0.1,
    "ws-duplicate": 0.1,
    "settlement-retried": 0.1,
    "settlement-failed": 0.03,
}
"""With their probabilities; those of requests strike orders and cancels."""


@dataclass
class Deaths:
    """What the killed ones left behind."""

    at: Counter[When] = field(default_factory=Counter)
    """By the moment, where it came."""
    intended: int = 0
    """With an order of unknown outcome."""
    resting: int = 0
    moving: int = 0
    """With a trade that is not final."""
    filled_while_dead: int = 0


@dataclass
class Killing:
    """One account, and the lives of its workers."""

    scenario: Scenario
    server: Server
    life: Life
    connection: asyncpg.Connection
    reaper: Reaper
    deaths: Deaths = field(default_factory=Deaths)
    twins: list[str] = field(default_factory=list)
    """Orders that came to rest beside another one of the same token, side and price."""

    def watch(self) -> None:
        """Look at every order of the wallet as it comes."""
        self.scenario.world.hub.listen(self._placed)

    def _placed(self, event: Event) -> None:
        if not isinstance(event, OrderChanged) or event.kind != "PLACEMENT":
            return
        new = event.order
        if new.request.wallet == self.life.wallet:
            self.twins += [
                f"{new.id} beside {old.id}"
                for old in self.scenario.world.exchange.open_of(new.request.signer)
                if old is not new
                and (old.request.token, old.side, old.price) == (new.request.token, new.side, new.price)
            ]

    async def accounts(self) -> Accounts:
        wallet_id = await wallet_id_of(self.connection, self.life.wallet)
        assert wallet_id is not None
        return Accounts(self.scenario.world, self.life.wallet, self.connection, wallet_id)

    async def die(self, context: ForkServerContext, when: When) -> None:
        """One life, its end, and what is to be seen then."""
        process = context.Process(target=live, args=(self.life,), daemon=True)
        process.start()
        came = await self.reaper.reap(process, when)
        self.deaths.at[when] += came
        left = await self.connection.fetchrow(
            "SELECT (SELECT count(*) FROM orders WHERE state = 'intended') AS intended, "
            "(SELECT count(*) FROM movements WHERE status IN ('MATCHED', 'RETRYING')) AS moving"
        )
        self.deaths.intended += left["intended"] > 0
        self.deaths.moving += left["moving"] > 0
        self.deaths.resting += bool(open_orders(self.scenario.world, self.life.wallet))
        if came and when in (When.PLACE_LOST, When.PLACE_TAKEN):
            assert left["intended"], "an order was sent without its intent in the books"
        if await wallet_id_of(self.connection, self.life.wallet) is None:  # it died before it wrote anything
            assert not open_orders(self.scenario.world, self.life.wallet)
        else:
            assert not await (await self.accounts()).not_booked(), when

    async def be_swept(self) -> None:
        """Everything that rests fills while nobody is there to hear of it."""
        accounts = await self.accounts()
        before = len(accounts.trades())
        self.scenario.faults.on("sweep", count=1)
        await self.server.clock.wait(DEAD_MS)
        self.deaths.filled_while_dead += len(accounts.trades()) - before

    async def die_often(self, kills: int) -> None:
        """One short life after the other, every moment in turn."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["e2e.kill_child"])
        first = context.Process(target=ready)
        first.start()
        await asyncio.to_thread(first.join)
        # Whoever fills what rests comes with money, which has to be mined first.
        self.scenario.faults.on("sweep")
        self.scenario.faults.off("sweep")
        moments = [*When, *EARLY]
        for number in range(kills):
            if number % len(moments) == 0:
                self.scenario.world.chance.stream(f"deaths {number}").shuffle(moments)
            when = moments[number % len(moments)]
            await self.die(context, when)
            if when is When.PLACE_TAKEN or number % SWEPT_EVERY == SWEPT_EVERY - 1:
                await self.be_swept()

    async def stay_dead(self) -> None:
        """Until what was traded is final, so that no frame tells of it to the next life."""
        await self.be_swept()
        accounts = await self.accounts()

        async def is_over() -> bool:
            return all(trade.status in FINAL for trade in accounts.trades())

        await self.until(is_over, "settlement")

    async def until(self, condition: Callable[[], Awaitable[object]], what: str) -> None:
        end_ms = now_ms() + PATIENCE_MS
        while not await condition():
            assert now_ms() < end_ms, f"waited {PATIENCE_MS // 1_000} s for: {what}"
            await self.server.clock.wait(50)

    async def end_well(self) -> None:
        """A worker that nobody kills brings everything to a quiet end, quotes once more, and stops."""
        accounts, worker, stop = await self.accounts(), worker_of(self.life), asyncio.Event()
        await self._steer(accounts, State.PAUSED)
        task = asyncio.create_task(worker.run(stop))
        await self._quiet_end(accounts, task)
        await self._steer(accounts, State.ACTIVE)
        placed = worker.state.sent["placed"]

        async def quotes() -> bool:
            assert not task.done(), task.exception()
            return worker.state.sent["placed"] > placed and bool(open_orders(self.scenario.world, self.life.wallet))

        await self.until(quotes, "quotes again")
        stop.set()
        await task
        assert worker.state.left_open == ()
        assert not open_orders(self.scenario.world, self.life.wallet)
        await self._settle_for_good(accounts)

    async def _quiet_end(self, accounts: Accounts, task: asyncio.Task[None]) -> None:
        found: list[str] = []

        async def agrees() -> bool:
            assert not task.done(), task.exception()
            found[:] = await accounts.differences() if accounts.is_settled() else ["not settled"]
            return not found

        try:
            await self.until(agrees, "books and venue agree")
        except AssertionError:
            raise AssertionError(found[:20]) from None

    async def _settle_for_good(self, accounts: Accounts) -> None:
        """What filled between the last quotes and the stop is booked by the next worker, which places nothing."""
        stop = asyncio.Event()
        await self._steer(accounts, State.PAUSED)
        task = asyncio.create_task(worker_of(self.life).run(stop))
        await self._quiet_end(accounts, task)
        stop.set()
        await task

    async def _steer(self, accounts: Accounts, state: State) -> None:
        command = Command(WHOLE_WALLET, state, "the end", "the test", Actor.PERSON)
        await set_state(self.connection, accounts.wallet_id, command, now_ms())


def switch(faults: Faults, *, on: bool) -> None:
    for name, probability in FAULTS.items():
        is_lost = name in ("timeout-before", "timeout-after", "cut")
        if on:
            settings = {"delay_ms": 50} if name.startswith("timeout") else {}
            faults.on(name, probability=probability, path="/order" if is_lost else "", settings=settings)
        else:
            faults.off(name)


@pytest.mark.parametrize(
    ("faulty", "kills"), [(False, KILLS * 2 // 5), (True, KILLS * 3 // 5)], ids=["alone", "faults"]
)
def test_D1_P1_P3_killed_100_times_at_any_moment_no_order_and_no_fill_is_lost_or_doubled(
    dsn: str, faulty: bool, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server that forks the lives loads our module before it knows this process's path.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)

    async def run() -> None:
        scenario = build(Options(seed=11 + faulty, markets=4, cash=50_000 * MILLION, start_ms=now_ms() - 30_000))
        account = scenario.accounts[0]
        async with running(scenario.site) as server, connected(dsn) as connection:
            life = Life(dsn, server.http_url, account.address, account.private_key, 4)
            reaper = Reaper(scenario, account.address, scenario.world.chance.stream("reaper"))
            killing = Killing(scenario, server, life, connection, reaper)
            killing.watch()
            if faulty:
                switch(scenario.faults, on=True)
            await killing.die_often(kills)
            switch(scenario.faults, on=False)
            await killing.stay_dead()
            await killing.end_well()
            assert not killing.twins
            check(killing.deaths, kills)

    in_loop(run, patience_s=600.0)()


def check(deaths: Deaths, kills: int) -> None:
    """The test has hit what it is about."""
    turns = kills // len([*When, *EARLY])
    assert turns < 2 or all(deaths.at[when] for when in When), deaths
    assert deaths.intended >= turns, deaths
    assert deaths.resting >= kills // 5, deaths
    assert deaths.moving > kills // 10, deaths
    assert deaths.filled_while_dead > kills // SWEPT_EVERY, deaths
