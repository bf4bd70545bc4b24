"""What the worker keeps beside the books: quote history, controls, watermarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from store.operations import leased
from support.database import ADDRESS, connected, in_loop, until
from tieout.ledger.facts import Side
from tieout.store import controls, quotes, watermarks
from tieout.store.controls import Actor, Command, Control, ControlHeldError, Lift, State
from tieout.store.quotes import QuoteEvent, QuoteEventKind
from tieout.store.watermarks import Watermark

MARKET = "0x" + "c1" * 32
OTHER = "0x" + "c2" * 32
PLACED = QuoteEvent(
    at_ms=1_000,
    condition_id=MARKET,
    token_id="11",
    outcome_index=0,
    side=Side.BUY,
    tier=0,
    price=480_000,
    size=20_000_000,
    order_id="0xaa",
    event=QuoteEventKind.PLACED,
    dry=False,
    reason="wanted, not resting",
)
PAUSE = Command(MARKET, State.PAUSED, "news tonight", "ada", Actor.PERSON)
RESUME = replace(PAUSE, state=State.ACTIVE, reason="news are out", who="bob")
HALT = Command(MARKET, State.HALTED, "I2: 5 shares without a cause", "invariant I2", Actor.INVARIANT)
STALE = Command(MARKET, State.PAUSED, "the CLOB does not answer", "worker", Actor.WORKER)
FRESH = replace(STALE, state=State.ACTIVE, reason="the CLOB answers again")


# --- quotes -----------------------------------------------------------------------------------------------------------


@in_loop
async def test_quotes_are_kept_in_their_order_and_found_by_market_and_by_order(dsn: str) -> None:
    life = [
        PLACED,
        replace(PLACED, at_ms=1_000, order_id="0xbb", tier=1, price=470_000),
        replace(PLACED, at_ms=1_000, condition_id=OTHER, token_id="21", order_id="0xcc"),
        replace(PLACED, at_ms=2_000, event=QuoteEventKind.PARTIAL_FILL, size=5_000_000, reason=""),
        replace(PLACED, at_ms=1_500, event=QuoteEventKind.CANCELLED, size=15_000_000, tier=None, reason="fair moved"),
        replace(PLACED, order_id="", dry=True, side=Side.SELL, outcome_index=1),
    ]
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        await quotes.append(connection, wallet, life[:4])
        await quotes.append(connection, wallet, [])
        await quotes.append(connection, wallet, life[4:])
        assert await quotes.of_market(connection, wallet, MARKET) == [life[5], life[4], life[3], life[1], life[0]]
        assert await quotes.of_market(connection, wallet, MARKET, limit=2) == [life[5], life[4]]
        assert await quotes.of_order(connection, wallet, "0xaa") == [life[0], life[3], life[4]]
        assert await quotes.of_order(connection, wallet, "") == []
        assert await quotes.of_wallet(connection, wallet) == life[::-1]
        assert await quotes.of_wallet(connection, wallet + 1) == []


@in_loop
async def test_a_batch_of_quotes_with_one_that_is_refused_is_not_kept_at_all(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        with pytest.raises(asyncpg.CheckViolationError, match="quote_price_between_0_and_1"):
            await quotes.append(connection, lease.wallet_id, [PLACED, replace(PLACED, price=0)])
        assert await quotes.of_wallet(connection, lease.wallet_id) == []


@in_loop
async def test_both_ways_to_the_quotes_have_an_index(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        many = [replace(PLACED, condition_id=f"0x{n % 200:064x}", order_id=f"0x{n:064x}") for n in range(20_000)]
        await quotes.append(connection, lease.wallet_id, many)
        await connection.execute("ANALYZE quote_event")
        for where, index in (
            (f"condition_id = '0x{7:064x}' ORDER BY seq DESC LIMIT 100", "quote_event_of_market"),
            (f"order_id = '0x{7:064x}' AND order_id <> '' ORDER BY seq LIMIT 100", "quote_event_of_order"),
        ):
            plan = await connection.fetch(f"EXPLAIN SELECT * FROM quote_event WHERE wallet_id = 1 AND {where}")
            assert index in str(plan), plan
            assert "Sort" not in str(plan), plan


@pytest.mark.parametrize("table", ["quote_event", "control_event"])
@pytest.mark.parametrize("change", ["UPDATE {} SET reason = 'other'", "DELETE FROM {}", "TRUNCATE {}"])
def test_histories_cannot_be_changed(dsn: str, table: str, change: str) -> None:
    @in_loop
    async def run() -> None:
        async with leased(dsn) as (connection, lease):
            await quotes.append(connection, lease.wallet_id, [PLACED])
            await controls.set_state(connection, lease.wallet_id, PAUSE, 1)
            with pytest.raises(asyncpg.PostgresError, match=f"{table} is append-only: {change.split()[0]} refused"):
                await connection.execute(change.format(table))
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1

    run()


# --- controls ---------------------------------------------------------------------------------------------------------


@in_loop
async def test_what_nobody_set_is_active_and_resuming_it_changes_nothing(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        assert await controls.state_of(connection, wallet, MARKET) == Control(MARKET)
        assert not await controls.set_state(connection, wallet, RESUME, 1)
        assert await controls.all_controls(connection, wallet) == []
        assert await controls.history(connection, wallet) == []


@in_loop
async def test_the_stricter_of_wallet_and_market_decides(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        assert await controls.set_state(connection, wallet, PAUSE, 10)
        paused = Control(MARKET, State.PAUSED, "news tonight", "ada", 10, Lift.PERSON)
        assert await controls.state_of(connection, wallet, MARKET) == paused
        assert (await controls.state_of(connection, wallet, OTHER)).state is State.ACTIVE
        assert (await controls.state_of(connection, wallet, "")).state is State.ACTIVE
        whole = replace(PAUSE, condition_id="", state=State.HALTED, reason="holidays")
        assert await controls.set_state(connection, wallet, whole, 20)
        halted = Control("", State.HALTED, "holidays", "ada", 20, Lift.PERSON)
        for condition in (MARKET, OTHER, ""):
            assert await controls.state_of(connection, wallet, condition) == halted
        assert await controls.all_controls(connection, wallet) == [halted, paused]
        await controls.set_state(connection, wallet, replace(whole, state=State.ACTIVE, reason="back"), 30)
        assert await controls.state_of(connection, wallet, MARKET) == paused


@in_loop
async def test_a_halt_by_an_invariant_is_lifted_by_a_person_with_force_only(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        assert await controls.set_state(connection, wallet, HALT, 10)
        milder = replace(PAUSE, reason="only paused, then")
        for refused in (FRESH, replace(FRESH, force=True), replace(HALT, state=State.ACTIVE), RESUME, milder):
            with pytest.raises(ControlHeldError, match=r"halted by invariant I2 .*only a person with force") as caught:
                await controls.set_state(connection, wallet, refused, 20)
            assert caught.value.lift is Lift.FORCE
        for at_least in (STALE, replace(HALT, state=State.PAUSED)):
            assert not await controls.set_state(connection, wallet, at_least, 25), "paused at least: it is halted"
        assert (await controls.state_of(connection, wallet, MARKET)).at_ms == 10
        assert await controls.set_state(connection, wallet, replace(RESUME, force=True), 30)
        assert (await controls.state_of(connection, wallet, MARKET)).state is State.ACTIVE
        last, first = await controls.history(connection, wallet)
        assert (first.before, first.state, first.actor, first.forced) == ("active", "halted", "invariant", False)
        assert (last.before, last.state, last.who, last.actor, last.forced) == (
            *("halted", "active", "bob", "person"),
            True,
        )


@in_loop
async def test_a_worker_lifts_what_workers_set_and_nothing_of_a_person(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        await controls.set_state(connection, wallet, STALE, 1)
        assert await controls.set_state(connection, wallet, FRESH, 2)
        await controls.set_state(connection, wallet, PAUSE, 3)
        with pytest.raises(ControlHeldError, match=r"paused by ada .news tonight.: only a person may lift that"):
            await controls.set_state(connection, wallet, FRESH, 4)
        assert not await controls.set_state(connection, wallet, STALE, 5), "the reason of the person stays"
        assert (await controls.state_of(connection, wallet, MARKET)).reason == "news tonight"


@in_loop
async def test_tightening_leaves_the_hold_as_firm_as_it_was(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        await controls.set_state(connection, wallet, PAUSE, 1)
        assert await controls.set_state(connection, wallet, replace(STALE, state=State.HALTED), 2)
        assert (await controls.state_of(connection, wallet, MARKET)).lift is Lift.PERSON
        with pytest.raises(ControlHeldError):
            await controls.set_state(connection, wallet, FRESH, 3)
        await controls.set_state(connection, wallet, HALT, 4)
        assert (await controls.state_of(connection, wallet, MARKET)).lift is Lift.FORCE
        assert await controls.set_state(connection, wallet, replace(PAUSE, reason="half", force=True), 5)
        assert (await controls.state_of(connection, wallet, MARKET)).lift is Lift.PERSON


@in_loop
async def test_the_same_again_is_no_change(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        for command in (PAUSE, HALT):
            assert await controls.set_state(connection, lease.wallet_id, command, 1)
            assert not await controls.set_state(connection, lease.wallet_id, command, 2)
        another = replace(HALT, reason="I2: 7 shares without a cause")
        assert await controls.set_state(connection, lease.wallet_id, another, 3)
        assert len(await controls.history(connection, lease.wallet_id)) == 3


@asynccontextmanager
async def listening(dsn: str) -> AsyncIterator[asyncio.Queue[str]]:
    """What is announced on channel `tieout` from now on."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with connected(dsn) as connection:
        await connection.add_listener("tieout", lambda *told: heard.put_nowait(told[-1]))
        yield heard


