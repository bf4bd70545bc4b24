"""Blocks are read twice: what a node left out and what makes no difference of balances is found all the same."""

from __future__ import annotations

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.client.errors import ErrorKind, Meaning, VenueError
from tieout.jobs.chain_follower import ChainFollower, Step
from tieout.jobs.job import Result
from tieout.jobs.position_sync import PositionSync
from tieout.jobs.second_look import EVERY_MS, SecondLook

LONG_S = EVERY_MS // 1_000

KINDS = "SELECT kind FROM movements WHERE wallet_id = $1 AND kind <> 'cash' ORDER BY chain_position"


async def kinds(seen: Witnessed) -> list[str]:
    return [row["kind"] for row in await seen.kept.connection.fetch(KINDS, seen.kept.wallet_id)]


def told(result: Result) -> list[str]:
    """External events."""
    return [found.evidence["cause"] for found in result.findings if "movement" in found.evidence]


async def left_out(seen: Witnessed) -> None:
    """Split and merge again, while the node leaves out every log; books and balances agree."""
    seen.kept.scenario.faults.on("logs-missing", probability=1.0)
    seen.owner.split(seen.market, 9 * MILLION)
    seen.owner.merge(seen.market, 9 * MILLION)
    await seen.until_final()
    assert (await seen.positions.run()).detail["differences"] == 0
    seen.kept.scenario.faults.off("logs-missing")
    assert await kinds(seen) == []


def test_T2_A4_what_makes_up_for_each_other_is_found_by_the_second_look(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            await left_out(seen)
            seen.kept.run(LONG_S)
            result = await seen.positions.run()
            assert (told(result), result.detail["read_twice"]) == (["split", "merge"], True)
            assert await kinds(seen) == ["split", "merge"]
            for transactions in (3, 0):  # the second reading came so much later than the first only now
                seen.kept.run(LONG_S)
                again = await seen.positions.run()
                assert (told(again), again.detail["transactions"]) == ([], transactions)

    run()


def test_T2_A4_a_node_that_is_caught_leaving_out_logs_is_not_believed_for_the_rest(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            await seen.positions.run()
            await left_out(seen)
            seen.owner.split(seen.market, 4 * MILLION)
            await seen.until_final()
            seen.kept.scenario.faults.on("logs-missing", probability=1.0, count=1)
            result = await seen.positions.run()
            assert (result.detail["differences"], result.detail["read_twice"]) == (0, True)
            assert sorted(told(result)) == ["merge", "split", "split"]
            assert await kinds(seen) == ["split", "merge", "split"]

    run()


class Forgetful(ChainFollower):
    """Of a node that answers for no block before `kept_from`."""

    kept_from = 0

    async def step(self) -> Step:
        if self.next_block < self.kept_from:
            raise VenueError(ErrorKind.PERMANENT, Meaning.REFUSED, "eth_getLogs", "pruned", service="rpc")
        return await super().step()


def test_A4_a_node_without_blocks_so_old_is_read_once_and_that_is_said(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with witnessed(dsn) as seen:
            kept = seen.kept
            follower = Forgetful(seen.chain, kept.wallet, seen.follower.next_block)
            second = SecondLook(kept.connection, kept.wallet_id, follower, seen.clock)
            sync = PositionSync(
                kept.connection, kept.wallet_id, kept.wallet, follower, seen.chain, seen.clock, second=second
            )
            assert (await sync.run()).detail["read_twice"] is True
            seen.owner.split(seen.market, 9 * MILLION)
            await seen.until_final()
            follower.kept_from = follower.next_block
            seen.kept.run(LONG_S)
            result = await sync.run()
            assert result.detail["read_twice"] is False
            assert (result.detail["transactions"], await kinds(seen)) == (1, ["split"])

    run()
