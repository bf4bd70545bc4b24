"""A small venue with one account, spoken to as a client does: HTTP, JSON-RPC and WebSocket values in process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tieout.sim.crowd.trader import Account, Trader
from tieout.sim.engine.amounts import ONE
from tieout.sim.model import Side
from tieout.sim.scenario import Options, build
from tieout.sim.wire.auth import hmac_of
from tieout.sim.wire.connection import Connection
from tieout.sim.wire.http import Delivery, Request

BUY, SELL = Side.BUY, Side.SELL


class Socket:
    """A client's WebSocket: the frames it got and how it ended."""

    def __init__(self, site: Any, path: str) -> None:
        self.frames: list[tuple[int, str]] = []
        self.ended: int | None = None
        self._clock = site.world.scheduler
        self.session = site.open_socket(path, Connection(self._take, self._end))

    def _take(self, text: str) -> None:
        self.frames.append((self._clock.now_ms, text))

    def _end(self, code: int, reason: str) -> None:
        self.ended = code

    def say(self, value: Any) -> None:
        self.session.receive(value if isinstance(value, str) else json.dumps(value))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.frames]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The order or trade events, decoded."""
        found = [json.loads(text) for text in self.texts if text.startswith("{")]
        return [event for event in found if event.get("event_type") == kind]


class Stage:
    """A venue of four markets (without a crowd unless asked for), its first account, and a counterparty."""

    def __init__(self, *, intensity: float = 0, markets: int = 7, seed: int = 5) -> None:
        made = build(Options(seed=seed, intensity=intensity, markets=markets, warm_up_ms=12_000))
        self.world, self.site, self.faults = made.world, made.site, made.faults
        self.account = made.accounts[0]
        self.wallet = self.account.address
        stream = self.world.chance.stream("stage")
        self.me = Trader(self.world, Account(self.account.api_key.key, self.wallet, self.wallet), stream)
        self.other = Trader.drawn(self.world, stream)
        self.world.fund(self.other.account.wallet, 100_000 * ONE)
        self.markets = list(self.world.exchange.markets.values())
        self.market = self.markets[0]
        self.run(3)

    def run(self, seconds: float) -> None:
        self.world.scheduler.run_for(round(seconds * 1000))

    # orders

    def rest(self, *, price: int = 400_000, size: int = 20 * ONE, market: Any = None, outcome: int = 0) -> Any:
        """A resting BUY of the account."""
        placed = self.me.limit(market or self.market, outcome, BUY, price, size)
        assert placed is not None
        return placed.order

    def fill(self, order: Any, size: int) -> Any:
        """The counterparty fills *size* of a resting BUY by a mint. Returns the trade."""
        placed = self.other.limit(order.market, 1 - order.outcome, BUY, ONE - order.price, size)
        assert placed is not None
        return placed.trades[0]

    def holding(self, size: int = 50 * ONE) -> Any:
        """The account owns *size* of outcome 0 of the first market. Returns the market."""
        self.fill(self.rest(size=size), size)
        self.run(4)
        assert self.me.held(self.market, 0) == size
        return self.market

    # the client's side

    def deliver(self, method: str, path: str, body: Any = None, **query: str) -> Delivery:
        """A signed request."""
        raw = json.dumps(body).encode() if body is not None else b""
        key, now_s = self.account.api_key, str(self.world.scheduler.now_s)
        signature = hmac_of(key.secret, now_s, Request(method, path, body=raw))
        headers = {
            "poly_address": self.wallet,
            "poly_api_key": key.key,
            "poly_passphrase": key.passphrase,
            "poly_timestamp": now_s,
            "poly_signature": signature,
        }
        return self.site.deliver(Request(method, path, query, headers, raw))

    def get(self, path: str, **query: str) -> Any:
        """The JSON of a good answer."""
        return self.send("GET", path, None, **query)

    def send(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        delivery = self.deliver(method, path, body, **query)
        assert delivery.reply is not None
        assert delivery.reply.status == 200, delivery.reply.body
        return json.loads(delivery.reply.body)

    def rpc(self, method: str, *params: Any) -> Any:
        answer = self.rpc_answer(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def rpc_answer(self, method: str, *params: Any) -> Any:
        call = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        return json.loads(self.site.deliver(Request("POST", "/rpc", body=json.dumps(call).encode())).reply.body)

    def user_socket(self) -> Socket:
        socket = Socket(self.site, "/ws/user")
        key = self.account.api_key
        auth = {"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase}
        socket.say({"auth": auth, "type": "user"})
        return socket

    def truth(self) -> Any:
        return self.get("/control/truth", wallet=self.wallet)

    @contextmanager
    def fault(self, name: str, **more: Any) -> Iterator[Any]:
        """The fault is on within, and must have struck at its end."""
        switch = self.faults.on(name, **more)
        yield switch
        self.faults.off(name)
        assert self.faults.struck(name) > 0, f"{name} never struck"