@in_loop
async def test_every_change_is_announced_when_it_is_committed_and_nothing_else_is(dsn: str) -> None:
    async with leased(dsn) as (connection, lease), listening(dsn) as heard:
        wallet = lease.wallet_id
        async with connection.transaction():
            await controls.set_state(connection, wallet, PAUSE, 1)
            assert heard.empty()
        assert await heard.get() == f"{ADDRESS} control {MARKET}"
        await controls.set_state(connection, wallet, PAUSE, 2)
        with pytest.raises(ControlHeldError):
            await controls.set_state(connection, wallet, FRESH, 3)
        undone = connection.transaction()
        await undone.start()
        await controls.set_state(connection, wallet, HALT, 4)
        await undone.rollback()
        await controls.set_state(connection, wallet, replace(HALT, condition_id=""), 5)
        assert await heard.get() == f"{ADDRESS} control ", "none of the four in between"
        assert heard.empty()


@in_loop
async def test_two_connections_at_once_take_turns_and_the_firmer_one_stands(dsn: str) -> None:
    async with leased(dsn) as (connection, lease), connected(dsn) as other, connected(dsn) as watcher:
        wallet = lease.wallet_id
        await controls.set_state(connection, wallet, PAUSE, 0)
        first = connection.transaction()
        await first.start()
        await controls.set_state(connection, wallet, HALT, 1)
        second = asyncio.create_task(controls.set_state(other, wallet, RESUME, 2))
        waiting = (
            "SELECT EXISTS (SELECT FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT set_control%')"
        )
        await until(lambda: watcher.fetchval(waiting), "the second to wait for the first")
        await first.commit()
        with pytest.raises(ControlHeldError, match="halted by invariant I2"):
            await second
        assert [event.state for event in await controls.history(other, wallet)] == [State.HALTED, State.PAUSED]


