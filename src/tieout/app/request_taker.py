"""Carries out what people ask of a running worker by the database, and writes down what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncpg

from tieout.app.adjusting import book_asked
from tieout.app.alerts import Alerts
from tieout.app.intake_desk import IntakeDesk
from tieout.app.schedule import Schedule
from tieout.client.clock import Clock
from tieout.store import requests
from tieout.store.connect import connected
from tieout.store.requests import Kind, Request
from tieout.store.runs import Job

Carry = Callable[[asyncpg.Connection, Request], Awaitable[str]]
"""Carries a request out and says in one sentence what became of it. The connection is for that alone."""


class RequestTaker:
    """`wake` says that something was asked; `run` carries it out, one request after the other."""

    def __init__(self, dsn: str, wallet_id: int, clock: Clock, ways: Mapping[Kind, Carry]) -> None:
        """A connection of its own is opened for each batch: requests are rare."""
        self._dsn = dsn
        self._wallet_id = wallet_id
        self._clock = clock
        self._ways = ways
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """Something was asked."""
        self._asked.set()

    async def run(self) -> None:
        """Until it is cancelled. Raises StoreError when the database is away: the worker ends by that anyway."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            async with connected(self._dsn) as connection:
                for request in await requests.waiting(connection, self._wallet_id, self._clock.now_ms()):
                    outcome = await self._ways[request.kind](connection, request)
                    await requests.done(connection, self._wallet_id, request.request_id, outcome, self._clock.now_ms())


def ways(wallet: str, schedule: Schedule, way: IntakeDesk, alerts: Alerts) -> Mapping[Kind, Carry]:
    """What is done about each kind of request."""

    async def full_sync(_connection: asyncpg.Connection, request: Request) -> str:
        schedule.ask(Job.FULL_SYNC, f"asked for by {request.who}")
        return "the next job is a full sync"

    async def adjust(connection: asyncpg.Connection, request: Request) -> str:
        return await book_asked(connection, wallet, request.arguments, way.book)

    async def alert_test(_connection: asyncpg.Connection, request: Request) -> str:
        attempts = await alerts.test(request.who)
        return "; ".join(f"{each.name}: {each.problem or 'arrived'}" for each in attempts) or "nobody is to be told"

    return {Kind.FULL_SYNC: full_sync, Kind.ADJUST: adjust, Kind.ALERT_TEST: alert_test}
