"""From facts to one booking: route, merge, settle, and collect what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from tieout.intake.cache import BookCache
from tieout.ledger.book import Book
from tieout.ledger.books import nodes_of
from tieout.ledger.facts import AnyFact, encode
from tieout.ledger.rows import movement_row, order_row, position_rows
from tieout.store.errors import LeaseLostError, StaleHeadError
from tieout.store.log import Booking, chain, fact_digest, write
from tieout.store.wallets import Lease

TRIES = 100
"""How often a batch is made anew when other writers are faster. Each loss means another batch was booked."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A fact and how we heard of it."""

    fact: AnyFact
    raw_id: int
    source: str
    received_at_ms: int


@dataclass(slots=True)
class _Changes:
    """What a batch changed, before it is written."""

    log: list[tuple[int, int, int, int, int, int, str, str, bytes, bytes]] = field(default_factory=list)
    nodes: list[tuple[int, str, int]] = field(default_factory=list)
    joins: list[tuple[int, int, int]] = field(default_factory=list)
    touched: dict[int, None] = field(default_factory=dict)


class Booker:
    """Books facts of one wallet. One at a time: the caller queues."""

    def __init__(self, connection: asyncpg.Connection, lease: Lease) -> None:
        self._connection = connection
        self._lease = lease
        self.cache = BookCache(connection, lease)

    async def book(self, heard: Sequence[Heard]) -> int:
        """Book *heard* in one transaction; returns how many facts were new.

        A booking that lost the race against another writer is made again from a fresh read. Raises LeaseLostError
        when the wallet was taken over.
        """
        for _ in range(TRIES):
            try:
                return await self._try(heard)
            except StaleHeadError:
                self.cache.drop()
            except BaseException:
                # The books in memory are ahead of the database now.
                self.cache.drop()
                raise
        raise LeaseLostError(f"gave up after {TRIES} tries: other writers of {self._lease.address} were faster")

    async def _try(self, heard: Sequence[Heard]) -> int:
        if self.cache.head.seq < 0:
            await self.cache.refresh()
        changes = _Changes()
        nodes = [nodes_of(item.fact) for item in heard]
        await self.cache.know(node for group in nodes for node in group)
        numbers = [await self._route(group, changes) for group in nodes]
        await self.cache.load({self.cache.root(number): None for number in numbers})
        self._merge(heard, numbers, changes)
        if not changes.log:
            # Nothing new; fresh routes without facts are forgotten with the cache's next drop.
            for _, node, _ in changes.nodes:
                self.cache.router.book_of.pop(node, None)
            if changes.joins:
                self.cache.drop()
            return 0
        booking = self._booking(changes)
        await write(self._connection, self._lease, booking)
        self.cache.written(booking.new_head)
        return len(changes.log)

    async def _route(self, nodes: Sequence[str], changes: _Changes) -> int:
        number, joined, fresh = self.cache.router.route(nodes)
        wallet_id = self._lease.wallet_id
        changes.nodes.extend((wallet_id, node, number) for node in fresh)
        for other in joined:
            changes.joins.append((wallet_id, other, number))
            await self.cache.join(other, number)
            changes.touched[number] = None
        return number

    def _merge(self, heard: Sequence[Heard], numbers: list[int], changes: _Changes) -> None:
        cache = self.cache
        seq, previous = cache.head.seq, cache.head.hash
        wallet_id = self._lease.wallet_id
        for item, routed in zip(heard, numbers, strict=True):
            number = cache.root(routed)
            fact = item.fact
            if not cache.books[number].merge(fact):
                continue
            body = encode(fact)
            seq += 1
            previous = chain(previous, seq, item.received_at_ms, item.source, item.raw_id, body)
            changes.log.append(
                (
                    wallet_id,
                    seq,
                    number,
                    fact.occurred_at_ms,
                    item.received_at_ms,
                    item.raw_id,
                    item.source,
                    body.decode(),
                    fact_digest(body),
                    previous,
                )
            )
            cache.facts[number] += 1
            changes.touched[number] = None

    def _booking(self, changes: _Changes) -> Booking:
        wallet_id = self._lease.wallet_id
        booking = Booking(self.cache.head, self.cache.router.next_book, changes.log, changes.nodes, changes.joins)
        for number in changes.touched:
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
