"""The intake: messages in, books out; nothing lost, nothing twice, and a queue that forms batches under load."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from support import recording, worker
from support.database import connected, in_loop, in_memory, stored, until
from support.recording import OTHER, OWNER, WALLET
from tieout.app.history import verify
from tieout.app.importing import ImportRequest, import_files
from tieout.intake import intake as intake_module
from tieout.intake.intake import Incoming, Intake, IntakeQueue
from tieout.ledger.facts import encode
from tieout.sim.lives.cluster import fresh
from tieout.store.errors import LeaseLostError, StoreError
from tieout.store.wallets import acquire, wallet_id_of
from tieout.venue.decode import Identity, decode

IDENTITY = Identity(WALLET, frozenset((OWNER,)))
CONDITION = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
TOKEN = "21742633143463906290569050155826241533067272736897614950488156847949938836455"


def order(matched: str = "0", *, status: str = "LIVE", number: int = 1, **more: object) -> bytes:
    """A message of the user channel about one order of 10 shares at 0.40."""
    row = {
        "event_type": "order",
        "type": "UPDATE" if matched != "0" else "PLACEMENT",
        "id": f"0x{number:064x}",
        "owner": OWNER,
        "market": CONDITION,
        "asset_id": TOKEN,
        "side": "BUY",
        "original_size": "10",
        "size_matched": matched,
        "price": "0.40",
        "associate_trades": [f"trade-{number}"] if matched != "0" else [],
        "created_at": "1750000000",
        "order_type": "GTC",
        "status": status,
        "maker_address": WALLET,
        "timestamp": "1750000010000",
    }
    return json.dumps({**row, **more}).encode()


def trade(status: str, *, number: int = 1, size: str = "10", **more: object) -> bytes:
    """A message of the user channel about the trade that fills that order."""
    row = {
        "event_type": "trade",
        "type": "TRADE",
        "id": f"trade-{number}",
        "taker_order_id": "0xe1",
        "market": CONDITION,
        "asset_id": TOKEN,
        "side": "SELL",
        "size": size,
        "price": "0.40",
        "status": status,
        "match_time": "1750000010",
        "owner": "somebody-else",
        "maker_address": OTHER,
        "transaction_hash": f"0x{number:064x}",
        "trader_side": "MAKER",
        "maker_orders": [
            {
                "order_id": f"0x{number:064x}",
                "owner": OWNER,
                "maker_address": WALLET,
                "matched_amount": size,
                "price": "0.40",
                "asset_id": TOKEN,
                "side": "BUY",
            }
        ],
    }
    return json.dumps({**row, **more}).encode()


def incoming(body: bytes, source: str = "socket", broken: str = "") -> Incoming:
    return Incoming(body, source, "here", None, broken)


@dataclass
class Desk:
    """An intake of one wallet; `received_at_ms` of what it takes counts its batches."""

    intake: Intake
    connection: asyncpg.Connection
    """Another connection, to look."""
    wallet_id: int

    async def value(self, sql: str) -> object:
        return await self.connection.fetchval(sql)

    async def batches(self) -> list[int]:
        """How many messages each batch had."""
        found = await self.connection.fetch(
            "SELECT count(*) FROM raw_message GROUP BY received_at_ms ORDER BY min(raw_id)"
        )
        return [row[0] for row in found]


@asynccontextmanager
async def desk_of(dsn: str) -> AsyncIterator[Desk]:
    async with connected(dsn) as writer, connected(dsn) as reader, connected(dsn) as look:
        lease = await acquire(writer, WALLET)
        clock = itertools.count(1).__next__
        yield Desk(Intake(writer, reader, lease, IDENTITY, clock), look, lease.wallet_id)


# --- one intake -------------------------------------------------------------------------------------------------------


@in_loop
async def test_T1_a_claimed_match_is_provisional_at_once_and_settles_with_its_trade(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        steps = {
            order(): (0, 0, 0),
            order("4"): (0, 4_000_000, 0),
            trade("MATCHED", size="4"): (4_000_000, 0, 4_000_000),
            trade("CONFIRMED", size="4"): (4_000_000, 0, 0),
        }
        for body, expected in steps.items():
            await desk.intake.take([incoming(body)])
            row = await desk.connection.fetchrow(
                "SELECT COALESCE(sum(shares), 0)::bigint, COALESCE(sum(provisional_shares), 0)::bigint, "
                "COALESCE(sum(unsettled_shares), 0)::bigint FROM positions"
            )
            assert tuple(row) == expected
            assert (await verify(desk.connection, desk.wallet_id)).holds


@in_loop
async def test_P1_a_worker_killed_after_a_provisional_fill_settles_it_when_started_again(
    dsn: str, tmp_path: Path
) -> None:
    first, trades, never = tmp_path / "first.jsonl", tmp_path / "trades.jsonl", tmp_path / "never.jsonl"
    first.write_bytes(b"\n".join([order(), order("10"), order(), b""]))
    trades.write_bytes(trade("MATCHED") + b"\n" + trade("MINED") + b"\n" + trade("CONFIRMED") + b"\n")
    os.mkfifo(never)  # the worker, having booked what came before, waits in it for a message that never comes
    process = worker.start(dsn, [first, never], batch=1)
    async with connected(dsn) as connection:

        async def is_provisional() -> bool:
            assert process.poll() is None, process.ended()
            return await connection.fetchval("SELECT EXISTS (SELECT FROM orders WHERE provisional = 10000000)")

        await until(is_provisional, "the claim is booked as provisional")
        process.kill()
        process.ended()
        wallet_id = await wallet_id_of(connection, WALLET)
        assert (await verify(connection, wallet_id)).holds
        assert worker.result(worker.start(dsn, [first, trades], batch=1)) == 3
        row = await connection.fetchrow(
            "SELECT shares, cost_basis, provisional_shares, unsettled_shares FROM positions"
        )
        assert tuple(row) == (10_000_000, 4_000_000, 0, 0)
        assert (await verify(connection, wallet_id)).holds


@in_loop
async def test_P6_a_message_heard_again_from_any_source_books_nothing(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        bodies = [order(), order("10"), trade("MATCHED"), trade("CONFIRMED")]
        await desk.intake.take([incoming(body) for body in bodies])
        before = await stored(desk.connection, desk.wallet_id), await desk.value("SELECT count(*) FROM log")
        for source in ("socket", "poll", "import"):
            report = await desk.intake.take([incoming(body, source) for body in reversed(bodies)])
            assert (report.messages, report.new_facts) == (4, 0)
            assert report.facts > 4
        async with desk_of(dsn) as other:
            # The same trade told by REST is another message and the same fill.
            row = json.loads(trade("CONFIRMED"))
            del row["event_type"], row["type"]
            report = await other.intake.take([incoming(json.dumps(row).encode(), "poll"), *map(incoming, bodies)])
            assert (report.kinds["clob_trade"], report.new_facts) == (1, 0)
        assert before == (await stored(desk.connection, desk.wallet_id), await desk.value("SELECT count(*) FROM log"))
        assert await desk.value("SELECT count(*) FROM raw_message") == 5


@in_loop
async def test_R5_the_same_messages_taken_by_two_intakes_at_once_are_booked_once(dsn: str) -> None:
    async with desk_of(dsn) as one, desk_of(dsn) as other:
        for number in range(1, 15):
            told = [incoming(body) for body in (order(number=number), trade("MATCHED", number=number))]
            reports = await asyncio.gather(one.intake.take(told), other.intake.take(told))
            assert min(report.new_facts for report in reports) == 0
            assert max(report.new_facts for report in reports) in (2, 4)  # the first order lists its tokens, too
        assert await one.value("SELECT count(*) FROM raw_message") == 28
        assert await one.value("SELECT count(*) FROM movements") == 14
        assert (await verify(one.connection, one.wallet_id)).holds


@in_loop
async def test_a_message_that_cannot_be_read_is_kept_with_its_reason_and_takes_no_other_with_it(dsn: str) -> None:
    bad = {
        b'{"event_type": "order", ': "undecodable",
        b"\xff\xfe": "undecodable",
        b'{"event_type": "weather"}': "unknown_kind",
        order(price="1.5"): "undecodable",
        order(owner="x", maker_address=OTHER): "foreign",
    }
    async with desk_of(dsn) as desk:
        told = [incoming(order()), *map(incoming, bad), incoming(order("10")), incoming(b"[", broken="cut off")]
        report = await desk.intake.take(told)
        assert [trouble.code for trouble in report.troubles] == [*bad.values(), "undecodable"]
        assert [trouble.is_error for trouble in report.troubles] == [True, True, True, True, False, True]
        assert report.messages == len(told) == await desk.value("SELECT count(*) FROM raw_message")
        found = await desk.connection.fetch(
            "SELECT body, code, message FROM raw_problem JOIN raw_message USING (raw_id)"
        )
        assert {bytes(row["body"]): row["code"] for row in found} == {**bad, b"[": "undecodable"}
        assert all(row["message"] for row in found)
        assert await desk.value("SELECT provisional FROM orders") == 10_000_000
        again = await desk.intake.take(told)
        assert (again.new_facts, len(again.troubles)) == (0, len(report.troubles))
        assert await desk.value("SELECT count(*) FROM raw_problem") == len(bad) + 1


@in_loop
async def test_messages_that_all_fail_are_kept(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        report = await desk.intake.take([incoming(b"nonsense"), incoming(b"more nonsense")])
        assert (report.messages, report.facts, report.new_facts) == (2, 0, 0)
        assert await desk.value("SELECT count(*) FROM raw_problem") == 2
        assert await desk.value("SELECT head_seq FROM wallet") == 0


@in_loop
async def test_raw_messages_are_kept_when_the_booking_fails_and_booked_by_the_next_try(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        await desk.connection.execute(
            "CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$; "
            "CREATE TRIGGER boom BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION boom()"
        )
        with pytest.raises(StoreError, match="boom"):
            await desk.intake.take([incoming(order())])
        assert await desk.value("SELECT count(*) FROM raw_message") == 1
        assert await desk.value("SELECT count(*) FROM log") == 0
        await desk.connection.execute("DROP TRIGGER boom ON log")
        assert (await desk.intake.take([incoming(order())])).new_facts > 0
        assert await desk.value("SELECT count(*) FROM raw_message") == 1
        assert await desk.value("SELECT count(*) FROM orders") == 1


@in_loop
async def test_unknown_fields_and_statuses_are_counted_and_the_rest_is_booked(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        report = await desk.intake.take(
            [
                incoming(order(weather="fine")),
                incoming(order(weather="foul", number=2)),
                incoming(trade("TELEPORTED", number=3)),
            ]
        )
        expected = {"user_order field:weather": 2, "user_trade status:TELEPORTED": 1}
        assert dict(report.unknown) == expected
        rows = await desk.connection.fetch("SELECT kind || ' ' || what, times FROM unknown_seen")
        assert {row[0]: row[1] for row in rows} == expected
        first = await desk.value(
            "SELECT body FROM unknown_seen u JOIN raw_message m ON m.raw_id = u.raw_id WHERE what = 'field:weather'"
        )
        assert json.loads(bytes(first))["weather"] == "fine"  # type: ignore[arg-type]
        assert await desk.value("SELECT count(*) FROM orders") == 3


@in_loop
async def test_the_log_says_of_each_fact_which_message_it_is_from(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        told = [order(), order("10"), trade("MATCHED"), trade("CONFIRMED")]
        await desk.intake.take([incoming(body, f"source-{n}") for n, body in enumerate(told)])
        rows = await desk.connection.fetch(
            "SELECT fact, body, l.source AS source, l.received_at_ms "
            "FROM log l JOIN raw_message USING (raw_id) ORDER BY seq"
        )
        assert len(rows) > len(told)
        for row in rows:
            assert row["fact"] in [encode(fact).decode() for fact in decode(bytes(row["body"]), IDENTITY).facts]
            assert row["source"] == f"source-{told.index(bytes(row['body']))}"
            assert row["received_at_ms"] == 1


# --- importing --------------------------------------------------------------------------------------------------------


@in_loop
async def test_an_import_in_any_batch_size_gives_the_books_of_its_messages_in_memory(
    server, dsn: str, tmp_path: Path
) -> None:
    lines = recording.lines(21, 1_500, 12)
    (path,) = recording.write(tmp_path, lines, 1)
    expected = in_memory(fact for line in lines for fact in decode(line.encode(), IDENTITY).facts)
    for size in (1, 7, 100_000):
        await fresh(server.dsn(), f"batch_{size}")
        async with connected(server.dsn(f"batch_{size}")) as connection:
            steps: list[tuple[int, int]] = []
            request = ImportRequest(WALLET, frozenset((OWNER,)), (path,), batch=size)
            report = await import_files(
                server.dsn(f"batch_{size}"),
                request,
                lambda done, total, _: steps.append((done, total)),  # noqa: B023
            )
            wallet_id = await wallet_id_of(connection, WALLET)
            assert await stored(connection, wallet_id) == expected
            found = await verify(connection, wallet_id)
            assert found.holds
            assert (report.messages, report.new_facts) == (len(lines), found.entries)
            assert steps[-1] == (path.stat().st_size, path.stat().st_size)
            assert steps == sorted(steps)
            assert len(steps) >= len(lines) // size


# --- the queue --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def running(queue: IntakeQueue) -> AsyncIterator[asyncio.Task[None]]:
    """The queue at work for the time of the context."""
    task = asyncio.create_task(queue.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def blocked(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """No booking of any wallet gets through for the time of the context."""
    async with connected(dsn) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT FROM wallet FOR UPDATE")
        yield connection
        await transaction.rollback()


async def waits(dsn: str) -> None:
    """Return when a booking waits for its turn."""
    async with connected(dsn) as look:

        async def waiting() -> bool:
            return await look.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")

        await until(waiting, "a booking waits")


@in_loop
async def test_T4_a_message_alone_is_booked_at_once(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue):
            for number in range(1, 6):
                await queue.put(incoming(order(number=number)))
                assert await desk.value("SELECT count(*) FROM orders") == number, "booked when `put` returns"
            assert await desk.batches() == [1] * 5


@in_loop
async def test_T5_messages_that_come_while_a_batch_is_written_form_the_next_batch(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue):
            async with blocked(dsn):
                first = asyncio.create_task(queue.put(incoming(order(number=1))))
                await waits(dsn)
                rest = [asyncio.create_task(queue.put(incoming(order(number=n)))) for n in range(2, 42)]
                await asyncio.sleep(0)
                assert not first.done(), "nobody hears that a message is booked before it is"
            await asyncio.gather(first, *rest)
            assert await desk.value("SELECT count(*) FROM orders") == 41
            assert await desk.batches() == [1, 40]


@in_loop
async def test_T5_a_batch_has_a_largest_size_and_the_rest_follows_in_order(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "BATCH_MAX", 10)
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        puts = [asyncio.create_task(queue.put(incoming(order(number=n)))) for n in range(1, 36)]
        await asyncio.sleep(0)
        async with running(queue):
            await asyncio.gather(*puts)
        assert await desk.batches() == [10, 10, 10, 5]
        rows = await desk.connection.fetch("SELECT fact FROM log WHERE fact LIKE '%order_placed%' ORDER BY seq")
        assert [json.loads(row[0])["order_id"] for row in rows] == [f"0x{n:064x}" for n in range(1, 36)]


@in_loop
async def test_an_unreadable_message_is_no_error_of_the_queue(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue):
            await queue.put(incoming(b"nonsense"))
            await queue.put(incoming(order()))
        assert await desk.value("SELECT count(*) FROM raw_problem") == 1
        assert await desk.value("SELECT count(*) FROM orders") == 1


async def _evict(dsn: str) -> None:
    async with connected(dsn) as other:
        await acquire(other, WALLET, take_over=True)


@in_loop
async def test_R1_an_error_of_a_batch_reaches_everyone_who_waits_for_it_and_stops_the_queue(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue) as task:
            await queue.put(incoming(order(number=1)))
            await _evict(dsn)
            found = await asyncio.gather(
                *(queue.put(incoming(order(number=n))) for n in range(2, 12)), return_exceptions=True
            )
            assert [type(error) for error in found] == [LeaseLostError] * 10
            with pytest.raises(LeaseLostError):
                await task
        assert await desk.value("SELECT count(*) FROM orders") == 1
        assert await desk.value("SELECT count(*) FROM raw_message") == 11, "the journal has them for the next try"


@in_loop
async def test_an_error_also_reaches_those_whose_message_waited_behind_the_batch(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue) as task:
            await queue.put(incoming(order(number=1)))
            async with blocked(dsn) as blocker:
                first = asyncio.create_task(queue.put(incoming(order(number=2))))
                await waits(dsn)
                behind = asyncio.create_task(queue.put(incoming(order(number=3))))
                await asyncio.sleep(0)
                await blocker.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
            await asyncio.wait([first, task])
            with pytest.raises(Exception):  # noqa: B017
                await first
            done, _ = await asyncio.wait([behind], timeout=2)
            assert done, "it waits for a queue that is no more"
            assert behind.exception() is not None


@in_loop
async def test_a_message_put_to_a_queue_that_has_stopped_is_refused(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        await _evict(dsn)
        async with running(queue) as task:
            with pytest.raises(LeaseLostError):
                await queue.put(incoming(order(number=1)))
            await asyncio.wait([task])
            late = asyncio.create_task(queue.put(incoming(order(number=2))))
            done, _ = await asyncio.wait([late], timeout=2)
            late.cancel()
            assert done, "it waits for a queue that is no more"
            assert late.exception() is not None


@in_loop
async def test_somebody_who_stops_waiting_takes_nobody_with_him(dsn: str) -> None:
    async with desk_of(dsn) as desk:
        queue = IntakeQueue(desk.intake)
        async with running(queue) as task:
            async with blocked(dsn):
                first = asyncio.create_task(queue.put(incoming(order(number=1))))
                await waits(dsn)
                impatient = asyncio.create_task(queue.put(incoming(order(number=2))))
                third = asyncio.create_task(queue.put(incoming(order(number=3))))
                await asyncio.sleep(0)
                first.cancel()
                impatient.cancel()
                await asyncio.wait([first, impatient])
            await third
            assert not task.done()
            assert await desk.value("SELECT count(*) FROM orders") == 3, "what was handed over is booked"
