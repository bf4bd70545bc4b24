"""Rate limits in virtual time: windows of the address, and the signer's buckets as the venue reports them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from client.stage import START_MS, Clock, Says, visiting
from support.database import in_loop
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.limits import DEFAULT_RULES, Limiter, Rule, Window
from tieout.client.signer_limits import SignerLimiter
from tieout.client.transport import HttpResponse

RULES = {
    "all": Rule((Window(10, 1_000),)),
    "one": Rule((Window(6, 1_000), Window(20, 10_000)), within=("all",)),
    "other": Rule((Window(8, 1_000),), within=("all",)),
}


@in_loop
async def test_no_window_ever_sees_more_than_it_allows() -> None:
    clock = Clock(jumps=True)
    limiter = Limiter(clock, RULES)
    times: dict[str, list[int]] = {"one": [], "other": [], "all": []}
    for step in range(200):
        group = "one" if step % 3 else "other"
        await limiter.take(group)
        times[group].append(clock.ms)
        times["all"].append(clock.ms)
    for name, rule in RULES.items():
        for window in rule.windows:
            for start in times[name]:
                inside = sum(start <= at < start + window.window_ms for at in times[name])
                assert inside <= window.requests, (name, window)
    assert clock.ms > START_MS, "it did wait"
    assert 200 * 1_000 / (clock.ms - START_MS) > 2, "and not much longer than needed"


@in_loop
async def test_who_waits_first_goes_first_and_who_gives_up_gives_back() -> None:
    clock = Clock()
    limiter = Limiter(clock, {"x": Rule((Window(2, 1_000),))})
    await limiter.take("x")
    order: list[int] = []

    async def waiting(number: int) -> None:
        await limiter.take("x")
        order.append(number)

    tasks = [asyncio.create_task(waiting(number)) for number in range(3)]
    await clock.advance(0, sleepers=3)
    assert clock.slept == [1_000, 2_000, 3_000]
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    late = asyncio.create_task(waiting(9))
    await clock.advance(3_000, sleepers=3)
    await asyncio.gather(tasks[0], tasks[2], late)
    assert clock.slept[-1] == 3_000, "the place of the one who left is free again"
    assert order[0] == 0


@in_loop
async def test_a_wait_that_is_too_long_is_refused_and_costs_nothing() -> None:
    clock = Clock(jumps=True)
    limiter = Limiter(clock, {"x": Rule((Window(2, 60_000),))}, wait_max_ms=50_000)
    await limiter.take("x")
    for _ in range(3):
        with pytest.raises(VenueError) as caught:
            await limiter.take("x")
        assert (caught.value.kind, caught.value.meaning) == (ErrorKind.TRANSIENT, Meaning.RATE_LIMITED)
        assert caught.value.retry_after_ms == 60_000
    clock.ms += 10_000
    await limiter.take("x")


@in_loop
async def test_after_a_429_nothing_of_the_group_goes_until_the_venue_allows_it() -> None:
    async with visiting() as client:
        client.site.script(Says(429, b"", {"Retry-After": "3"}), Says(body=1_795_000_000))
        with pytest.raises(VenueError):
            await client.clob.public.time_s()
        before = client.clock.ms
        await client.clob.public.time_s()
        assert client.clock.ms == before + 3_000


def test_every_rule_names_groups_that_exist() -> None:
    for rule in DEFAULT_RULES.values():
        assert set(rule.within) <= DEFAULT_RULES.keys()


def told(status: int = 200, **headers: str) -> HttpResponse:
    names: Mapping[str, str] = {f"poly-ratelimit-{name}": value for name, value in headers.items()}
    return HttpResponse(status, names)


@in_loop
async def test_the_signers_bucket_has_a_burst_and_a_rate() -> None:
    clock = Clock(jumps=True)
    limiter = SignerLimiter(clock)
    await limiter.take("orders", 60)
    assert clock.slept == []
    await limiter.take("orders", 15)
    assert clock.slept == [375]
    await limiter.take("cancels", 120)
    assert clock.slept == [375], "cancels have a bucket of their own"
    with pytest.raises(ValueError, match="at most 60"):
        await limiter.take("orders", 61)


@in_loop
async def test_what_the_venue_reports_counts() -> None:
    clock = Clock(jumps=True)
    limiter = SignerLimiter(clock)
    limiter.observe("orders", told(remaining="4"))
    await limiter.take("orders", 4)
    assert clock.slept == [], "another process took the rest"
    await limiter.take("orders", 4)
    assert clock.slept == [100]
    limiter.observe("cancels", told(remaining="-80.5", reset=str(START_MS // 1000 + 5)))
    await limiter.take("cancels")
    assert clock.ms == START_MS + 5_000, "a debt, and the end of the wait that the venue names"
    limiter.observe("cancels", HttpResponse(429, {"retry-after": "2"}))
    await limiter.take("cancels")
    assert clock.ms == START_MS + 7_000
    assert limiter.observe("orders", told(warning="true")).warned
    assert limiter.warnings == 1
    assert limiter.observe("orders", told(remaining="x")).remaining is None


@in_loop
async def test_a_higher_tier_is_used_once_the_venue_reports_it() -> None:
    clock = Clock(jumps=True)
    limiter = SignerLimiter(clock)
    limiter.observe("orders", told(tier="Unheard"))
    assert (limiter.tier, limiter.most_at_once("orders")) == ("Standard", 60)
    limiter.observe("orders", told(tier="Gold"))
    assert (limiter.most_at_once("orders"), limiter.most_at_once("cancels")) == (600, 1_200)
    await limiter.take("orders", 460)
    assert clock.slept == [1_000], "the bucket was at 60 and fills at 400 a second"
