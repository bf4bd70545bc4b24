"""Tokens that the books cannot assign to a market: held on chain and named by nobody, or stated and never heard of.

Each is told once and left alone: anybody can send tokens to any address, and a balance is compared whatever it is of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg

from tieout.client.data_rows import PositionRow
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, Finding, IssueType, Severity
from tieout.venue.tokens import is_structured

_TOLD = "SELECT DISTINCT token_id FROM sync_issue WHERE wallet_id = $1 AND type = $2 AND token_id = ANY ($3)"
_HEARD_OF = "SELECT node FROM node WHERE wallet_id = $1 AND node = ANY ($2)"


class UnknownTokens:
    """A token is told of when two looks in a row find it: who names its market may be late, and so may the chain."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._seen: frozenset[str] = frozenset()

    async def look(self, held: Mapping[str, asyncpg.Record], stated: Sequence[PositionRow]) -> list[Finding]:
        """Those not told of yet: of the books' positions by token, and of the Data API's rows."""
        found = {
            token_id: _held(token_id, row["shares"])
            for token_id, row in held.items()
            if not row["condition_id"] and not is_structured(token_id)
        }
        found |= {row.token_id: _stated(row) for row in await self._never_heard_of(held, stated)}
        before, self._seen = self._seen, frozenset(found)
        told = await self._told([token_id for token_id in sorted(found) if token_id in before])
        return [found[token_id] for token_id in sorted(before & found.keys() - told)]

    async def _never_heard_of(
        self, held: Mapping[str, asyncpg.Record], stated: Sequence[PositionRow]
    ) -> list[PositionRow]:
        """Rows of tokens that no fact names, so that nothing else compares them."""
        rows = [row for row in stated if row.shares and row.token_id not in held]
        if not rows:
            return []
        tokens = [row.token_id for row in rows]
        known = {row["node"] for row in await self._connection.fetch(_HEARD_OF, self._wallet_id, tokens)}
        return [row for row in rows if row.token_id not in known]

    async def _told(self, token_ids: Sequence[str]) -> set[str]:
        """Those that an issue has told of already, acknowledged or not."""
        if not token_ids:
            return set()
        kind = IssueType.UNKNOWN_TOKEN.value
        return {row["token_id"] for row in await self._connection.fetch(_TOLD, self._wallet_id, kind, token_ids)}


def _held(token_id: str, shares: int) -> Finding:
    summary = f"the wallet holds {decimal_text(shares)} shares of a token that no known market names"
    return _finding(token_id, summary, {"shares": shares, "named": ""})


def _stated(row: PositionRow) -> Finding:
    summary = f"the Data API states {decimal_text(row.shares)} shares of a token that the books never heard of"
    return _finding(row.token_id, summary, {"shares": row.shares, "named": row.condition_id})


def _finding(token_id: str, summary: str, evidence: Mapping[str, object]) -> Finding:
    return Finding(IssueType.UNKNOWN_TOKEN, Severity.WARN, Action.LOGGED, summary, token_id=token_id, evidence=evidence)
