"""Order books kept from the market channel over the wire: equal to the exchange's own, whatever the channel does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from support.database import in_loop, until
from tieout.client.clob import Clob
from tieout.client.clock import LoopClock
from tieout.client.endpoints import Endpoints
from tieout.client.feed import FeedNet, FeedSettings
from tieout.client.limits import Limiter
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.net import Net
from tieout.client.sockets import WebSocketCarrier
from tieout.client.transport import HttpCarrier, RawBody
from tieout.intake.intake import Incoming
from tieout.jobs.market_books import ODD_MAX, MarketBooks
from tieout.quoting.views import Levels
from tieout.sim.engine import lifecycle
from tieout.sim.model import Market, Side
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.venue.decode import Identity, decode

SECOND = 1_000
QUICK = FeedSettings(ping_ms=5, pong_ms=10**9, silent_ms=60_000, backoff_ms=10)
"""PINGs in real milliseconds, silence in the world's; no connection is taken for half-open because the world jumps."""


CALM = FeedSettings(backoff_ms=10)


class Clock:
    """The world's time; a wait is over soon, and moves nothing."""

    def __init__(self, scenario: Scenario) -> None:
        self._scheduler = scenario.world.scheduler

    def now_ms(self) -> int:
        return self._scheduler.now_ms

    async def sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 100_000)


