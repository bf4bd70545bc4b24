"""From facts to one booking: route, merge, settle, and collect what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg

from tieout.intake.cache import BookCache
from tieout.ledger.book import Book
from tieout.ledger.books import nodes_of
from tieout.ledger.facts import AnyFact, encode
from tieout.ledger.rows import movement_row, order_row, position_rows
from tieout.store.errors import StaleHeadError, StoreError
from tieout.store.log import Booking, Entry, fact_digest, write
from tieout.store.wallets import Lease

YIELD_EVERY = 50
"""Steps of work between two looks at the network: a large booking in flight leaves the process piece by piece."""

TRIES = 100
"""How often a batch is made anew when other writers are faster. Each loss means another batch was booked."""


class Heard(NamedTuple):
    """A fact and how we heard of it."""

    fact: AnyFact
    raw_id: int
    source: str
    received_at_ms: int


@dataclass(slots=True)
class _Changes:
    """What a batch changed, before it is written."""

    log: list[tuple[int | str | bytes, ...]] = field(default_factory=list)
    nodes: list[tuple[int, str, int]] = field(default_factory=list)
    joins: list[tuple[int, int, int]] = field(default_factory=list)
    touched: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True)
class Sent:
    """A booking on its way to the database, and what it was made of in case it must be made again."""

    heard: Sequence[Heard]
    booking: Booking
    writing: Awaitable[None]

    @property
    def new_facts(self) -> int:
        """How many of the facts were new; final when it has landed."""
        return len(self.booking.log)


class _MadeAnewError(Exception):
    """The booking in flight was refused and made anew: the one on top of it must be, too."""


class Booker:
    """Books facts of one wallet. One caller at a time.

    `reader` serves the reads, so that the next booking can be made while the one before is written.
    """

    def __init__(self, writer: asyncpg.Connection, reader: asyncpg.Connection, lease: Lease) -> None:
        self._writer = writer
        self._lease = lease
        self._flight: Sent | None = None
        self.cache = BookCache(reader, lease)

    async def book(self, heard: Sequence[Heard]) -> int:
        """Book *heard* in one transaction and return how many facts were new, when it is written.

        A booking that lost the race against another writer is made again from a fresh read. Raises LeaseLostError
        when the wallet was taken over.
        """
        sent = await self._send(heard, in_background=False)
        await self.land()
        return sent.new_facts if sent is not None else 0

    async def send(self, heard: Sequence[Heard]) -> Sent | None:
        """As `book`, but return while it is still being written (the one before is written by then).

        None when nothing of it was new.
        """
        return await self._send(heard, in_background=True)

    async def _send(self, heard: Sequence[Heard], *, in_background: bool) -> Sent | None:
        if self.cache.is_full:
            await self.land()
            self.cache.trim()
        try:
            try:
                booking = await self._make(heard)
                made_anew = not await self._landed()
            except _MadeAnewError:
                made_anew = True
            if made_anew:
                # The one before was refused and is booked anew now; this one was made from a state that never was.
                booking = await self._make(heard)
        except BaseException:
            await self._abandon()
            raise
        if booking is None:
            return None
        writing = write(self._writer, self._lease, booking)
        self._flight = Sent(heard, booking, asyncio.create_task(writing) if in_background else writing)
        return self._flight

    @asynccontextmanager
    async def landing(self) -> AsyncIterator[None]:
        """Everything sent inside is written at the end; after an error, what is in flight is waited for, too."""
        try:
            yield
        except BaseException:
            with suppress(Exception):
                await self._abandon()
            raise
        await self.land()

    async def land(self) -> None:
        """Return when everything sent is written."""
        await self._landed()

    async def _landed(self) -> bool:
        """Wait for the booking in flight; False when it had to be made again."""
        flight, self._flight = self._flight, None
        if flight is None:
            return True
        try:
            await flight.writing
        except StaleHeadError as error:
            try:
                await self._again(flight, error)
            except BaseException:
                self.cache.drop()
                raise
            return False
        except BaseException:
            # The books in memory are ahead of the database now.
            self.cache.drop()
            raise
        return True

    async def _again(self, flight: Sent, error: StaleHeadError) -> None:
        for _ in range(TRIES):
            self.cache.drop()
            booking = await self._make(flight.heard)
            if booking is None:
                flight.booking.log.clear()
                return
            if booking.head == flight.booking.head:
                self.cache.drop()
                raise StoreError(f"the database refuses the batch though nobody else wrote: {error}") from error
            flight.booking = booking
            try:
                await write(self._writer, self._lease, booking)
            except StaleHeadError as lost:
                error = lost
            except BaseException:
                self.cache.drop()
                raise
            else:
                return
        raise StoreError(f"gave up after {TRIES} tries: other writers of {self._lease.address} were faster")

    async def _abandon(self) -> None:
        """Let what is in flight land and forget the books in memory, which may be half changed."""
        try:
            await self._landed()
        finally:
            self.cache.drop()

    async def _make(self, heard: Sequence[Heard]) -> Booking | None:
        """The booking of *heard* on top of everything sent so far; None when nothing of it is new."""
        if self.cache.head.seq < 0:
            await self.cache.refresh()
        changes = _Changes()
        nodes = [nodes_of(item.fact) for item in heard]
        await self.cache.know(node for group in nodes for node in group)
        numbers = [await self._route(group, changes) for group in nodes]
        await self.cache.load({self.cache.root(number): None for number in numbers})
        await self._merge(heard, numbers, changes)
        if not changes.log:
            # Nothing new: routes without facts are not stored, nor a join that no fact of the log shows. A join
            # waited for what was in flight, so the cache may be dropped.
            for _, node, _ in changes.nodes:
                self.cache.router.book_of.pop(node, None)
            if changes.joins:
                self.cache.drop()
            return None
        booking = await self._booking(changes)
        self.cache.advance(booking.new_head)
        return booking

    async def _route(self, nodes: Sequence[str], changes: _Changes) -> int:
        number, joined, fresh = self.cache.router.route(nodes)
        wallet_id = self._lease.wallet_id
        changes.nodes.extend((wallet_id, node, number) for node in fresh)
        if joined and not await self._landed():
            # Books are joined from the log, so what is in flight must be in it.
            raise _MadeAnewError
        for other in joined:
            changes.joins.append((wallet_id, other, number))
            await self.cache.join(other, number)
            changes.touched[number] = None
        return number

    async def _merge(self, heard: Sequence[Heard], numbers: list[int], changes: _Changes) -> None:
        cache = self.cache
        seq, previous = cache.head.seq, cache.head.hash
        wallet_id = self._lease.wallet_id
        root = cache.root
        for count, (item, routed) in enumerate(zip(heard, numbers, strict=True)):
            if count % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            number = root(routed)
            fact = item.fact
            if not cache.merge(number, fact):
                continue
            body = encode(fact)
            seq += 1
            entry = Entry(
                seq,
                number,
                fact.occurred_at_ms,
                item.received_at_ms,
                item.raw_id,
                item.source,
                body.decode(),
                fact_digest(body),
                b"",
            )
            previous = entry.chained(previous)
            changes.log.append((wallet_id, *entry[:-1], previous))
            changes.touched[number] = None

    async def _booking(self, changes: _Changes) -> Booking:
        wallet_id = self._lease.wallet_id
        booking = Booking(self.cache.head, self.cache.router.next_book, changes.log, changes.nodes, changes.joins)
        for count, number in enumerate(changes.touched):
            if count % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            book = self.cache.books.get(number)
            if book is None:
                # Joined into another book later in the same batch.
                continue
            book.settle()
            self._collect_positions(number, book, booking)
            booking.orders.extend((wallet_id, *order_row(book, order_id)) for order_id in sorted(book.changed_orders))
            for key in sorted(book.changed_movements):
                movement = book.timeline.by_key.get(key)
                if movement is None:
                    booking.gone_movements.append(key)
                else:
                    booking.movements.append((wallet_id, *movement_row(movement)))
            book.changed_orders.clear()
            book.changed_movements.clear()
        return booking

    def _collect_positions(self, number: int, book: Book, booking: Booking) -> None:
        rows = position_rows(book)
        exported = self.cache.exported[number]
        for token_id, row in rows.items():
            if exported.get(token_id) != row:
                booking.positions.append((self._lease.wallet_id, *row))
        booking.gone_positions.extend(token_id for token_id in exported if token_id not in rows)
        self.cache.exported[number] = rows
