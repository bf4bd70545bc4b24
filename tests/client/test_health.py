"""Breakers: when a service is left alone, when it is tried again, and what always goes through."""

from __future__ import annotations

import asyncio

import pytest

from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.client.health import BreakerSettings, Health
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.service import Call
from tieout.client.transport import CarrierError, HttpRequest, HttpResponse


class Clock:
    def __init__(self) -> None:
        self.at_ms = 1_000

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, ms: int) -> None:
        self.at_ms += ms


class Line:
    """Answers with what it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.status = 200
        self.is_down = False

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request.method)
        if self.is_down:
            raise CarrierError("cut", sent=True)
        return HttpResponse(self.status, {}, b"[]")


READ = Call("GET", "/data/orders", "clob")
CANCEL = Call("DELETE", "/orders", "clob", write=True)


def made(**settings: int) -> tuple[Clock, Line, Health, Net]:
    clock, line = Clock(), Line()
    health = Health(clock, BreakerSettings(**settings))
    return clock, line, health, Net(line, clock, Limiter(clock), health=health)


async def fail(net: Net, times: int, call: Call = READ) -> list[VenueError]:
    errors = []
    service = net.service("clob", "http://venue")
    for _ in range(times):
        try:
            await service.ask(call, lambda value: value)
        except VenueError as error:
            errors.append(error)
    return errors


def test_A3_after_failures_in_a_row_nothing_is_sent_until_it_is_time_to_try() -> None:
    clock, line, health, net = made(failures=3, open_ms=2_000)
    line.is_down = True
    errors = asyncio.run(fail(net, 5))
    assert len(line.sent) == 3
    assert [error.meaning for error in errors] == [Meaning.NO_ANSWER] * 3 + [Meaning.UNREACHABLE] * 2
    assert "failed 3 times" in errors[-1].text
    assert errors[-1].kind is ErrorKind.TRANSIENT
    assert set(health.away()) == {"clob"}
    clock.at_ms += 2_000
    asyncio.run(fail(net, 2))
    assert len(line.sent) == 4, "one try, then closed to all again, for longer"
    clock.at_ms += 2_000
    asyncio.run(fail(net, 1))
    assert len(line.sent) == 4
    clock.at_ms += 2_000
    line.is_down = False
    assert not asyncio.run(fail(net, 1))
    assert not health.away()


@pytest.mark.parametrize(("status", "opens"), [(500, True), (503, True), (425, True), (400, False), (429, False)])
def test_a_refusal_opens_nothing_and_a_server_error_does(status: int, opens: bool) -> None:
    _, line, health, net = made(failures=2)
    line.status = status
    asyncio.run(fail(net, 2))
    assert bool(health.away()) is opens


def test_D2_cancels_go_through_an_open_breaker() -> None:
    _, line, _, net = made(failures=2)
    line.is_down = True
    asyncio.run(fail(net, 3))
    asyncio.run(fail(net, 2, CANCEL))
    assert line.sent == ["GET", "GET", "DELETE", "DELETE"]


def test_failures_must_be_in_a_row() -> None:
    _, line, health, net = made(failures=2)
    for is_down in (True, False, True, False, True):
        line.is_down = is_down
        asyncio.run(fail(net, 1))
    assert not health.away()


def test_a_try_that_is_given_up_lets_the_next_one_try() -> None:
    clock, line, _, net = made(failures=1, open_ms=1_000)
    line.is_down = True
    asyncio.run(fail(net, 1))
    clock.at_ms += 1_000

    class Endless(Line):
        async def send(self, request: HttpRequest) -> HttpResponse:
            raise asyncio.CancelledError

    async def give_up() -> None:
        service = Net(Endless(), clock, net.limiter, health=net.health).service("clob", "http://venue")
        with pytest.raises(asyncio.CancelledError):
            await service.send(READ)

    asyncio.run(give_up())
    line.is_down = False
    assert not asyncio.run(fail(net, 1))
