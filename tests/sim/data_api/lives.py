"""A world whose wallets do everything that shows in the Data API, and the API over it."""

from __future__ import annotations

import json
from typing import Any

from tieout.sim.chain.calls import (
    Call,
    Condition,
    Convert,
    Deposit,
    Merge,
    Migrate,
    NegRiskEvent,
    PayReward,
    Redeem,
    Split,
    TransferCash,
    TransferTokens,
    Withdraw,
)
from tieout.sim.contracts import ledger_of
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.engine.rejections import Rejected
from tieout.sim.index.index import Index
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market, OrderKind, OrderRequest, Side
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.wire.data_api import DataApi
from tieout.sim.wire.http import Request
from tieout.sim.world import World

OUTSIDE = "0x" + "0f" * 20


class Lives:
    """Some wallets and markets; `step()` is one action of somebody, `ask` a question to the API."""

    def __init__(self, seed: int = 1, *, wallets: int = 4, lag_ms: tuple[int, int] = (0, 0)) -> None:
        self.world = world = World(seed)
        self.draw = world.chance.stream("lives")
        self.index = Index(world, lag_ms=lag_ms)
        self.api = DataApi(world, self.index)
        now = world.scheduler.now_ms
        stream = world.chance.stream("markets")
        self.event = make_event(stream, 4, now, 3)
        self.markets = [
            make_market(stream, 1, now, category="crypto"),
            make_market(stream, 2, now, category="politics"),
            make_market(stream, 3, now, category="sports", version="v2"),
            *self.event,
        ]
        self.wallets = sorted(drawn_address(self.draw) for _ in range(wallets))
        for market in self.markets:
            world.open_market(market)
        for wallet in self.wallets:
            world.fund(wallet, 5_000 * ONE)
        self.run(4)

    def run(self, seconds: float) -> None:
        self.world.scheduler.run_for(round(seconds * 1000))

    def send(self, *calls: Call) -> list[str]:
        hashes = [self.world.chain.submit(call) for call in calls]
        self.run(2.1)
        return hashes

    def order(
        self, wallet: str, side: Side, market: Market, outcome: int, price: int, size: int, kind: str = "GTC"
    ) -> OrderRequest:
        making, taking = (size * price // ONE, size) if side is Side.BUY else (size, size * price // ONE)
        if kind != "GTC" and side is Side.BUY:
            making = max(making // CENT, 1) * CENT
            taking = making * ONE // price // 100 * 100
        token = market.tokens[outcome]
        return OrderRequest(
            drawn_hash(self.draw), f"key {wallet}", wallet, wallet, token, side, making, taking, OrderKind(kind)
        )

    def place(self, *args: Any) -> None:
        self.world.exchange.place(self.order(*args))

    def match(self, taker: str, maker: str, market: Market, outcome: int, price: int, size: int) -> None:
        """The taker buys *size* from the maker's bid on the other outcome, in a mint."""
        self.place(maker, Side.BUY, market, 1 - outcome, ONE - price, size)
        self.place(taker, Side.BUY, market, outcome, price, size)
        self.run(4)

    # random lives

    def step(self) -> None:
        act = self.draw.choices(
            (self._trade, self._split, self._merge, self._give, self._pay, self._convert, self._migrate, self._income),
            (60, 12, 8, 4, 4, 3, 1, 2),
        )[0]
        act(self.draw.choice(self.wallets), self.draw.choice(self.markets))
        self.run(self.draw.random() * 3)

    def _trade(self, wallet: str, market: Market) -> None:
        kind = self.draw.choices(("GTC", "FAK"), (70, 30))[0]
        price = self.draw.randrange(35, 66) * 10_000
        size = self.draw.choice((500, 700, 2_500, self.draw.randrange(100, 5_000))) * CENT
        try:
            self.place(wallet, self.draw.choice(tuple(Side)), market, self.draw.randrange(2), price, size, kind)
        except Rejected:
            return

    def _amount(self) -> int:
        return self.draw.randrange(1, 60 * ONE)

    def _submit(self, call: Call) -> None:
        self.world.chain.submit(call)

    def _split(self, wallet: str, market: Market) -> None:
        self._submit(Split(wallet, Condition.of(market), self._amount(), market.version))

    def _merge(self, wallet: str, market: Market) -> None:
        self._submit(Merge(wallet, Condition.of(market), self._amount(), market.version))

    def _give(self, wallet: str, market: Market) -> None:
        token = market.tokens[self.draw.randrange(2)]
        to = self.draw.choice(self.wallets)
        self._submit(TransferTokens(ledger_of(market), wallet, to, (token,), (self._amount(),)))

    def _pay(self, wallet: str, market: Market) -> None:
        to = self.draw.choice(self.wallets)
        amount = self._amount()
        self._submit(
            self.draw.choice(
                (TransferCash(wallet, to, amount), Deposit(wallet, amount), Withdraw(wallet, OUTSIDE, amount))
            )
        )

    def _convert(self, wallet: str, market: Market) -> None:
        event = NegRiskEvent.of(self.event, self.draw.choice((0, 100)))
        self._submit(Convert(wallet, event, self.draw.randrange(1, 7), self.draw.randrange(1, 20 * ONE)))

    def _migrate(self, wallet: str, market: Market) -> None:
        self._submit(Migrate(wallet, Condition.of(self.markets[1])))

    def _income(self, wallet: str, market: Market) -> None:
        self._submit(PayReward(wallet, self._amount(), self.draw.choice(("reward", "rebate"))))

    def resolve(self, market: Market, payouts: tuple[int, int]) -> None:
        """Resolve, and everybody redeems in every generation."""
        self.world.resolve(market, payouts)
        self.run(4)
        for wallet in self.wallets:
            for version in ("v1", "v2"):
                self._submit(Redeem(wallet, Condition.of(market), version=version))
        self.run(4)

    # asking

    def reply(self, path: str, **query: object) -> tuple[int, Any]:
        text = {name.rstrip("_"): str(value) for name, value in query.items()}
        answer = self.api.handle(Request("GET", path, text))
        return answer.status, json.loads(answer.body)

    def ask(self, path: str, **query: object) -> Any:
        status, body = self.reply(path, **query)
        assert status == 200, (path, query, body)
        return body

    def walk(self, path: str, **query: object) -> list[Any]:
        """All rows of a v2 path."""
        rows, cursor = [], {}
        for _ in range(2_000):
            page = self.ask(path, **query, **cursor)
            rows += page["data"]
            if not page["pagination"]["has_more"]:
                return rows
            cursor = {"cursor": page["pagination"]["next_cursor"]}
        raise AssertionError(f"{path} {query}: no end")


def lived(seed: int = 1, steps: int = 400, **more: Any) -> Lives:
    """Lives after some time: two markets are resolved, one of them to a fraction."""
    lives = Lives(seed, **more)
    for _ in range(steps):
        lives.step()
    lives.run(30)
    lives.resolve(lives.markets[0], (ONE, 0))
    lives.resolve(lives.markets[2], (333_333, 666_667))
    lives.run(30)
    return lives
