"""Reorganisations of a real EVM: acts go, others come, some come again elsewhere; the books follow at once."""

from __future__ import annotations

import pytest

from evm.books import keeping
from evm.company import Company
from evm.ground import ONE, Ground, approve, merge, mint, pay, send, split
from support.database import in_loop


@pytest.mark.parametrize("depth", [1, 2, 7, 20])
def test_acts_that_a_reorganisation_takes_away_leave_the_books(dsn: str, ground: Ground, depth: int) -> None:
    """All of the *depth* last blocks go; in their place are empty ones."""
    me, other = ground.people[:2]
    condition = ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            ground.done(me, mint(me, 100 * ONE), approve(), split(condition, 40 * ONE))
            await kept.ties_out()
            before = await kept.acts()
            for number in range(depth):
                acts = (split(condition, 3 + number), send(me, other, condition.tokens[number % 2], 2))
                ground.done(me, *acts, pay(other, 5))
            await kept.ties_out()
            assert len(await kept.acts()) == len(before) + 3 * depth
            ground.evm.rpc("anvil_reorg", depth, [])
            await kept.ties_out()
            assert await kept.acts() == before
            ground.done(me, merge(condition, 40 * ONE))
            for _ in range(21):
                ground.block()
            await kept.ties_out()
            assert await kept.acts() == [*before, ("merge", 40 * ONE, 40 * ONE)]

    run()


def test_a_transaction_that_comes_again_in_another_block_is_booked_there(dsn: str, ground: Ground) -> None:
    me, other = ground.people[:2]
    condition = ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            ground.done(me, mint(me, 100 * ONE), approve(), split(condition, 40 * ONE))
            mark = ground.evm.rpc("evm_snapshot")
            hashes = ground.submit(me, split(condition, 7), send(me, other, condition.tokens[0], 2), pay(other, 5))
            raw = [ground.evm.rpc("eth_getRawTransactionByHash", tx_hash) for tx_hash in hashes]
            ground.block(hashes)
            ground.done(me, split(condition, 1_000))
            await kept.ties_out()
            before = await kept.acts()
            ground.evm.rpc("evm_revert", mark)
            ground.block()
            await kept.ties_out()
            assert await kept.acts() == before[:-4]
            assert [ground.evm.rpc("eth_sendRawTransaction", each) for each in raw[:2]] == hashes[:2]
            ground.block(hashes[:2])
            await kept.ties_out()
            ground.block([ground.evm.rpc("eth_sendRawTransaction", raw[2])])
            await kept.ties_out()
            assert await kept.acts() == before[:-1]
            for _ in range(21):
                ground.block()
            await kept.ties_out()
            assert await kept.acts() == before[:-1]

    run()


def test_a_final_block_that_is_older_for_a_while_takes_nothing_away(dsn: str, ground: Ground) -> None:
    """As when a node fails and the next one lags: its chain is the same, only shorter."""
    me = ground.people[0]
    condition = ground.condition(1)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, me) as kept:
            ground.done(me, mint(me, 100 * ONE), approve())
            for number in range(25):
                ground.done(me, split(condition, 1 + number))
            await kept.ties_out()
            ground.evm.rpc("anvil_rollback", 10)
            await kept.ties_out()
            for _ in range(31):
                ground.block()
            await kept.ties_out()

    run()


@pytest.mark.parametrize("seed", range(2))
def test_random_lives_among_reorganisations_tie_out(dsn: str, ground: Ground, seed: int) -> None:
    """What stands in the end is one life; the others were read, booked and taken back."""
    company = Company(ground, seed)

    @in_loop
    async def run() -> None:
        async with keeping(dsn, ground, company.wallets[seed % 3]) as kept:
            for _ in range(6):
                for _ in range(4):
                    company.block()
                await kept.ties_out()
                with company.passing():
                    for _ in range(company.draw.randint(1, 9)):
                        company.block()
                    await kept.ties_out()
                    reached = ground.evm.height()
                while ground.evm.height() < reached:
                    company.block()
                await kept.ties_out()
            company.end()
            await kept.ties_out()
            assert await kept.profit() == company.purses[kept.wallet].made()
            assert await kept.costs() == {}

    run()
