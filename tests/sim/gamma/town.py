"""Markets with some trading, and Gamma over them."""

from __future__ import annotations

import json
from typing import Any

from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_markets
from tieout.sim.model import Market, OrderRequest, Side
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.wire.gamma import Gamma
from tieout.sim.wire.http import Request
from tieout.sim.world import World


class Town:
    """*count* markets, opened one a second, and *trades* matches spread over them."""

    def __init__(self, seed: int = 1, *, count: int = 12, trades: int = 0) -> None:
        self.world = world = World(seed)
        self.gamma = Gamma(world)
        self.draw = world.chance.stream("town")
        self.markets = list(make_markets(world.chance.stream("markets"), count, world.scheduler.now_ms))
        for market in self.markets:
            market.created_ms = world.scheduler.now_ms
            world.open_market(market)
            world.scheduler.run_for(1_000)
        self.wallets = [drawn_address(self.draw) for _ in range(2)]
        for wallet in self.wallets:
            world.fund(wallet, 10_000 * ONE)
        world.scheduler.run_for(3_000)
        for _ in range(trades):
            self.trade(self.draw.choice(self.markets))

    def trade(self, market: Market, size: int = 10 * ONE) -> None:
        """A mint of *size* at 0.6, with orders left over on both sides."""
        maker, taker = self.wallets
        self.place(maker, market, 1, 400_000, size)
        self.place(taker, market, 0, 600_000, size)
        self.place(maker, market, 0, 550_000, 5 * ONE)
        self.place(maker, market, 1, 350_000, 5 * ONE)
        self.world.scheduler.run_for(1_000)

    def place(self, wallet: str, market: Market, outcome: int, price: int, size: int) -> None:
        making, token = size * price // ONE, market.tokens[outcome]
        request = OrderRequest(drawn_hash(self.draw), "key", wallet, wallet, token, Side.BUY, making, size)
        self.world.exchange.place(request)

    def by_id(self, number: str) -> Market:
        return next(market for market in self.markets if str(market.number) == number)

    def reply(self, path: str, **query: object) -> tuple[int, Any]:
        texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}
        answer = self.gamma.handle(Request("GET", path, texts))
        return answer.status, json.loads(answer.body)

    def ask(self, path: str, **query: object) -> Any:
        """The answer; lists of both token generations, unless *query* says which."""
        if path.startswith(("/markets", "/events")):
            query.setdefault("version", "v1,v2")
        status, body = self.reply(path, **query)
        assert status == 200, (path, query, body)
        return body

    def walk(self, what: str, **query: object) -> list[Any]:
        """All rows behind the cursor of a keyset path."""
        rows, after = [], {}
        for _ in range(1_000):
            page = self.ask(f"/{what}/keyset", **query, **after)
            rows += page[what]
            if "next_cursor" not in page:
                return rows
            after = {"after_cursor": page["next_cursor"]}
        raise AssertionError(f"{what} {query}: no end")
