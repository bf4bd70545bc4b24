"""The worker of the demo: quick jobs and small quotes near the price, so that there is something to see."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from tieout.app.config import Config, Intervals, Selection
from tieout.client.endpoints import Endpoints
from tieout.ledger.units import MICRO
from tieout.quoting.params import Params

QUICK = Intervals(
    market_making=2_000,
    position_sync=4_000,
    order_sync=15_000,
    quick_sync=60_000,
    full_sync=600_000,
    settle=10_000,
    reconcile=30_000,
    portfolio=5_000,
    provisional_ttl_ms=30_000,
)


def demo_config(wallet: str, base_url: str, markets: int) -> Config:
    """What the demo's worker is told: an EOA on a venue whose services are all under *base_url*."""
    return Config(
        wallet=wallet,
        first_block=0,
        endpoints=Endpoints.of(base_url),
        selection=Selection(count=markets),
        params=Params(tiers=2, tier_size=25 * MICRO, min_time_to_resolution_ms=0),
        jobs=QUICK,
    )


async def differences(
    connection: asyncpg.Connection, wallet_id: int, truth: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """(books, truth) by token where the two are not equal; micro-shares. *truth* leaves out what is not held."""
    rows = await connection.fetch("SELECT token_id, shares FROM positions WHERE wallet_id = $1", wallet_id)
    books = {row["token_id"]: row["shares"] for row in rows}
    pairs = {token: (books.get(token, 0), truth.get(token, 0)) for token in books.keys() | truth.keys()}
    return {token: pair for token, pair in sorted(pairs.items()) if pair[0] != pair[1]}
