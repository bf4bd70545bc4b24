"""Wallets that act on each other at random on the real ConditionalTokens: every block ties out, with its profit."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from evm.books import keeping
from evm.company import Company
from evm.ground import Ground
from support.database import in_loop


@pytest.mark.parametrize("seed", range(6))
def test_random_lives_tie_out_at_every_block_with_their_profit(dsn: str, ground: Ground, seed: int) -> None:
    company = Company(ground, seed)

    @in_loop
    async def run() -> None:
        async with AsyncExitStack() as stack:
            several = [await stack.enter_async_context(keeping(dsn, ground, wallet)) for wallet in company.wallets]
            for _ in range(4):
                for _ in range(8):
                    company.block()
                for kept in several:
                    await kept.follow()
            company.end()
            for kept in several:
                await kept.ties_out()
                purse = company.purses[kept.wallet]
                assert await kept.profit() == purse.made()
                assert await kept.costs() == purse.costs() == {}
            assert len(company.done) == 7
            assert min(company.done.values()) > 0

    run()
