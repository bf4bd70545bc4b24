"""Several writers of one wallet: processes, bookers with caches of their own, leases and epochs."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from oracle.history import life, observe
from support import recording, worker
from support.database import (
    ADDRESS,
    assert_same,
    booker_of,
    connected,
    heard,
    in_loop,
    in_memory,
    kept,
    stored,
    until,
)
from support.recording import WALLET
from tieout.app.history import verify
from tieout.intake.booking import Booker
from tieout.ledger.facts import FillObserved, MatchClaimed, OrderPlaced, OutcomeTokenListed, Role, Side
from tieout.sim.lives.cluster import fresh
from tieout.store import journal, log
from tieout.store.errors import LeaseHeldError, LeaseLostError, StaleHeadError
from tieout.store.journal import RawMessage
from tieout.store.schema import migrate
from tieout.store.wallets import acquire, head_of, this_process, wallet_id_of

PLACED = OrderPlaced(order_id="0x01", token_id="11", condition_id="0xc1", side=Side.BUY, price=500_000, size=9_000_000)


def claim(shares: int, *, observed_at_ms: int = 0) -> MatchClaimed:
    return MatchClaimed(
        order_id="0x01", token_id="11", condition_id="0xc1", size_matched=shares, observed_at_ms=observed_at_ms
    )


# --- processes --------------------------------------------------------------------------------------------------------


async def _together(dsn: str, piles: list[list[Path]], batch: int) -> list[int]:
    """Import each pile in a process of its own, all at once; how many facts were new to each."""
    processes = [worker.start(dsn, pile, batch=batch, wait=True) for pile in piles]
    for process in processes:
        process.until_ready()
    for process in processes:
        process.go()
    return list(await asyncio.gather(*(asyncio.to_thread(worker.result, process) for process in processes)))


@in_loop
async def test_R1_four_processes_importing_overlapping_halves_give_the_books_of_one_import(
    server, dsn: str, tmp_path: Path
) -> None:
    found = recording.lines(11, 8_000, 40)
    parts = recording.write(tmp_path / "told", found, 20)
    mixed = random.Random(11).sample(found, len(found))
    shuffled = recording.write(tmp_path / "shuffled", mixed, 2)
    await fresh(server.dsn(), "alone")
    assert worker.result(worker.start(server.dsn("alone"), parts, batch=500)) >= 8_000

    halves = [parts[:10], parts[5:15], parts[10:], [*parts[15:], *parts[:5]]]
    news = await _together(dsn, [*halves[:3], [*halves[3], shuffled[0]]], batch=100)
    async with connected(dsn) as connection, connected(server.dsn("alone")) as single:
        together = await kept(connection, WALLET)
        # Which of several ways to say a thing counts as new depends on the order; the books do not.
        assert_same(together, await kept(single, WALLET), order=False)
        assert sum(news) == len(together.facts), "each fact is new to exactly one of them"
        assert sum(new > 0 for new in news) > 1, "more than one was at work: how many depends on the machine"


# --- bookers ----------------------------------------------------------------------------------------------------------


@in_loop
async def test_R2_a_booking_made_from_a_stale_read_is_refused_and_writes_nothing(dsn: str) -> None:
    async with booker_of(dsn) as first, booker_of(dsn) as second, connected(dsn) as reader:
        await first.book(heard([PLACED]))
        wallet_id = await wallet_id_of(reader, ADDRESS)
        stale = (await head_of(reader, wallet_id))[0]
        await second.book(heard([claim(1)]))
        before = await stored(reader, wallet_id), await head_of(reader, wallet_id)
        body = b'{"kind":"stale"}'
        entry = (wallet_id, stale.seq + 1, 1, 0, 1, 1, "test", body.decode(), log.fact_digest(body), bytes(32))
        lease = await acquire(reader, ADDRESS)
        with pytest.raises(StaleHeadError, match="head moved: expected seq 1, was 2"):
            await log.write(reader, lease, log.Booking(stale, 9, [entry], [(wallet_id, "t:9", 9)], []))
        assert before == (await stored(reader, wallet_id), await head_of(reader, wallet_id))
        assert await reader.fetchval("SELECT count(*) FROM node WHERE node = 't:9'") == 0


@in_loop
async def test_R2_two_bookers_that_alternate_on_one_order_lose_nothing(dsn: str) -> None:
    async with booker_of(dsn) as first, booker_of(dsn) as second, connected(dsn) as reader:
        facts = [PLACED, *(claim(n * 100_000) for n in range(1, 40))]
        stale = 0
        for number, fact in enumerate(facts):
            booker = (first, second)[number % 2]
            wallet_id = await wallet_id_of(reader, ADDRESS)
            head = (await head_of(reader, wallet_id))[0]
            stale += booker.cache.head.seq >= 0 and booker.cache.head != head
            assert await booker.book(heard([fact])) == 1
        assert stale == len(facts) - 2, "each of them was behind whenever it booked, but for the first time"
        assert await stored(reader, wallet_id) == in_memory(facts)
        assert (await verify(reader, wallet_id)).holds


@in_loop
async def test_R2_three_bookers_at_once_on_a_random_life_give_its_books(dsn: str) -> None:
    async with AsyncExitStack() as stack:
        bookers = [await stack.enter_async_context(booker_of(dsn)) for _ in range(3)]
        reader = await stack.enter_async_context(connected(dsn))
        facts = observe(life(5, 60), 5)
        rng = random.Random(5)

        async def work(number: int) -> int:
            # Each one tells two thirds of the facts, in an order of its own.
            mine = [fact for index, fact in enumerate(facts) if index % 3 != number]
            mine = rng.sample(mine, len(mine))
            return sum([await bookers[number].book(heard(mine[at : at + 7])) for at in range(0, len(mine), 7)])

        news = await asyncio.gather(*(work(number) for number in range(3)))
        wallet_id = await wallet_id_of(reader, ADDRESS)
        assert await stored(reader, wallet_id) == in_memory(facts)
        found = await verify(reader, wallet_id)
        assert found.holds
        assert found.entries == sum(news)


@in_loop
async def test_R2_bookings_in_flight_that_lose_the_race_are_made_again_with_what_was_made_on_top(dsn: str) -> None:
    async with booker_of(dsn) as first, booker_of(dsn) as second, connected(dsn) as reader:
        # With its own time each claim says something, also after a larger one: who lands first is not decided here.
        facts = [PLACED, *(claim(n * 100_000, observed_at_ms=n) for n in range(1, 40))]
        sent = []
        for number, fact in enumerate(facts):
            # Each sends on top of a booking of its own that may be refused, and never waits for the last one.
            sent.append(await (first, second)[number // 2 % 2].send(heard([fact])))
        await first.land()
        await second.land()
        wallet_id = await wallet_id_of(reader, ADDRESS)
        assert await stored(reader, wallet_id) == in_memory(facts)
        found = await verify(reader, wallet_id)
        assert found.holds
        assert found.entries == sum(one.new_facts for one in sent if one is not None) == len(facts)


@in_loop
async def test_P2_books_joined_while_the_booking_before_is_in_flight_lose_nothing_of_it(dsn: str) -> None:
    async with booker_of(dsn) as booker, connected(dsn) as other, connected(dsn) as look:
        placed = [
            OrderPlaced(order_id=f"0x{n}", token_id=f"{n}", side=Side.BUY, price=500_000, size=9_000_000)
            for n in (1, 2)
        ]
        fill = FillObserved(
            trade_id="t2", order_id="0x2", token_id="2", side=Side.BUY, shares=1_000_000, collateral=500_000,
            role=Role.MAKER, fee=0, status="CONFIRMED", occurred_at_ms=5,
        )  # fmt: skip
        joining = [OutcomeTokenListed(token_id=f"{n}", condition_id="0xc", outcome_index=n - 1) for n in (1, 2)]
        await booker.book(heard(placed))
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM wallet FOR UPDATE")
        await booker.send(heard([fill]))
        await until(lambda: is_waiting(look), "the fill is in flight")
        joined = asyncio.create_task(booker.send(heard(joining)))
        # Whatever it reads while the fill is in flight it reads within these; one that is made by then read too early.
        made_on = booker.cache.head
        for _ in range(1_000):
            await look.fetchval("SELECT 1")
            if booker.cache.head != made_on:
                break
        await transaction.rollback()
        await joined
        await booker.land()
        wallet_id = await wallet_id_of(look, ADDRESS)
        assert await look.fetchval("SELECT count(*) FROM book_join") == 1
        assert (await verify(look, wallet_id)).differences == ()
        assert await stored(look, wallet_id) == in_memory([*placed, fill, *joining])


@pytest.mark.parametrize("how", ["send", "land"])
def test_P4_a_batch_canceled_while_it_is_made_again_is_booked_whole_by_the_next_try(dsn: str, how: str) -> None:
    @in_loop
    async def run() -> None:
        async with booker_of(dsn) as booker, booker_of(dsn) as other, connected(dsn) as look:
            many = [
                OrderPlaced(order_id=f"0x{n}", token_id=f"{n}", side=Side.BUY, price=500_000, size=1)
                for n in range(4_000)
            ]
            await booker.book(heard([PLACED]))
            await other.book(heard([claim(1)]))
            # Refused, because of the other: this batch, or the next one made on top of it, must be made again.
            await booker.send(heard(many if how == "land" else [claim(2)]))
            working = asyncio.create_task(booker.land() if how == "land" else booker.send(heard(many)))

            # Made on top of what the other wrote, and not yet written: entry 3 is the claim that was refused before.
            while booker.cache.head.seq != (2 if how == "land" else 3) or sum(booker.cache._weights.values()) < 40:
                assert not working.done()
                await asyncio.sleep(0)
            working.cancel()
            await asyncio.wait([working])
            await booker.book(heard(many))
            found = await verify(look, await wallet_id_of(look, ADDRESS))
            assert found.holds
            assert await look.fetchval("SELECT count(*) FROM orders") == 1 + len(many)

    run()


@in_loop
async def test_R1_a_writer_taken_over_hears_of_it_at_its_next_word_and_books_nothing_on_top(dsn: str) -> None:
    async with booker_of(dsn) as booker, connected(dsn) as other, connected(dsn) as look:
        await booker.send(heard([PLACED]))
        await booker.land()
        await acquire(other, ADDRESS, take_over=True)
        await booker.send(heard([claim(1)]))
        with pytest.raises(LeaseLostError):
            await booker.send(heard([claim(2)]))
        await booker.land()
        await booker.send(heard([claim(3)]))
        with pytest.raises(LeaseLostError):
            await booker.land()
        assert await look.fetchval("SELECT count(*) FROM log") == 1
        assert (await verify(look, await wallet_id_of(look, ADDRESS))).holds


async def is_waiting(connection: asyncpg.Connection) -> bool:
    """Whether somebody waits for a lock in the database of *connection*."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
    )