# --- watermarks -------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_watermark_never_goes_back_unless_forced(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        assert await watermarks.get(connection, wallet, "trades") is None
        assert await watermarks.put(connection, wallet, "trades", Watermark("999", 10))
        assert await watermarks.put(connection, wallet, "trades", Watermark("1000", 5)), "a number, not a word"
        assert not await watermarks.put(connection, wallet, "trades", Watermark("999", 20))
        assert await watermarks.get(connection, wallet, "trades") == Watermark("1000", 5)
        assert await watermarks.put(connection, wallet, "trades", Watermark("7", 30), forced=True)
        assert await watermarks.get(connection, wallet, "trades") == Watermark("7", 30)
        assert await watermarks.get(connection, wallet, "blocks") is None
        assert await watermarks.get(connection, wallet + 1, "trades") is None


@in_loop
async def test_cursors_have_no_order_but_that_of_their_reading(dsn: str) -> None:
    async with leased(dsn) as (connection, lease):
        wallet = lease.wallet_id
        assert await watermarks.put(connection, wallet, "orders", Watermark("MTAw", 10))
        assert await watermarks.put(connection, wallet, "orders", Watermark("LTE=", 20))
        assert not await watermarks.put(connection, wallet, "orders", Watermark("MTAw", 19))
        assert await watermarks.put(connection, wallet, "orders", Watermark("5", 20))
        assert await watermarks.get(connection, wallet, "orders") == Watermark("5", 20)


@in_loop
async def test_two_readers_at_once_leave_the_farther_watermark(dsn: str) -> None:
    async with leased(dsn) as (connection, lease), connected(dsn) as other:

        async def read(one: asyncpg.Connection, start: int) -> None:
            for block in range(start, 100, 2):
                await watermarks.put(one, lease.wallet_id, "blocks", Watermark(str(block), 1))

        await asyncio.gather(read(connection, 0), read(other, 1))
        assert await watermarks.get(connection, lease.wallet_id, "blocks") == Watermark("99", 1)
