"""The log: entries, their hash chain, and the one statement that books."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import NamedTuple

import asyncpg

from tieout.ledger.rows import BookRows, MovementRow, OrderRow, PositionRow
from tieout.store.errors import BrokenInvariantError, LeaseLostError, StaleHeadError, StoreError
from tieout.store.wallets import Head, Lease

GENESIS = bytes(32)
"""The hash before the first entry."""

_SEQ_MAX = (1 << 63) - 1


class Entry(NamedTuple):
    """One entry of a wallet's log."""

    seq: int
    book: int
    occurred_at_ms: int
    received_at_ms: int
    raw_id: int
    source: str
    fact: str
    digest: bytes
    hash: bytes

    def chained(self, previous: bytes) -> bytes:
        """The hash that the entry should carry: over the hash before it and everything it says."""
        head = (
            f"\n{self.seq}\n{self.book}\n{self.occurred_at_ms}\n{self.received_at_ms}\n{self.raw_id}"
            f"\n{self.source}\n{self.digest.hex()}\n{self.fact}"
        )
        return sha256(previous + head.encode()).digest()


def fact_digest(fact: bytes) -> bytes:
    """16 bytes that name a fact; a fact is logged once."""
    return blake2b(fact, digest_size=16).digest()


@dataclass(slots=True)
class Booking:
    """Everything one transaction writes."""

    head: Head
    """The head it was made from."""
    next_book: int
    log: list[tuple[int | str | bytes, ...]]
    nodes: list[tuple[int, str, int]]
    joins: list[tuple[int, int, int]]
    positions: list[tuple[int | str, ...]] = field(default_factory=list)
    orders: list[tuple[int | str, ...]] = field(default_factory=list)
    movements: list[tuple[int | str, ...]] = field(default_factory=list)
    gone_positions: list[str] = field(default_factory=list)
    gone_movements: list[str] = field(default_factory=list)

    @property
    def new_head(self) -> Head:
        """The head after it."""
        if not self.log:
            return self.head
        last = Entry(*self.log[-1][1:])  # type: ignore[arg-type]
        return Head(last.seq, last.hash)


_BOOK = "SELECT book($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"


async def write(connection: asyncpg.Connection, lease: Lease, booking: Booking) -> None:
    """Book, in one statement and so in one transaction.

    Raises StaleHeadError or LeaseLostError when somebody else wrote, BrokenInvariantError when a constraint refused.
    """
    head = booking.new_head
    try:
        await connection.execute(
            _BOOK,
            lease.wallet_id,
            lease.epoch,
            booking.head.seq,
            head.hash,
            booking.next_book,
            booking.log,
            booking.nodes,
            booking.joins,
            booking.positions,
            booking.orders,
            booking.movements,
            booking.gone_positions,
            booking.gone_movements,
            f"{lease.address} {head.seq}",
        )
    except asyncpg.PostgresConnectionError:
        # The connection went away: `connect.connected` says so. Whether this booking arrived, the next read tells.
        raise
    except asyncpg.PostgresError as error:
        raise _named(error) from error


def _named(error: Exception) -> StoreError:
    code = getattr(error, "sqlstate", "")
    if code == "TI001" or isinstance(error, asyncpg.UniqueViolationError):
        # A fact, route or sequence number that is there already: somebody else wrote it. A result, not a failure.
        return StaleHeadError(str(error))
    if code == "TI002":
        return LeaseLostError(str(error))
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return BrokenInvariantError(f"{error.constraint_name}: {error} {error.detail or ''}")
    return StoreError(f"the database refused: {error}")


async def replace_state(connection: asyncpg.Connection, lease: Lease, head: Head, state: BookRows) -> None:
    """Put *state*, which the log up to *head* gives, in the place of the stored state, in one transaction.

    Raises StaleHeadError when the log grew meanwhile, LeaseLostError when the wallet was taken over.
    """
    wallet_id = lease.wallet_id
    try:
        async with connection.transaction():
            for table in ("positions", "orders", "movements"):
                await connection.execute(f"DELETE FROM {table} WHERE wallet_id = $1", wallet_id)
            next_book = await connection.fetchval("SELECT next_book FROM wallet WHERE wallet_id = $1", wallet_id)
            await connection.execute(
                _BOOK,
                wallet_id,
                lease.epoch,
                head.seq,
                head.hash,
                next_book,
                [],
                [],
                [],
                [(wallet_id, *row) for row in state.positions],
                [(wallet_id, *row) for row in state.orders],
                [(wallet_id, *row) for row in state.movements],
                [],
                [],
                f"{lease.address} {head.seq}",
            )
    except asyncpg.PostgresError as error:
        raise _named(error) from error


async def entries(
    connection: asyncpg.Connection, wallet_id: int, *, after: int = 0, until: int | None = None, chunk: int = 20_000
) -> AsyncIterator[list[Entry]]:
    """The log after entry *after*, up to and with *until* (None: to its end), in order, in chunks."""
    while True:
        rows = await connection.fetch(
            "SELECT seq, book, occurred_at_ms, received_at_ms, raw_id, source, fact, digest, hash FROM log "
            "WHERE wallet_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
            wallet_id,
            after,
            _SEQ_MAX if until is None else until,
            chunk,
        )
        if rows:
            yield [Entry(*row) for row in rows]
            after = rows[-1]["seq"]
        if len(rows) < chunk:
            return


async def facts_of_books(connection: asyncpg.Connection, wallet_id: int, books: Sequence[int]) -> list[tuple[int, str]]:
    """(book, fact) of every entry filed under one of *books*, in the order of the log."""
    rows = await connection.fetch(
        "SELECT book, fact FROM log WHERE wallet_id = $1 AND book = ANY ($2) ORDER BY seq", wallet_id, list(books)
    )
    return [(int(row["book"]), row["fact"]) for row in rows]


async def stored_rows(
    connection: asyncpg.Connection, wallet_id: int
) -> tuple[list[PositionRow], list[OrderRow], list[MovementRow]]:
    """The whole state as the database has it, in the order of `rows.all_rows`."""
    positions = await connection.fetch("SELECT * FROM positions WHERE wallet_id = $1", wallet_id)
    orders = await connection.fetch("SELECT * FROM orders WHERE wallet_id = $1", wallet_id)
    movements = await connection.fetch("SELECT * FROM movements WHERE wallet_id = $1", wallet_id)
    return (
        sorted(PositionRow(*tuple(row)[1:]) for row in positions),
        sorted(OrderRow(*tuple(row)[1:]) for row in orders),
        sorted(MovementRow(*tuple(row)[1:]) for row in movements),
    )