@in_loop
async def test_R5_one_fact_booked_by_many_bookers_at_once_is_new_to_exactly_one(dsn: str) -> None:
    async with AsyncExitStack() as stack:
        bookers = [await stack.enter_async_context(booker_of(dsn)) for _ in range(6)]
        for fact in [PLACED, *(claim(n) for n in range(1, 10))]:
            news = await asyncio.gather(*(booker.book(heard([fact, fact])) for booker in bookers))
            assert sorted(news) == [0, 0, 0, 0, 0, 1]


@in_loop
async def test_P6_equal_messages_journaled_at_once_in_opposite_orders_are_kept_once(dsn: str) -> None:
    async with connected(dsn) as one, connected(dsn) as other, connected(dsn) as holder:
        wallet_id = (await acquire(one, WALLET)).wallet_id
        messages = [RawMessage(b'{"n":%d}' % n, "test", "here", 1) for n in range(400)]
        transaction = holder.transaction()
        await transaction.start()
        # Each has a half of the messages in hand and waits; now it matters in which order they go for the rest.
        await journal.append(holder, wallet_id, [messages[200]])
        there = asyncio.create_task(journal.append(one, wallet_id, messages))
        back = asyncio.create_task(journal.append(other, wallet_id, messages[::-1]))

        async def both_wait() -> bool:
            async with connected(dsn) as look:
                return await look.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") == 2

        await until(both_wait, "both wait")
        await transaction.commit()
        ids = [raw_id for raw_id, _ in await there]
        assert ids == [raw_id for raw_id, _ in await back][::-1]
        assert await one.fetchval("SELECT count(*) FROM raw_message") == len(set(ids)) == 400


