"""A market with resting orders, wallets with money, and a chain to be paid on."""

from __future__ import annotations

from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import Market, Order, OrderRequest, Side
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.world import World

BUY, SELL = Side.BUY, Side.SELL
DAY_MS = 86_400_000
POOL = 100 * ONE


class Bank:
    """Wallets a, b, c with 100,000 each; one politics market with 100 of rewards a day."""

    def __init__(self, seed: int = 1) -> None:
        self.world = world = World(seed, start_ms=20_000 * DAY_MS)
        self.draw = world.chance.stream("bank")
        self.market = make_market(world.chance.stream("market"), 1, world.scheduler.now_ms, category="politics")
        self.market.reward_daily, self.market.reward_min_size = POOL, 20 * ONE
        self.market.reward_max_spread = 40_000
        world.open_market(self.market)
        self.a, self.b, self.c = (drawn_address(self.draw) for _ in range(3))
        for wallet in (self.a, self.b, self.c):
            world.fund(wallet, 100_000 * ONE)
        self.run(10)

    def run(self, seconds: float) -> None:
        self.world.scheduler.run_for(round(seconds * 1000))

    def buy(self, wallet: str, outcome: int, price: int, shares: int, market: Market | None = None) -> Order:
        """A resting or taking BUY; a BUY of NO at p is an ask at 1 - p."""
        size, token = shares * ONE, (market or self.market).tokens[outcome]
        request = OrderRequest(drawn_hash(self.draw), "key", wallet, wallet, token, Side.BUY, size * price // ONE, size)
        return self.world.exchange.place(request).order

    def quote(self, wallet: str, bid: int, ask: int, shares: int) -> None:
        """Both sides of YES."""
        self.buy(wallet, 0, bid, shares)
        self.buy(wallet, 1, ONE - ask, shares)

    def cash(self, wallet: str) -> int:
        return self.world.chain.cash(wallet)
