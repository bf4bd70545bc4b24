"""Virtual time: it jumps over waiting, stands still while anything real happens, and says why when it cannot go on."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from functools import wraps
from typing import Any, Self

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect as open_socket

from jobs.account import MILLION, House, house
from support.database import connected
from tieout.app.history import verify
from tieout.client.clock import LoopClock
from tieout.client.orders import OrderWanted
from tieout.ledger.facts import Side
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.scheduler import Scheduler
from tieout.sim.serve.clock import Clock
from tieout.sim.serve.server import Server, running
from tieout.sim.virtual.database import LOOKS_MAX, Conversation, Conversations, Hearing
from tieout.sim.virtual.loop import VirtualTimeError
from tieout.sim.virtual.run import run_virtual

WALL_S = 100.0
HOUR_S = 3_600.0


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test written as a coroutine, run in virtual time."""

    @wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        run_virtual(lambda: test(*args, **fixtures), wall_limit_s=WALL_S)

    return run


def now() -> float:
    return asyncio.get_running_loop().time()


# waiting


@in_virtual_time
async def test_waiting_takes_virtual_time_to_the_point():
    """Eighty days, for which the wall limit leaves no room in real time."""
    for hour in range(80 * 24):
        assert now() == hour * HOUR_S
        await asyncio.sleep(HOUR_S)


@in_virtual_time
async def test_sleeps_of_several_tasks_end_in_the_order_of_their_times():
    ended: list[tuple[float, str]] = []

    async def every(period_s: float, name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(period_s)
            ended.append((now(), name))

    await asyncio.gather(every(5.0, "slow"), every(2.0, "quick"), every(4.5, "middle"))
    assert ended == [
        (2.0, "quick"),
        (4.0, "quick"),
        (4.5, "middle"),
        (5.0, "slow"),
        (6.0, "quick"),
        (9.0, "middle"),
        (10.0, "slow"),
        (13.5, "middle"),
        (15.0, "slow"),
    ]


@in_virtual_time
async def test_a_time_out_fires_at_its_virtual_time():
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(2 * HOUR_S), HOUR_S)
    assert now() == HOUR_S


def test_the_result_and_the_error_of_the_coroutine_are_those_of_the_run():
    async def five() -> int:
        return 5

    async def fail() -> None:
        raise LookupError("no such thing")

    assert run_virtual(five, wall_limit_s=WALL_S) == 5
    with pytest.raises(LookupError, match="no such thing"):
        run_virtual(fail, wall_limit_s=WALL_S)


def test_tasks_and_generators_left_behind_are_ended():
    ended: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(HOUR_S)
            ended.append("generator")

    left: list[object] = []

    async def main() -> None:
        left.append(asyncio.create_task(wait_for_ever()))
        left.append(numbers())
        await anext(left[1])  # type: ignore[call-overload]

    run_virtual(main, wall_limit_s=WALL_S)
    assert ended == ["task", "generator"]


# what cannot go on


def test_a_deadlock_names_the_tasks_that_wait():
    async def waiter() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.sleep(7)
        await asyncio.create_task(waiter(), name="the one who waits")

    with pytest.raises(VirtualTimeError, match=r"deadlock at 7\.000 virtual seconds.*the one who waits at .*waiter"):
        run_virtual(main, wall_limit_s=WALL_S)


def test_more_real_time_than_allowed_is_an_error_that_says_where_it_went():
    async def main() -> None:
        for _ in range(10**9):
            await asyncio.sleep(0)

    with pytest.raises(VirtualTimeError, match=r"more than 0\.05 real seconds at 0\.000 virtual seconds.*main"):
        run_virtual(main, wall_limit_s=0.05)


def test_virtual_time_does_not_run_away():
    async def main() -> None:
        left = [asyncio.create_task(asyncio.Event().wait(), name="for ever")]
        while left:  # noqa: ASYNC110
            await asyncio.sleep(HOUR_S)

    with pytest.raises(VirtualTimeError, match=r"ends after 90 days.*for ever"):
        run_virtual(main, wall_limit_s=WALL_S)


