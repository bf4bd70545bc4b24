"""A whole world with three people who can trade, and connections that remember what they were told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tieout.sim.chain.calls import Split
from tieout.sim.chain.chain import Condition
from tieout.sim.engine.amounts import ONE
from tieout.sim.engine.exchange import Placement
from tieout.sim.markets import make_market
from tieout.sim.model import Order, OrderKind, OrderRequest, Side
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.wire.connection import Connection, Session
from tieout.sim.world import World

BUY, SELL = Side.BUY, Side.SELL


class Person:
    """A signer with a wallet of its own address and an API key."""

    def __init__(self, world: World, name: str) -> None:
        stream = world.chance.stream(f"person/{name}")
        self.signer, self.wallet = drawn_address(stream), drawn_address(stream)
        self.key = world.keys.derive(self.signer)

    @property
    def auth(self) -> dict[str, str]:
        return {"apiKey": self.key.key, "secret": self.key.secret, "passphrase": self.key.passphrase}


class Wire:
    """The client's end of a connection."""

    def __init__(self, world: World, factory: Callable[[World, Connection], Session]) -> None:
        self.heard: list[str] = []
        self.close_code: int | None = None
        self.session = factory(world, Connection(self.heard.append, self._close))

    def _close(self, code: int, reason: str) -> None:
        self.close_code = code

    def say(self, frame: object) -> None:
        self.session.receive(frame if isinstance(frame, str) else json.dumps(frame))

    def take(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The messages since the last time, single or in arrays; those of other kinds are dropped."""
        frames = [json.loads(frame) for frame in self.heard]
        self.heard.clear()
        rows = [row for frame in frames for row in (frame if isinstance(frame, list) else [frame])]
        return [row for row in rows if kind in (None, row.get("event_type"))]


class Stage:
    """Two markets; `place("alice", BUY, 0, 520_000, 10)`."""

    def __init__(self, *, delay_ms: int = 0, version: str = "v1") -> None:
        self.world = world = World(3)
        draw = world.chance.stream("stage")
        self.market, self.other = (
            make_market(draw, number, world.scheduler.now_ms, category="culture", version=version) for number in (1, 2)
        )
        for market in (self.market, self.other):
            market.delay_ms = delay_ms
            world.open_market(market)
        self.people = {name: Person(world, name) for name in ("alice", "bob", "carol")}
        for person in self.people.values():
            world.fund(person.wallet, 10_000 * ONE)
        self.mine()
        for person in self.people.values():
            for market in (self.market, self.other):
                world.chain.submit(Split(person.wallet, Condition.of(market), 1000 * ONE, version))
        self.mine()
        self._draw = draw

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def mine(self, blocks: int = 1) -> None:
        self.world.scheduler.run_for(blocks * self.world.chain.block_ms)

    def request(
        self,
        name: str,
        side: Side,
        outcome: int,
        price: int,
        shares: int,
        kind: OrderKind = OrderKind.GTC,
        **more: Any,
    ) -> OrderRequest:
        person, market = self.people[name], more.pop("market", self.market)
        size, cash = shares * ONE, shares * price
        making, taking = (cash, size) if side is BUY else (size, cash)
        names = {"id": drawn_hash(self._draw), "owner": person.key.key, "signer": person.signer} | more
        return OrderRequest(
            **names,
            wallet=person.wallet,
            token=market.tokens[outcome],
            side=side,
            maker_amount=making,
            taker_amount=taking,
            kind=kind,
        )

    def place(self, name: str, side: Side, outcome: int, price: int, shares: int, *args: Any, **more: Any) -> Placement:
        return self.world.exchange.place(self.request(name, side, outcome, price, shares, *args, **more))

    def cancel(self, order: Order) -> None:
        assert self.world.exchange.cancel(order.request.signer, order.id) is None