@dataclass
class Room:
    """Markets whose books are kept, and the venue they are kept from."""

    scenario: Scenario
    feed: MarketFeed
    books: MarketBooks
    markets: list[MarketInfo]
    bodies: list[RawBody]
    journal: list[Incoming] = field(default_factory=list)

    def run(self, ms: int) -> None:
        self.scenario.world.scheduler.run_for(ms)

    async def steps(self, count: int, ms: int = 2 * SECOND) -> None:
        for _ in range(count):
            self.run(ms)
            await asyncio.sleep(0.005)

    async def onward(self, condition: Callable[[], Awaitable[object]], what: str) -> None:
        """Let the world go on until *condition* holds."""

        async def moved() -> bool:
            self.run(SECOND // 2)
            await asyncio.sleep(0.005)
            return bool(await condition())

        await until(moved, what)

    def own(self, info: MarketInfo) -> Market:
        return self.scenario.world.exchange.markets[info.condition_id]

    def truth(self, info: MarketInfo, side: Side) -> tuple[Levels, Levels]:
        """The exchange's own book."""
        book = self.scenario.world.exchange.books[info.condition_id]
        return tuple(book.side(0, side)), tuple(book.side(1, side))

    def wrong(self) -> list[str]:
        """The markets without a view, or with another than the exchange's book."""
        found = []
        for info in self.markets:
            view = self.books.view(info)
            if view is None or (view.bids, view.asks) != (self.truth(info, Side.BUY), self.truth(info, Side.SELL)):
                found.append(f"{info.condition_id[:8]} {self.books.stale_reason(info) or 'differs'}")
        return found

    async def ties(self) -> bool:
        return not self.wrong()

    async def equal(self) -> None:
        await until(self.ties, "every book equals the exchange's own")

    async def calm(self) -> None:
        """No faults any more; the world goes on for longer than an audit takes to come round."""
        for each in self.scenario.faults.state():
            if each["on"]:
                self.scenario.faults.off(str(each["name"]))
        for _ in range(40):
            await self.steps(1)
            await self.connected()
        await self.equal()

    async def connected(self) -> None:
        """Wait until a connection is there that speaks for every market: the world moves on while it is made."""

        async def fresh() -> bool:
            return all(self.books.view(info) is not None for info in self.markets)

        await until(fresh, "every book is fresh")

    def reasons(self) -> set[str]:
        return {self.books.stale_reason(info) for info in self.markets}


def info_of(market: Market) -> MarketInfo:
    return MarketInfo(
        condition_id=market.condition_id,
        version=market.version,
        token_ids=tuple(str(token) for token in market.tokens),
        outcomes=market.outcomes,
        tick=market.tick,
        min_size=market.min_size,
        neg_risk=market.neg_risk,
        accepting_orders=market.accepting_orders,
    )


@asynccontextmanager
async def room(
    *,
    settings: FeedSettings = CALM,
    frames_max: int = 10_000,
    before: Callable[[Scenario], None] = lambda _: None,
    **options: object,
) -> AsyncIterator[Room]:
    kept = {"seed": 7, "markets": 8, "intensity": 3.0, **options}
    scenario = build(Options(**kept))  # type: ignore[arg-type]
    before(scenario)
    clock, bodies, journal = Clock(scenario), [], []

    async def record(raw: RawBody) -> None:
        bodies.append(raw)

    async def put(message: Incoming) -> None:
        journal.append(message)

    async with running(scenario.site, speed=0.0) as server, HttpCarrier() as carrier:
        endpoints = Endpoints.of(server.http_url)
        net = Net(carrier, clock, Limiter(clock), record)
        public = Clob.of(net, endpoints, str).public
        sockets = FeedNet(WebSocketCarrier(), LoopClock(clock.now_ms), lambda _: 0, settings)
        async with MarketFeed(endpoints.market_ws, sockets, frames_max=frames_max) as feed:
            books = MarketBooks(public, feed, clock, put)
            markets = [info_of(market) for market in scenario.world.exchange.markets.values()]
            running_books = asyncio.create_task(books.run())
            await books.watch(markets)
            yield Room(scenario, feed, books, markets, bodies, journal)
            running_books.cancel()
            with suppress(asyncio.CancelledError):
                await running_books


def kinds(messages: Sequence[Incoming]) -> list[str]:
    nobody = Identity("0x" + "0" * 40, frozenset())
    return [decode(message.body, nobody).kind for message in messages]


@in_loop
async def test_A5_books_equal_the_exchange_after_every_step_of_a_busy_while() -> None:
    async with room() as kept:
        await kept.equal()
        before = len(kept.bodies)
        for _ in range(40):
            kept.run(SECOND)
            await kept.equal()
        assert kept.books.frames > 1_000
        assert len(kept.bodies) > before + 3, "what one millisecond left open was not read"
        assert any(view.bids[0] for info in kept.markets if (view := kept.books.view(info)))
        assert not kept.books.unknown
        assert not kept.books.mended
        assert kept.books.resyncs < kept.books.frames // 20
        assert not kept.journal, "prices are not journalled"


SOCKET_FAULTS = ("ws-drop", "ws-delay", "ws-duplicate", "ws-reorder", "ws-malformed", "ws-disconnect")


@pytest.mark.parametrize("fault", SOCKET_FAULTS)
def test_A5_T3_whatever_the_channel_does_books_equal_the_exchange(fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with room() as kept:
            await kept.equal()
            probability = 0.005 if fault == "ws-disconnect" else 0.1
            kept.scenario.faults.on(fault, probability=probability, path="/ws/market")
            await kept.steps(40)
            assert kept.scenario.faults.struck(fault)
            await kept.calm()
            if fault == "ws-malformed":
                assert kept.books.unknown["unreadable"]
                assert len(kept.journal) == min(kept.books.unknown["unreadable"], ODD_MAX)
                assert kept.books.resyncs

    run()


@in_loop
async def test_A5_a_gap_makes_every_book_stale_until_it_is_connected_again() -> None:
    async with room() as kept:
        await kept.equal()
        kept.books.take_dirty()
        kept.scenario.faults.on("outage")

        async def stale() -> bool:
            return all("connection lost" in reason for reason in kept.reasons())

        await until(stale, "no book is fresh")
        assert kept.books.take_dirty() == {info.condition_id for info in kept.markets}
        kept.run(30 * SECOND)
        kept.scenario.faults.off("outage")
        await kept.equal()


@in_loop
async def test_A5_REST_that_fails_is_asked_again_and_nothing_is_fresh_without_it() -> None:
    """The first snapshots are lost: the channel says what changes, and never what was there."""

    def lose_snapshots(scenario: Scenario) -> None:
        scenario.faults.on("ws-drop", count=1, path="/ws/market")
        scenario.faults.on("server-error", path="/books")

    async with room(before=lose_snapshots, markets=2) as kept:

        async def failed() -> bool:
            return kept.scenario.faults.struck("server-error") > 2

        async def lost() -> bool:
            return bool(kept.scenario.faults.struck("ws-drop"))

        await until(lost, "the snapshots are lost")
        await kept.steps(10, 0)
        assert not kept.scenario.faults.struck("server-error"), "asked before the connection had spoken"
        assert all(kept.books.view(info) is None for info in kept.markets)
        assert all("no snapshot yet" in reason for reason in kept.reasons())
        await kept.steps(1)
        await until(failed, "REST is asked again")
        kept.scenario.faults.off("server-error")
        await kept.equal()


@in_loop
async def test_A5_the_part_of_the_first_snapshots_that_was_lost_is_read() -> None:
    """60 tokens come in two frames; nothing happens in the world."""
    async with room(markets=30) as kept:
        await kept.equal()
        before = kept.books.resyncs
        kept.scenario.faults.on("outage")

        async def stale() -> bool:
            return all(kept.books.view(info) is None for info in kept.markets)

        await until(stale, "no book is fresh")
        kept.scenario.faults.on("ws-drop", count=1, path="/ws/market")
        kept.scenario.faults.off("outage")
        await kept.equal()
        assert kept.scenario.faults.struck("ws-drop") == 1
        assert kept.books.resyncs == before + 50


@in_loop
async def test_A5_what_a_message_that_cannot_be_read_was_about_is_not_fresh_until_it_is_read() -> None:
    async with room(markets=2) as kept:
        await kept.equal()
        kept.scenario.faults.on("server-error", path="/books")
        kept.scenario.faults.on("ws-malformed", count=1, path="/ws/market")
        await kept.steps(3)

        async def stale() -> bool:
            return any("could not be read" in reason for reason in kept.reasons())

        await until(stale, "a book is not fresh")
        await kept.steps(5)
        assert await stale(), "only REST tells"
        kept.scenario.faults.off("server-error")
        await kept.equal()


@in_loop
async def test_A5_dropped_frames_are_read_again_without_a_new_connection() -> None:
    async with room(markets=60, intensity=1.0, frames_max=100) as kept:
        await kept.equal()
        before = kept.books.resyncs
        kept.run(10 * SECOND)
        await kept.equal()
        assert kept.books.resyncs - before >= len(kept.markets), "no frame was dropped"


@in_loop
async def test_A5_a_deaf_connection_is_noticed_and_replaced_and_one_that_never_spoke_too() -> None:
    """What is read by REST makes no book fresh while nobody would say that it changes."""
    async with room(settings=QUICK, markets=3) as kept:
        await kept.equal()
        kept.scenario.faults.on("ws-silent", path="/ws/market")

        async def connections(count: int) -> bool:
            return kept.scenario.faults.struck("ws-silent") >= count

        await kept.onward(lambda: connections(2), "the deaf connection is replaced")

        async def third() -> bool:
            assert all("deaf" in reason or "said nothing" in reason for reason in kept.reasons())
            return await connections(3)

        await kept.onward(third, "the one that never spoke is replaced")
        kept.scenario.faults.off("ws-silent")
        await kept.onward(kept.ties, "every book equals the exchange's own")


@in_loop
async def test_A5_a_new_connection_that_has_not_spoken_is_not_trusted() -> None:
    async with room(markets=2) as kept:
        await kept.equal()
        kept.scenario.faults.on("outage")

        async def stale() -> bool:
            return all(kept.books.view(info) is None for info in kept.markets)

        async def connected() -> bool:
            return bool(kept.scenario.faults.struck("ws-silent"))

        await until(stale, "no book is fresh")
        kept.scenario.faults.on("ws-silent", path="/ws/market")
        kept.scenario.faults.off("outage")
        await until(connected, "it is connected again")
        for _ in range(10):
            await kept.steps(1)
            assert await stale()
        kept.scenario.faults.off("ws-silent")
        await kept.onward(kept.ties, "every book equals the exchange's own")


@in_loop
async def test_a_quiet_connection_is_not_taken_for_a_deaf_one() -> None:
    async with room(settings=QUICK, markets=2) as kept:
        await kept.equal()
        kept.scenario.world.exchange.modes.cancel_only = True
        await kept.steps(30)
        heard, since_ms = kept.books.frames, kept.scenario.world.scheduler.now_ms

        async def compared() -> bool:
            assert not any("deaf" in reason for reason in kept.reasons())
            return kept.scenario.world.scheduler.now_ms > since_ms + 200 * SECOND

        before = len(kept.bodies)
        await kept.onward(compared, "three silences have passed")
        assert len(kept.bodies) > before, "nothing was compared with REST"
        assert kept.books.frames < heard + 10, "it was not quiet"
        await kept.equal()


@in_loop
async def test_a_tick_change_is_seen_and_booked() -> None:
    async with room() as kept:
        await kept.equal()
        info = kept.markets[0]
        tick = 1_000 if info.tick == 10_000 else 10_000
        kept.books.take_dirty()
        lifecycle.change_tick(kept.scenario.world.exchange, kept.own(info), tick)

        async def seen() -> bool:
            known = kept.books.market(info.condition_id)
            return known is not None and known.tick == tick

        await until(seen, "the tick is known")
        assert info.condition_id in kept.books.take_dirty()

        async def booked() -> bool:
            return kinds(kept.journal) == ["tick_size_change", "tick_size_change"]

        await until(booked, "both messages are booked")
        await kept.books.watch([info])
        assert await seen(), "what was heard is newer than what is watched"
        await kept.equal()


@in_loop
async def test_A5_a_tick_change_that_was_missed_is_read() -> None:
    async with room() as kept:
        await kept.equal()
        info = kept.markets[0]
        kept.scenario.faults.on("ws-drop", path="/ws/market")
        lifecycle.change_tick(kept.scenario.world.exchange, kept.own(info), 100)
        await kept.steps(1, 10)
        await kept.calm()
        known = kept.books.market(info.condition_id)
        assert known is not None
        assert known.tick == kept.own(info).tick == 100
        assert not kept.journal


@in_loop
async def test_E5_a_resolution_is_seen_and_booked() -> None:
    async with room() as kept:
        await kept.equal()
        info = kept.markets[0]
        kept.scenario.faults.on("market-resolved", count=1, market=info.condition_id)

        async def seen() -> bool:
            known = kept.books.market(info.condition_id)
            return known is not None and known.closed and not known.accepting_orders

        kept.run(SECOND)
        await until(seen, "the resolution is known")
        await kept.equal()

        async def booked() -> bool:
            return "market_resolved" in kinds(kept.journal)

        await until(booked, "the resolution is booked")
        await kept.books.watch([info])
        assert await seen()


@in_loop
async def test_E5_a_market_without_a_book_is_not_fresh_and_says_so() -> None:
    """Payouts of a half each have no message on the channel."""
    async with room() as kept:
        await kept.equal()
        info = kept.markets[0]
        lifecycle.resolve_market(kept.scenario.world.exchange, kept.own(info), (500_000, 500_000))

        async def gone() -> bool:
            return "shows no book" in kept.books.stale_reason(info)

        await kept.steps(40)
        await until(gone, "the missing book is noticed")
        assert kept.books.view(info) is None


@in_loop
async def test_300_markets_are_more_than_one_connection() -> None:
    async with room(markets=300, intensity=0.05, warm_up_ms=8_000) as kept:
        await kept.equal()
        for _ in range(10):
            kept.run(SECOND)
            await kept.equal()
        assert sum(len(info.token_ids) for info in kept.markets) == 600
        assert {info.version for info in kept.markets} == {"v1", "v2"}
        assert all(kept.books.view(info) is kept.books.view(info) for info in kept.markets)


@in_loop
async def test_markets_come_and_go() -> None:
    async with room() as kept:
        await kept.equal()
        gone, rest = kept.markets[:3], kept.markets[3:]
        await kept.books.forget([info.condition_id for info in gone])
        assert all(kept.books.view(info) is None and kept.books.market(info.condition_id) is None for info in gone)
        assert kept.books.stale_reason(gone[0])
        kept.run(5 * SECOND)
        kept.markets = rest
        await kept.equal()
        kept.books.take_dirty()
        await kept.steps(5)
        assert not kept.books.take_dirty() & {info.condition_id for info in gone}
        await kept.books.watch(gone)
        await kept.books.watch(gone)
        kept.markets = [*gone, *rest]
        await kept.equal()


@in_loop
async def test_a_market_that_migrates_is_kept_under_its_new_tokens() -> None:
    async with room() as kept:
        await kept.equal()
        place = next(place for place, info in enumerate(kept.markets) if info.version == "v1" and not info.neg_risk)
        own = kept.own(kept.markets[place])
        lifecycle.migrate_market(kept.scenario.world.exchange, own)
        kept.markets[place] = info_of(own)
        await kept.books.watch(kept.markets)
        await kept.equal()
        assert set(kept.feed.tokens_of("market 1")) == {token for info in kept.markets for token in info.token_ids}
        for _ in range(5):
            kept.run(SECOND)
            await kept.equal()