# work in threads


@in_virtual_time
async def test_work_in_a_thread_takes_no_virtual_time():
    """The timer would be next; the thread goes on only once the loop has had every chance to jump to it."""
    loop = asyncio.get_running_loop()
    rung: list[float] = []
    loop.call_later(0.001, lambda: rung.append(now()))
    looked = threading.Event()

    def work() -> bool:
        for _ in range(3):
            looked.clear()
            loop.call_soon_threadsafe(looked.set)
            assert looked.wait(WALL_S)
        return not rung

    assert await asyncio.to_thread(work)
    assert now() == 0.0
    assert await loop.getaddrinfo("localhost", 80)
    assert now() == 0.0
    await asyncio.sleep(1)
    assert rung == [0.001]


# the database


@in_virtual_time
async def test_no_timer_fires_while_the_database_owes_an_answer(dsn: str):
    async with connected(dsn) as connection, connected(dsn) as other:
        began = now()
        rung: list[float] = []
        for after_s in (0.0001, 0.01, HOUR_S):
            asyncio.get_running_loop().call_later(after_s, lambda: rung.append(now()))
        assert await connection.fetchval("SELECT 1 FROM pg_sleep(0.05)") == 1
        await asyncio.gather(*(each.execute("SELECT pg_sleep(0.05)") for each in (connection, other)))
        prepared = await connection.prepare("SELECT $1::int FROM pg_sleep(0.05)")
        async with connection.transaction():
            assert await prepared.fetchval(2) == 2
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.fetchval("SELECT 1 / $1::int FROM pg_sleep(0.05)", 0)
        assert (now(), rung) == (began, [])
        await asyncio.sleep(1)
        assert rung == [began + 0.0001, began + 0.01]


@in_virtual_time
async def test_a_statement_that_is_only_prepared_does_not_hold_time(dsn: str):
    async with connected(dsn) as connection:
        await connection.prepare("SELECT 1")
        await asyncio.sleep(HOUR_S)
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.prepare("SELECT 1 FROM nowhere")
        await asyncio.sleep(HOUR_S)
        assert now() == 2 * HOUR_S


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


READY = message(b"Z", b"I")
NOTHING = message(b"I", b"") + READY
ANSWER = message(b"D", READY * 3) + message(b"D", b"") + message(b"C", b"SELECT 2\0") + READY
ASK = message(b"Q", b"SELECT 1\0")
NEWS = message(b"A", b"\0\0\0\7news\0Z\0")


class Sink:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self._socket, self.other = socket.socketpair()

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, _: str) -> socket.socket:
        return self._socket

    def close(self) -> None:
        self._socket.close()
        self.other.close()


