"""A market maker's wallet rebuilt from the logs of a node: whole, resumed, and from nodes with limits."""

from __future__ import annotations

import os
from typing import NamedTuple

import asyncpg
import pytest
from big_wallet import FIRST_BLOCK, BigWallet
from chain_node import FINALITY, ChainNode, serving

from support.database import connected, in_loop
from tieout.app.chain_books import chain_books
from tieout.app.history import verify
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.intake.intake import Report
from tieout.jobs.chain_follower import Step
from tieout.jobs.position_sync import CHAIN
from tieout.jobs.tie_out import TieOut
from tieout.sim.chain.calls import MatchOrders
from tieout.sim.lives.cluster import fresh
from tieout.store import watermarks
from tieout.store.embedded import EmbeddedServer
from tieout.store.log import stored_rows
from tieout.store.wallets import wallet_id_of

BLOCKS = 20_000


class Run(NamedTuple):
    """What one run over the chain brought."""

    step: Step
    tie: TieOut
    report: Report


@pytest.fixture(scope="module")
def big() -> BigWallet:
    """A wallet of 3,000 logs. Nodes only read its chain."""
    return BigWallet(logs=3_000, blocks=BLOCKS, markets=40, seed=7)


@pytest.fixture(scope="module")
def expected(server: EmbeddedServer, big: BigWallet) -> object:
    """What the database holds of the wallet after one run that nothing disturbs."""
    name = f"undisturbed_{os.getpid()}"
    found: list[object] = []

    @in_loop
    async def run() -> None:
        await fresh(server.dsn(), name)
        assert (await follow(server.dsn(name), ChainNode(big))).tie.holds
        found.append(await kept(server.dsn(name), big))

    run()
    return found[0]


async def follow(dsn: str, node: ChainNode, first: int | None = FIRST_BLOCK) -> Run:
    """Read what *node* has, once, and compare."""
    async with serving(node) as url, chain_books(dsn, node.wallet, (url,), first) as books:
        step = await books.step()
        return Run(step, await books.compare(step.block), books.report)


async def kept(dsn: str, big: BigWallet) -> object:
    """The state and the facts, without when and in what order they were heard."""
    async with connected(dsn) as connection:
        wallet_id = await wallet_id_of(connection, big.wallet)
        assert wallet_id is not None
        assert (await verify(connection, wallet_id)).holds
        facts = await connection.fetch("SELECT fact FROM log WHERE wallet_id = $1 ORDER BY fact", wallet_id)
        return await stored_rows(connection, wallet_id), [row["fact"] for row in facts]


async def read_up_to(dsn: str, big: BigWallet) -> int | None:
    """The next block by the watermark; None when there is none."""
    async with connected(dsn) as connection:
        wallet_id = await wallet_id_of(connection, big.wallet)
        mark = None if wallet_id is None else await watermarks.get(connection, wallet_id, CHAIN)
        return None if mark is None else int(mark.value)


def test_I1_a_wallet_is_rebuilt_from_its_logs_and_only_what_is_no_fill_costs_a_receipt(
    dsn: str, big: BigWallet
) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big)
        done = await follow(dsn, node)
        assert done.tie.holds, done.tie
        assert not done.report.troubles
        ours = [each for each in big.chain.receipts.values() if any(map(big.tells_us, each.logs))]
        others = [each for each in ours if not isinstance(each.transaction.call, MatchOrders)]
        assert done.step.transactions == len(ours) > 800
        assert node.seen.calls["eth_getTransactionReceipt"] == len(others) > 20
        await kept(dsn, big)

    run()


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize("requests", [2, 3, 4, 8])
def test_D1_a_rebuild_that_a_node_breaks_off_goes_on_where_it_stopped(
    dsn: str, big: BigWallet, expected: object, requests: int, hangs_up: bool
) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big)
        node.breaks_after, node.hangs_up = requests, hangs_up
        with pytest.raises(VenueError):
            await follow(dsn, node)
        reached = await read_up_to(dsn, big)
        assert reached is not None
        assert (reached == FIRST_BLOCK) == (requests < 4), "within the first window nothing is marked as read"
        fresh = ChainNode(big)
        done = await follow(dsn, fresh, first=None)
        assert done.tie.holds, done.tie
        assert fresh.seen.windows[0][0] == done.step.first == reached
        assert await kept(dsn, big) == expected

    run()