# --- leases -----------------------------------------------------------------------------------------------------------


@in_loop
async def test_an_exclusive_lease_refuses_every_other_writer_and_names_the_holder(dsn: str) -> None:
    async with connected(dsn) as one, connected(dsn) as other:
        lease = await acquire(one, ADDRESS.upper().replace("0X", "0x"), exclusive=True)
        assert (lease.address, lease.epoch, lease.exclusive) == (ADDRESS, 1, True)
        for exclusive in (True, False):
            with pytest.raises(LeaseHeldError) as caught:
                await acquire(other, ADDRESS, exclusive=exclusive)
            assert this_process() in str(caught.value)
            assert "wait, stop it, or use --take-over" in str(caught.value)
        await acquire(other, "0x" + "b2" * 20, exclusive=True)


@in_loop
async def test_importers_share_a_wallet_and_keep_an_exclusive_writer_out(dsn: str) -> None:
    async with connected(dsn) as one, connected(dsn) as other, connected(dsn) as third:
        assert await acquire(one, ADDRESS) == await acquire(other, ADDRESS)
        with pytest.raises(LeaseHeldError, match=re.escape(this_process())):
            await acquire(third, ADDRESS, exclusive=True)
        assert (await head_of(third, await wallet_id_of(third, ADDRESS)))[1] == 0, "a refusal changes no epoch"


