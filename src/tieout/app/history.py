"""Books rebuilt from the log: as of now, as they were true at a time, or as they were believed at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import msgspec

from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact, decode
from tieout.ledger.rows import BookRows, all_rows
from tieout.store import log
from tieout.store.log_chain import ChainCheck
from tieout.store.wallets import Head, head_of


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of view. `true_at_ms`: facts that happened by then. `known_at_ms`, `known_seq`: entries heard by then."""

    true_at_ms: int | None = None
    known_at_ms: int | None = None
    known_seq: int | None = None

    @property
    def is_now(self) -> bool:
        """Whether nothing is left out."""
        return self.true_at_ms is None and self.known_at_ms is None and self.known_seq is None

    def takes(self, entry: log.Entry) -> bool:
        """Whether the entry belongs to this point of view.

        A fact whose source gave no time is taken to have happened when we heard of it; which token belongs to which
        condition was always true.
        """
        happened = entry.occurred_at_ms or (0 if entry.fact.startswith(_TIMELESS) else entry.received_at_ms)
        return (
            (self.true_at_ms is None or happened <= self.true_at_ms)
            and (self.known_at_ms is None or entry.received_at_ms <= self.known_at_ms)
            and (self.known_seq is None or entry.seq <= self.known_seq)
        )


NOW = Moment()
_TIMELESS = '{"kind":"token_listed"'


async def rebuild(
    connection: asyncpg.Connection,
    wallet_id: int,
    moment: Moment = NOW,
    progress: Callable[[int], None] = lambda _: None,
    heard: Callable[[int, AnyFact], None] = lambda _seq, _fact: None,
) -> Books:
    """The books of the wallet folded from its log.

    *progress* hears how many entries were read; *heard* each fact that belongs to *moment*, with its entry.
    """
    books = Books()
    read = 0
    async for chunk in log.entries(connection, wallet_id):
        for entry in chunk:
            if moment.takes(entry):
                fact = decode(entry.fact)
                books.merge(fact)
                heard(entry.seq, fact)
        read += len(chunk)
        progress(read)
    books.settle()
    return books


@dataclass(frozen=True, slots=True)
class Verification:
    """What `replay --verify` found."""

    entries: int
    head: Head
    chain_breaks: tuple[str, ...]
    """L2: places where the hash chain does not hold."""
    differences: tuple[str, ...]
    """L1: rows of the stored state that the log does not give, and the other way round."""

    @property
    def holds(self) -> bool:
        """Whether the log is unbroken and gives the stored state byte for byte."""
        return not self.chain_breaks and not self.differences


async def verify(
    connection: asyncpg.Connection, wallet_id: int, progress: Callable[[int], None] = lambda _: None
) -> Verification:
    """As `verify_books`, without the books."""
    return (await verify_books(connection, wallet_id, progress))[0]


async def verify_books(
    connection: asyncpg.Connection,
    wallet_id: int,
    progress: Callable[[int], None] = lambda _: None,
    last_seq: int | None = None,
) -> tuple[Verification, Books]:
    """Check the hash chain, fold the log again, and compare with every row of the stored state.

    Reads one snapshot of the database, so a writer at work does not disturb it. *last_seq*: only so far; where the log
    has grown since, the stored state is of a later head and is not compared, and `head` is the one of that entry.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        head, _, _ = await head_of(connection, wallet_id)
        until = last_seq if last_seq is not None and last_seq < head.seq else None
        books = Books()
        check = ChainCheck()
        async for chunk in log.entries(connection, wallet_id, until=until):
            for entry in chunk:
                check.see(entry)
                try:
                    books.merge(decode(entry.fact))
                except msgspec.MsgspecError as error:
                    check.breaks.append(f"entry {entry.seq}: it is no fact any more: {error}")
            progress(check.seq)
        books.settle()
        if until is not None:
            return Verification(check.seq, Head(check.seq, check.hash), tuple(check.breaks), ()), books
        check.end(head)
        stored = await log.stored_rows(connection, wallet_id)
    differences = tuple(_differences(all_rows(list(books.books.values())), BookRows(*stored)))
    return Verification(check.seq, head, tuple(check.breaks), differences), books


def _differences(folded: BookRows, stored: BookRows) -> list[str]:
    found = []
    for ours, theirs in (
        (folded.positions, stored.positions),
        (folded.orders, stored.orders),
        (folded.movements, stored.movements),
    ):
        ours_set, theirs_set = set(ours), set(theirs)
        found += [f"the log gives {row}, not stored" for row in ours if row not in theirs_set]
        found += [f"stored {row}, the log does not give it" for row in theirs if row not in ours_set]
    return found
