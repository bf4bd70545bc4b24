"""Logs that a node left out: read again where they made a difference, by an audit and by whoever watches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from app.audited import ALONE, Venue, grown, report_of, venue
from support.database import in_loop
from tieout.app.watching import Look, Outage, WatchRequest, watch
from tieout.client.chain import Chain
from tieout.client.rpc import CallFailedError
from tieout.jobs import left_out
from tieout.sim.model import Market

MILLION = 1_000_000

KINDS = "SELECT kind FROM movements WHERE wallet_id = $1 AND kind <> 'cash' ORDER BY chain_position"


def market_of(at: Venue) -> Market:
    return next(iter(at.scenario.world.exchange.markets.values()))


def leave_out(at: Venue) -> None:
    """The next answer with logs of the wallet lacks some of them."""
    at.scenario.faults.on("logs-missing", probability=1.0, count=1)


async def kinds(at: Venue) -> list[str]:
    return [row["kind"] for row in await at.fetch(KINDS)]


async def forgotten(_chain: Chain, *_: object) -> int:
    raise CallFailedError("eth_call", -32000, "missing trie node")


@pytest.mark.parametrize("keeps_balances", [True, False])
def test_T2_I1_an_audit_from_the_chain_reads_again_what_a_node_left_out(
    dsn: str, other_dsn: str, monkeypatch: pytest.MonkeyPatch, keeps_balances: bool
) -> None:
    @in_loop
    async def run() -> None:
        async with venue(dsn) as at:
            await grown(at)
            leave_out(at)
            found = await at.from_chain()
            assert at.scenario.faults.struck("logs-missing") == 1
            assert found.audit.holds
            assert found.reading is not None
            assert found.reading.left_out > 1
            whole = await at.from_chain(other_dsn)
            assert whole.reading is not None
            assert (whole.reading.left_out, report_of(whole)) == (0, report_of(found))

    if not keeps_balances:
        monkeypatch.setattr(Chain, "token_balance", forgotten)
    run()


@asynccontextmanager
async def watched(dsn: str) -> AsyncIterator[tuple[Venue, WatchRequest]]:
    """A wallet for which only the test acts, and a request to watch it."""
    async with venue(dsn, **ALONE) as at:
        yield at, WatchRequest(at.wallet, at.asked.nodes, at.asked.first_block, poll_ms=0)


async def seen(stream: AsyncIterator[Look | Outage]) -> Look:
    look = await anext(stream)
    assert isinstance(look, Look)
    return look


def test_T2_I1_whoever_watches_reads_again_what_a_node_left_out(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with watched(dsn) as (at, request), aclosing(watch(dsn, request)) as stream:
            first = await seen(stream)
            at.owner().split(market_of(at), 9 * MILLION)
            at.run(2)
            leave_out(at)
            found = [first, await seen(stream), await seen(stream)]
            assert at.scenario.faults.struck("logs-missing") == 1
            assert [look.tie.holds for look in found] == [True] * 3
            assert [look.left_out for look in found] == [0, 1, 1]  # the collateral; the tokens are not known
            assert found[-1].transactions == first.transactions
            assert await kinds(at) == ["split"]

    run()


def test_T2_what_goes_on_differing_is_not_read_for_at_every_look(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_loop
    async def run() -> None:
        async with watched(dsn) as (at, request), aclosing(watch(dsn, request)) as stream:
            await seen(stream)
            at.owner().split(market_of(at), 9 * MILLION)
            at.run(2)
            at.scenario.faults.on("logs-missing", probability=1.0)
            assert not (await seen(stream)).tie.holds
            struck = at.scenario.faults.struck("logs-missing")
            assert struck == 2
            assert not (await seen(stream)).tie.holds
            assert at.scenario.faults.struck("logs-missing") == struck
            at.scenario.faults.off("logs-missing")
            assert not (await seen(stream)).tie.holds
            monkeypatch.setattr(left_out, "TRY_AGAIN_MS", 0)
            assert (await seen(stream)).tie.holds

    run()


def test_T2_A4_whoever_watches_looks_twice_for_what_makes_no_difference(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with watched(dsn) as (at, request):
            async with aclosing(watch(dsn, request)) as stream:
                await seen(stream)
                at.scenario.faults.on("logs-missing", probability=1.0)
                at.owner().split(market_of(at), 9 * MILLION)
                at.owner().merge(market_of(at), 9 * MILLION)
                at.run(2)
                assert (await seen(stream)).tie.holds
            assert await kinds(at) == []
            at.scenario.faults.off("logs-missing")
            async with aclosing(watch(dsn, replace(request, first_block=None))) as stream:
                found = await seen(stream)
            assert (found.tie.holds, found.left_out) == (True, 2)
            assert await kinds(at) == ["split", "merge"]

    run()
