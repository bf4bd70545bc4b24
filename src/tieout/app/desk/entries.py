"""The log and the raw messages behind it, to be read entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tieout.app.history import Moment
from tieout.ledger.books import nodes_of
from tieout.ledger.facts import decode
from tieout.store.log import GENESIS, Entry

PAGE = 100

CHUNK = 2_000
"""Entries that are looked at together where only some of them belong to the moment."""

_COLUMNS = "seq, book, occurred_at_ms, received_at_ms, raw_id, source, fact, digest, hash"


@dataclass(frozen=True, slots=True)
class Raw:
    """A message as it came, but for the values of secret fields; what could not be read of it is in `problems`."""

    raw_id: int
    received_at_ms: int
    source: str
    origin: str
    body: bytes
    problems: tuple[tuple[str, str], ...]
    entries: tuple[int, ...]
    """What the log took from it."""


@dataclass(frozen=True, slots=True)
class Chained:
    """An entry and whether its hash is the one that it should be."""

    entry: Entry
    previous: bytes
    is_whole: bool
    names: tuple[str, ...]
    """What it speaks of: order, tokens, condition, transaction."""


async def newest(
    connection: asyncpg.Connection, wallet_id: int, moment: Moment, below_seq: int | None = None, limit: int = PAGE
) -> Sequence[Entry]:
    """The last entries that belong to *moment*, newest first."""
    found: list[Entry] = []
    below = below_seq
    chunk = limit if moment.true_at_ms is None else max(limit, CHUNK)
    while len(found) < limit:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM log WHERE wallet_id = $1 AND ($2::bigint IS NULL OR seq < $2) "
            "AND ($3::bigint IS NULL OR seq <= $3) AND ($4::bigint IS NULL OR received_at_ms <= $4) "
            "ORDER BY seq DESC LIMIT $5",
            wallet_id,
            below,
            moment.known_seq,
            moment.known_at_ms,
            chunk,
        )
        taken = [entry for entry in (Entry(*row) for row in rows) if moment.takes(entry)]
        found += taken[: limit - len(found)]
        if len(rows) < chunk:
            break
        below = rows[-1]["seq"]
    return found


async def of_market(connection: asyncpg.Connection, wallet_id: int, condition_id: str, limit: int) -> Sequence[Entry]:
    """The last entries of the book that a condition belongs to, newest first."""
    rows = await connection.fetch(
        "WITH RECURSIVE own (book) AS ("
        "SELECT book FROM node WHERE wallet_id = $1 AND node = $2 UNION "
        "SELECT CASE WHEN j.book = own.book THEN j.into_book ELSE j.book END FROM own "
        "JOIN book_join j ON j.wallet_id = $1 AND own.book IN (j.book, j.into_book)) "
        f"SELECT {_COLUMNS} FROM log WHERE wallet_id = $1 AND book IN (SELECT book FROM own) "
        "ORDER BY seq DESC LIMIT $3",
        wallet_id,
        condition_id,
        limit,
    )
    return [Entry(*row) for row in rows]


async def entry(connection: asyncpg.Connection, wallet_id: int, seq: int) -> Chained | None:
    """One entry, checked against the hash before it; None when there is none."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM log WHERE wallet_id = $1 AND seq IN ($2, $3) ORDER BY seq DESC",
        wallet_id,
        seq,
        seq - 1,
    )
    if not rows or rows[0]["seq"] != seq:
        return None
    found = Entry(*rows[0])
    previous = bytes(rows[1]["hash"]) if len(rows) > 1 else GENESIS
    names = tuple(dict.fromkeys(name for name in nodes_of(decode(found.fact)) if name and ":" not in name))
    return Chained(found, previous, found.chained(previous) == bytes(found.hash), names)


async def raw(connection: asyncpg.Connection, wallet_id: int, raw_id: int) -> Raw | None:
    """One message, None when the wallet has none of that number."""
    row = await connection.fetchrow(
        "SELECT raw_id, received_at_ms, source, origin, body FROM raw_message WHERE wallet_id = $1 AND raw_id = $2",
        wallet_id,
        raw_id,
    )
    if row is None:
        return None
    problems = await connection.fetch("SELECT code, message FROM raw_problem WHERE raw_id = $1", raw_id)
    taken = await connection.fetch(
        "SELECT seq FROM log WHERE wallet_id = $1 AND raw_id = $2 ORDER BY seq LIMIT 500", wallet_id, raw_id
    )
    return Raw(
        row["raw_id"],
        row["received_at_ms"],
        row["source"],
        row["origin"],
        bytes(row["body"]),
        tuple((each["code"], each["message"]) for each in problems),
        tuple(each["seq"] for each in taken),
    )
