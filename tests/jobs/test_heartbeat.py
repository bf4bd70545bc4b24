"""Beats over the wire: orders rest as long as they come, and are cancelled when they do not."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop, until
from tieout.client.orders import OrderWanted
from tieout.jobs.heartbeat import EVERY_MS, SILENCE_MS, Heartbeat
from tieout.ledger.facts import Side


async def order_of(kept: House) -> str:
    market = kept.market
    wanted = OrderWanted(token_id=market.token_ids[0], side=Side.BUY, price=10_000, size=10 * MILLION, tick=market.tick)
    return (await kept.orders.place(wanted, market.condition_id)).order.order_id


def rests(kept: House, order_id: str) -> bool:
    return kept.scenario.world.exchange.orders[order_id].open


def test_while_beats_come_orders_rest_and_silence_cancels_them(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            order_id, clock = await order_of(kept), WorldClock(kept.scenario)
            beats = Heartbeat(kept.desk.account, clock)
            assert (beats.alive, beats.missed_ms) == (False, 0)
            since = clock.now_ms()
            sending = asyncio.create_task(beats.run())

            async def a_minute() -> bool:
                return clock.now_ms() > since + 60_000

            await until(a_minute, "a minute of beats")
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            assert (rests(kept, order_id), beats.alive, beats.lapses) == (True, True, 0)
            assert beats.missed_ms <= EVERY_MS
            kept.run(16)
            assert (rests(kept, order_id), beats.alive) == (False, False)
            assert beats.missed_ms >= SILENCE_MS

    run()


def test_P3_a_beat_whose_answer_was_lost_goes_on_with_the_id_the_venue_expects(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            beats = Heartbeat(kept.desk.account, WorldClock(kept.scenario))
            assert await beats.beat()
            kept.scenario.faults.on("timeout-after", count=1, path="/v1/heartbeats", settings={"delay_ms": 0})
            assert not await beats.beat()
            assert "no answer" in beats.last_error
            assert await beats.beat()
            assert (beats.last_error, beats.lapses) == ("", 0)

    run()


def test_two_who_send_beats_with_one_key_go_on_in_turns(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            clock = WorldClock(kept.scenario)
            one, other = Heartbeat(kept.desk.account, clock), Heartbeat(kept.desk.account, clock)
            for _ in range(3):
                assert await one.beat()
                assert await other.beat()
            restarted = Heartbeat(kept.desk.account, clock)
            assert await restarted.beat()

    run()


def test_D2_after_a_missed_deadline_there_is_a_lapse_to_be_read_about(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            order_id = await order_of(kept)
            beats = Heartbeat(kept.desk.account, WorldClock(kept.scenario))
            assert await beats.beat()
            kept.scenario.faults.on("server-error", path="/v1/heartbeats")
            kept.run(5)
            assert not await beats.beat()
            assert beats.alive
            kept.run(11)
            assert not await beats.beat()
            assert not beats.alive
            kept.scenario.faults.off("server-error")
            assert await beats.beat()
            assert (beats.alive, beats.lapses, rests(kept, order_id)) == (True, 1, False)

    run()
