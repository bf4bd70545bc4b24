"""Blocks above the finalized one: read at once, taken back when a reorganisation takes them away (T3, A4)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from jobs.account import MILLION
from jobs.witnesses import Witnessed, witnessed
from support.database import in_loop
from tieout.client.transport import RawBody
from tieout.jobs.chain_follower import ChainFollower
from tieout.jobs.position_sync import PositionSync
from tieout.jobs.provisional import ProvisionalBlocks
from tieout.sim.chain.chain import Chain as SimChain
from tieout.sim.site import Gate, Handle
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Delivery, Request
from tieout.store import provisional
from tieout.store.errors import StoreError


@dataclass
class Ahead:
    """A wallet whose chain is read to its head. `lost` answers are not booked, as if the process had ended there."""

    seen: Witnessed
    sync: PositionSync
    follower: ChainFollower
    lost: int = 0
    spared: int = 0
    """So many answers are still booked before the first one is lost."""

    def restart(self) -> None:
        """A new process, which knows what the database knows."""
        kept, chain = self.seen.kept, self.seen.chain
        blocks = ProvisionalBlocks(kept.connection, kept.wallet_id, kept.wallet, chain, self.record)
        self.follower = ChainFollower(chain, kept.wallet, self.follower.next_block, blocks)
        self.sync = PositionSync(
            kept.connection, kept.wallet_id, kept.wallet, self.follower, chain, self.seen.clock, self.seen.opening
        )

    async def record(self, raw: RawBody) -> None:
        if self.lost and self.spared:
            self.spared -= 1
        elif self.lost:
            self.lost -= 1
            raise StoreError("the database is away")
        await self.seen.kept.record(raw)

    @property
    def chain(self) -> SimChain:
        return self.seen.kept.scenario.world.chain

    async def look(self) -> None:
        """One position sync, and everything of it ties out."""
        result = await self.sync.run()
        assert result.detail["differences"] == 0
        assert self.sync.last is not None
        assert self.sync.last.holds

    async def at_head(self) -> tuple[dict[str, int], int]:
        """The books with everything that was read: shares by token, collateral."""
        kept = self.seen.kept
        rows = await kept.connection.fetch(
            "SELECT token_id, shares FROM positions WHERE wallet_id = $1 AND shares <> 0", kept.wallet_id
        )
        cash = await kept.connection.fetchval("SELECT sum(cash) FROM movements WHERE wallet_id = $1", kept.wallet_id)
        return {row["token_id"]: row["shares"] for row in rows}, cash

    def truth(self) -> tuple[dict[str, int], int]:
        """The chain's head."""
        kept = self.seen.kept
        return kept.truth(), self.chain.cash(kept.wallet)

    async def known(self) -> dict[str, provisional.Provisional]:
        return await provisional.all_of(self.seen.kept.connection, self.seen.kept.wallet_id)

    def replace(self, depth: int, drop: tuple[str, ...] = (), *, shuffle: bool = True) -> None:
        """Another branch of the same length, one block longer."""
        self.chain.reorg(depth, drop=drop, shuffle=shuffle)
        for _ in range(depth + 1):
            self.chain.mine()


@asynccontextmanager
async def ahead(dsn: str) -> AsyncIterator[Ahead]:
    async with witnessed(dsn) as seen:
        made = Ahead(seen, seen.positions, seen.follower)
        made.restart()
        yield made


def test_T2_what_is_not_final_yet_is_in_the_books_and_ties_out_when_it_is(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            for _ in range(5):
                kept.seen.owner.split(next(iter(kept.seen.kept.scenario.world.exchange.markets.values())), MILLION)
                kept.chain.mine()
                await kept.look()
                assert await kept.at_head() == kept.truth()
            assert len(await kept.known()) == 5
            kept.seen.kept.run(120)
            await kept.look()
            assert await kept.known() == {}
            assert await kept.at_head() == kept.truth()

    run()


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8])
def test_T3_A4_a_transaction_that_never_comes_back_is_taken_back(dsn: str, depth: int) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            before = await kept.at_head()
            gone = kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            for _ in range(depth):
                kept.chain.mine()
            await kept.look()
            assert await kept.at_head() == kept.truth() != before
            kept.replace(depth, (gone,))
            await kept.look()
            assert await kept.at_head() == kept.truth() == before
            assert (await kept.known())[gone].is_gone
            kept.seen.kept.run(120)
            await kept.look()
            assert await kept.at_head() == kept.truth() == before
            assert await kept.known() == {}

    run()


