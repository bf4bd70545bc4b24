"""What must hold at every moment of a life, whatever goes wrong: looked at every few virtual seconds.

Only what can be told while nothing has settled. Whether everything is there is asked at the end (`settling`).
"""

from __future__ import annotations

import asyncio

import asyncpg

from tieout.sim.lives.abandon import LifeLoop
from tieout.sim.lives.house import House
from tieout.sim.lives.keeper import Keeper
from tieout.sim.lives.verdict import ViolationError
from tieout.sim.model import Order, Side
from tieout.sim.oracle.reading import read_rows
from tieout.sim.oracle.witness import Witness
from tieout.store import log
from tieout.store.controls import State
from tieout.store.log_chain import ChainCheck
from tieout.store.wallets import Head, wallet_id_of

TICK_MS = 20_000

WITNESS_EVERY = 6
"""Ticks between two questions whether the books claim what never happened; they read every row."""

GRACE_MS = 60_000
"""What was decided before a control was set, or before the lease was lost, may reach the venue so much later: a request
waits for its turn, and is sent again when the venue was away."""

LOOK = """
SELECT head_seq, head_hash,
    ARRAY(SELECT condition_id FROM control AS c WHERE c.wallet_id = w.wallet_id AND c.state <> $2) AS held,
    (SELECT to_json(p)::text FROM positions AS p WHERE p.wallet_id = w.wallet_id AND (shares < 0 OR cost_basis < 0
        OR (shares = 0 AND cost_basis <> 0) OR bought - sold <> cost_basis - realized_pnl - unexplained_proceeds)
        LIMIT 1) AS unbalanced
FROM wallet AS w WHERE wallet_id = $1
"""
"""One statement for what every look asks: a look costs a life as much as some rounds of its jobs."""

ROUNDING = 10_000
"""Micro-units by which a cap may be passed for each order: its price may be a tick worse than the capped one."""


class Safety:
    """Looks at the database and at the venue from outside. Keeps only what it needs for the next look."""

    def __init__(self, house: House, keeper: Keeper) -> None:
        self._house = house
        self._keeper = keeper
        self.witness = Witness(house.scenario.world, house.wallet)
        self._chain = ChainCheck()
        self._forbidden: dict[str, int] = {}
        """Conditions that may not be quoted, since when; "" all of them."""
        self._ticks = 0
        self._own: dict[str, Order] = {}
        """Open orders that the worker placed."""

    async def look(self) -> None:
        """Raises ViolationError."""
        house = self._house
        self._ticks += 1
        if house.failed is not None:
            raise house.failed
        loop = asyncio.get_running_loop()
        if isinstance(loop, LifeLoop) and loop.complaints:
            raise ViolationError("TASK", loop.complaints[0])
        if house.wallet_id is None:
            house.wallet_id = await wallet_id_of(house.connection, house.wallet)
        if house.wallet_id is None:
            return
        placed, house.placed = house.placed, []
        seen = await house.connection.fetchrow(LOOK, house.wallet_id, State.ACTIVE)
        await self._log_is_whole(house.connection, house.wallet_id, Head(seen["head_seq"], seen["head_hash"]))
        await self._intents_first(house.connection, house.wallet_id, placed)
        self._nothing_forbidden(set(seen["held"]), placed)
        self._caps(placed)
        if seen["unbalanced"] is not None:  # I3, C2, C3, as the stored rows have it, whatever the database's own checks
            raise ViolationError("C2", f"a position does not balance: {seen['unbalanced']}")
        if self._ticks % WITNESS_EVERY == 0:
            await self.claims()

    async def claims(self) -> None:
        """No invented fill, no order closed that is open: the books claim nothing that never happened."""
        house = self._house
        if house.wallet_id is None:
            return
        rows = await read_rows(house.connection, house.wallet_id)
        for found in self.witness.claims_beyond(rows):
            raise ViolationError(found.row, found.sentence)

    async def _log_is_whole(self, connection: asyncpg.Connection, wallet_id: int, head: Head) -> None:
        """L2: what was written since the last look hangs on to what was there, and the head is its end."""
        chain = self._chain
        if head.seq != chain.seq:
            async for chunk in log.entries(connection, wallet_id, after=chain.seq, until=head.seq):
                for entry in chunk:
                    chain.see(entry)
        chain.end(head)
        if chain.breaks:
            raise ViolationError("L2", f"what was written since the last look does not follow: {chain.breaks[0]}")

    async def _intents_first(
        self, connection: asyncpg.Connection, wallet_id: int, placed: list[tuple[int, Order]]
    ) -> None:
        """P3: an order of the worker at the venue is in the books, because it was there first."""
        if not placed:
            return
        ids = [order.id for _, order in placed]
        rows = await connection.fetch(
            "SELECT order_id FROM orders WHERE wallet_id = $1 AND order_id = ANY ($2)", wallet_id, ids
        )
        for missing in sorted(set(ids) - {row["order_id"] for row in rows}):
            raise ViolationError("P3", f"order {missing} is at the venue, and the books have no intent of it")

    def _nothing_forbidden(self, held: set[str], placed: list[tuple[int, Order]]) -> None:
        """Nothing is placed while paused or halted, or without the lease (R1).

        What was lifted since the last look is not asked for: the order may have come after that.
        """
        lost_ms = self._keeper.lost_since_ms
        for at_ms, order in placed:
            for name in ("", order.market.condition_id):
                since_ms = self._forbidden.get(name)
                if name in held and since_ms is not None and at_ms > since_ms + GRACE_MS:
                    raise ViolationError("D2", f"order {order.id} was placed {at_ms - since_ms} ms after a pause")
            if lost_ms is not None and at_ms > lost_ms + GRACE_MS:
                raise ViolationError("R1", f"order {order.id} was placed {at_ms - lost_ms} ms after the lease was lost")
        now_ms = self._house.now_ms
        self._forbidden = {name: self._forbidden.get(name, now_ms) for name in sorted(held)}

    def _caps(self, placed: list[tuple[int, Order]]) -> None:
        """What the worker's open buys of a market could take is within the cap of that market."""
        self._own |= {order.id: order for _, order in placed}
        self._own = {name: order for name, order in self._own.items() if order.open}
        taken: dict[str, int] = {}
        cap = self._house.options.max_collateral
        for order in self._own.values():
            if order.side is Side.BUY:
                condition = order.market.condition_id
                taken[condition] = taken.get(condition, 0) + order.remaining * order.price // 1_000_000
        slack = 2 * self._house.options.tiers * self._house.options.tier_size * ROUNDING // 1_000_000
        for condition, amount in taken.items():
            if amount > cap + slack:
                raise ViolationError("CAP", f"open buys of {condition} may take {amount}, more than {cap}")