def test_D1_a_rebuild_that_the_database_breaks_off_goes_on_where_it_stopped(
    dsn: str, big: BigWallet, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends right after a booking and before its block is marked as read."""
    put, marks = watermarks.put, 0

    async def lost(connection: asyncpg.Connection, *rest: object, **more: object) -> bool:
        nonlocal marks
        marks += 1
        if marks == 5:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return await put(connection, *rest, **more)  # type: ignore[arg-type]

    @in_loop
    async def run() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(watermarks, "put", lost)
            with pytest.raises(Exception, match="the same command goes on from there"):
                await follow(dsn, ChainNode(big))
        assert (await follow(dsn, ChainNode(big), first=None)).tie.holds
        assert await kept(dsn, big) == expected

    run()


def test_D1_an_earlier_first_block_that_is_broken_off_is_gone_on_with_too(
    dsn: str, big: BigWallet, expected: object
) -> None:
    """Books that were begun in the middle are read again from the begin: what was read counts for nothing then."""

    @in_loop
    async def run() -> None:
        late, node = ChainNode(big), ChainNode(big)
        async with (
            serving(late) as url,
            chain_books(dsn, big.wallet, (url,), FIRST_BLOCK + BLOCKS // 2) as books,
        ):
            await books.step()
        node.breaks_after = 4
        with pytest.raises(VenueError):
            await follow(dsn, node)
        assert (await follow(dsn, ChainNode(big), first=None)).tie.holds
        assert await kept(dsn, big) == expected

    run()


def test_a_second_run_asks_only_for_blocks_that_are_new(dsn: str, big: BigWallet, expected: object) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big)
        node.head = FIRST_BLOCK + BLOCKS // 2
        first = await follow(dsn, node)
        assert first.tie.holds, first.tie
        node.head = big.last
        node.seen.windows.clear()
        second = await follow(dsn, node, first=None)
        assert second.tie.holds, second.tie
        assert second.step.first == first.step.block.number + 1
        assert min(start for start, _ in node.seen.windows) == second.step.first
        assert await kept(dsn, big) == expected

        node.seen.windows.clear()
        asked = node.seen.requests
        third = await follow(dsn, node, first=None)
        assert third.tie.holds, third.tie
        assert third.report.messages == 0
        assert set(node.seen.windows) == {(big.last - FINALITY + 1, big.last)}
        assert node.seen.requests - asked < 15, "heads, one look above the finalized block, and the balances"

    run()


@pytest.mark.parametrize("refusal", ["rpc", "http", "cut"])
@pytest.mark.parametrize(("range_max", "results_max"), [(1_000, 10_000), (10_000, 60), (1_500, 40)])
def test_windows_become_as_narrow_as_the_node_wants_them(
    dsn: str, big: BigWallet, expected: object, range_max: int, results_max: int, refusal: str
) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big, range_max=range_max, results_max=results_max)
        node.refusal = refusal
        done = await follow(dsn, node)
        assert done.tie.holds, done.tie
        assert 0 < node.seen.refused < len(node.seen.windows) // 5
        assert all(last - first < range_max for first, last in node.seen.windows)
        assert await kept(dsn, big) == expected

    run()


def test_a_node_that_refuses_one_block_is_told_as_it_says_it(dsn: str, big: BigWallet) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big, range_max=0)
        with pytest.raises(CallFailedError, match="exceeds limit of 0"):
            await follow(dsn, node)

    run()


def test_A4_a_node_whose_logs_lag_behind_its_own_head_loses_nothing(dsn: str, big: BigWallet, expected: object) -> None:
    @in_loop
    async def run() -> None:
        node = ChainNode(big)
        node.behind = BLOCKS // 3
        with pytest.raises(VenueError, match="has not reached block"):
            await follow(dsn, node)
        reached = await read_up_to(dsn, big)
        assert reached is not None
        assert FIRST_BLOCK < reached <= node.head - node.behind + 1
        node.behind = 0
        assert (await follow(dsn, node, first=None)).tie.holds
        assert await kept(dsn, big) == expected

    run()