Opened = Callable[[Conversations], tuple[Conversation, Sink]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes connections that lead nowhere."""
    with ExitStack() as ends:

        def make(talk: Conversations) -> tuple[Conversation, Sink]:
            conversation, sink = Conversation(talk), ends.enter_context(closing(Sink()))
            conversation.opened(sink)
            return conversation, sink

        yield make


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 11, 16, 17, 29, 59, 500])
def test_the_end_of_an_answer_is_found_however_its_bytes_are_cut(opened: Opened, size: int):
    """And none of it is told before."""
    talk = Conversations()
    conversation, sink = opened(talk)
    conversation.sent(ASK)
    assert not sink.written
    assert talk.go_on()
    assert sink.written == ASK
    passed = b""
    for at in range(0, len(ANSWER), size):
        assert talk.owing
        assert not passed
        passed += conversation.heard(ANSWER[at : at + size])
    assert not talk.owing
    assert passed == ANSWER


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 11, 16, 17, 29, 59, 500])
def test_the_answer_to_the_empty_query_is_heard_by_nobody_and_all_else_is(opened: Opened, size: int):
    """Even when a request was sent meanwhile, and with news before, between and after."""
    talk = Conversations()
    conversation, sink = opened(talk)
    conversation.sent(listen := message(b"Q", b"LISTEN news\0"))
    assert talk.go_on()
    assert conversation.heard(READY) == READY
    assert talk.go_on()
    assert sink.written == listen + (nothing := message(b"Q", b"\0"))
    conversation.sent(ASK[:4])
    conversation.sent(ASK[4:])
    assert sink.written == listen + nothing
    come = NEWS + NOTHING[:5] + NEWS + NOTHING[5:]
    passed = b"".join(conversation.heard(come[at : at + size]) for at in range(0, len(come), size))
    assert passed == NEWS * 2
    assert not talk.asked
    assert talk.go_on()
    assert sink.written == listen + nothing + ASK
    come = NEWS + ANSWER
    passed = b"".join(conversation.heard(come[at : at + size]) for at in range(0, len(come), size))
    assert passed == NEWS + ANSWER
    assert not talk.owing


def test_one_request_is_under_way_at_a_time_and_those_of_transactions_come_first(opened: Opened):
    talk = Conversations()
    (first, first_sink), (second, second_sink) = opened(talk), opened(talk)
    second.sent(begin := message(b"Q", b"BEGIN\0"))
    assert talk.go_on()
    first.sent(ASK)
    assert talk.go_on()
    assert not first_sink.written
    second.heard(message(b"C", b"BEGIN\0") + message(b"Z", b"T"))
    second.sent(ASK)
    assert talk.go_on()
    assert (first_sink.written, second_sink.written) == (b"", begin + ASK)
    second.heard(ANSWER)
    assert talk.go_on()
    assert first_sink.written == ASK


def test_a_request_that_waits_for_a_lock_does_not_hold_up_the_others(opened: Opened):
    talk = Conversations()
    (first, first_sink), (second, second_sink) = opened(talk), opened(talk)
    first.sent(ASK)
    second.sent(ASK)
    for _ in range(LOOKS_MAX):
        assert talk.go_on()
        assert not second_sink.written
    assert talk.go_on()
    assert (first_sink.written, second_sink.written) == (ASK, ASK)


class ServersEnd:
    """A socket whose other end closes after one look; notes the order of things."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._note("closed")

    def dup(self) -> Self:
        return self

    def settimeout(self, _: float) -> None: ...

    def shutdown(self, how: int) -> None:
        self._note(f"shut down {how}")

    def recv(self, _: int) -> bytes:
        self._note("waited")
        return b""


def test_a_connection_that_ended_is_seen_off_before_anything_is_sent(opened: Opened):
    """The server lets go of its locks when it hears of the end, and closes its own end after that."""
    talk = Conversations()
    (first, first_sink), (second, second_sink) = opened(talk), opened(talk)
    noted: list[tuple[str, bytes]] = []
    end = ServersEnd(lambda what: noted.append((what, second_sink.written)))
    first_sink.get_extra_info = lambda _: end  # type: ignore[assignment,method-assign,return-value]
    second.sent(ASK)
    first.over()
    assert talk.go_on()
    assert noted == [(f"shut down {socket.SHUT_WR}", b""), ("waited", b""), ("closed", b"")]
    assert second_sink.written == ASK


def test_what_the_server_said_last_is_told_before_the_connection_is_lost(opened: Opened):
    told: list[object] = []

    class Protocol(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            told.append(data)

        def connection_lost(self, exc: Exception | None) -> None:
            told.append(exc)

    talk = Conversations()
    conversation, sink = opened(talk)
    hearing = Hearing(Protocol(), conversation)
    conversation.sent(ASK)
    assert talk.go_on()
    hearing.data_received(farewell := message(b"E", b"SFATAL\0\0"))
    assert told == []
    hearing.connection_lost(None)
    assert told == [farewell, None]
    sink.other.close()
    assert not talk.go_on()


@in_virtual_time
async def test_a_connection_that_is_closed_or_cut_owes_nothing(dsn: str):
    async with connected(dsn) as connection:
        closed = await asyncpg.connect(dsn)
        await closed.close()
        cut = await asyncpg.connect(dsn)
        asking = asyncio.create_task(cut.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0)
        cut.terminate()
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await asking
        asking = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert await connection.fetchval("SELECT 1") == 1
        assert now() == 0.0
        await asyncio.sleep(HOUR_S)


@in_virtual_time
async def test_a_connection_that_begins_with_the_question_for_tls_is_followed(dsn: str):
    """Over TCP asyncpg first asks for TLS, and changes the protocol of the connection after the answer."""
    async with connected(dsn) as local, relay(await socket_of(local)) as port:
        connection = await asyncpg.connect(dsn, host="127.0.0.1", port=port, ssl="prefer")
        began = now()
        assert await connection.fetchval("SELECT 1 FROM pg_sleep(0.05)") == 1
        assert now() == began
        await asyncio.sleep(HOUR_S)
        await connection.close()


async def socket_of(connection: asyncpg.Connection) -> str:
    folder = await connection.fetchval("SHOW unix_socket_directories")
    return f"{folder}/.s.PGSQL.{await connection.fetchval('SHOW port')}"


@asynccontextmanager
async def relay(path: str) -> AsyncIterator[int]:
    """A port of this process behind which is the unix socket *path*."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@in_virtual_time
async def test_a_notification_comes_before_time_goes_on(dsn: str):
    heard: list[tuple[float, str]] = []
    async with connected(dsn) as listener, connected(dsn) as speaker:
        await listener.add_listener("news", lambda *told: heard.append((now(), told[3])))
        for number in range(50):
            await speaker.execute("SELECT pg_notify('news', $1)", str(number))
            await asyncio.sleep(10)
            if number % 10 == 0:
                assert await listener.fetchval("SELECT 1") == 1
    assert heard == [(number * 10.0, str(number)) for number in range(50)]


# the served world


@asynccontextmanager
async def venue(*, speed: float = 1.0, period_s: float | None = None) -> AsyncIterator[tuple[Scenario, Server]]:
    scenario = build(Options(seed=4, markets=2))
    async with running(scenario.site, speed=speed, period_s=period_s) as server:
        yield scenario, server


@in_virtual_time
async def test_a_delayed_answer_takes_its_virtual_delay():
    async with venue() as (scenario, server), httpx.AsyncClient(base_url=server.http_url, timeout=60) as client:
        assert (await client.get("/time")).status_code == 200
        assert now() == 0.0
        scenario.faults.on("delay", settings={"delay_ms": 12_345})
        assert (await client.get("/time")).status_code == 200
        assert now() == pytest.approx(12.345)


@in_virtual_time
async def test_a_client_gives_up_at_its_virtual_time():
    async with venue() as (scenario, server), httpx.AsyncClient(base_url=server.http_url, timeout=7) as client:
        scenario.faults.on("delay", settings={"delay_ms": 60_000})
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/time")
        assert now() == pytest.approx(7.0)


@in_virtual_time
async def test_many_answers_at_once_take_no_virtual_time():
    async with venue() as (_, server), httpx.AsyncClient(base_url=server.http_url) as client:
        paths = ["/time", "/gamma/markets", "/sampling-markets"] * 20
        answers = await asyncio.gather(*(client.get(path) for path in paths))
        assert {answer.status_code for answer in answers} == {200}
        assert now() == 0.0


@in_virtual_time
async def test_a_socket_with_keep_alive_stays_open_for_long_and_hears_the_market():
    async with venue() as (scenario, server), open_socket(server.ws_url + "/ws/market", ping_interval=20) as socket:
        (market, *_) = scenario.world.exchange.markets.values()
        await socket.send(json.dumps({"type": "market", "assets_ids": [str(market.tokens[0])]}))
        heard = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(HOUR_S / 6):
                while await socket.recv():
                    heard += 1
        assert heard > 300
        assert now() == HOUR_S / 6


@in_virtual_time
async def test_the_clock_of_a_client_is_the_one_of_the_venue():
    async with venue() as (scenario, server), httpx.AsyncClient(base_url=server.http_url) as client:
        clock = LoopClock(server.clock.now_ms)
        began_ms, last_ms = clock.now_ms(), 0
        for ms in range(0, 5_000, 37):
            await clock.sleep(ms)
            before_ms = clock.now_ms()
            venue_s = int((await client.get("/time")).text)
            assert before_ms // 1_000 == venue_s
            assert scenario.world.scheduler.now_ms == before_ms == began_ms + round(now() * 1_000)
            assert before_ms >= last_ms
            last_ms = before_ms


@in_virtual_time
async def test_the_clock_of_a_client_never_goes_back_when_the_world_is_moved_by_hand():
    async with venue() as (scenario, server):
        begun_ms = server.clock.now_ms()
        scenario.world.scheduler.run_for(90_000)
        assert server.clock.now_ms() == begun_ms + 90_000
        await asyncio.sleep(1)
        server.clock.sync()
        seen = [server.clock.now_ms()]
        for _ in range(100):
            await asyncio.sleep(0.5)
            seen.append(server.clock.now_ms())
        assert seen == sorted(seen)
        assert seen[-1] > begun_ms + 130_000


@pytest.mark.parametrize("speed", [1.0, 3.0])
@in_virtual_time
async def test_actions_run_at_their_own_moment_also_those_planned_meanwhile(speed: float):
    scheduler, ran = Scheduler(1_790_000_000_000), []
    clock = Clock(scheduler, speed)
    ticking = asyncio.create_task(clock.run())
    scheduler.after(90_000, lambda: ran.append((now(), scheduler.now_ms)))
    await asyncio.sleep(10)
    clock.sync()
    scheduler.after(2_501, lambda: ran.append((now(), scheduler.now_ms)))
    await clock.wait(1_000)
    assert now() == pytest.approx(10 + 1 / speed)
    await asyncio.sleep(90)
    ticking.cancel()
    soon_ms = round(10_000 * speed) + 2_501
    assert [ms - 1_790_000_000_000 for _, ms in ran] == [soon_ms, 90_000]
    assert [moment for moment, _ in ran] == pytest.approx([soon_ms / 1_000 / speed, 90 / speed])


@in_virtual_time
async def test_a_period_gathers_what_falls_due_in_it():
    scheduler, ran = Scheduler(0), []
    ticking = asyncio.create_task(Clock(scheduler, 1.0, period_s=1.0).run())
    for ms in range(100, 3_001, 100):
        scheduler.at(ms, lambda: ran.append((now(), scheduler.now_ms)))
    await asyncio.sleep(10)
    ticking.cancel()
    assert [ms for _, ms in ran] == list(range(100, 3_001, 100))
    assert len({moment for moment, _ in ran}) == 3


# an account with its books


async def trade(kept: House, seconds: int) -> None:
    """Place an order every ten seconds, and cancel the one before, while somebody else trades on the same key."""
    market = kept.market
    wanted = OrderWanted(
        token_id=market.token_ids[0],
        side=Side.BUY,
        price=MILLION // 2,
        size=10 * MILLION,
        tick=market.tick,
        neg_risk=market.neg_risk,
    )
    for _ in range(seconds // 10):
        placed = await kept.orders.place(wanted, market.condition_id)
        await asyncio.sleep(10)
        await kept.orders.cancel([placed.order.order_id], market.condition_id)


@in_virtual_time
async def test_ten_minutes_of_an_account_end_with_books_equal_to_the_chain(dsn: str):
    async with house(dsn, speed=1.0, another_bot_ms=2_000) as kept, kept.feed as feed:
        keeping = asyncio.create_task(kept.keeper.run(feed))
        began = now()
        await trade(kept, 600)
        kept.scenario.world.exchange.modes.cancel_only = True
        await asyncio.sleep(90)
        assert now() == began + 690
        assert kept.truth()
        assert await kept.shares() == kept.truth()
        assert (await verify(kept.connection, kept.wallet_id)).holds
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
