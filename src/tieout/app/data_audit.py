"""The Data API in an audit: a witness beside books from the chain, or all there is where no node is at hand.

Without a node its activity is booked, all of it, and then what it states to be held is compared. An audit does not wait
for a second reading: what no row explains is inferred at once where, by the index's own word, nothing has happened to
the token for longer than its lag. Anything younger is told and left alone. An inference pads only what no other fact
explains, so a later reading of the chain supersedes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tieout.app.clock import now_ms
from tieout.app.data_differences import Stated
from tieout.app.intake_desk import BOOKED
from tieout.client.clock import Clock, LoopClock
from tieout.client.data_api import DataApi
from tieout.client.errors import VenueError
from tieout.client.limits import Limiter
from tieout.client.net import Net
from tieout.client.transport import HttpCarrier, RawBody
from tieout.intake.intake import Incoming, Intake, own
from tieout.jobs.data_feed import LAG, LAG_MS, MARGIN_MS, DataFeed
from tieout.jobs.data_positions import DataPositionSync
from tieout.ledger.facts import AnyFact
from tieout.store import watermarks
from tieout.store.connect import connected
from tieout.store.runs import Finding
from tieout.store.wallets import acquire
from tieout.venue.decode import Identity


class NotToldError(ValueError):
    """The Data API did not answer. What came before it failed stays."""


async def stated_by(url: str, connection: asyncpg.Connection, wallet_id: int, wallet: str) -> Stated:
    """What the Data API at *url* says of the wallet; nothing of it is kept. Raises NotToldError."""
    known = await watermarks.get(connection, wallet_id, LAG)
    lag_ms = max(LAG_MS, int(known.value) + MARGIN_MS if known else 0)
    clock = LoopClock(now_ms)
    async with HttpCarrier() as carrier:
        data_api = DataApi(Net(carrier, clock, Limiter(clock)).service("data-api", url))
        try:
            return Stated(
                held=await data_api.positions(wallet),
                closed=await data_api.closed(wallet),
                activity=await data_api.activity(wallet),
                step=data_api.position_step,
                lag_ms=lag_ms,
            )
        except VenueError as error:
            raise NotToldError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Inferred:
    """What became of the statements. `findings` are the positions that differed, and what was done about each.

    `missing` are transactions of proven fills that the index does not show: then nothing is inferred.
    """

    tokens: int
    findings: tuple[Finding, ...]
    lagging: int
    missing: tuple[str, ...]
    flaws: tuple[str, ...]
    rows: int
    """Rows of activity that were read."""


class DataBooks:
    """One wallet, kept from the Data API alone. `told` hears how many rows are booked."""

    def __init__(self, feed: DataFeed, positions: DataPositionSync) -> None:
        self._feed = feed
        self._positions = positions
        self._rows = 0
        self.told: Callable[[int], None] = lambda _: None

    def booked(self, raw: RawBody) -> None:
        """An answer is booked: count its rows, each of which has one time."""
        if raw.kind == "activity":
            self._rows += raw.body.count(b'"timestamp"')
            self.told(self._rows)

    async def read(self) -> Inferred:
        """Book the activity, then compare what is stated with it. Raises NotToldError."""
        try:
            reading = await self._feed.read()
            result = await self._positions.run(at_once=True)
        except VenueError as error:
            raise NotToldError(
                f"the Data API does not answer: {error}; {self._rows:,} rows of it are booked, and the "
                "same command goes on"
            ) from None
        flaws = (reading.flaw, str(result.detail["flaw"]))
        return Inferred(
            tokens=int(result.detail["tokens"]),
            findings=tuple(result.findings),
            lagging=len(self._positions.lagging),
            missing=self._feed.missing,
            flaws=tuple(flaw for flaw in flaws if flaw),
            rows=reading.rows,
        )


@asynccontextmanager
async def data_books(dsn: str, wallet: str, url: str, clock: Clock | None = None) -> AsyncIterator[DataBooks]:
    """The books of *wallet*, to be read on from the Data API at *url*. Raises StoreError."""
    clock = clock or LoopClock(now_ms)
    async with AsyncExitStack() as stack:
        writer, reader, jobs = [await stack.enter_async_context(connected(dsn)) for _ in range(3)]
        carrier = await stack.enter_async_context(HttpCarrier())
        lease = await acquire(writer, wallet)
        intake = Intake(writer, reader, lease, Identity(wallet, frozenset()), clock.now_ms)

        async def take(messages: Sequence[Incoming]) -> None:
            await intake.take(messages)

        async def record(raw: RawBody) -> None:
            if raw.kind in BOOKED["data-api"]:
                await take([Incoming(raw.body, raw.source, raw.origin, raw.kind)])
                books.booked(raw)

        async def book(facts: Sequence[AnyFact]) -> None:
            await take([own(fact, "audit") for fact in facts])

        data_api = DataApi(Net(carrier, clock, Limiter(clock), record).service("data-api", url))
        feed = DataFeed(jobs, lease.wallet_id, wallet, data_api, clock)
        positions = DataPositionSync(jobs, lease.wallet_id, wallet, data_api, feed, clock, book)
        books = DataBooks(feed, positions)
        yield books
