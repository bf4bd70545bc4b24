"""The clock of a server: real time times speed, held, jumped over, and what happens when an action fails."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from support.database import in_loop, until
from tieout.sim.scheduler import Scheduler
from tieout.sim.serve.clock import Clock
from tieout.sim.serve.server import running
from tieout.sim.site import Site
from tieout.sim.wire.http import json_reply
from tieout.sim.world import World

HOUR_MS = 3_600_000


def clock_site() -> Site:
    site = Site(World(1))
    site.mount("/", lambda _: json_reply(site.world.scheduler.now_ms))
    return site


@in_loop
async def test_time_passes_by_itself_at_the_given_speed():
    site = clock_site()
    start = site.world.scheduler.now_ms
    async with running(site, speed=100_000):
        await until(lambda: _passed(site, start + HOUR_MS), "an hour")
    assert site.world.chain.head.timestamp_s * 1000 > start + HOUR_MS - 60_000


async def _passed(site: Site, until_ms: int) -> bool:
    return site.world.scheduler.now_ms >= until_ms


@in_loop
async def test_a_held_clock_stands_still_and_can_be_moved_by_hand():
    site = clock_site()
    start = site.world.scheduler.now_ms
    async with running(site, speed=0) as server, httpx.AsyncClient(base_url=server.http_url) as client:
        assert (await client.get("/")).json() == start
        site.world.scheduler.run_for(HOUR_MS)
        assert (await client.get("/")).json() == start + HOUR_MS


@in_loop
async def test_the_clock_goes_on_from_where_somebody_else_moved_it():
    site = clock_site()
    start = site.world.scheduler.now_ms
    async with running(site, speed=10_000) as server:
        site.world.scheduler.run_for(HOUR_MS)
        server.clock.sync()
        await until(lambda: _passed(site, start + HOUR_MS + 60_000), "a minute after the jump")


@in_loop
async def test_speed_can_be_changed_on_the_way():
    site = clock_site()
    async with running(site, speed=100_000) as server:
        start = site.world.scheduler.now_ms
        await until(lambda: _passed(site, start + 60_000), "a minute")
        server.clock.speed = 0
        assert server.clock.speed == 0
        stopped = site.world.scheduler.now_ms
        server.clock.sync()
        assert site.world.scheduler.now_ms == stopped
        server.clock.speed = 100_000
        await until(lambda: _passed(site, stopped + HOUR_MS), "an hour more")


@in_loop
async def test_the_world_is_at_now_before_a_request_is_handled():
    scheduler = Scheduler(0)
    ran: list[int] = []
    clock = Clock(scheduler, 1_000_000)
    scheduler.after(1, lambda: ran.append(scheduler.now_ms))
    await until(lambda: _later(clock, scheduler), "the next millisecond")
    assert ran == [1]


async def _later(clock: Clock, scheduler: Scheduler) -> bool:
    clock.sync()
    return scheduler.now_ms > 1


@in_loop
async def test_what_makes_the_clock_fail_is_raised_where_the_server_runs():
    site = clock_site()

    def fail() -> None:
        raise LookupError("no such thing")

    async def serve() -> None:
        async with running(site, speed=1) as server:
            site.world.scheduler.after(1, fail)
            await server.forever()

    with pytest.raises(LookupError, match="no such thing"):
        await serve()


@in_loop
async def test_waiting_ends_in_simulated_time_or_when_the_clock_is_given_up():
    scheduler = Scheduler(0)
    clock = Clock(scheduler, 0)
    waits = [asyncio.create_task(clock.wait(1000)) for _ in range(2)]
    await asyncio.sleep(0)
    scheduler.run_for(1000)
    await asyncio.wait_for(asyncio.gather(*waits), 5)
    last = asyncio.create_task(clock.wait(1000))
    await asyncio.sleep(0)
    assert not last.done()
    clock.give_up()
    await asyncio.wait_for(last, 5)
    assert scheduler.next_ms() is None
