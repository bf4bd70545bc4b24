"""Killed in the middle of placing: whatever was on its way, a fresh desk finds out, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from jobs.account import BATCH, House, WorldClock, batch, house
from support.database import in_loop
from tieout.client.keys import PrivateKey
from tieout.client.orders import OrderSigner
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.order_desk import Fate, OrderDesk
from tieout.jobs.order_sync import YOUNG_MS, OrderSync
from tieout.jobs.own_orders import Salts, own_order_ids, unresolved_intents
from tieout.ledger.facts import MarketNoted
from tieout.sim.model import Order

CUTS = 30


def desk_of(kept: House) -> OrderDesk:
    """A desk as a new process makes it: it knows nothing but the clock and the database."""
    account, clock = kept.scenario.accounts[0], WorldClock(kept.scenario)
    signer = OrderSigner(PrivateKey(account.private_key), account.address, Salts(clock))
    return OrderDesk(kept.desk.orders, kept.desk.account, signer, kept.book, clock)


async def killed_after(kept: House, steps: int, *, once_taken: bool = False) -> bool:
    """Place a batch and end it after so many steps of the event loop; whether it had come to its end before.

    *once_taken*: so many after the venue took the first order of it, when its answer is under way.
    """
    known = len(all_orders(kept))
    placing = asyncio.create_task(desk_of(kept).place_many(batch(kept)))
    for _ in itertools.count():
        if placing.done() or not steps:
            break
        if not once_taken or len(all_orders(kept)) > known:
            steps -= 1
        await asyncio.sleep(0)
    is_done = placing.done()
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)
    # What had reached the intake is committed or never will be: this one is behind it.
    await kept.book(
        [
            MarketNoted(
                note=f"killed with {steps} to go, {len(all_orders(kept))} orders", condition_id=kept.market.condition_id
            )
        ]
    )
    return is_done


def all_orders(kept: House) -> dict[str, Order]:
    """Every order of the wallet that the venue ever took."""
    return {o.id: o for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet}


async def assert_agreed(kept: House) -> None:
    """The books have every order of the venue and call open what is open there, and nothing else."""
    rows = await kept.order_rows()
    orders = all_orders(kept)
    assert orders.keys() <= rows.keys()
    assert {each for each, row in rows.items() if row["state"] == "live"} == {o.id for o in orders.values() if o.open}
    assert {row["state"] for row in rows.values()} <= {"live", "closed"}
    assert await own_order_ids(kept.connection, kept.wallet_id, rows) == rows.keys()
    assert await unresolved_intents(kept.connection, kept.wallet_id) == []


def test_D1_P3_killed_at_any_step_no_order_is_lost_or_doubled(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            counted = 1
            while not await killed_after(kept, counted):
                counted *= 2
            unresolved = arrived = 0
            for cut in range(1, CUTS + 1):
                known = all_orders(kept).keys()
                # How many steps come before the venue takes an order depends on the machine; every second cut does not.
                steps = (cut // 2 + 1, True) if cut % 2 else (counted * cut // CUTS, False)
                await killed_after(kept, steps[0], once_taken=steps[1])
                unresolved += len(await unresolved_intents(kept.connection, kept.wallet_id))
                fresh = desk_of(kept)
                settled = await fresh.resume(kept.connection, kept.wallet_id)
                assert fresh.unknown == {}
                assert {each.fate for each in settled} <= {Fate.PLACED, Fate.ABSENT}
                await assert_agreed(kept)
                new = all_orders(kept).keys() - known
                assert len(new) <= BATCH
                arrived += sum(each.order_id in new for each in settled)
                if new:
                    await fresh.cancel(sorted(new))
            assert unresolved > arrived > 0, "some never arrived, some did and nobody knew"
            await assert_agreed(kept)

    run()


@pytest.mark.parametrize("gone", ["timeout-before", "timeout-after"])
def test_D1_orders_that_fill_while_the_worker_is_dead_are_found_by_their_trades(dsn: str, gone: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on(gone, path="/orders", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data")
            kept.scenario.faults.on("server-error", path="/order")
            outcomes = await desk_of(kept).place_many(batch(kept))
            assert {outcome.fate for outcome in outcomes} == {Fate.UNKNOWN}
            for fault in (gone, "server-error"):
                kept.scenario.faults.off(fault)
            kept.scenario.faults.on("sweep", count=1)
            kept.run(60)
            fresh = desk_of(kept)
            settled = await fresh.resume(kept.connection, kept.wallet_id)
            fate = Fate.PLACED if all_orders(kept) else Fate.ABSENT
            assert [each.fate for each in settled] == [fate] * BATCH
            await kept.keeper.catch_up()
            assert await kept.shares() == kept.truth()
            assert bool(kept.truth()) == bool(all_orders(kept))
            filled = sum(row["filled"] for row in (await kept.order_rows()).values())
            assert filled == sum(order.matched for order in all_orders(kept).values())

    run()


def test_D1_while_the_venue_is_away_resuming_keeps_what_is_not_known(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", path="/orders", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data")
            await desk_of(kept).place_many(batch(kept))
            fresh = desk_of(kept)
            settled = await fresh.resume(kept.connection, kept.wallet_id)
            assert {each.fate for each in settled} == {Fate.UNKNOWN}
            assert len(fresh.unknown) == BATCH
            for fault in ("timeout-after", "server-error"):
                kept.scenario.faults.off(fault)
            assert {each.fate for each in await fresh.settle_unknown()} == {Fate.PLACED}
            await assert_agreed(kept)

    run()


def test_D1_order_sync_resolves_intents_that_nobody_resumed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-before", path="/orders", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data")
            await desk_of(kept).place_many(batch(kept))
            for fault in ("timeout-before", "server-error"):
                kept.scenario.faults.off(fault)
            kept.run(YOUNG_MS // 1_000 + 1)
            sync = OrderSync(kept.connection, kept.wallet_id, desk_of(kept), lambda _: True, ForeignOrders.LEAVE)
            assert len((await sync.run()).closed) == BATCH
            await assert_agreed(kept)

    run()
