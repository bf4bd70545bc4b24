"""A busy simulated world, and everything it says on every endpoint and socket while it lives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sim.clob.venue import Trader, Venue
from tieout.sim.chain.calls import (
    Convert,
    Merge,
    Migrate,
    PayReward,
    Redeem,
    Split,
    TransferCash,
    TransferTokens,
    Withdraw,
)
from tieout.sim.chain.chain import Condition, NegRiskEvent
from tieout.sim.contracts import ledger_of
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.index.index import Index
from tieout.sim.markets import make_event, make_market
from tieout.sim.model import Market
from tieout.sim.wire.connection import Connection, Session
from tieout.sim.wire.data_api import DataApi
from tieout.sim.wire.gamma import Gamma
from tieout.sim.wire.http import Request
from tieout.sim.wire.market_channel import MarketChannel
from tieout.sim.wire.rpc import Rpc
from tieout.sim.wire.rpc_subscribe import RpcSocket
from tieout.sim.wire.user_channel import UserChannel

CENT = ONE // 100


@dataclass(slots=True)
class Traffic:
    """Payloads by kind, as the bytes that were sent, and whose they are where they are somebody's."""

    wallet: str = ""
    owner: str = ""
    texts: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, kind: str, text: bytes) -> None:
        self.texts.setdefault(kind, []).append(text)

    def payloads(self, kind: str) -> Iterator[Any]:
        for text in self.texts[kind]:
            yield json.loads(text)


