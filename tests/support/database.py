"""What the store's tests look at: connections, the whole state of a wallet, waiting for another process's progress."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, NamedTuple

import asyncpg

from tieout.app.history import verify
from tieout.intake.booking import Booker, Heard
from tieout.ledger.books import Books
from tieout.ledger.facts import AnyFact
from tieout.ledger.rows import BookRows, all_rows
from tieout.store import log
from tieout.store.connect import connect
from tieout.store.wallets import acquire, wallet_id_of

PATIENCE_S = 60.0
ADDRESS = "0x" + "a1" * 20


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for the time of the context; gone at once afterwards, whatever it was doing."""
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        connection.terminate()


def in_loop(
    test: Callable[..., Coroutine[Any, Any, None]], *, patience_s: float = 2 * PATIENCE_S
) -> Callable[..., None]:
    """A test written as a coroutine, run in a loop of its own; one that hangs fails."""

    @wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **fixtures), patience_s))

    return run


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Ask *condition* until it holds; fails the test after PATIENCE_S seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s for: {what}"
        await asyncio.sleep(0.001)


def heard(facts: Iterable[AnyFact], *, raw_id: int = 1, source: str = "test", at_ms: int = 1) -> list[Heard]:
    """*facts* as the intake hands them to the booker."""
    return [Heard(fact, raw_id, source, at_ms) for fact in facts]


def in_memory(facts: Iterable[AnyFact]) -> BookRows:
    """The state that *facts* give without any database."""
    books = Books()
    books.extend(facts)
    return all_rows(list(books.books.values()))


async def stored(connection: asyncpg.Connection, wallet_id: int) -> BookRows:
    """The state that the database holds."""
    return BookRows(*await log.stored_rows(connection, wallet_id))


class Kept(NamedTuple):
    """Everything the database says of a wallet, but for when it was heard and the numbers given to rows and books."""

    rows: BookRows
    facts: list[tuple[int, str, int, str]]
    routes: set[frozenset[str]]
    raw: Counter[tuple[bytes, str]]
    problems: set[tuple[bytes, str, str]]
    unknown: set[tuple[str, str]]


async def kept(connection: asyncpg.Connection, address: str) -> Kept:
    """What is kept of the wallet *address*, after checking that its log is whole and nothing is there twice."""
    wallet_id = await wallet_id_of(connection, address)
    assert wallet_id is not None
    found = await verify(connection, wallet_id)
    assert found.holds, (found.chain_breaks[:3], found.differences[:3])
    count = await connection.fetchrow(
        "SELECT count(*) AS entries, count(DISTINCT fact) AS facts, count(DISTINCT digest) AS digests, max(seq) AS top "
        "FROM log WHERE wallet_id = $1",
        wallet_id,
    )
    assert set(count.values()) == {found.head.seq}, "a fact is logged twice, or an entry is missing"
    nodes = await connection.fetch("SELECT node, book FROM node WHERE wallet_id = $1", wallet_id)
    joins = await connection.fetch("SELECT book, into_book FROM book_join WHERE wallet_id = $1", wallet_id)
    into: dict[int, int] = {row["book"]: row["into_book"] for row in joins}
    routes: dict[int, set[str]] = {}
    for node, book in nodes:
        while book in into:
            book = into[book]
        routes.setdefault(book, set()).add(node)
    facts = await connection.fetch(
        "SELECT seq, fact, occurred_at_ms, source FROM log WHERE wallet_id = $1 ORDER BY seq", wallet_id
    )
    raw = await connection.fetch("SELECT digest, source FROM raw_message WHERE wallet_id = $1", wallet_id)
    problems = await connection.fetch(
        "SELECT m.digest, p.code, p.message FROM raw_problem p JOIN raw_message m USING (raw_id) "
        "WHERE m.wallet_id = $1",
        wallet_id,
    )
    unknown = await connection.fetch("SELECT kind, what FROM unknown_seen WHERE wallet_id = $1", wallet_id)
    return Kept(
        await stored(connection, wallet_id),
        [tuple(row) for row in facts],
        {frozenset(group) for group in routes.values()},
        Counter((bytes(row["digest"]), row["source"]) for row in raw),
        {(bytes(row["digest"]), row["code"], row["message"]) for row in problems},
        {(row["kind"], row["what"]) for row in unknown},
    )


def assert_same(one: Kept, other: Kept, *, order: bool = True) -> None:
    """Fails with the first rows that differ; *order*: the log tells the same facts in the same order, too."""
    for name, ours, theirs in zip(BookRows._fields, one.rows, other.rows, strict=True):
        differing = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]][:3]
        assert (len(ours), differing) == (len(theirs), []), (
            f"{len(ours)} and {len(theirs)} {name}, differing: {differing}"
        )
    assert one.raw == other.raw
    assert one.problems == other.problems
    assert one.unknown == other.unknown
    assert one.routes == other.routes
    if order:
        assert one.facts == other.facts


@asynccontextmanager
async def booker_of(dsn: str, address: str = ADDRESS) -> AsyncIterator[Booker]:
    """A booker with connections and a cache of its own, which shares the wallet with others."""
    async with connected(dsn) as writer, connected(dsn) as reader:
        lease = await acquire(writer, address)
        yield Booker(writer, reader, lease)
