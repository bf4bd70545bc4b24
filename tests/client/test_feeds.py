"""The sockets against a real server that drops, stays silent, half-dies and floods; time is moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from client.stage import CREDENTIALS, START_MS, Clock
from support.database import in_loop, until
from tieout.client.feed import FeedNet, FeedSettings
from tieout.client.mailbox import Mailbox
from tieout.client.market_feed import MarketFeed
from tieout.client.signals import Connected, Frame, Gap, Silent
from tieout.client.sockets import WebSocketCarrier
from tieout.client.user_feed import UserFeed


class Line:
    """The server's end of one connection: what came is in `frames`, PINGs are answered while `answering`."""

    def __init__(self, connection: ServerConnection, hub: Hub) -> None:
        self.connection = connection
        self.frames: asyncio.Queue[Any] = asyncio.Queue()
        self.pings = 0
        self._hub = hub

    async def run(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.connection:
                if text == "PING":
                    self.pings += 1
                    if self._hub.answering:
                        await self.connection.send("PONG")
                else:
                    self.frames.put_nowait(json.loads(text))

    async def send(self, value: Any) -> None:
        await self.connection.send(json.dumps(value))

    def cut(self) -> None:
        self.connection.transport.abort()


class Hub:
    """A WebSocket server."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Line] = asyncio.Queue()
        self.answering = True
        self.refusing = False
        self.url = ""

    async def accept(self, connection: ServerConnection) -> None:
        if self.refusing:
            await connection.close(1008, "not you")
            return
        line = Line(connection, self)
        self.lines.put_nowait(line)
        await line.run()


@asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    async with serve(made.accept, "127.0.0.1", 0, close_timeout=0.1) as server:
        made.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws"
        yield made


def net_of(clock: Clock, **settings: int) -> FeedNet:
    return FeedNet(WebSocketCarrier(close_s=0.1), clock, lambda most: most // 2, FeedSettings(**settings))


@asynccontextmanager
async def user_feed(made: Hub, clock: Clock, **more: Any) -> AsyncIterator[UserFeed]:
    settings = more.pop("settings", {})
    async with UserFeed(made.url, CREDENTIALS, net_of(clock, **settings), **more) as feed:
        yield feed


@in_loop
async def test_the_first_frame_subscribes_and_what_comes_is_handed_on_as_it_came() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock) as feed:
        signals = aiter(feed)
        assert await anext(signals) == Connected("user", START_MS)
        line = await made.lines.get()
        assert await line.frames.get() == {
            "auth": {
                "apiKey": CREDENTIALS.key,
                "secret": CREDENTIALS.secret,
                "passphrase": CREDENTIALS.passphrase,
            },
            "type": "user",
        }
        await line.send([{"event_type": "order"}, {"event_type": "trade"}])
        await line.connection.send("INVALID OPERATION")
        await line.connection.send(b"\x00binary")
        raws = [(await anext(signals)).raw for _ in range(3)]  # type: ignore[union-attr]
        assert raws == [b'[{"event_type": "order"}, {"event_type": "trade"}]', b"INVALID OPERATION", b"\x00binary"]


@in_loop
async def test_a_dropped_connection_is_a_gap_since_the_last_message_and_comes_back_subscribed() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock) as feed:
        signals = aiter(feed)
        await anext(signals)
        line = await made.lines.get()
        clock.ms += 5_000
        await line.send({})
        assert await anext(signals) == Frame("user", b"{}", START_MS + 5_000)
        clock.ms += 2_000
        line.cut()
        gap = await anext(signals)
        assert gap == Gap("user", "cut without a close frame", START_MS + 5_000)
        await clock.advance(500)
        assert await anext(signals) == Connected("user", START_MS + 7_500)
        again = await made.lines.get()
        assert (await again.frames.get())["type"] == "user"
        await again.connection.close(1011, "later")
        assert "1011 'later'" in (await anext(signals)).reason  # type: ignore[union-attr]


@in_loop
async def test_without_a_pong_for_30_s_the_connection_is_half_open() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock) as feed:
        signals = aiter(feed)
        await anext(signals)
        line = await made.lines.get()
        made.answering = False
        for _ in range(3):
            await clock.advance(10_000)
        gap = await anext(signals)
        assert gap == Gap("user", "half-open: no PONG for 30000 ms", START_MS)
        assert line.pings == 2


@in_loop
async def test_pongs_keep_a_connection_and_its_silence_is_told() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock, settings={"silent_ms": 40_000}) as feed:
        signals = aiter(feed)
        await anext(signals)
        line = await made.lines.get()
        for number in range(1, 9):
            await clock.advance(10_000)

            async def ponged() -> bool:
                return feed._feed._pong_ms == clock.ms

            await until(ponged, f"PONG {number}")
        assert line.pings == 8
        assert await anext(signals) == Silent("user", 40_000)
        assert await anext(signals) == Silent("user", 80_000)
        await line.send({})
        assert isinstance(await anext(signals), Frame), "it is the same connection"
        assert made.lines.empty()


@in_loop
async def test_the_pause_before_another_attempt_grows_to_a_bound() -> None:
    clock = Clock()
    async with hub() as made:
        made.refusing = True
        async with user_feed(made, clock, settings={"backoff_ms": 1_000, "backoff_max_ms": 5_000}) as feed:
            signals = aiter(feed)
            pauses = []
            for _ in range(5):
                gap = await anext(signals)
                while isinstance(gap, Connected):
                    gap = await anext(signals)
                assert gap == Gap("user", "closed by the venue with 1008 'not you'", START_MS)
                await clock.advance(5_000)
                pauses.append(max(ms for ms in clock.slept if ms != 10_000))
                clock.slept.clear()
            assert pauses == [750, 1_500, 3_000, 3_750, 3_750], "half of it, and half of the other half by the jitter"


@in_loop
async def test_an_address_where_nobody_listens_is_a_gap_without_the_address() -> None:
    clock = Clock()
    async with UserFeed("ws://127.0.0.1:9/secret-path", CREDENTIALS, net_of(clock)) as feed:
        gap = await anext(aiter(feed))
        assert isinstance(gap, Gap)
        assert gap.reason.startswith("not opened: ")
        assert "secret-path" not in repr(gap)


@in_loop
async def test_the_subscription_of_markets_changes_while_connected_and_is_whole_after_a_drop() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock, markets=["0xa"]) as feed:
        signals = aiter(feed)
        await anext(signals)
        line = await made.lines.get()
        assert (await line.frames.get())["markets"] == ["0xa"]
        await feed.subscribe(["0xa", "0xb", "0xc"])
        assert await line.frames.get() == {"operation": "subscribe", "markets": ["0xb", "0xc"]}
        await feed.unsubscribe(["0xa", "0xz"])
        assert await line.frames.get() == {"operation": "unsubscribe", "markets": ["0xa"]}
        with pytest.raises(ValueError, match="at least one"):
            await feed.unsubscribe(["0xb", "0xc"])
        line.cut()
        await anext(signals)
        await feed.subscribe(["0xd"])
        await clock.advance(500)
        assert (await (await made.lines.get()).frames.get())["markets"] == ["0xb", "0xc", "0xd"]
    async with UserFeed("ws://127.0.0.1:9/", CREDENTIALS, net_of(clock)) as feed:
        with pytest.raises(ValueError, match="whole account"):
            await feed.subscribe(["0xa"])


@in_loop
async def test_a_queue_that_overflows_says_what_is_missing_and_stays_live() -> None:
    clock = Clock()
    async with hub() as made, user_feed(made, clock, frames_max=10) as feed:
        line = await made.lines.get()
        for number in range(25):
            await line.send(number)

        async def flooded() -> bool:
            return feed._mailbox._frames == 5 and len(feed._mailbox._signals) == 10

        await until(flooded, "25 frames")
        signals = aiter(feed)
        heard = [await anext(signals) for _ in range(10)]
        assert heard[0] == Connected("user", START_MS)
        gaps = [signal for signal in heard if isinstance(signal, Gap)]
        assert [(gap.reason, gap.dropped, gap.since_ms) for gap in gaps] == [("the queue is full", 10, START_MS)] * 2
        assert all(isinstance(heard[heard.index(gap) + 1], Connected) for gap in gaps)
        assert [signal.raw for signal in heard if isinstance(signal, Frame)] == [b"20", b"21", b"22", b"23", b"24"]


def test_an_overflow_says_a_gap_for_each_feed_that_lost_frames() -> None:
    box = Mailbox(3)
    box.put(Connected("a", 1))
    box.put(Connected("b", 1))
    for feed, at_ms in (("a", 2), ("b", 3), ("b", 4)):
        box.put(Frame(feed, b"", at_ms))
    box.put(Gap("b", "cut", 4))
    box.put(Frame("a", b"new", 5))
    lost = {(s.feed, s.dropped, s.since_ms) for s in box._signals if isinstance(s, Gap) and s.dropped}
    assert lost == {("a", 1, 2), ("b", 2, 3)}
    again = [signal.feed for signal in box._signals if isinstance(signal, Connected) and signal.at_ms == 5]
    assert again == ["a"], "b is not connected"


@in_loop
async def test_tokens_are_spread_over_connections_and_a_gap_names_those_it_is_about() -> None:
    clock = Clock()
    tokens = [str(number) for number in range(12)]
    async with hub() as made, MarketFeed(made.url, net_of(clock), tokens_max=5) as feed:
        await feed.subscribe(tokens)
        signals = aiter(feed)
        names = {(await anext(signals)).feed for _ in range(3)}
        assert names == {"market 1", "market 2", "market 3"}
        lines = [await made.lines.get() for _ in range(3)]
        hellos = {tuple((await line.frames.get())["assets_ids"]): line for line in lines}
        assert sorted(map(len, hellos)) == [2, 5, 5]
        assert set(hellos) == {feed.tokens_of(name) for name in names}
        last = hellos["10", "11"]
        await feed.subscribe(["11", "12"])
        assert await last.frames.get() == {"operation": "subscribe", "assets_ids": ["12"]}
        await feed.unsubscribe(["10", *tokens[:5]])
        assert await last.frames.get() == {"operation": "unsubscribe", "assets_ids": ["10"]}
        await hellos[tuple(tokens[:5])].connection.wait_closed()
        assert feed.tokens_of("market 1") == ()
        last.cut()
        gap = await anext(signals)
        assert isinstance(gap, Gap)
        assert feed.tokens_of(gap.feed) == ("11", "12")


@in_loop
async def test_leaving_closes_the_connection_and_ends_the_iteration() -> None:
    clock = Clock()
    async with hub() as made:
        async with user_feed(made, clock) as feed:
            signals = aiter(feed)
            await anext(signals)
            line = await made.lines.get()
        await line.connection.wait_closed()
        assert line.connection.close_code == 1000
        assert [signal async for signal in signals] == []
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("feed")]


@in_loop
async def test_a_fault_of_ours_in_the_task_reaches_whoever_reads() -> None:
    clock = Clock()
    async with hub() as made:
        net = FeedNet(WebSocketCarrier(), clock, lambda _: 1 // 0)
        async with UserFeed(made.url, CREDENTIALS, net) as feed:
            signals = aiter(feed)
            await anext(signals)
            (await made.lines.get()).cut()
            await anext(signals)
            with pytest.raises(ZeroDivisionError):
                await anext(signals)
