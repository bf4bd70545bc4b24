"""The log and the state: refusals by the database itself, bookings whole or not at all, and tampering found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from oracle.history import life, observe
from support.database import ADDRESS, booker_of, connected, heard, in_loop, in_memory, stored
from tieout.app.history import Verification, verify
from tieout.intake import cache
from tieout.intake.booking import Booker
from tieout.ledger.facts import AnyFact, OutcomeTokenListed, PositionsConverted, encode
from tieout.ledger.rows import BookRows, MovementRow, OrderRow, PositionRow
from tieout.store import log
from tieout.store.errors import BrokenInvariantError, StaleHeadError, StoreError
from tieout.store.wallets import Lease, acquire, head_of, wallet_id_of

FACTS = sorted(observe(life(3, 40), 3), key=lambda fact: isinstance(fact, PositionsConverted))
"""A life with every table in use (see `test_the_life_used_here_fills_every_table`); the last facts join books."""

POSITION = PositionRow("11", "0xc1", 0, 10_000_000, 5_000_000, 0, 0, 5_000_000, 0, 0, 0, 0, 0)
ORDER = OrderRow("0x01", "11", "0xc1", "BUY", 500_000, 10_000_000, "GTC", 1, "live", 0, 0, 0, 0, 0, "")
MOVEMENT = MovementRow(
    "fill/t/0x01", "buy", 1, 0, "11", "0xc1", 10_000_000, 5_000_000, 10_000, -5_010_000, "CONFIRMED", "TAKER", "0x01",
    "0xaa", "",
)  # fmt: skip


async def booked(dsn: str, facts: Sequence[AnyFact] = FACTS, address: str = ADDRESS) -> int:
    """A wallet with *facts* in its books; its id."""
    async with booker_of(dsn, address) as booker, connected(dsn) as connection:
        for at in range(0, len(facts), 25):
            await booker.book(heard(facts[at : at + 25]))
        wallet_id = await wallet_id_of(connection, address)
        assert wallet_id is not None
        return wallet_id


async def everything(connection: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    """Every row of every table that a booking can change."""
    tables = ("wallet", "log", "node", "book_join", "positions", "orders", "movements")
    return {table: await connection.fetch(f"SELECT * FROM {table} ORDER BY {table}") for table in tables}


@in_loop
async def test_the_life_used_here_fills_every_table(dsn: str) -> None:
    await booked(dsn)
    async with connected(dsn) as connection:
        assert all((await everything(connection)).values())


# --- the database refuses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["log", "raw_message"])
@pytest.mark.parametrize("change", ["UPDATE {} SET source = 'other'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_L2_the_log_and_the_journal_cannot_be_changed(dsn: str, table: str, change: str) -> None:
    @in_loop
    async def run() -> None:
        await booked(dsn)
        async with connected(dsn) as connection:
            await connection.execute(
                "INSERT INTO raw_message (wallet_id, received_at_ms, source, origin, body, digest) "
                "VALUES (1, 1, 'test', 'here', 'x', decode(repeat('00', 16), 'hex'))"
            )
            before = await connection.fetch(f"SELECT * FROM {table}")
            with pytest.raises(asyncpg.PostgresError, match=f"{table} is append-only: {change.split()[0]} refused"):
                await connection.execute(change.format(table))
            assert await connection.fetch(f"SELECT * FROM {table}") == before

    run()


@in_loop
async def test_F2_a_fact_is_logged_once_by_its_digest(dsn: str) -> None:
    wallet_id = await booked(dsn)
    async with connected(dsn) as connection:
        (top,) = await connection.fetchrow("SELECT max(seq) FROM log")
        with pytest.raises(asyncpg.UniqueViolationError) as caught:
            await connection.execute(
                "INSERT INTO log SELECT wallet_id, $1, book, occurred_at_ms, received_at_ms, raw_id, source, fact, "
                "digest, hash FROM log WHERE seq = 5",
                top + 1,
            )
        assert caught.value.constraint_name == "log_fact_once"
        other = await booked(dsn, FACTS[:10], "0x" + "b2" * 20)
        assert other != wallet_id, "another wallet may have the same facts"


@in_loop
async def test_F2_a_unique_violation_of_a_booking_is_a_result_and_leaves_nothing(dsn: str) -> None:
    wallet_id = await booked(dsn)
    async with connected(dsn) as connection:
        lease = await acquire(connection, ADDRESS)
        before = await everything(connection)
        head, _, next_book = await head_of(connection, wallet_id)
        known = encode(FACTS[0])
        entry = (wallet_id, head.seq + 1, 1, 0, 1, 1, "test", known.decode(), log.fact_digest(known), bytes(32))
        with pytest.raises(StaleHeadError, match="log_fact_once"):
            await log.write(connection, lease, log.Booking(head, next_book, [entry], [], []))
        assert await everything(connection) == before


@pytest.mark.parametrize(
    ("table", "row", "constraint"),
    [
        ("movements", MOVEMENT, "f2_one_movement_an_event"),
        ("orders", ORDER, "orders_pkey"),
        ("positions", POSITION, "positions_pkey"),
    ],
)
def test_O4_one_row_for_each_order_movement_and_position(dsn: str, table: str, row: tuple, constraint: str) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            wallet_id = (await acquire(connection, ADDRESS)).wallet_id
            places = ", ".join(f"${n}" for n in range(1, len(row) + 2))
            await connection.execute(f"INSERT INTO {table} VALUES ({places})", wallet_id, *row)
            with pytest.raises(asyncpg.UniqueViolationError) as caught:
                await connection.execute(f"INSERT INTO {table} VALUES ({places})", wallet_id, *row)
            assert caught.value.constraint_name == constraint

    run()


@dataclass(frozen=True)
class Planted:
    """A row that must not be in the books, and the constraint that keeps it out."""

    constraint: str
    row: PositionRow | OrderRow | MovementRow


PLANTED = [
    Planted("i3_inventory_not_negative", POSITION._replace(shares=-1, cost_basis=0, realized_pnl=-5_000_000)),
    Planted("c3_cost_not_negative", POSITION._replace(cost_basis=-1, bought=-1)),
    Planted("c4_nothing_held_costs_nothing", POSITION._replace(shares=0)),
    Planted("c2_books_balance", POSITION._replace(bought=5_000_001)),
    Planted("c2_books_balance", POSITION._replace(sold=1)),
    Planted("c2_books_balance", POSITION._replace(realized_pnl=1)),
    Planted("c2_books_balance", POSITION._replace(unexplained_proceeds=1)),
    Planted("positions_unexplained_shares_check", POSITION._replace(unexplained_shares=-1)),
    Planted("positions_token_id_check", POSITION._replace(token_id="")),
    Planted("o3_closed_only_when_booked", ORDER._replace(state="closed", claimed=5, provisional=5)),
    Planted("gap_rule", ORDER._replace(provisional=1)),
    Planted("gap_rule", ORDER._replace(claimed=7)),
    Planted("orders_claimed_check", ORDER._replace(claimed=-1)),
    Planted("orders_filled_check", ORDER._replace(filled=-1, provisional=1)),
    Planted("orders_state_check", ORDER._replace(state="CLOSED")),
    Planted("orders_side_check", ORDER._replace(side="buy")),
    Planted("orders_order_id_check", ORDER._replace(order_id="")),
    Planted("f4_price_between_0_and_1", ORDER._replace(price=0)),
    Planted("f4_price_between_0_and_1", ORDER._replace(price=1_000_000)),
    Planted("f4_buy_and_sell_cash", MOVEMENT._replace(cash=5_010_000)),
    Planted("f4_buy_and_sell_cash", MOVEMENT._replace(kind="sell")),
    Planted("f4_buy_and_sell_cash", MOVEMENT._replace(fee=10_001)),
    Planted("f4_buy_and_sell_cash", MOVEMENT._replace(collateral=-5_000_000, cash=4_990_000)),
    Planted("movements_shares_check", MOVEMENT._replace(shares=-1)),
    Planted("movements_key_check", MOVEMENT._replace(key="")),
]


def _with_row(booking: log.Booking, wallet_id: int, row: PositionRow | OrderRow | MovementRow) -> log.Booking:
    lists: dict[type, list[Any]] = {
        PositionRow: booking.positions,
        OrderRow: booking.orders,
        MovementRow: booking.movements,
    }
    lists[type(row)].append((wallet_id, *row))
    return booking


def _empty_booking(head: log.Head, next_book: int) -> log.Booking:
    return log.Booking(head, next_book, [], [], [])


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p.constraint}-{PLANTED.index(p)}")
def test_I3_C2_C3_C4_F4_O3_a_row_that_breaks_an_invariant_is_refused_with_all_of_its_booking(
    dsn: str, planted: Planted
) -> None:
    @in_loop
    async def run() -> None:
        async with connected(dsn) as connection:
            lease = await acquire(connection, ADDRESS)
            head, _, next_book = await head_of(connection, lease.wallet_id)
            for sound in (POSITION, ORDER, MOVEMENT):
                await log.write(connection, lease, _with_row(_empty_booking(head, next_book), lease.wallet_id, sound))
            before = await everything(connection)
            body = b'{"kind":"x"}'
            entry = (lease.wallet_id, 1, 1, 0, 1, 1, "test", body.decode(), log.fact_digest(body), bytes(32))
            booking = log.Booking(head, next_book + 1, [entry], [(lease.wallet_id, "t:9", 1)], [])
            for row in (POSITION, ORDER, MOVEMENT, planted.row):
                _with_row(booking, lease.wallet_id, row)
            for rows in (booking.positions, booking.orders, booking.movements):
                del rows[:-1]  # the planted one where it belongs: a row is written once in a booking
            with pytest.raises(BrokenInvariantError, match=planted.constraint):
                await log.write(connection, lease, booking)
            assert await everything(connection) == before

    run()


# --- whole or not at all ----------------------------------------------------------------------------------------------

BOOM = "the disk is on fire"


@pytest.mark.parametrize("table", ["wallet", "log", "node", "book_join", "positions", "orders", "movements"])
@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
def test_P4_a_booking_that_fails_in_any_table_leaves_nothing_and_the_next_try_books_all(
    dsn: str, table: str, moment: str
) -> None:
    @in_loop
    async def run() -> None:
        half = len(FACTS) // 2
        async with booker_of(dsn) as booker, connected(dsn) as connection:
            await booker.book(heard(FACTS[:half]))
            wallet_id = await wallet_id_of(connection, ADDRESS)
            before = await everything(connection)
            await connection.execute(
                f"CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{BOOM}'; END $$; "
                f"CREATE TRIGGER boom {moment} INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION boom()"
            )
            for _ in range(2):
                with pytest.raises(StoreError, match=BOOM):
                    await booker.book(heard(FACTS[half:]))
                assert await everything(connection) == before
            assert (await verify(connection, wallet_id)).holds
            await connection.execute(f"DROP TRIGGER boom ON {table}")
            assert await booker.book(heard(FACTS[half:])) > 0
            assert await stored(connection, wallet_id) == in_memory(FACTS)
            assert (await verify(connection, wallet_id)).holds

    run()


@in_loop
async def test_P2_confirming_a_fill_and_the_inventory_are_one_transaction(dsn: str) -> None:
    """Every state another connection ever sees is the fold of the log it sees with it."""
    async with booker_of(dsn) as booker, connected(dsn) as reader:
        seen: set[int] = set()
        done = asyncio.Event()

        async def work() -> None:
            for fact in FACTS:
                await booker.book(heard([fact]))
            done.set()

        working = asyncio.create_task(work())
        while not done.is_set():
            wallet_id = await wallet_id_of(reader, ADDRESS)
            found = await verify(reader, wallet_id)
            assert found.holds, (found.chain_breaks, found.differences)
            seen.add(found.entries)
            if working.done():
                break
        await working
        assert len(seen) > 5, "it was watched at work"


# --- tampering --------------------------------------------------------------------------------------------------------


async def tampered(dsn: str, *statements: str) -> Verification:
    """What `verify` finds after *statements* were run by somebody who may switch triggers off."""
    wallet_id = await booked(dsn)
    async with connected(dsn) as connection:
        assert (await verify(connection, wallet_id)).holds
        await connection.execute("ALTER TABLE log DISABLE TRIGGER log_is_append_only")
        for statement in statements:
            assert await connection.execute(statement) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}
        return await verify(connection, wallet_id)


@pytest.mark.parametrize(
    "change",
    [
        "fact = replace(fact, '}', ',\"occurred_at_ms\":1}')",
        "fact = fact || ' '",
        "received_at_ms = received_at_ms + 1",
        "raw_id = raw_id + 1",
        "source = 'somebody'",
        "hash = decode(repeat('00', 32), 'hex')",
    ],
)
def test_L2_a_changed_byte_of_the_log_is_found_and_named(dsn: str, change: str) -> None:
    found = asyncio.run(tampered(dsn, f"UPDATE log SET {change} WHERE seq = 17"))
    assert not found.holds
    assert found.chain_breaks[0] == "entry 17: its hash is not the one its content gives"
    assert len(found.chain_breaks) <= 2, "the entries before and long after it are not blamed"


@pytest.mark.parametrize(
    "change", ["fact = 'not a fact'", "fact = ''", 'fact = \'{"kind":"unheard_of"}\'', "fact = upper(fact)"]
)
def test_L2_an_entry_that_is_no_fact_any_more_is_found_and_named(dsn: str, change: str) -> None:
    found = asyncio.run(tampered(dsn, f"UPDATE log SET {change} WHERE seq = 17"))
    assert found.chain_breaks[0] == "entry 17: its hash is not the one its content gives"


@pytest.mark.parametrize("change", ["occurred_at_ms = occurred_at_ms + 1", "book = book + 1", "digest = sha256('x')"])
def test_L2_a_changed_column_beside_the_fact_is_found_and_named(dsn: str, change: str) -> None:
    change = change.replace("sha256('x')", "substr(sha256('x'), 1, 16)")
    found = asyncio.run(tampered(dsn, f"UPDATE log SET {change} WHERE seq = 17"))
    assert not found.holds
    assert any("17" in line for line in found.chain_breaks)


def test_L2_a_removed_entry_is_found_and_named(dsn: str) -> None:
    found = asyncio.run(tampered(dsn, "DELETE FROM log WHERE seq = 17"))
    assert found.chain_breaks[0] == "entry 17 is missing: the next one is 18"


def test_L2_removed_last_entries_are_found(dsn: str) -> None:
    found = asyncio.run(tampered(dsn, "DELETE FROM log WHERE seq > 30"))
    assert len(found.chain_breaks) == 1
    assert found.chain_breaks[0].endswith("the log ends at 30 or with another hash")


def test_L2_a_removed_last_entry_is_found_even_where_the_head_is_moved_back(dsn: str) -> None:
    """The chain cannot know of a log that was cut off with its head; the stored state still does."""
    found = asyncio.run(
        tampered(
            dsn,
            "DELETE FROM log WHERE seq > 30",
            "UPDATE wallet SET (head_seq, head_hash) = (SELECT seq, hash FROM log WHERE seq = 30)",
        )
    )
    assert not found.holds
    assert found.differences


def test_L2_swapped_entries_are_found_and_named(dsn: str) -> None:
    found = asyncio.run(
        tampered(
            dsn,
            "ALTER TABLE log DROP CONSTRAINT log_fact_once",
            "UPDATE log a SET (fact, digest, book) = (SELECT fact, digest, book FROM log b WHERE b.seq = 35 - a.seq) "
            "WHERE seq IN (17, 18)",
        )
    )
    assert found.chain_breaks[:2] == (
        "entry 17: its hash is not the one its content gives",
        "entry 18: its hash is not the one its content gives",
    )


def test_L2_an_entry_put_in_behind_the_end_is_found(dsn: str) -> None:
    found = asyncio.run(
        tampered(
            dsn,
            "INSERT INTO log SELECT wallet_id, (SELECT max(seq) + 1 FROM log), book, occurred_at_ms, received_at_ms, "
            'raw_id, source, \'{"kind":"market_noted","note":"x"}\', substr(sha256(\'x\'), 1, 16), hash '
            "FROM log WHERE seq = 17",
        )
    )
    assert any("its hash is not" in line for line in found.chain_breaks)
    assert any(line.startswith("the head says entry") for line in found.chain_breaks)


POSITION_COLUMNS = [
    "condition_id", "outcome_index", "shares", "realized_pnl", "fees", "bought", "unexplained_shares",
    "provisional_shares", "unsettled_shares", "token_id",
]  # fmt: skip
ORDER_COLUMNS = [
    "token_id", "condition_id", "price", "size", "order_type", "placed_at_ms", "state", "filled", "reason", "order_id",
]  # fmt: skip
MOVEMENT_COLUMNS = [
    "key", "kind", "occurred_at_ms", "chain_position", "token_id", "condition_id", "shares", "collateral", "fee",
    "cash", "status", "role", "order_id", "tx_hash", "legs",
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("positions", column) for column in POSITION_COLUMNS),
        *(("orders", column) for column in ORDER_COLUMNS),
        *(("movements", column) for column in MOVEMENT_COLUMNS),
    ],
)
def test_L1_a_changed_column_of_the_state_is_found(dsn: str, table: str, column: str) -> None:
    @in_loop
    async def run() -> None:
        wallet_id = await booked(dsn)
        async with connected(dsn) as connection:
            kind = await connection.fetchval(
                "SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = $2",
                table, column,
            )  # fmt: skip
            for (name,) in await connection.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'", table
            ):
                await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            value = f"{column} || 'x'" if kind == "text" else f"{column} + 1"
            one = f"ctid = (SELECT min(ctid) FROM {table})"
            assert await connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {one}") == "UPDATE 1"
            found = await verify(connection, wallet_id)
            assert not found.holds
            assert found.chain_breaks == ()
            assert len(found.differences) == 2
            assert found.differences[0].startswith("the log gives ")
            assert found.differences[1].startswith("stored ")

    run()


@pytest.mark.parametrize("table", ["positions", "orders", "movements"])
def test_L1_a_removed_row_and_an_invented_row_of_the_state_are_found(dsn: str, table: str) -> None:
    @in_loop
    async def run() -> None:
        wallet_id = await booked(dsn)
        row = {"positions": POSITION, "orders": ORDER, "movements": MOVEMENT}[table]
        async with connected(dsn) as connection:
            places = ", ".join(f"${n}" for n in range(1, len(row) + 2))
            await connection.execute(f"INSERT INTO {table} VALUES ({places})", wallet_id, *row)
            (line,) = (await verify(connection, wallet_id)).differences
            assert line == f"stored {row}, the log does not give it"
            assert await connection.execute(f"DELETE FROM {table} WHERE {row._fields[0]} = $1", row[0]) == "DELETE 1"
            assert (await verify(connection, wallet_id)).holds
            await connection.execute(f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})")
            (line,) = (await verify(connection, wallet_id)).differences
            assert line.startswith("the log gives ")
            assert line.endswith(", not stored")

    run()


# --- any batches, any evictions: the same books -----------------------------------------------------------------------


async def _random_bookings(
    connection: asyncpg.Connection, reader: asyncpg.Connection, lease: Lease, facts: Sequence[AnyFact], seed: int
) -> None:
    """Book *facts* in random order and batches, some of them again, with books evicted and caches dropped."""
    rng = random.Random(f"bookings/{seed}")
    told = [*facts, *rng.sample(facts, len(facts) // 3)]
    if seed % 3:
        rng.shuffle(told)
    booker = Booker(connection, reader, lease)
    at = 0
    while at < len(told):
        size = 1 if seed % 5 == 0 else rng.choice((1, 1, 2, 5, 20, 60))
        batch = heard(told[at : at + size], raw_id=at, at_ms=rng.randrange(1, 100))
        await (booker.book if rng.random() < 0.3 else booker.send)(batch)
        at += size
        if rng.random() < 0.1:
            await booker.land()
            booker.cache.drop()
        if rng.random() < 0.05:
            # The process ends and another one goes on.
            await booker.land()
            booker = Booker(connection, reader, lease)
    await booker.land()
    assert await booker.book(heard(facts)) == 0, "what is known is never new again"


@pytest.mark.parametrize("block", range(6))
def test_L1_any_batching_of_any_life_with_books_evicted_gives_the_books_in_memory(
    dsn: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FACTS_MAX", 30)
    monkeypatch.setattr(cache, "NODES_MAX", 40)

    @in_loop
    async def run() -> None:
        evicted = 0
        async with connected(dsn) as connection, connected(dsn) as reader:
            for seed in range(10 * block, 10 * block + 10):
                lease = await acquire(connection, f"0x{seed:040x}")
                facts = observe(life(seed, 40 + seed % 20, window=seed % 4 == 0), seed)
                await _random_bookings(connection, reader, lease, facts, seed)
                expected = in_memory(facts)
                found = await stored(connection, lease.wallet_id)
                for name, ours, theirs in zip(BookRows._fields, found, expected, strict=True):
                    assert ours == theirs, (seed, name)
                held = await verify(connection, lease.wallet_id)
                assert held.holds, (seed, held)
                evicted += held.entries > 30
            assert evicted == 10, "every life is larger than the cache"
            joins = await connection.fetchval("SELECT count(*) FROM book_join")
            assert joins > 0, "books were joined, too"

    run()


@in_loop
async def test_wallets_in_one_database_do_not_touch_each_other(dsn: str) -> None:
    first = await booked(dsn)
    async with connected(dsn) as connection:
        before = [row for row in (await everything(connection))["log"] if row["wallet_id"] == first]
        second = await booked(dsn, observe(life(9, 40), 9), "0x" + "b2" * 20)
        assert [row for row in (await everything(connection))["log"] if row["wallet_id"] == first] == before
        for wallet_id, facts in ((first, FACTS), (second, observe(life(9, 40), 9))):
            assert await stored(connection, wallet_id) == in_memory(facts)
            assert (await verify(connection, wallet_id)).holds


@in_loop
async def test_facts_that_say_nothing_new_write_nothing(dsn: str) -> None:
    wallet_id = await booked(dsn)
    async with booker_of(dsn) as booker, connected(dsn) as connection:
        before = await everything(connection)
        assert await booker.book(heard([*FACTS, *FACTS])) == 0
        assert await booker.book([]) == 0
        assert await everything(connection) == before
        fresh = OutcomeTokenListed(token_id="fresh", condition_id="0xfresh", outcome_index=0)
        assert await booker.book(heard([*FACTS, fresh, fresh])) == 1
        assert (await verify(connection, wallet_id)).holds