class Life:
    """Two people who trade on every kind of market, and a listener to all of it."""

    def __init__(self) -> None:
        self.venue = venue = Venue()
        self.world = world = venue.world
        self.gamma, self.data_api = Gamma(world), DataApi(world, Index(world, lag_ms=(0, 0)))
        self.rpc = Rpc(world)
        self.traffic = Traffic()
        draw = world.chance.stream("life")
        self.event = make_event(draw, 10, world.scheduler.now_ms, 3)
        for market in self.event:
            world.open_market(market)
        self.markets = [*venue.markets, *self.event]
        self.alice, self.bob = venue.trader(), venue.trader()
        self.traffic.wallet, self.traffic.owner = self.alice.wallet, self.alice.key.key
        self._draw = draw
        for trader in (self.alice, self.bob):
            self.fund(trader)
        self._listen()

    def fund(self, trader: Trader) -> None:
        self.world.fund(trader.wallet, 5_000 * ONE)
        self.venue.run(3)
        for market in self.event:
            self.world.chain.submit(Split(trader.wallet, Condition.of(market), 500 * ONE))
        self.venue.run(3)

    # sockets

    def _listen(self) -> None:
        credentials = {
            "apiKey": self.alice.key.key, "secret": self.alice.key.secret, "passphrase": self.alice.key.passphrase,
        }  # fmt: skip
        user = UserChannel(self.world, Connection(lambda text: self._user(text), _never_closed))
        self._say(user, {"auth": credentials, "type": "user"})
        market = MarketChannel(self.world, Connection(lambda text: self._market(text), _never_closed))
        tokens = [str(token) for each in self.markets for token in each.tokens]
        self._say(market, {"type": "market", "assets_ids": tokens, "custom_feature_enabled": True})
        node = RpcSocket(self.world, Connection(lambda text: self._node(text), _never_closed), self.rpc)
        self._say(node, {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["logs", {}]})

    def _say(self, session: Session, frame: object) -> None:
        session.receive(json.dumps(frame))

    def _user(self, text: str) -> None:
        kind = json.loads(text)["event_type"]
        self.traffic.add(f"user {kind}", text.encode())

    def _market(self, text: str) -> None:
        found = json.loads(text)
        for message in found if isinstance(found, list) else [found]:
            self.traffic.add(f"ws {message['event_type']}", json.dumps(message).encode())

    def _node(self, text: str) -> None:
        result = json.loads(text).get("params", {}).get("result")
        if result is not None:
            self.traffic.add("log", json.dumps(result).encode())

    # asking

    def ask(
        self, kind: str, method: str, path: str, body: Any = None, *, by: Trader | None = None, **query: str
    ) -> Any:
        """One signed request to the CLOB; its answer is kept as *kind*, an error as an error."""
        trader = by or self.alice
        text = None if body is None else json.dumps(body, separators=(",", ":"))
        headers = trader.headers(method, path, text)
        reply = self.venue.clob.handle(Request(method, path, query, headers, (text or "").encode()))
        if reply.status != 200 and kind != "wrong heartbeat":
            kind = "error"
        self.traffic.add(kind, reply.body)
        return json.loads(reply.body)

    def get(self, kind: str, service: Any, path: str, **query: str) -> None:
        reply = service.handle(Request("GET", path, query))
        assert reply.status == 200, (path, query, reply.body)
        self.traffic.add(kind, reply.body)

    def call(self, kind: str, method: str, *params: Any) -> Any:
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        found = json.loads(self.rpc.handle(Request("POST", "/", {}, {}, asked.encode())).body)["result"]
        self.traffic.add(kind, json.dumps(found).encode())
        return found

    def order(self, by: Trader, market: Market, side: str, outcome: int, cents: int, shares: int, **more: Any) -> Any:
        body = by.order(market, side, outcome, cents * CENT, shares * ONE, **more)
        return self.ask("order answer", "POST", "/order", body, by=by)

    # what happens

    def live(self) -> Traffic:
        """The whole life."""
        for market in self.markets:
            self._match_kinds(market)
            self._cancels(market)
        self.look()
        self._kills_and_refusals(self.venue.market)
        self._settlement_goes_wrong(self.venue.other)
        self.look()
        self._positions_move()
        self.look()
        self._markets_change()
        self.venue.run(40)
        self.look()
        return self.traffic

    def _match_kinds(self, market: Market) -> None:
        """Complementary, mint and merge, with the listener as maker and as taker, and several makers at once."""
        one, other = self.alice, self.bob
        for maker, taker in ((one, other), (other, one)):
            self.order(maker, market, "SELL", 0, 45, 20)
            self.order(taker, market, "BUY", 0, 45, 8)
            self.order(maker, market, "BUY", 1, 56, 10)
            self.order(taker, market, "BUY", 0, 46, 22)
            self.order(maker, market, "SELL", 1, 40, 10)
            self.order(taker, market, "SELL", 0, 55, 10)
        self.venue.run(30)

    def _cancels(self, market: Market) -> None:
        ids = [self.order(self.alice, market, "BUY", 0, 10 + number, 5)["orderID"] for number in range(5)]
        self.look_at_orders()
        self.ask("cancel answer", "DELETE", "/order", {"orderID": ids[0]})
        self.ask("cancel answer", "DELETE", "/orders", ids[:3])
        self.ask("cancel answer", "DELETE", "/cancel-market-orders", {"market": market.condition_id})
        ends = self.world.scheduler.now_s + 70
        self.order(self.alice, market, "BUY", 0, 20, 5, kind="GTD", expiration=ends)
        self.look_at_orders()
        self.venue.run(20)
        self.order(self.alice, market, "BUY", 0, 20, 5, post_only=True)
        self.ask("cancel answer", "DELETE", "/cancel-all")

    def _kills_and_refusals(self, market: Market) -> None:
        self.order(self.bob, market, "SELL", 0, 60, 10)
        self.order(self.alice, market, "BUY", 0, 60, 20, kind="FOK")
        self.order(self.alice, market, "BUY", 0, 50, 20, kind="FAK")
        self.order(self.alice, market, "BUY", 0, 60, 20, post_only=True)
        self.order(self.alice, market, "BUY", 0, 50, 100_000)
        batch = [
            self.alice.order(market, "BUY", 0, 60 * CENT, 20 * ONE, post_only=True),
            self.alice.order(market, "BUY", 0, 50 * CENT, 1 * ONE),
        ]
        self.ask("batch refusal", "POST", "/orders", batch)
        self.order(self.alice, market, "BUY", 0, 60, 20, kind="FAK")
        beat = self.ask("heartbeat", "POST", "/v1/heartbeats", {"heartbeat_id": ""})
        self.ask("heartbeat", "POST", "/v1/heartbeats", {"heartbeat_id": beat["heartbeat_id"]})
        self.ask("wrong heartbeat", "POST", "/v1/heartbeats", {"heartbeat_id": "no"})
        self.order(self.alice, market, "BUY", 0, 20, 10)
        self.venue.run(20)

    def _settlement_goes_wrong(self, market: Market) -> None:
        """One trade is retried and given up, one is mined again after a reorganisation, one order loses its cover."""
        market.delay_ms = 50
        self.world.settler.reverts = lambda _trade: True
        self.order(self.bob, market, "SELL", 0, 60, 10)
        self.order(self.alice, market, "BUY", 0, 60, 10)
        self.venue.run(1)
        self.look_at_orders()
        self.venue.run(40)
        self.world.settler.reverts = lambda _trade: False
        self.order(self.bob, market, "SELL", 0, 60, 10)
        self.order(self.alice, market, "BUY", 0, 60, 10)
        self.venue.run(4)
        self.world.chain.reorg(2)
        self.venue.run(40)
        self.order(self.alice, market, "BUY", 0, 20, 1000)
        cash = self.world.chain.cash(self.alice.wallet)
        self.world.chain.submit(TransferCash(self.alice.wallet, self.bob.wallet, cash - 100 * ONE))
        self.venue.run(30)

    def _positions_move(self) -> None:
        chain, wallet, market = self.world.chain, self.alice.wallet, self.venue.market
        chain.submit(Split(wallet, Condition.of(market), 7 * ONE))
        chain.submit(Merge(wallet, Condition.of(market), 3 * ONE))
        chain.submit(Split(wallet, Condition.of(self.venue.v2_market), 7 * ONE, "v2"))
        chain.submit(Merge(wallet, Condition.of(self.venue.v2_market), 3 * ONE, "v2"))
        chain.submit(Convert(wallet, NegRiskEvent.of(self.event), 1, 5 * ONE))
        chain.submit(TransferTokens(ledger_of(market), wallet, self.bob.wallet, (market.tokens[0],), (2 * ONE,)))
        for kind in ("reward", "rebate"):
            chain.submit(PayReward(wallet, 2 * ONE, kind))
        chain.submit(Withdraw(wallet, self.bob.wallet, ONE))
        self.venue.run(30)

    def _markets_change(self) -> None:
        first, second, last = self.venue.market, self.venue.event_market, self.venue.v2_market
        lifecycle.change_tick(self.world.exchange, first, ONE // 1000)
        self.world.open_market(make_market(self._draw, 20, self.world.scheduler.now_ms, category="crypto"))
        migrated = self.venue.other
        self.world.chain.submit(Migrate(self.alice.wallet, Condition.of(migrated)))
        lifecycle.migrate_market(self.world.exchange, migrated)
        self.world.fund(self.alice.wallet, 100 * ONE)
        self.venue.run(3)
        self.order(self.alice, first, "BUY", 0, 20, 10)
        for market, payouts in ((first, (ONE, 0)), (second, (0, ONE)), (last, (ONE // 2, ONE // 2))):
            self.world.resolve(market, payouts)
        self.venue.run(3)
        self.look()
        for market in (first, second):
            self.world.chain.submit(Redeem(self.alice.wallet, Condition.of(market)))
        self.world.chain.submit(Redeem(self.alice.wallet, Condition.of(last), version="v2"))

    # looking

    def look_at_orders(self) -> None:
        self.ask("orders page", "GET", "/data/orders")
        trades = self.ask("trades page", "GET", "/data/trades")
        if trades["data"]:
            self.ask("trades page", "GET", "/data/trades", id=trades["data"][0]["id"])

    def look(self) -> None:
        """Every reading endpoint."""
        self.look_at_orders()
        self._look_at_account()
        for market in self.world.exchange.markets.values():
            self._look_at_market(market)
        self.get("gamma markets", self.gamma, "/markets", version="v1,v2")
        self.get("gamma markets", self.gamma, "/markets", closed="true", version="v1,v2")
        self._look_at_data()
        self._look_at_chain()

    def _look_at_account(self) -> None:
        self.ask("api keys", "GET", "/auth/api-keys")
        self.ask("closed only", "GET", "/auth/ban-status/closed-only")
        self.ask("scoring", "GET", "/order-scoring", order_id="0x" + "12" * 32)
        self.ask("balance allowance", "GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="0")
        for market, kind in ((self.venue.event_market, "CONDITIONAL"), (self.venue.v2_market, "CONDITIONAL-V2")):
            token = str(market.tokens[0])
            self.ask("balance allowance", "GET", "/balance-allowance", asset_type=kind, token_id=token)

    def _look_at_market(self, market: Market) -> None:
        clob, token = self.venue.clob, str(market.tokens[0])
        self.get("market", clob, f"/markets/{market.condition_id}")
        self.get("compact market", clob, f"/clob-markets/{market.condition_id}")
        self.get("by token", clob, f"/markets-by-token/{token}")
        self.get("tick size", clob, "/tick-size", token_id=token)
        self.get("neg risk", clob, "/neg-risk", token_id=token)
        self.get("fee rate", clob, "/fee-rate", token_id=token)
        if not market.closed:
            self.get("book", clob, "/book", token_id=token)
            self.get("midpoint", clob, "/midpoint", token_id=token)
            self.get("price", clob, "/price", token_id=token, side="BUY")
            self.get("spread", clob, "/spread", token_id=token)
            self.get("last trade price", clob, "/last-trade-price", token_id=token)

    def _look_at_data(self) -> None:
        user, data = self.alice.wallet, self.data_api
        self.get("positions v1", data, "/positions", user=user, sizeThreshold="0")
        self.get("activities v1", data, "/activity", user=user, limit="500")
        self.get("data trades v1", data, "/trades", user=user, takerOnly="false", limit="500")
        for status in ("OPEN", "CLOSED", "REDEEMABLE"):
            self.get("positions v2", data, "/v2/positions", user=user, status=status, limit="2")
        self.get("activities v2", data, "/v2/activity", user=user, limit="200")
        self.get("data trades v2", data, "/v2/trades", user=user, taker_only="false", limit="200")

    def _look_at_chain(self) -> None:
        head = int(self.call("quantity", "eth_blockNumber"), 16)
        start = self.world.chain.block_by_tag("earliest").number
        logs = self.call("logs", "eth_getLogs", {"fromBlock": hex(start), "toBlock": hex(head)})
        for tx_hash in dict.fromkeys(log["transactionHash"] for log in logs):
            self.call("receipt", "eth_getTransactionReceipt", tx_hash)


def _never_closed(code: int, reason: str) -> None:
    raise AssertionError(f"the venue closed a connection: {code} {reason}")
