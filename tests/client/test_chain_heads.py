"""Heads of the chain over a real socket: from the simulated node, and from one that refuses and breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from client.stage import START_MS, Clock
from client.test_feeds import Hub, Line, hub, net_of
from support.database import in_loop, until
from tieout.client.chain_heads import PING_MS, PONG_MS, SILENT_MS, ChainHeads, Head, HeadSignal, Refused
from tieout.client.signals import Connected, Gap, Silent
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running

HASH = "0x" + "b1" * 32


def head(number: int = 7, block_hash: str = HASH, name: str = "0xa") -> dict[str, Any]:
    result = {"number": hex(number), "hash": block_hash}
    return {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": name, "result": result}}


@asynccontextmanager
async def heads_of(made: Hub, clock: Clock, path: str = "") -> AsyncIterator[tuple[ChainHeads, AsyncIterator[Any]]]:
    async with ChainHeads(made.url + path, net_of(clock)) as feed:
        yield feed, aiter(feed)


async def subscribed(made: Hub) -> Line:
    """The node's end of a connection that was asked for heads and gives them."""
    line = await made.lines.get()
    asked = await line.frames.get()
    assert asked == {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
    await line.send({"jsonrpc": "2.0", "id": 1, "result": "0xa"})
    return line


@asynccontextmanager
async def node(**options: Any) -> AsyncIterator[tuple[Scenario, AsyncIterator[HeadSignal], ChainHeads]]:
    """The simulated node; its world moves when the test says so."""
    scenario = build(Options(seed=3, markets=2, **options))
    async with (
        running(scenario.site, speed=0.0) as server,
        ChainHeads(f"{server.ws_url}/rpc", net_of(Clock())) as feed,
    ):
        signals = aiter(feed)
        assert await anext(signals) == Connected("heads", START_MS)
        yield scenario, signals, feed


@in_loop
async def test_every_block_of_the_node_is_told_with_its_number_and_hash() -> None:
    async with node() as (scenario, signals, feed):
        chain = scenario.world.chain
        first = chain.head.number
        scenario.world.scheduler.run_for(3 * chain.block_ms)
        told = [await anext(signals) for _ in range(3)]
        blocks = [chain.block(first + number) for number in (1, 2, 3)]
        assert told == [Head(block.number, block.hash, START_MS) for block in blocks]
        assert feed.unread == 0


@in_loop
async def test_a_reorganisation_tells_the_blocks_in_the_place_of_those_that_went_away() -> None:
    async with node() as (scenario, signals, feed):
        chain = scenario.world.chain
        scenario.world.scheduler.run_for(5 * chain.block_ms)
        before = [await anext(signals) for _ in range(5)]
        chain.reorg(3)
        scenario.world.scheduler.run_for(chain.block_ms)
        after = [await anext(signals)]
        while after[-1].number < chain.head.number:  # type: ignore[union-attr]
            after.append(await anext(signals))
        assert {each.number for each in before} & {each.number for each in after}  # type: ignore[union-attr]
        assert not {each.hash for each in before} & {each.hash for each in after}  # type: ignore[union-attr]
        assert after[-1].hash == chain.head.hash  # type: ignore[union-attr]
        assert feed.unread == 0


@in_loop
async def test_A5_frames_that_are_doubled_broken_or_of_somebody_else_are_no_heads_and_are_counted() -> None:
    async with hub() as made, heads_of(made, Clock()) as (feed, signals):
        line = await subscribed(made)
        assert await anext(signals) == Connected("heads", START_MS)
        await line.send(head(7))
        await line.send(head(7))
        await line.connection.send('{"jsonrpc": "2.0", "method": "eth_subscr')
        await line.send(head(9, name="0xother"))
        await line.send({"params": {"subscription": "0xa", "result": {"number": "eight", "hash": HASH}}})
        await line.send({"params": {"subscription": "0xa", "result": {"number": "0x8", "hash": 8}}})
        await line.send([1])
        await line.send(head(8, "0x" + "b2" * 32))
        assert [(await anext(signals)).number for _ in range(2)] == [7, 8]
        assert feed.unread == 5


async def advanced(made: ChainHeads, line: Line, clock: Clock) -> None:
    """The time of one ping passes, and the node answers it."""
    await clock.advance(PING_MS)
    assert await line.frames.get() == {"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"}
    await line.send({"jsonrpc": "2.0", "id": 2, "result": "0x89"})

    async def answered() -> bool:
        return made._feed._pong_ms == clock.ms

    await until(answered, "the answer to the ping")


@in_loop
async def test_A5_a_node_that_falls_silent_is_given_up_and_asked_again() -> None:
    clock = Clock()
    async with hub() as made, heads_of(made, clock) as (feed, signals):
        line = await subscribed(made)
        await anext(signals)
        await line.send(head(7))
        assert isinstance(await anext(signals), Head)
        for _ in range(SILENT_MS // PING_MS - 1):
            await advanced(feed, line, clock)
        await clock.advance(PING_MS)
        assert await anext(signals) == Silent("heads", SILENT_MS)
        # It had lived for all that time: the last thing heard is the answer to the last ping.
        assert await anext(signals) == Gap("heads", f"silent: no event for {SILENT_MS} ms", clock.ms - PING_MS)
        await clock.advance(500)
        again = await subscribed(made)
        assert isinstance(await anext(signals), Connected)
        await again.send(head(9, "0x" + "b9" * 32))
        assert (await anext(signals)).number == 9
        assert feed.unread == 0


@in_loop
async def test_A5_a_connection_whose_pings_nobody_answers_is_half_open() -> None:
    clock = Clock()
    async with hub() as made, heads_of(made, clock) as (_, signals):
        await subscribed(made)
        await anext(signals)
        for _ in range(PONG_MS // PING_MS):
            await clock.advance(PING_MS)
        assert await anext(signals) == Gap("heads", f"half-open: no PONG for {PONG_MS} ms", START_MS)


@in_loop
async def test_A5_a_dropped_connection_is_a_gap_and_heads_come_again() -> None:
    clock = Clock()
    async with hub() as made, heads_of(made, clock) as (_, signals):
        line = await subscribed(made)
        await anext(signals)
        line.cut()
        assert await anext(signals) == Gap("heads", "cut without a close frame", START_MS)
        await clock.advance(500)
        await (await subscribed(made)).send(head(8))
        assert isinstance(await anext(signals), Connected)
        assert isinstance(await anext(signals), Head)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"code": -32601, "message": "notifications not supported"}, "notifications not supported"),
        ({"code": -32000, "message": "no planted-key-123\nhere"}, "no *** here"),
        ({}, "neither result nor error"),
        ("not on your plan", "not on your plan"),
    ],
)
def test_a_node_that_refuses_is_told_once_and_left_alone(error: object, words: str) -> None:
    @in_loop
    async def run() -> None:
        clock = Clock()
        async with hub() as made, heads_of(made, clock, "/v2/planted-key-123") as (_, signals):
            line = await made.lines.get()
            await line.frames.get()
            await line.send({"jsonrpc": "2.0", "id": 1, "error": error})
            assert [signal async for signal in signals] == [Refused("heads", words)]
            await line.connection.wait_closed()
            clock.ms += 3_600_000
            assert made.lines.empty()

    run()


@in_loop
async def test_a_node_that_refuses_after_it_has_served_is_asked_again_later() -> None:
    clock = Clock()
    async with hub() as made, heads_of(made, clock) as (feed, signals):
        line = await subscribed(made)
        await anext(signals)
        line.cut()
        await anext(signals)
        await clock.advance(500)
        line = await made.lines.get()
        await line.frames.get()
        await line.send({"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many requests"}})

        async def arrived() -> bool:
            return feed._mailbox._frames == 1

        await until(arrived, "the refusal")
        for _ in range(SILENT_MS // PING_MS - 1):
            await advanced(feed, line, clock)
        await clock.advance(PING_MS)
        assert isinstance(await anext(signals), Silent)
        assert isinstance(await anext(signals), Gap)
        await clock.advance(500)
        await subscribed(made)
        assert isinstance(await anext(signals), Connected)


@in_loop
async def test_an_address_where_nobody_listens_is_a_gap_without_the_address() -> None:
    async with ChainHeads("ws://127.0.0.1:9/planted-key-123", net_of(Clock())) as feed:
        gap = await anext(aiter(feed))
        assert isinstance(gap, Gap)
        assert gap.reason.startswith("not opened: ")
        assert "planted" not in repr(gap)
