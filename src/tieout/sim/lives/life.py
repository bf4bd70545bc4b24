"""One life: a worker on a simulated venue through a virtual hour of faults and blows, and what became of it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tieout.sim.faults.kinds import KINDS
from tieout.sim.lives.abandon import LifeLoop, cleared_away
from tieout.sim.lives.house import Hands, House, Tap, venue_of
from tieout.sim.lives.invariants import TICK_MS, Safety
from tieout.sim.lives.keeper import ME, Keeper
from tieout.sim.lives.options import LifeOptions, Strike
from tieout.sim.lives.settling import quotes_again, settles, stops
from tieout.sim.lives.verdict import Figures, Verdict, ViolationError
from tieout.sim.virtual.loop import VirtualTimeError
from tieout.sim.virtual.memory import in_memory
from tieout.store.connect import forget_types

WALL_LIMIT_S = 600.0
"""Real seconds after which a life is given up."""


def live(options: LifeOptions, dsn: str) -> Verdict:
    """Live this life in the empty database *dsn* (newest schema)."""
    with cleared_away():
        return _run(options, dsn)


def _run(options: LifeOptions, dsn: str) -> Verdict:
    with asyncio.Runner(loop_factory=lambda: LifeLoop(WALL_LIMIT_S)) as runner:
        try:
            return runner.run(_life(options, dsn))
        except VirtualTimeError as error:
            return Verdict(seed=options.seed, id="RUN", sentence=str(error))


async def _life(options: LifeOptions, dsn: str) -> Verdict:
    began = _cpu_ms()
    forget_types()  # blows are at the so-manieth statement, in the first life of a process and in the next
    async with _house(options, dsn) as house:
        keeper = Keeper(house)
        keeping = asyncio.create_task(keeper.keep(), name="keeper")
        hitting = asyncio.create_task(_blows(house, keeper), name="blows")
        safety = Safety(house, keeper)
        wrong: ViolationError | None = None
        try:
            await _safety(house, safety, (keeping, hitting))
            await hitting
            calm_ms = _calm(house, keeper)
            await quotes_again(house, keeper, safety)
            await settles(house, safety)
            await stops(house, keeper, calm_ms)
        except ViolationError as error:
            wrong = error
        finally:
            hitting.cancel()
            keeper.bury()
            keeping.cancel()
            await asyncio.gather(hitting, keeping, return_exceptions=True)
        figures = await _figures(house, keeper, _cpu_ms() - began)
        if wrong is None:
            return Verdict(seed=options.seed, at_ms=house.at_ms, figures=figures)
        return Verdict(
            seed=options.seed,
            id=wrong.id,
            sentence=wrong.sentence,
            at_ms=house.at_ms,
            figures=figures,
            last=tuple(house.last),
        )


@asynccontextmanager
async def _house(options: LifeOptions, dsn: str) -> AsyncIterator[House]:
    scenario = venue_of(options)
    tap = Tap(scenario.faults)
    scenario.site.gate = tap
    eyes, hands = [await asyncpg.connect(dsn, server_settings={"application_name": ME}) for _ in range(2)]
    try:
        async with in_memory(scenario.site) as server:
            yield House(options, dsn, scenario, server, eyes, Hands(hands), tap)
    finally:
        eyes.terminate()
        hands.terminate()


async def _safety(house: House, safety: Safety, others: tuple[asyncio.Task[None], ...]) -> None:
    """Everything goes wrong that was drawn; at every tick nothing is wrong."""
    world, options = house.scenario.world, house.options
    for strike in options.strikes:
        world.scheduler.at(house.began_ms + strike.at_ms, lambda strike=strike: _strike(house, strike))  # type: ignore[misc]
    while house.at_ms < options.safety_ms:
        await house.wait(TICK_MS)
        await safety.look()
        for other in others:
            if other.done():
                other.result()


def _strike(house: House, strike: Strike) -> None:
    house.note(f"{strike.name} for {strike.for_ms // 1_000} s")
    left_ms = house.began_ms + house.options.safety_ms - house.now_ms
    house.scenario.faults.on(
        strike.name,
        probability=strike.probability / 1_000_000,
        count=strike.count,
        duration_ms=max(1, min(strike.for_ms, left_ms)),
        settings=strike.settings,
    )


async def _blows(house: House, keeper: Keeper) -> None:
    """Deal every blow at its time; one that takes longer holds up nobody."""
    async with asyncio.TaskGroup() as group:
        for hit in house.options.hits:
            await house.wait(max(0, hit.at_ms - house.at_ms))
            group.create_task(keeper.hit(hit))


def _calm(house: House, keeper: Keeper) -> int:
    """Nothing goes wrong any more, and the worker's clock is right again. Since when: milliseconds of the venue."""
    keeper.spare()
    for name in KINDS:
        house.scenario.faults.off(name)
    if house.shift_ms:
        house.note(f"the clock is put right, by {-house.shift_ms} ms")
        house.shift_ms = 0
    house.note("calm")
    return house.now_ms


async def _figures(house: House, keeper: Keeper, cpu_ms: int) -> Figures:
    facts: Counter[str] = Counter()
    fills = entries = issues = 0
    head = ""
    if house.wallet_id is not None:
        rows = await house.connection.fetch(
            "SELECT substring(fact from 10 for position('\"' in substring(fact from 10)) - 1) AS kind, count(*) AS n "
            "FROM log WHERE wallet_id = $1 GROUP BY 1",
            house.wallet_id,
        )
        facts.update({row["kind"]: row["n"] for row in rows})
        query = "SELECT count(*) FROM movements WHERE wallet_id = $1 AND kind IN ('buy', 'sell')"
        fills = await house.connection.fetchval(query, house.wallet_id)
        issues = await house.connection.fetchval(
            "SELECT count(*) FROM sync_issue WHERE wallet_id = $1", house.wallet_id
        )
        row = await house.connection.fetchrow(
            "SELECT head_seq, head_hash FROM wallet WHERE wallet_id = $1", house.wallet_id
        )
        entries, head = row["head_seq"], row["head_hash"].hex()
    faults = house.scenario.faults
    return Figures(
        virtual_ms=house.at_ms,
        requests=house.tap.requests,
        steps=keeper.steps,
        statements=keeper.statements,
        orders=len(house.own),
        fills=fills,
        entries=entries,
        issues=issues,
        workers=keeper.workers,
        head=head,
        cpu_ms=cpu_ms,
        struck={name: struck for name in KINDS if (struck := faults.struck(name))},
        blows=dict(sorted(house.blows.items())),
        facts=dict(sorted(facts.items())),
    )


def _cpu_ms() -> int:
    times = os.times()
    return round((times.user + times.system) * 1_000)
