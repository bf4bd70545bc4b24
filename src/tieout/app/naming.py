"""What people call the markets of a wallet, kept for the desk after an import: a worker keeps those that it quotes."""

from __future__ import annotations

import asyncpg

from tieout.app.exports.names import read_names
from tieout.store import statuses
from tieout.store.statuses import MarketName


async def keep_names(connection: asyncpg.Connection, wallet_id: int) -> None:
    """Keep the titles that the wallet's messages tell of markets that have no name yet."""
    known = await statuses.names(connection, wallet_id)
    async with connection.transaction(readonly=True):
        told = await read_names(connection, wallet_id)
    rows = await connection.fetch(
        "SELECT condition_id, outcome_index, token_id FROM positions WHERE wallet_id = $1 AND outcome_index >= 0",
        wallet_id,
    )
    outcomes: dict[str, dict[int, str]] = {}
    for condition_id, index, token_id in rows:
        outcomes.setdefault(condition_id, {})[index] = told.outcome.get(token_id, "")
    await statuses.put_names(
        connection,
        wallet_id,
        [
            MarketName(condition_id, title, "", _in_order(outcomes.get(condition_id, {})))
            for condition_id, title in told.market.items()
            if condition_id and condition_id not in known
        ],
    )


def _in_order(names: dict[int, str]) -> tuple[str, ...]:
    """The names of both outcomes, none while one of them is unknown."""
    return (names[0], names[1]) if names.get(0) and names.get(1) else ()
