"""Which orders are ours: those that the log has an intent of. And the salts that keep their ids apart.

The log alone decides. An order that the venue shows for the wallet and that has no intent is somebody else's: another
bot with the same key, or the owner by hand (catalog E2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from tieout.client.clock import Clock
from tieout.client.orders import SALT_BITS
from tieout.ledger import facts
from tieout.ledger.facts import OrderIntended

COUNTER_BITS = 12
"""Of a salt; the others are milliseconds of Unix time, which fit until 2039 and are cut off then."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An order that was, or may have been, sent: what is needed to ask the venue about it."""

    order_id: str
    token_id: str
    condition_id: str
    placed_at_ms: int


class Salts:
    """Rising salts, taken from the clock: no two orders get the same one, not even in the same millisecond.

    A process that starts after another one goes on above its salts, as long as the clock was not put back. Equal ids
    would need the same terms and the same signed time as well.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> int:
        """The next salt, of SALT_BITS bits."""
        self._last = max(self._last + 1, self._clock.now_ms() << COUNTER_BITS)
        return self._last & ((1 << SALT_BITS) - 1)


# The condition of the index `log_own_intent`, word for word: PostgreSQL uses a partial index only then. A fact is
# canonical JSON, so its kind comes first and its order id is found in the text.
_IS_INTENT = """source = 'own' AND starts_with(fact, '{"kind":"order_intended"')"""


async def own_intents(
    connection: asyncpg.Connection, wallet_id: int, order_ids: Iterable[str]
) -> dict[str, OrderIntended]:
    """The intents (the terms as they were signed) of those of *order_ids* that are ours, by order id."""
    rows = await connection.fetch(
        f'SELECT fact FROM log WHERE wallet_id = $1 AND {_IS_INTENT} AND substring(fact, \'"order_id":"([^"]*)"\') '
        "= ANY ($2)",
        wallet_id,
        list(order_ids),
    )
    read = [facts.decode(row["fact"]) for row in rows]
    return {fact.order_id: fact for fact in read if isinstance(fact, OrderIntended)}


async def own_order_ids(connection: asyncpg.Connection, wallet_id: int, order_ids: Iterable[str]) -> set[str]:
    """Those of *order_ids* that are ours."""
    return set(await own_intents(connection, wallet_id, order_ids))


async def unresolved_intents(connection: asyncpg.Connection, wallet_id: int) -> list[Sent]:
    """Orders of which nothing but the intent is known, the oldest first.

    They were sent or not: the process may have ended between the intent and the answer.
    """
    rows = await connection.fetch(
        "SELECT order_id, token_id, condition_id, placed_at_ms FROM orders "
        "WHERE wallet_id = $1 AND state = 'intended' ORDER BY placed_at_ms, order_id",
        wallet_id,
    )
    return [Sent(**row) for row in rows]
