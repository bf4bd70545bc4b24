"""What the view of a running worker asks the database."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from tieout.store import runs
from tieout.store.runs import Issue
from tieout.store.wallets import wallet_id_of

FILLS = 8


@dataclass(frozen=True, slots=True)
class Held:
    """One position; micro-units."""

    shares: int
    cost_basis: int
    realized_pnl: int
    fees: int


@dataclass(frozen=True, slots=True)
class FillShown:
    """A fill as it stands now; micro-units, milliseconds of Unix time."""

    at_ms: int
    token_id: str
    condition_id: str
    kind: str
    shares: int
    collateral: int
    fee: int
    status: str


@dataclass(frozen=True, slots=True)
class Glance:
    """One look."""

    held: dict[str, Held]
    fills: tuple[FillShown, ...]
    fills_total: int
    orders_live: int
    entries: int
    issues: tuple[Issue, ...]

    @property
    def realized(self) -> int:
        """Profit realised before fees."""
        return sum(each.realized_pnl for each in self.held.values())

    @property
    def fees(self) -> int:
        """Fees paid."""
        return sum(each.fees for each in self.held.values())


async def look(connection: asyncpg.Connection, wallet: str) -> Glance:
    """The wallet as the database has it now, all of one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        wallet_id = await wallet_id_of(connection, wallet)
        if wallet_id is None:
            return Glance({}, (), 0, 0, 0, ())
        positions = await connection.fetch(
            "SELECT token_id, shares, cost_basis, realized_pnl, fees FROM positions WHERE wallet_id = $1", wallet_id
        )
        fills = await connection.fetch(
            "SELECT occurred_at_ms, token_id, condition_id, kind, shares, collateral, fee, status FROM movements "
            "WHERE wallet_id = $1 AND kind IN ('buy', 'sell') ORDER BY occurred_at_ms DESC, key LIMIT $2",
            wallet_id,
            FILLS,
        )
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM movements WHERE wallet_id = $1 AND kind IN ('buy', 'sell')) AS fills, "
            "(SELECT count(*) FROM orders WHERE wallet_id = $1 AND state = 'live') AS live, "
            "(SELECT head_seq FROM wallet WHERE wallet_id = $1) AS entries",
            wallet_id,
        )
        issues = await runs.open_issues(connection, wallet_id)
    return Glance(
        {row[0]: Held(*tuple(row)[1:]) for row in positions},
        tuple(FillShown(*tuple(row)) for row in fills),
        counts["fills"],
        counts["live"],
        counts["entries"],
        tuple(issues),
    )
