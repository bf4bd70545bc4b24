"""A world behind its CLOB, traders with real keys, and both official clients speaking to it inside the process."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import httpx
from eth_account import Account
from polymarket._internal.actions.orders.typed_data import build_order_signature, build_order_typed_data
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket._internal.environment import PRODUCTION_CONFIG, create_environment
from polymarket._internal.hmac import build_hmac_signature
from py_clob_client_v2 import ApiCreds, ClobClient

from tieout.sim.chain.calls import Split
from tieout.sim.chain.chain import Condition
from tieout.sim.contracts import exchange_of, order_version
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import BYTES32_ZERO, Market, OrderKind, OrderRequest, Side
from tieout.sim.rng import drawn_hash
from tieout.sim.wire.clob import Clob
from tieout.sim.wire.http import Reply, Request
from tieout.sim.wire.relayer import Relayer
from tieout.sim.wire.wallets import deposit_wallet, proxy_wallet, safe_wallet
from tieout.sim.world import World

CLOB, RELAYER = "http://clob.test", "http://relayer.test"
KINDS = {"eoa": 0, "proxy": 1, "safe": 2, "deposit": 3}
_WALLETS = {0: lambda owner: owner, 1: proxy_wallet, 2: safe_wallet, 3: deposit_wallet}


class Answer(SimpleNamespace):
    """Status, headers and the body as JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


def answer(reply: Reply) -> Answer:
    return Answer(status=reply.status, headers=reply.headers, body=json.loads(reply.body) if reply.body else None)


class Trader:
    """A private key, its wallet of one kind, and an API key; signs as the SDK does."""

    def __init__(self, venue: Venue, number: int, kind: str = "eoa") -> None:
        self.venue = venue
        self.account = Account.from_key(f"0x{number:064x}")
        self.signer = self.account.address.lower()
        self.signature_type = KINDS[kind]
        self.wallet = _WALLETS[self.signature_type](self.signer)
        self.key = venue.world.keys.derive(self.signer)
        self._salt = number * 1_000_000

    def headers(self, method: str, path: str, body: str | None = None, *, at_s: int | None = None) -> dict[str, str]:
        at_s = self.venue.world.scheduler.now_s if at_s is None else at_s
        signed = build_hmac_signature(secret=self.key.secret, timestamp=at_s, method=method, path=path, body=body)
        return {
            "poly_address": self.account.address,
            "poly_api_key": self.key.key,
            "poly_passphrase": self.key.passphrase,
            "poly_signature": signed,
            "poly_timestamp": str(at_s),
        }

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        text = None if body is None else json.dumps(body, separators=(",", ":"))
        headers = self.headers(method, path, text)
        return answer(self.venue.clob.handle(Request(method, path, query, headers, (text or "").encode())))

    def order(
        self, market: Market, side: str, outcome: int, price: int, size: int, *, kind: str = "GTC", **changes: Any
    ) -> dict[str, Any]:
        """A signed body. *price* and *size* are micro; *changes* go into the order before it is signed.

        The keys exchange, version, owner, post_only, expiration are the envelope's.
        """
        self._salt += 1
        cash, wire_side = size * price // ONE, side
        making, taking = (cash, size) if side == "BUY" else (size, cash)
        exchange = changes.pop("exchange", exchange_of(market))
        version = changes.pop("version", order_version(market))
        owner, post_only = changes.pop("owner", self.key.key), changes.pop("post_only", False)
        values = {
            "builder": BYTES32_ZERO,
            "maker": self.wallet,
            "signer": self.wallet if self.signature_type == 3 else self.signer,
            "maker_amount": making,
            "taker_amount": taking,
            "metadata": BYTES32_ZERO,
            "salt": self._salt,
            "side": wire_side,
            "signature_type": self.signature_type,
            "timestamp": self.venue.world.scheduler.now_ms,
            "token_id": str(market.tokens[outcome]),
            "expiration": 0,
            **changes,
        }
        signed = signature(self.account, values, exchange, version)
        order = {
            "builder": values["builder"],
            "expiration": str(values["expiration"]),
            "maker": values["maker"],
            "makerAmount": str(values["maker_amount"]),
            "metadata": values["metadata"],
            "salt": values["salt"],
            "side": values["side"],
            "signature": signed,
            "signatureType": values["signature_type"],
            "signer": values["signer"],
            "takerAmount": str(values["taker_amount"]),
            "timestamp": str(values["timestamp"]),
            "tokenId": values["token_id"],
        }
        body = {"deferExec": False, "order": order, "orderType": kind, "owner": owner}
        return body | {"postOnly": True} if post_only else body

    def place(self, market: Market, side: str, outcome: int, price: int, size: int, **more: Any) -> Answer:
        return self.ask("POST", "/order", self.order(market, side, outcome, price, size, **more))


