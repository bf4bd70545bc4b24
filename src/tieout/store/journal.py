"""The journal of raw messages: bytes first, meaning later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import asyncpg


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as it came. `origin` says where from: a file and line, or an address."""

    body: bytes
    source: str
    origin: str
    received_at_ms: int


_NAME = rb'[^"\\]*(?:secret|passphrase|password|private_?key|mnemonic)[^"\\]*'
_SECRET = re.compile(
    # A field of the message, whatever its value, also cut off in the middle.
    rb'("' + _NAME + rb'"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}\]"\[{]+)'
    # A field of JSON inside a JSON string.
    rb'|(\\"' + _NAME + rb'\\"\s*:\s*)\\"(?:[^"\\]|\\\\.)*(?:\\")?',
    re.IGNORECASE,
)
_HINTS = (b"secret", b"passphrase", b"password", b"private", b"mnemonic")


def _hide(match: re.Match[bytes]) -> bytes:
    return match[1] + b'"[redacted]"' if match[1] is not None else match[2] + b'\\"[redacted]\\"'


def redacted(body: bytes) -> bytes:
    """*body* with the values of secret fields replaced, also where it is cut off in the middle of one.

    The one exception to "exact bytes": secrets never reach the database.
    """
    lowered = body.lower()
    return _SECRET.sub(_hide, body) if any(hint in lowered for hint in _HINTS) else body


def digest_of(body: bytes) -> bytes:
    """16 bytes that name equal bodies."""
    return blake2b(body, digest_size=16).digest()


_APPEND = """
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        AS g (received_at_ms, source, origin, body, digest)
), added AS (
    INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest)
    SELECT $1, received_at_ms, source, origin, body, digest FROM given ORDER BY digest
    ON CONFLICT (wallet_id, digest) DO NOTHING
    RETURNING raw_id, digest
)
SELECT raw_id, digest FROM added
"""


async def append(
    connection: asyncpg.Connection, wallet_id: int, messages: Sequence[RawMessage]
) -> list[tuple[int, bool]]:
    """Keep *messages* and return (raw id, whether it is new) of each; equal bytes are kept once."""
    if not messages:
        return []
    bodies = [redacted(message.body) for message in messages]
    digests = [digest_of(body) for body in bodies]
    rows = await connection.fetch(
        _APPEND,
        wallet_id,
        [m.received_at_ms for m in messages],
        [m.source for m in messages],
        [m.origin for m in messages],
        bodies,
        digests,
    )
    # In the order of the digests, so that two writers with the same messages do not wait for each other in a circle.
    ids = {bytes(row["digest"]): int(row["raw_id"]) for row in rows}
    new = set(ids)
    missing = [digest for digest in digests if digest not in ids]
    if missing:
        known = await connection.fetch(
            "SELECT raw_id, digest FROM raw_message WHERE wallet_id = $1 AND digest = ANY ($2)", wallet_id, missing
        )
        ids.update((bytes(row["digest"]), int(row["raw_id"])) for row in known)
    return [(ids[digest], digest in new) for digest in digests]


async def note_problems(connection: asyncpg.Connection, problems: Sequence[tuple[int, str, str]]) -> None:
    """Keep (raw id, code, message) of what could not be booked; the same problem once."""
    if problems:
        await connection.executemany(
            "INSERT INTO raw_problem VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", sorted(set(problems))
        )


async def note_unknown(
    connection: asyncpg.Connection, wallet_id: int, seen: dict[tuple[str, str], tuple[int, int]]
) -> None:
    """Count unknown fields and statuses: (kind, what) -> (times, a raw id that shows it)."""
    if seen:
        await connection.executemany(
            "INSERT INTO unknown_seen VALUES ($1, $2, $3, $4, $5) ON CONFLICT (wallet_id, kind, what) "
            "DO UPDATE SET times = unknown_seen.times + EXCLUDED.times",
            [(wallet_id, kind, what, times, raw_id) for (kind, what), (times, raw_id) in sorted(seen.items())],
        )
