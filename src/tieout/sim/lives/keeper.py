"""Workers one after the other, as whoever watches over processes starts them; and the blows they get."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import asyncpg

from tieout.app.worker import Worker
from tieout.sim.lives.abandon import Body, LifeLoop
from tieout.sim.lives.house import House
from tieout.sim.lives.options import Blow, Hit
from tieout.sim.lives.verdict import ViolationError
from tieout.store.controls import WHOLE_WALLET, Actor, Command, State, set_state
from tieout.store.errors import BrokenInvariantError, LeaseHeldError, StoreError
from tieout.store.wallets import acquire, head_of, wallet_id_of

RESTART_MS = 5_000
"""Until a worker that ended by itself is started again."""

LOSER_MS = 120_000
"""Within this time a worker whose wallet was taken over must have noticed."""

ME = "the life"


class Running:
    """One worker process."""

    def __init__(self, house: House, name: str, *, take_over: bool) -> None:
        self.worker: Worker = house.worker(take_over=take_over)
        self.body = Body(name)
        self.stop = asyncio.Event()
        self.task = self.body.start(self.worker.run(self.stop), name)
        self.excused = ""
        """Why it may end with an error; "" when it may not."""


class Keeper:
    """Keeps one worker running until told to end."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.running: Running | None = None
        self.others: list[Running] = []
        self.workers = 0
        self.steps = self.statements = 0
        self.remains: list[object] = []
        self.lost_since_ms: int | None = None
        """Since when no worker has the lease, because somebody else took it."""
        self._take_over = False
        self._away_ms = 0
        self._over = False
        self._holds = 0
        self._free: asyncio.Event = asyncio.Event()
        self._free.set()
        self._loop = _life_loop()

    # one worker after the other

    async def keep(self) -> None:
        """Start a worker whenever there is none, until `end`."""
        house = self.house
        while not self._over:
            await self._free.wait()
            running = self.running = self._start(take_over=self._take_over)
            self._take_over = False
            await asyncio.wait([running.task])
            self._count(running)
            self.running = None
            await self._gone()
            if not running.body.dead and not self._over:
                self._ended(running)
            away_ms, self._away_ms = self._away_ms or RESTART_MS, 0
            if not self._over:
                await house.wait(away_ms)

    def _start(self, *, take_over: bool) -> Running:
        self.workers += 1
        self.lost_since_ms = None
        name = f"worker {self.workers}"
        self.house.note(f"{name} starts{', to take over' if take_over else ''}")
        return Running(self.house, name, take_over=take_over)

    def _count(self, running: Running) -> None:
        self.steps += running.body.steps
        self.statements += running.body.statements
        self.remains += running.body.remains

    def _ended(self, running: Running) -> None:
        """A worker ended by itself."""
        error, name = self._told(running), running.body.name
        if isinstance(error, BrokenInvariantError):
            self.house.fail(_row_of(error), f"{name} halted: {error}")
        elif error is None or not (running.excused and isinstance(error, (StoreError, asyncpg.PostgresError, OSError))):
            self.house.fail("END", f"{name} ended by itself: {type(error).__name__}: {error}")

    async def _gone(self) -> None:
        """Return when the database has noticed that the dead are dead."""
        alive = [each for each in (self.running, *self.others) if each is not None and not each.body.dead]
        most = sum(each.body.database_connections() for each in alive)
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tieout'"
        )
        async with self.house.hands as connection:
            while await connection.fetchval(query) > most:
                pass

    async def end(self) -> tuple[str, ...]:
        """Stop the worker in order; returns the orders it left open."""
        self._over = True
        left: tuple[str, ...] = ()
        if (running := self.running) is not None:
            running.stop.set()
            await asyncio.wait([running.task])
            if error := running.task.exception():
                raise ViolationError("END", f"{running.body.name} ended as it stopped: {type(error).__name__}: {error}")
            left = running.worker.state.left_open
        return left

    def spare(self) -> None:
        """Whoever still waits for a step or a statement to die at lives on."""
        for each in (self.running, *self.others):
            if each is not None:
                each.body.spare()

    def bury(self) -> None:
        """Whatever still runs is dead."""
        self._over = True
        for each in (self.running, *self.others):
            if each is not None and not each.task.done():
                each.body.die()
                self._count(each)

    # blows

    async def hit(self, hit: Hit) -> None:
        """Deal one blow; returns when it is over."""
        running = self.running
        if running is None or running.task.done():
            return
        body = running.body
        match hit.blow:
            case Blow.AWAIT:
                body.at_step = (body.steps + hit.steps, self._death(running, hit))
            case Blow.BEFORE:
                body.before = (body.statements + hit.steps, self._death(running, hit))
            case Blow.AFTER:
                body.after = (body.statements + hit.steps, self._death(running, hit))
            case Blow.PLACING:
                body.placing = (hit.steps, hit.is_before, self._death(running, hit))
            case Blow.DATABASE:
                await self._restart_database(running, hit)
            case Blow.LEASE:
                await self._take_lease(running, hit)
            case Blow.CLOCK:
                self._note(hit, f"the clock jumps by {hit.size} ms")
                self.house.shift_ms += hit.size
            case Blow.TWO:
                await self._second(running, hit)
            case Blow.PAUSE:
                await self._pause(hit)

    def _note(self, hit: Hit, what: str) -> None:
        self.house.blows[hit.blow] += 1
        self.house.note(what)

    def _death(self, running: Running, hit: Hit) -> Callable[[], None]:
        def die() -> None:
            self._note(hit, f"{running.body.name} is killed ({hit.blow})")
            self._away_ms, self._take_over = hit.away_ms, hit.take_over
            running.body.die()

        return die

    @contextmanager
    def _hold(self) -> Iterator[None]:
        """No worker is started meanwhile, whatever else ends in that time."""
        self._holds += 1
        self._free.clear()
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._free.set()

    async def _restart_database(self, running: Running, hit: Hit) -> None:
        self._note(hit, f"the database restarts, {hit.away_ms} ms")
        self._excuse_all(running, "the database went away")
        with self._hold():
            self._loop.database_away = True
            self._loop.shut_database_down(running.body)
            await self.house.wait(hit.away_ms)
            self._loop.database_away = False

    async def _take_lease(self, running: Running, hit: Hit) -> None:
        """Somebody else writes the wallet for a while; the worker must find out and end."""
        self._note(hit, "another writer takes the wallet over")
        self._excuse_all(running, "the lease was taken")
        with self._hold():
            other = await asyncpg.connect(self.house.dsn, server_settings={"application_name": ME})
            try:
                lease = await acquire(other, self.house.wallet, exclusive=True, take_over=True)
                before, _, _ = await head_of(other, lease.wallet_id)
                self.lost_since_ms = self.house.now_ms
                await self._must_end(running)
                await self.house.wait(hit.away_ms)
                after, _, _ = await head_of(other, lease.wallet_id)
                epoch = await other.fetchval("SELECT epoch FROM wallet WHERE wallet_id = $1", lease.wallet_id)
                # A second worker may have taken it over from here meanwhile, and writes by right.
                if after != before and epoch == lease.epoch:
                    sentence = f"{after.seq - before.seq} entries were booked by {running.body.name} without the lease"
                    self.house.fail("R1", sentence)
            finally:
                await other.close()

    def _excuse_all(self, running: Running, why: str) -> None:
        for each in (running, *self.others):
            each.excused = why

    async def _must_end(self, running: Running) -> None:
        """The worker ends because its lease is lost."""
        end_ms = self.house.now_ms + LOSER_MS
        while not running.task.done() and self.house.now_ms < end_ms:
            await self.house.wait(1_000)
        if not running.task.done():
            self.house.fail("R1", f"{running.body.name} lost its lease {LOSER_MS} ms ago and runs on")

    async def _second(self, running: Running, hit: Hit) -> None:
        """Start another worker beside the one that runs."""
        self._note(hit, f"a second worker starts{', to take over' if hit.take_over else ''}")
        with self._hold() if hit.take_over else nullcontext():
            if hit.take_over:
                running.excused = "the lease was taken"
            second = Running(self.house, f"worker {self.workers} b", take_over=hit.take_over)
            if self._loop.database_away:
                second.excused = "the database is away"
            self.others.append(second)
            await (self._succeed(running, second, hit) if hit.take_over else self._be_refused(running, second))
            self._count(second)
            self.others.remove(second)

    async def _succeed(self, running: Running, second: Running, hit: Hit) -> None:
        """The *second* has the wallet for a while, and the first one ends."""
        await self._must_end(running)
        await self.house.wait(hit.away_ms)
        second.stop.set()
        await asyncio.wait([second.task])
        error = self._told(second)
        if error is not None and not (second.excused and isinstance(error, StoreError)):
            self.house.fail("END", f"{second.body.name} ended by itself: {type(error).__name__}: {error}")

    async def _be_refused(self, running: Running, second: Running) -> None:
        """The *second* ends, since the first one has the wallet."""
        await asyncio.wait([second.task, running.task], return_when=asyncio.FIRST_COMPLETED)
        if not second.task.done():  # the first one died meanwhile: this one may have the wallet, and dies with it
            second.body.die()
        elif not isinstance(error := self._told(second), StoreError if second.excused else LeaseHeldError):
            self.house.fail("R1", f"two workers ran at once: {error!r}")

    def _told(self, running: Running) -> BaseException | None:
        """Why it ended."""
        error = running.task.exception()
        self.house.note(f"{running.body.name} ended: {type(error).__name__}: {error}")
        return error

    async def _pause(self, hit: Hit) -> None:
        self._note(hit, f"a person pauses the wallet for {hit.away_ms} ms")
        await steer(self.house, State.PAUSED, "a break")
        await self.house.wait(hit.away_ms)
        await steer(self.house, State.ACTIVE, "go on")


def _row_of(error: BrokenInvariantError) -> str:
    """The row of the catalog that a broken invariant names, I2 when it names none."""
    found = re.search(r"\b([IOFCLiofcl]\d)(?:\b|_)", str(error))  # o3_closed_when_booked: a constraint of the database
    return found[1].upper() if found else "I2"


def _life_loop() -> Any:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, LifeLoop):
        raise TypeError("a life runs on a loop of its own")
    return loop


async def steer(house: House, state: State, reason: str, condition_id: str = WHOLE_WALLET) -> None:
    """Set a control, as a person with force."""
    async with house.hands as connection:
        wallet_id = await wallet_id_of(connection, house.wallet)
        if wallet_id is not None:
            command = Command(condition_id, state, reason, ME, Actor.PERSON, force=True)
            await set_state(connection, wallet_id, command, house.now_ms)
