"""The end of a worker: whatever it was doing, nothing of it rests at the venue and the books know so."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from jobs.account import BATCH, WorldClock, batch, house
from support.database import in_loop
from tieout.app.stopping import cancel_everything
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.own_orders import unresolved_intents


@pytest.mark.parametrize("lost", ["timeout-before", "timeout-after"])
def test_P3_P5_what_the_stop_cuts_off_while_it_is_placed_rests_nowhere(dsn: str, lost: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            # The answer never comes: the placement ends by being cut off, with all of its intents booked.
            kept.scenario.faults.on(lost, path="/orders", settings={"delay_ms": 600_000})
            placing = asyncio.create_task(kept.orders.place_many(batch(kept)))
            for _ in itertools.takewhile(lambda _: kept.scenario.faults.struck(lost) < 2, itertools.count()):
                await asyncio.sleep(0)
            placing.cancel()
            await asyncio.gather(placing, return_exceptions=True)
            kept.scenario.faults.off(lost)
            assert bool(kept.open_orders()) == (lost == "timeout-after")
            assert len(kept.orders.unknown) == BATCH
            spared = Spared(kept.connection, kept.wallet_id, ForeignOrders.LEAVE)
            clock = WorldClock(kept.scenario)
            left = await cancel_everything(kept.connection, kept.wallet_id, kept.orders, clock, spared=spared)
            assert (left, kept.open_orders()) == ((), set())
            assert await unresolved_intents(kept.connection, kept.wallet_id) == []
            assert {row["state"] for row in (await kept.order_rows()).values()} == {"closed"}

    run()
