"""The life of an account of the venue: what its orders do and what the chain does, under every fault of settlement."""

from __future__ import annotations

import random

import pytest

from jobs.account import MILLION
from jobs.test_provisional import Ahead, ahead
from support.database import in_loop
from tieout.jobs.height import as_of
from tieout.jobs.tie_out import tie_out
from tieout.sim.model import Market, OrderKind, Side

ROUNDS = 40
FAULTS = (
    "settlement-failed",
    "settlement-retried",
    "hash-replaced",
    "reorg",
    "reward",
    "auto-redeem",
    "operator-migration",
    "market-resolved",
    "human-cash",
    "human-split",
    "human-merge",
    "human-transfer",
    "human-convert",
)


class Busy:
    """An account that trades, and a venue where everything happens to it."""

    def __init__(self, kept: Ahead, seed: int) -> None:
        self.kept = kept
        self.draw = random.Random(seed)
        house = kept.seen.kept
        self.world = house.scenario.world
        self.faults = house.scenario.faults
        self.trader = kept.seen.trader

    def markets(self) -> list[Market]:
        return [market for market in self.world.exchange.markets.values() if not market.closed]

    def trade(self) -> None:
        """Takes what rests, or sells what it has."""
        market, outcome = self.draw.choice(self.markets()), self.draw.randrange(2)
        side = self.draw.choice((Side.BUY, Side.SELL))
        best = self.world.exchange.books[market.condition_id].best(outcome, Side.SELL if side is Side.BUY else Side.BUY)
        held = self.trader.held(market, outcome)
        if best is None:
            return
        if side is Side.BUY or held < 5 * MILLION:
            self.trader.market_buy(market, outcome, best, self.draw.randrange(5, 60) * MILLION, OrderKind.FAK)
        else:
            self.trader.market_sell(market, outcome, best, held // 20_000 * 10_000, OrderKind.FAK)

    def strike(self) -> None:
        """One fault, once."""
        name = self.draw.choice(FAULTS)
        settings = {"depth": self.draw.randrange(1, 10), "shuffle": self.draw.randrange(2)} if name == "reorg" else None
        self.faults.on(name, count=1, wallet=self.kept.seen.kept.wallet, settings=settings)

    async def ties_out(self) -> None:
        """Books and balances at every block from the finalized one to the head."""
        house, chain = self.kept.seen.kept, self.kept.chain
        for number in range(chain.finalized, chain.head.number + 1):
            books = await as_of(house.connection, house.wallet_id, number)
            head = await self.kept.seen.chain.block(number)
            assert head is not None
            tie = await tie_out(self.kept.seen.chain, house.wallet, books.shares, books.collateral, head)
            assert tie.holds, (number, tie)


@pytest.mark.parametrize("seed", range(3))
def test_F1_I1_C2_E4_T2_an_account_ties_out_at_every_block_whatever_becomes_of_its_trades(dsn: str, seed: int) -> None:
    @in_loop
    async def run() -> None:
        async with ahead(dsn) as kept:
            busy = Busy(kept, seed)
            await kept.look()
            for _ in range(ROUNDS):
                for _ in range(busy.draw.randrange(3)):
                    busy.trade()
                if busy.draw.random() < 0.5:
                    busy.strike()
                kept.seen.kept.run(busy.draw.randrange(1, 7))
                if busy.draw.random() < 0.5:
                    await kept.seen.trades()
                await kept.sync.run()
                await busy.ties_out()
            for name in FAULTS:
                busy.faults.off(name)
            kept.seen.kept.run(120)
            await kept.seen.trades()
            await kept.look()
            await busy.ties_out()
            assert await kept.at_head() == kept.truth()
            states = await kept.seen.kept.connection.fetch("SELECT DISTINCT kind FROM movements")
            assert {"buy", "cash"} <= {row["kind"] for row in states}

    run()
