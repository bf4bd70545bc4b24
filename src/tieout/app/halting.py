"""Taking orders off the book when the books themselves are broken: by the venue's word alone, and nothing is booked.

The intake is dead by then, so the answers are not recorded; the next start asks what became of every order (P3).
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from tieout.app.config import Config
from tieout.app.secrets import api_credentials
from tieout.app.venue import venue_of
from tieout.app.worker_parts import Surroundings
from tieout.client.errors import VenueError
from tieout.client.keys import PrivateKey
from tieout.client.transport import RawBody
from tieout.jobs.foreign_orders import untouchable

TRIES = 4
RETRY_MS = 500
"""Doubled with every try; whoever waits for the end of a broken worker waits for some seconds at most."""


async def cancel_unbooked(
    config: Config, key: PrivateKey, around: Surroundings, connection: asyncpg.Connection, wallet_id: int
) -> tuple[str, ...]:
    """Cancel every open order of the wallet but those that are to be left alone; the ids that may rest still.

    Raises nothing of the venue: the wallet is halted whatever it answers. An empty answer is only believed when the
    venue gave it.
    """
    left: tuple[str, ...] = ("unknown",)
    async with venue_of(config, key, around.clock, _unkept, around.jitter, around.carriers_of) as venue:
        for attempt in range(TRIES):
            if attempt:
                await around.clock.sleep(RETRY_MS << (attempt - 1))
            with suppress(VenueError):
                desk = venue.desk(await api_credentials(venue.clob.keys, key), key.address)
                shown = [order.order_id for order in (await desk.account.open_orders()).rows]
                spared = await untouchable(connection, wallet_id, config.foreign_orders, shown)
                left = tuple(sorted(set(shown) - spared))
                if left:
                    answer = await desk.orders.cancel_many(left)
                    left = tuple(sorted(set(left) - set(answer.canceled)))
            if not left:
                break
    return left


async def _unkept(raw: RawBody) -> None:
    """Nothing is booked any more."""
