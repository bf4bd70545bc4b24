"""Requests: what a person asks of whoever runs the wallet, announced on the channel; and deeds, what people did.

A request is carried out at most once, by the worker that holds the wallet; its outcome is one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg

from tieout.store.listening import CHANNEL, REQUEST

LATE_MS = 60_000
"""A request that nobody took up for so long is not carried out any more: whoever asked has gone on."""


class Kind(StrEnum):
    """What can be asked."""

    ALERT_TEST = "alert_test"
    """Send a test alert to everybody who is told."""
    FULL_SYNC = "full_sync"
    """Compare everything now."""
    ADJUST = "adjust"
    """Book an entry by hand, when it still does what was shown: `entry` and `effect` of the arguments."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `done_at_ms` None: nobody has carried it out (yet)."""

    request_id: int
    kind: Kind
    who: str
    at_ms: int
    done_at_ms: int | None
    outcome: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person did, and what became of it."""

    at_ms: int
    who: str
    what: str
    subject: str
    reason: str
    outcome: str


_COLUMNS = "request_id, kind, who, at_ms, done_at_ms, outcome, arguments"


async def ask(
    connection: asyncpg.Connection,
    wallet_id: int,
    kind: Kind,
    who: str,
    at_ms: int,
    arguments: Mapping[str, Any] | None = None,
) -> int:
    """The id of a new request; whoever runs the wallet is told when the transaction commits."""
    request_id = await connection.fetchval(
        "INSERT INTO request (wallet_id, kind, who, at_ms, arguments) VALUES ($1, $2, $3, $4, $5::jsonb) "
        "RETURNING request_id",
        wallet_id,
        kind.value,
        who,
        at_ms,
        json.dumps(dict(arguments or {})),
    )
    await connection.execute(
        "SELECT pg_notify($3, address || ' ' || $4 || ' ' || $2) FROM wallet WHERE wallet_id = $1",
        wallet_id,
        str(request_id),
        CHANNEL,
        REQUEST,
    )
    return int(request_id)


async def waiting(connection: asyncpg.Connection, wallet_id: int, now_ms: int) -> list[Request]:
    """What was asked lately and is not done, the oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM request WHERE wallet_id = $1 AND done_at_ms IS NULL AND at_ms > $2 "
        "ORDER BY request_id",
        wallet_id,
        now_ms - LATE_MS,
    )
    return [_request(row) for row in rows]


async def done(connection: asyncpg.Connection, wallet_id: int, request_id: int, outcome: str, at_ms: int) -> None:
    """Write down what became of a request, once."""
    await connection.execute(
        "UPDATE request SET done_at_ms = $4, outcome = $3 "
        "WHERE wallet_id = $1 AND request_id = $2 AND done_at_ms IS NULL",
        wallet_id,
        request_id,
        outcome or "done",
        at_ms,
    )


async def get(connection: asyncpg.Connection, wallet_id: int, request_id: int) -> Request | None:
    """A request, None when there is none."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM request WHERE wallet_id = $1 AND request_id = $2", wallet_id, request_id
    )
    return None if row is None else _request(row)


async def note_deed(connection: asyncpg.Connection, wallet_id: int, deed: Deed) -> None:
    """Keep what somebody did."""
    await connection.execute(
        "INSERT INTO deed (wallet_id, at_ms, who, what, subject, reason, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        wallet_id,
        deed.at_ms,
        deed.who,
        deed.what,
        deed.subject,
        deed.reason,
        deed.outcome,
    )


async def deeds(connection: asyncpg.Connection, wallet_id: int, *, limit: int = 100) -> Sequence[Deed]:
    """The last ones, newest first."""
    rows = await connection.fetch(
        "SELECT at_ms, who, what, subject, reason, outcome FROM deed WHERE wallet_id = $1 ORDER BY seq DESC LIMIT $2",
        wallet_id,
        limit,
    )
    return [Deed(*row) for row in rows]


def _request(row: asyncpg.Record) -> Request:
    known = dict(row)
    return Request(**{**known, "kind": Kind(known["kind"]), "arguments": json.loads(known["arguments"])})
