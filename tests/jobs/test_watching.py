"""Books kept from the chain alone, over the real wire, beside another bot and an owner who acts by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from support.database import connected, in_loop
from tieout.app import watching
from tieout.app.chain_books import ReadTwiceError
from tieout.app.clock import now_ms
from tieout.app.history import verify
from tieout.app.waking import Hearing
from tieout.app.watching import Look, Outage, UnknownStartError, WatchRequest, watch
from tieout.client.endpoints import Endpoints
from tieout.intake.intake import Incoming, Intake
from tieout.jobs.height import as_of
from tieout.jobs.opening import has_opened
from tieout.jobs.window_width import FIRST_WIDTH
from tieout.sim.scenario import Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.store.wallets import acquire, head_of, wallet_id_of
from tieout.venue.addresses import CTF, POSITION_MANAGER
from tieout.venue.decode import Identity

COMPANY = {"another_bot_ms": 2_000, "human_ms": 7_000, "operators": True}


@asynccontextmanager
async def served(seed: int = 5, **more: object) -> AsyncIterator[tuple[Scenario, WatchRequest]]:
    """A world whose clock stands still unless the test moves it, and a request to watch its first account."""
    scenario = build(Options(seed=seed, markets=8, **({"intensity": 0.3} | COMPANY | more)))  # type: ignore[arg-type]
    async with running(scenario.site, speed=0.0) as server:
        nodes = Endpoints.of(server.http_url).rpc
        first = scenario.world.chain.block_by_tag("earliest").number
        yield scenario, WatchRequest(scenario.accounts[0].address, nodes, first, poll_ms=0)


async def looks(
    dsn: str,
    scenario: Scenario,
    request: WatchRequest,
    count: int,
    minutes: int = 2,
    outages: list[Outage] | None = None,
) -> list[Look]:
    """Look *count* times, with some simulated minutes between; an outage ends when it was noticed."""
    found: list[Look] = []
    outages = [] if outages is None else outages
    stream = watch(dsn, request)
    try:
        async for look in stream:
            if isinstance(look, Outage):
                outages.append(look)
                scenario.faults.off("outage")
                continue
            found.append(look)
            if len(found) == count:
                return found
            scenario.world.scheduler.run_for(minutes * 60_000)
    finally:
        await stream.aclose()
    return found


def held(scenario: Scenario, wallet: str, block: int) -> dict[str, int]:
    """What the world itself says the wallet holds at a block, by token."""
    world = scenario.world
    shares = {
        str(token): world.chain.tokens(ledger, wallet, token, block=block)
        for market in world.exchange.markets.values()
        for ledger, tokens in ((CTF, market.ctf_tokens), (POSITION_MANAGER, market.position_ids))
        for token in tokens
    }
    return {token: amount for token, amount in shares.items() if amount}


def test_the_books_of_a_watched_wallet_equal_the_chain_at_every_look(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            found = await looks(dsn, scenario, request, 12)
            assert [look.tie.holds for look in found] == [True] * 12
            assert found[-1].tie.tokens > 8
            assert not [trouble for trouble in found[-1].report.troubles if trouble.is_error]
            async with connected(dsn) as connection:
                wallet_id = await wallet_id_of(connection, request.wallet)
                assert wallet_id is not None
                block = found[-1].step.block.number
                books = {t: s for t, s in (await as_of(connection, wallet_id, block)).shares.items() if s}
                assert books == held(scenario, request.wallet, block)
                assert (await verify(connection, wallet_id)).holds

    run()


def test_reorganisations_and_replaced_hashes_change_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served(seed=6) as (scenario, request):
            scenario.faults.on("reorg", probability=0.3)
            scenario.faults.on("hash-replaced", probability=0.3)
            found = await looks(dsn, scenario, request, 8)
            assert [look.tie.differences for look in found] == [()] * 8
            assert scenario.faults.struck("reorg")

    run()


def test_a_second_watcher_goes_on_where_the_first_one_ended(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            first = await looks(dsn, scenario, request, 3)
            again = WatchRequest(request.wallet, request.nodes, None, poll_ms=0)
            scenario.world.scheduler.run_for(60_000)
            second = await looks(dsn, scenario, again, 2)
            # What was read only once is read again, and nothing of it is booked twice.
            assert second[0].step.first == first[0].step.first
            assert second[1].step.first == second[0].step.block.number + 1
            assert [look.tie.holds for look in second] == [True, True]
            assert [look.left_out for look in second] == [0, 0]

    run()


def test_a_wallet_without_books_needs_a_first_block(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            with pytest.raises(UnknownStartError, match="--from-block"):
                await looks(dsn, scenario, WatchRequest(request.wallet, request.nodes), 1)

    run()


def test_what_the_books_opened_with_is_not_read_besides(dsn: str) -> None:
    """C1: an opening and the history before it would be the same shares and coins twice."""

    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            scenario.world.scheduler.run_for(240_000)
            middle = scenario.world.chain.block_by_tag("finalized").number
            late = WatchRequest(request.wallet, request.nodes, middle, poll_ms=0)
            (look,) = await looks(dsn, scenario, late, 1)
            assert look.tie.holds
            assert look.tie.collateral.books
            async with connected(dsn) as connection:
                wallet_id = await wallet_id_of(connection, request.wallet)
                assert await has_opened(connection, wallet_id)
                before = await head_of(connection, wallet_id)
                with pytest.raises(ReadTwiceError, match=rf"open before block {middle:,} .* twice"):
                    await looks(dsn, scenario, request, 1)
                assert await head_of(connection, wallet_id) == before
            assert [each.tie.holds for each in await looks(dsn, scenario, late, 2)] == [True, True]

    run()


def test_shares_that_the_chain_does_not_show_are_found(dsn: str) -> None:
    """A fill that the venue calls final and that never settled: the books say so, the chain does not."""

    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            await looks(dsn, scenario, request, 2)
            market = next(iter(scenario.world.exchange.markets.values()))
            ghost = {
                "event_type": "trade", "type": "TRADE", "id": "11111111-0000-4000-8000-000000000001",
                "taker_order_id": "0x" + "9" * 64, "market": market.condition_id, "asset_id": str(market.tokens[0]),
                "side": "BUY", "size": "7.5", "price": "0.5", "status": "CONFIRMED", "match_time": "1789990000",
                "outcome": "Yes", "owner": "key", "trade_owner": "key", "maker_address": request.wallet,
                "trader_side": "TAKER", "transaction_hash": "0x" + "8" * 64, "maker_orders": [], "bucket_index": 0,
            }  # fmt: skip
            await _book(dsn, request.wallet, ghost)
            (look,) = await looks(dsn, scenario, request, 1)
            (difference,) = look.tie.differences
            assert (difference.token_id, difference.drift) == (str(market.tokens[0]), 7_500_000)
            assert not look.tie.holds

    run()


async def _book(dsn: str, wallet: str, message: dict[str, object]) -> None:
    import msgspec

    async with connected(dsn) as writer, connected(dsn) as reader:
        lease = await acquire(writer, wallet)
        intake = Intake(writer, reader, lease, Identity(wallet, frozenset(("key",))), now_ms)
        await intake.take([Incoming(msgspec.json.encode(message), "test", "ghost", "user_trade")])


def test_a_node_that_bounds_ranges_is_asked_for_less(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            scenario.world.scheduler.run_for(FIRST_WIDTH * 2_000 // 8)
            scenario.faults.on("logs-refused", count=3)
            (look,) = await looks(dsn, scenario, request, 1)
            assert look.tie.holds
            assert scenario.faults.struck("logs-refused") == 3

    run()


def test_an_outage_of_every_node_is_told_and_lived_through(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            scenario.faults.on("outage")
            outages: list[Outage] = []
            (look,) = await looks(dsn, scenario, request, 1, outages=outages)
            assert look.tie.holds
            assert len(outages) == 1
            assert outages[0].since_ms > 0

    monkeypatch.setattr(watching, "OUTAGE_POLL_MS", 0)
    run()


def test_blocks_that_the_node_does_not_have_are_not_asked_for(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            earliest = scenario.world.chain.block_by_tag("earliest").number
            (look,) = await looks(dsn, scenario, WatchRequest(request.wallet, request.nodes, 0, poll_ms=0), 1)
            assert look.step.first == earliest
            assert look.tie.holds

    run()


def test_every_new_head_is_looked_at_long_before_the_interval(dsn: str) -> None:
    """Without a head the next look comes after 10 s of real time; the world only moves when the test says so."""

    @in_loop
    async def run() -> None:
        async with served() as (scenario, request):
            socket = "ws" + request.nodes[0].removeprefix("http")
            stream = watch(dsn, replace(request, poll_ms=0, node_ws=socket))
            found: list[Look] = []
            async for look in stream:
                if isinstance(look, Look):
                    found.append(look)
                    if look.hearing is Hearing.LIVE:
                        break
            for _ in range(3):
                scenario.world.scheduler.run_for(10_000)
                look = await anext(stream)
                assert isinstance(look, Look)
                found.append(look)
            await stream.aclose()
            assert [look.tie.holds for look in found] == [True] * len(found)
            assert found[-1].step.block.number > found[-4].step.block.number
            assert found[-1].hearing is Hearing.LIVE

    run()
