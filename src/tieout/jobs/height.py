"""The books as of a block: what the chain must show there, leaving out what it cannot have shown yet.

A movement that the chain tells has its block. One that only the CLOB or the Data API tells has none: it is above the
block until its receipt is read. It may not stay there for ever, though: what settled long ago, by their word, must be
on chain (F1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import msgspec

from tieout.client.chain import BlockHead
from tieout.ledger.fills import ON_CHAIN
from tieout.ledger.movement import LOG_BITS, NO_CHAIN_POSITION, block_of
from tieout.ledger.rows import share_changes

LATE_MS = 300_000
"""How long after it was first heard of a settled movement may be without its receipt. Finality takes some seconds,
a reorganisation or a stuck transaction some more; the watch begins again whenever the venue's word changes."""

# One statement, so one moment for all three: a fill between two readings would be in one of them only (R3).
_BOOKS = """
SELECT
    (SELECT COALESCE(sum(cash), 0)::bigint FROM movements WHERE wallet_id = $1) AS cash,
    (SELECT json_agg(held)::text FROM (
        SELECT token_id, shares, unexplained_shares FROM positions WHERE wallet_id = $1
    ) AS held) AS held,
    (SELECT json_agg(above)::text FROM (
        SELECT key, kind, token_id, condition_id, shares, legs, status, tx_hash, cash, occurred_at_ms, chain_position
        FROM movements WHERE wallet_id = $1 AND chain_position > $2
            AND kind NOT IN ('adjustment', 'cost correction') AND key NOT LIKE 'manual%'
    ) AS above) AS above
"""

_DECODER = msgspec.json.Decoder(list[dict[str, Any]])


class Pending(NamedTuple):
    """A movement that the block does not have. `changes` are signed micro-shares by token, `cash` signed collateral."""

    key: str
    status: str
    condition_id: str
    tx_hash: str
    changes: tuple[tuple[str, int], ...]
    cash: int = 0
    at_ms: int = 0
    block: int = -1
    """-1 where nothing tells its place on chain."""


@dataclass(slots=True)
class Height:
    """Shares by token and collateral as of a block, and the movements left out because they are above it."""

    shares: dict[str, int]
    collateral: int
    pending: list[Pending] = field(default_factory=list)


async def as_of(connection: asyncpg.Connection, wallet_id: int, block: int, late: Iterable[str] = ()) -> Height:
    """The books as of *block*; movements in *late* count as if the block had them."""
    top = (block + 1 << LOG_BITS) - 1
    found = await connection.fetchrow(_BOOKS, wallet_id, top)
    cash, held, above = found["cash"], _rows(found["held"]), _rows(found["above"])
    shares = {row["token_id"]: row["shares"] for row in held if row["token_id"].isdecimal()}
    counted = frozenset(late)
    pending = [_pending(row) for row in above]
    promised: Counter[str] = Counter()
    for movement in pending:
        if movement.key not in counted:
            cash -= movement.cash
            for token_id, change in movement.changes:
                if token_id in shares:
                    shares[token_id] -= change
                    promised[token_id] += max(0, -change) if movement.block < 0 else 0
    # A sale that has not settled may be of shares that left on chain meanwhile: what it took beyond those held, the
    # position does not miss.
    for row in held:
        if row["unexplained_shares"] and promised[row["token_id"]]:
            shares[row["token_id"]] -= min(row["unexplained_shares"], promised[row["token_id"]])
    return Height(shares, cash, pending)


def _rows(text: str | None) -> list[dict[str, Any]]:
    return _DECODER.decode(text) if text else []


def _pending(row: Mapping[str, object]) -> Pending:
    return Pending(
        str(row["key"]),
        str(row["status"]),
        str(row["condition_id"]),
        str(row["tx_hash"]),
        tuple(share_changes(row)),
        int(str(row["cash"])),
        int(str(row["occurred_at_ms"])),
        -1 if row["chain_position"] == NO_CHAIN_POSITION else block_of(int(str(row["chain_position"]))),
    )


async def due_at(connection: asyncpg.Connection, wallet_id: int, block: BlockHead) -> tuple[Height, frozenset[str]]:
    """The books as of *block*, with what must be on chain by then, and the keys of what is not.

    Those settled so long before, by the venue's word, that the chain must have them.
    """
    books = await as_of(connection, wallet_id, block.number)
    settled = (each for each in books.pending if each.block < 0 and each.status in ON_CHAIN)
    late = frozenset(each.key for each in settled if block.at_ms - each.at_ms > LATE_MS)
    return await as_of(connection, wallet_id, block.number, late) if late else books, late


class Lateness:
    """Since when each settled movement waits for its receipt."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], int] = {}

    def late(self, pending: Iterable[Pending], now_ms: int) -> frozenset[str]:
        """The keys of those that have waited for too long."""
        waiting = {(each.key, each.status) for each in pending if each.status in ON_CHAIN}
        self._since = {each: self._since.get(each, now_ms) for each in waiting}
        return frozenset(key for (key, _), since_ms in self._since.items() if now_ms - since_ms > LATE_MS)
