"""L1: when the stored state and the log differ, the state is made again from the log; a broken log is not followed."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from catalog.world import WALLET, World, order_message, trade_message
from tieout.app.rebuilding import rebuild_state
from tieout.store.errors import LeaseHeldError, LeaseLostError, StoreError
from tieout.store.wallets import acquire


def damage(dsn: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def booked(dsn: str) -> None:
    with World(dsn) as world:
        world.take(order_message(1), order_message(1, kind="UPDATE", matched="4"))
        world.take(trade_message("t1", 1, "4", status="CONFIRMED", tx=7))


def test_L1_a_damaged_state_is_found_and_made_again_from_the_log(dsn: str) -> None:
    booked(dsn)
    damage(
        dsn,
        "UPDATE positions SET fees = fees + 1",
        "DELETE FROM orders",
        "UPDATE movements SET status = 'MATCHED'",
    )
    before, after = asyncio.run(rebuild_state(dsn, WALLET, lambda _: None))
    assert len(before.differences) == 5, "two of the position, one of the order, two of the movement"
    assert after.holds
    with World(dsn) as world:
        assert world.verify().holds
        world.take(trade_message("t2", 1, "2", status="CONFIRMED", tx=8, at=5))
        assert world.verify().holds, "and the books go on from there"


def test_L1_nothing_is_made_from_a_broken_log(dsn: str) -> None:
    booked(dsn)
    damage(
        dsn,
        "ALTER TABLE log DISABLE TRIGGER ALL",
        "UPDATE log SET received_at_ms = received_at_ms + 1 WHERE seq = 2",
        "UPDATE positions SET fees = 5",
    )
    with pytest.raises(StoreError, match="entry 2: its hash"):
        asyncio.run(rebuild_state(dsn, WALLET, lambda _: None))


def test_R1_no_state_is_made_again_while_somebody_writes(dsn: str) -> None:
    booked(dsn)
    with World(dsn), pytest.raises(LeaseHeldError, match="--take-over"):
        asyncio.run(rebuild_state(dsn, WALLET, lambda _: None))


def test_R1_taking_over_stops_the_writer_before(dsn: str) -> None:
    with World(dsn) as world:
        world.take(order_message(1))

        async def take_over() -> None:
            connection = await asyncpg.connect(dsn)
            await acquire(connection, WALLET, exclusive=True, take_over=True)
            await connection.close()

        world.runner.run(take_over())
        with pytest.raises(LeaseLostError):
            world.take(order_message(2))