def signature(account: Any, values: dict[str, Any], exchange: str, version: str) -> str:
    """Signed by the SDK's own code."""
    order = UnsignedOrder(chain_id=137, exchange_address=exchange, order_type="GTC", protocol_version=version, **values)
    signed = account.sign_typed_data(full_message=build_order_typed_data(order))
    return str(build_order_signature(order, "0x" + signed.signature.hex()))


class Venue:
    """Two markets of CLOB V2, one of an event and one of Protocol V2; traders come with money and shares."""

    def __init__(self, *, now: bool = False) -> None:
        start = int(time.time() * 1000) if now else 1_790_000_000_000
        self.world = world = World(5, start_ms=start)
        self.clob, self.relayer = Clob(world), Relayer(world)
        draw = world.chance.stream("venue")
        event = drawn_hash(draw)[:-2] + "00"
        self.market = make_market(draw, 1, start, category="politics")
        self.other = make_market(draw, 2, start, category="geopolitics")
        self.event_market = make_market(draw, 3, start, category="politics", neg_risk=(event, 0))
        self.v2_market = make_market(draw, 4, start, category="culture", version="v2")
        self.markets = (self.market, self.other, self.event_market, self.v2_market)
        for market in self.markets:
            market.reward_daily = 10 * ONE
            world.open_market(market)
        self._draw = draw
        self._made = 0

    def trader(self, kind: str = "eoa", *, cash: int = 10_000 * ONE, shares: int = 1_000 * ONE) -> Trader:
        """Somebody new, funded on chain."""
        self._made += 1
        trader = Trader(self, self._made, kind)
        self.fund(trader.wallet, cash, shares)
        return trader

    def fund(self, wallet: str, cash: int, shares: int = 0) -> None:
        if cash:
            self.world.fund(wallet, cash + len(self.markets) * shares)
            self.run(3)
        if shares:
            for market in self.markets:
                self.world.chain.submit(Split(wallet, Condition.of(market), shares, market.version))
            self.run(3)

    def run(self, seconds: float) -> None:
        self.world.scheduler.run_for(int(seconds * 1000))

    def get(self, path: str, **query: str) -> Answer:
        return answer(self.clob.handle(Request("GET", path, query)))

    def post(self, path: str, body: Any) -> Answer:
        return answer(self.clob.handle(Request("POST", path, {}, {}, json.dumps(body).encode())))

    def crowd(self, market: Market, side: Side, outcome: int, price: int, size: int, signer: str, **more: Any) -> str:
        """An order at engine level with made-up signed fields."""
        cash = size * price // ONE
        making, taking = (cash, size) if side is Side.BUY else (size, cash)
        order_id = drawn_hash(self._draw)
        token = market.tokens[outcome]
        request = OrderRequest(order_id, "crowd", signer, signer, token, side, making, taking, OrderKind.GTC, **more)
        self.world.exchange.place(request)
        return order_id

    # official clients

    def serve(self, request: httpx.Request) -> httpx.Response:
        """What httpx would have got from a server."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(reversed(parse_qsl(request.url.query.decode(), keep_blank_values=True)))
        passed = Request(request.method, request.url.path, query, headers, request.read())
        handler = self.relayer if request.url.host == "relayer.test" else self.clob
        reply = handler.handle(passed)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)

    def environment(self) -> Any:
        config = dataclasses.replace(PRODUCTION_CONFIG, clob_url=CLOB, relayer_url=RELAYER)
        return create_environment(name="sim", config=config)

    def py_client(self, trader: Trader) -> ClobClient:
        creds = ApiCreds(trader.key.key, trader.key.secret, trader.key.passphrase)
        kind = trader.signature_type
        key = trader.account.key.hex()
        return ClobClient(CLOB, 137, key=key, creds=creds, signature_type=kind, funder=trader.wallet)