@pytest.mark.parametrize("looks_between", [True, False])
def test_T3_A4_a_transaction_that_comes_back_elsewhere_is_booked_once(dsn: str, looks_between: bool) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            hashes = [kept.seen.owner.split(kept.seen.market, (n + 1) * MILLION) for n in range(4)]
            kept.chain.mine()
            await kept.look()
            for turn in range(3):
                kept.replace(turn + 1)
                if looks_between:
                    await kept.look()
                    assert await kept.at_head() == kept.truth()
            if looks_between:
                assert {(await kept.known())[each].version for each in hashes} <= {2, 4, 6}
            kept.seen.kept.run(120)
            await kept.look()
            assert await kept.at_head() == kept.truth()
            count = "SELECT count(*) FROM movements WHERE wallet_id = $1 AND kind = 'split'"
            assert await kept.seen.kept.connection.fetchval(count, kept.seen.kept.wallet_id) == 4

    run()


def test_T3_a_reorganisation_while_the_worker_was_down_is_noticed_by_what_was_kept(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            before = await kept.at_head()
            gone = kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            kept.replace(1, (gone,))
            kept.seen.kept.run(120)
            kept.restart()
            await kept.look()
            assert await kept.at_head() == kept.truth() == before

    run()


def test_D1_a_process_that_ends_before_the_facts_are_booked_reads_them_again_as_final(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            kept.lost = 1
            with pytest.raises(StoreError):
                await kept.sync.run()
            assert len(await kept.known()) == 1
            assert await kept.at_head() != kept.truth()
            kept.seen.kept.run(120)
            await kept.look()
            assert await kept.at_head() == kept.truth()

    run()


class Least(random.Random):
    """A chance that always gives the least."""

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        return 0 if stop is None else start


def test_D1_T3_a_process_that_ends_as_something_comes_back_books_it_when_it_is_final(dsn: str) -> None:
    """Its taking back is booked, its return is not: what the final block says must not lose to the former."""

    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            kept.chain._places = Least()  # the same place in its block each time: only the version differs
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            kept.replace(1, shuffle=False)
            kept.spared, kept.lost = 2, 1
            with pytest.raises(StoreError):
                await kept.sync.run()
            kept.restart()
            kept.seen.kept.run(120)
            await kept.look()
            assert await kept.at_head() == kept.truth()

    run()


def test_A4_a_node_that_leaves_out_logs_takes_nothing_back(dsn: str) -> None:
    """The block is still of the chain; the logs are only missing in the answer."""

    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            truth = await kept.at_head()
            kept.seen.kept.scenario.faults.on("logs-missing", probability=1.0)
            await kept.sync.run()
            kept.seen.kept.scenario.faults.off("logs-missing")
            assert await kept.at_head() == truth == kept.truth()

    run()


def test_A4_F1_a_node_that_leaves_out_logs_while_their_block_becomes_final_takes_nothing_back(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            kept.seen.kept.run(120)
            kept.seen.kept.scenario.faults.on("logs-missing", probability=1.0)
            await kept.sync.run()
            kept.seen.kept.scenario.faults.off("logs-missing")
            await kept.look()
            assert await kept.at_head() == kept.truth()
            assert await kept.known() == {}

    run()


def test_T3_A4_what_came_back_elsewhere_is_booked_though_a_node_leaves_out_its_logs(dsn: str) -> None:
    """Its old block is gone, so it is taken back; the receipt says that it is in another one."""

    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            await kept.look()
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            kept.replace(1)
            kept.seen.kept.run(120)
            kept.seen.kept.scenario.faults.on("logs-missing", probability=1.0)
            await kept.sync.run()
            assert await kept.at_head() == kept.truth()
            kept.seen.kept.scenario.faults.off("logs-missing")
            await kept.look()
            assert await kept.known() == {}

    run()


async def read_ahead(kept: Ahead) -> provisional.Provisional:
    """A fill is read above the finalized block."""
    await kept.look()
    kept.seen.buy()
    kept.seen.kept.run(4)
    await kept.look()
    (found,) = (await kept.known()).values()
    return found


def replace_hash(kept: Ahead, lost: provisional.Provisional) -> None:
    """The transaction of a match is lost; the operator sends the match again, and it is mined under another hash."""
    kept.replace(kept.chain.head.number - lost.block + 1, (lost.tx_hash,))
    kept.seen.kept.run(8)
    assert kept.chain.receipt(lost.tx_hash) is None


async def bought(kept: Ahead) -> list[str]:
    """Under which transactions the books have the fill."""
    rows = await kept.seen.kept.connection.fetch(
        "SELECT tx_hash FROM movements WHERE wallet_id = $1 AND kind = 'buy'", kept.seen.kept.wallet_id
    )
    return [row["tx_hash"] for row in rows]


@pytest.mark.parametrize("is_final", [True, False])
@pytest.mark.parametrize("spared", [0, 1, 2])
def test_F2_T3_a_match_under_a_new_hash_is_never_booked_beside_itself(dsn: str, spared: int, is_final: bool) -> None:
    """Whatever is the last answer that is booked: the old hash is taken back before the new one is there."""

    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            replace_hash(kept, await read_ahead(kept))
            if is_final:
                kept.seen.kept.run(120)
            kept.spared, kept.lost = spared, 1
            for _ in range(3):
                try:
                    await kept.sync.run()
                except StoreError:
                    kept.restart()
                assert len(await bought(kept)) <= 1
            kept.lost = 0
            kept.seen.kept.run(120)
            await kept.look()
            (tx_hash,) = await bought(kept)
            assert kept.chain.receipt(tx_hash) is not None
            assert await kept.at_head() == kept.truth()

    run()


def test_F2_P1_what_was_kept_as_gone_and_not_booked_is_taken_back_before_anything_newer(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            replace_hash(kept, await read_ahead(kept))
            kept.lost = 1
            with pytest.raises(StoreError):
                await kept.sync.run()
            assert any(each.is_gone for each in (await kept.known()).values())
            kept.restart()
            kept.seen.kept.run(120)
            kept.lost = 1
            with pytest.raises(StoreError):
                await kept.sync.run()
            assert len(await bought(kept)) == 1
            kept.restart()
            await kept.look()
            assert await kept.at_head() == kept.truth()

    run()


class Meanwhile:
    """A gate through which something happens right before a node is asked for its newest block."""

    def __init__(self, inner: Gate, act: Callable[[], None]) -> None:
        self._inner = inner
        self._act: Callable[[], None] | None = act

    def http(self, prefix: str, request: Request, handle: Handle) -> Delivery:
        if self._act is not None and b'"latest"' in request.body:
            act, self._act = self._act, None
            act()
        return self._inner.http(prefix, request, handle)

    def socket(self, path: str, connection: Connection) -> Connection:
        return self._inner.socket(path, connection)


def test_F2_A4_a_match_that_changes_its_hash_between_two_questions_is_not_booked_beside_itself(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            lost = await read_ahead(kept)
            site = kept.seen.kept.scenario.site
            site.gate = Meanwhile(site.gate, lambda: replace_hash(kept, lost))
            kept.spared, kept.lost = 1, 1
            with pytest.raises(StoreError):
                await kept.sync.run()
            assert await bought(kept) == []
            kept.restart()
            kept.seen.kept.run(120)
            await kept.look()
            assert len(await bought(kept)) == 1
            assert await kept.at_head() == kept.truth()

    run()


def test_A4_a_node_that_does_not_have_the_block_yet_takes_nothing_back(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            kept.seen.kept.run(60)
            await kept.look()
            kept.seen.owner.split(kept.seen.market, 3 * MILLION)
            kept.chain.mine()
            await kept.look()
            truth = await kept.at_head()
            kept.seen.kept.scenario.faults.on("node-lag", settings={"blocks": 10})
            await kept.sync.run()
            assert kept.seen.kept.scenario.faults.struck("node-lag")
            assert await kept.at_head() == truth == kept.truth()

    run()