@pytest.mark.parametrize("exclusive", [True, False])
def test_R1_a_writer_whose_lease_was_taken_over_is_refused_by_its_epoch(dsn: str, exclusive: bool) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as one, connected(dsn) as reader, connected(dsn) as other, connected(dsn) as look:
            old = await acquire(one, ADDRESS, exclusive=exclusive)
            evicted = Booker(one, reader, old)
            await evicted.book(heard([PLACED]))
            new = await acquire(other, ADDRESS, exclusive=exclusive, take_over=True)
            assert new.epoch == old.epoch + 1
            before = await stored(look, old.wallet_id), await head_of(look, old.wallet_id)
            for _ in range(2):
                with pytest.raises(LeaseLostError, match=f"lease lost: expected epoch {old.epoch}, was {new.epoch}"):
                    await evicted.book(heard([claim(1_000_000)]))
            assert before == (await stored(look, old.wallet_id), await head_of(look, old.wallet_id))
            assert await look.fetchval("SELECT count(*) FROM log") == 1
            assert await Booker(other, look, new).book(heard([claim(1_000_000)])) == 1
            assert (await verify(look, old.wallet_id)).holds

    run()


@in_loop
async def test_a_writer_taken_over_between_its_read_and_its_booking_is_refused(dsn: str) -> None:
    async with connected(dsn) as one, connected(dsn) as reader, connected(dsn) as other, connected(dsn) as look:
        old = await acquire(one, ADDRESS, exclusive=True)
        booker = Booker(one, reader, old)
        await booker.book(heard([PLACED]))
        transaction = other.transaction()
        await transaction.start()
        await acquire(other, ADDRESS, exclusive=True, take_over=True)
        booking = asyncio.create_task(booker.book(heard([claim(1)])))
        await until(lambda: is_waiting(look), "the old writer's booking waits for the one that takes over")
        await transaction.commit()
        with pytest.raises(LeaseLostError):
            await booking
        assert await look.fetchval("SELECT count(*) FROM log") == 1


_HOLDER = """
import asyncio, sys
import asyncpg
from tieout.store.wallets import acquire

async def hold():
    connection = await asyncpg.connect(sys.argv[1])
    await acquire(connection, sys.argv[2], exclusive=True)
    print("held", flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""


def _hold_lease(dsn: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _HOLDER, dsn, ADDRESS], stdout=subprocess.PIPE, text=True)


@in_loop
async def test_a_lease_ends_with_the_process_that_held_it(dsn: str) -> None:
    process = _hold_lease(dsn)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    async with connected(dsn) as connection:
        with pytest.raises(LeaseHeldError, match=f"pid {process.pid}: wait"):
            await acquire(connection, ADDRESS, exclusive=True)
        process.kill()
        process.communicate()

        async def is_free() -> bool:
            try:
                lease = await acquire(connection, ADDRESS, exclusive=True)
            except LeaseHeldError:
                return False
            return lease.epoch == 2

        await until(is_free, "the lease of the dead process ends")


@in_loop
async def test_a_lease_ends_with_its_connection(dsn: str) -> None:
    async with connected(dsn) as one, connected(dsn) as other:
        await acquire(one, ADDRESS, exclusive=True)
        await one.close()
        assert (await acquire(other, ADDRESS, exclusive=True)).epoch == 2


@in_loop
async def test_a_booking_canceled_while_it_waits_leaves_nothing_and_can_be_made_again(dsn: str) -> None:
    async with booker_of(dsn) as booker, connected(dsn) as other, connected(dsn) as look:
        await booker.book(heard([PLACED]))
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM wallet FOR UPDATE")
        booking = asyncio.create_task(booker.book(heard([claim(1)])))
        await until(lambda: is_waiting(look), "the booking waits for the row")
        booking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await booking
        await transaction.rollback()
        wallet_id = await wallet_id_of(look, ADDRESS)
        await booker.book(heard([claim(1)]))
        assert await stored(look, wallet_id) == in_memory([PLACED, claim(1)])
        assert (await verify(look, wallet_id)).entries == 2


@in_loop
async def test_several_processes_may_bring_an_empty_database_to_the_newest_schema_at_once(server) -> None:
    async with connected(server.dsn()) as connection:
        await connection.execute("CREATE DATABASE empty_one")
    await asyncio.gather(*(migrate(server.dsn("empty_one")) for _ in range(4)))
    async with connected(server.dsn("empty_one")) as connection:
        assert await connection.fetchval("SELECT count(*) FROM wallet") == 0
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO alembic_version SELECT * FROM alembic_version")
