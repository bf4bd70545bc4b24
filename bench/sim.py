"""The simulated venue's speed: matches in process, orders over HTTP; each beside something bare in the same run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import heapq
import hmac
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
from coincurve import PrivateKey
from eth_hash.auto import keccak

from tieout.sim.chain.calls import Split
from tieout.sim.chain.chain import Condition
from tieout.sim.contracts import contract
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.markets import make_market
from tieout.sim.model import BYTES32_ZERO, OrderRequest, Side
from tieout.sim.rng import Chance, drawn_address, drawn_hash
from tieout.sim.wire.clob_signing import OrderFields, auth_digest, domain_separator, order_digest
from tieout.sim.world import World

Row = tuple[str, str, str, str]


def requests(world: World, tokens: list[tuple[int, int]], wallets: list[str], count: int) -> list[OrderRequest]:
    """Crossing limit orders of all four kinds, about every second of which matches."""
    draw = world.chance.stream("bench")
    made = []
    for _ in range(count):
        side, wallet, pair = draw.choice(tuple(Side)), draw.choice(wallets), draw.choice(tokens)
        price, size = draw.randrange(45, 56) * 10_000, draw.randrange(500, 2_000) * CENT
        cash = size * price // ONE
        making, taking = (cash, size) if side is Side.BUY else (size, cash)
        made.append(OrderRequest(drawn_hash(draw), "key", wallet, wallet, draw.choice(pair), side, making, taking))
    return made


def bare_matches(orders: list[tuple[bool, int, int]]) -> int:
    """Price-time matching of one token with two heaps and nothing else: no checks, no funds, no settlement."""
    bids: list[list[int]] = []
    asks: list[list[int]] = []
    matches = 0
    for turn, (buying, price, size) in enumerate(orders):
        rest, other = size, asks if buying else bids
        while rest and other and (other[0][0] <= price if buying else -other[0][0] >= price):
            done = min(rest, other[0][2])
            rest -= done
            other[0][2] -= done
            matches += 1
            if not other[0][2]:
                heapq.heappop(other)
        if rest:
            heapq.heappush(bids if buying else asks, [-price if buying else price, turn, rest])
    return matches


def bench_matches(count: int = 30_000) -> list[Row]:
    """Matches a second: engine, funds, announcements, settlement with its logs, blocks, trade states."""
    world = World(7)
    now = world.scheduler.now_ms
    stream = Chance(7).stream("markets")
    markets = [make_market(stream, number, now, category="crypto") for number in range(1, 11)]
    for market in markets:
        world.open_market(market)
    wallets = [drawn_address(stream) for _ in range(200)]
    for wallet in wallets:
        world.fund(wallet, 1_000_000 * ONE)
    world.scheduler.run_for(4_000)
    for wallet in wallets:
        for market in markets:
            world.chain.submit(Split(wallet, Condition.of(market), 50_000 * ONE, market.version))
    world.scheduler.run_for(4_000)
    made = requests(world, [market.tokens for market in markets], wallets, count)
    start = time.perf_counter()
    for number, request in enumerate(made):
        world.exchange.place(request)
        if number % 200 == 0:
            world.scheduler.run_for(100)
    world.scheduler.run_for(60_000)
    seconds = time.perf_counter() - start
    matches = sum(len(trade.legs) for trade in world.exchange.trades.values())
    states = Counter(str(trade.status) for trade in world.exchange.trades.values())
    assert set(states) == {"CONFIRMED"}, states

    plain = [
        (r.side is Side.BUY, r.maker_amount if r.side is Side.SELL else r.taker_amount, r.maker_amount) for r in made
    ]
    start = time.perf_counter()
    bare = bare_matches([(buying, 450_000 + price % 11 * 10_000, size) for buying, price, size in plain])
    bare_seconds = time.perf_counter() - start
    rate, bare_rate = matches / seconds, bare / bare_seconds
    return [
        ("bare price-time matching on two heaps", f"{bare_rate:,.0f} matches/s", "1", ""),
        (
            "simulated venue: match, settle, logs, blocks, confirmed",
            f"{rate:,.0f} matches/s",
            f"{rate / bare_rate:.3f} of the bare loop",
            "2,000/s",
        ),
    ]


POLYGON = 137


class Trader:
    """A key with its headers: everything that can be made before the clock runs, is."""

    def __init__(self, key: str) -> None:
        self.key = PrivateKey(bytes.fromhex(key.removeprefix("0x")))
        public = self.key.public_key.format(compressed=False)[1:]
        self.address = "0x" + keccak(public)[12:].hex()
        self.credentials: dict[str, str] = {}

    def sign(self, digest: bytes) -> str:
        """65 bytes as 0x hex."""
        signature = self.key.sign_recoverable(digest, hasher=None)
        return "0x" + (signature[:64] + bytes((signature[64] + 27,))).hex()

    def body(self, token: int, exchange: str, version: str, number: int) -> bytes:
        """A resting BUY of 5 shares at 0.01 to 0.05."""
        cash = 50_000 * (1 + number % 5)
        me, nothing = self.address, BYTES32_ZERO
        fields = OrderFields(number, me, me, token, cash, 5 * ONE, 0, 0, 1_790_000_000_000, nothing, nothing)
        digest = order_digest(fields.struct_hash(), domain_separator(POLYGON, exchange, version))
        order = {
            "salt": number, "maker": me, "signer": me, "tokenId": str(token),
            "makerAmount": str(cash), "takerAmount": str(5 * ONE), "side": "BUY", "signatureType": 0, "expiration": "0",
            "timestamp": "1790000000000", "metadata": nothing, "builder": nothing, "signature": self.sign(digest),
        }  # fmt: skip
        whole = {"deferExec": False, "order": order, "owner": self.credentials["apiKey"], "orderType": "GTC"}
        return json.dumps(whole).encode()

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """L2 authentication."""
        now = str(int(time.time()))
        secret = base64.urlsafe_b64decode(self.credentials["secret"])
        mac = hmac.new(secret, f"{now}{method}{path}".encode() + body, hashlib.sha256).digest()
        return {
            "POLY_ADDRESS": self.address, "POLY_API_KEY": self.credentials["apiKey"], "POLY_TIMESTAMP": now,
            "POLY_PASSPHRASE": self.credentials["passphrase"], "POLY_SIGNATURE": base64.urlsafe_b64encode(mac).decode(),
            "content-type": "application/json",
        }  # fmt: skip

    async def derive(self, http: aiohttp.ClientSession) -> None:
        """Credentials by L1."""
        now = str(int(time.time()))
        signature = self.sign(auth_digest(POLYGON, self.address, now, 0))
        headers = {"POLY_ADDRESS": self.address, "POLY_SIGNATURE": signature, "POLY_TIMESTAMP": now, "POLY_NONCE": "0"}
        async with http.post("/auth/api-key", headers=headers) as reply:
            self.credentials = await reply.json()


async def per_second(jobs: list[Callable[[], Awaitable[int]]], width: int = 8) -> float:
    """Jobs a second with *width* at a time; each must answer 200."""
    waiting = iter(jobs)

    async def lane() -> None:
        for job in waiting:
            status = await job()
            assert status == 200, (status, job)

    start = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(width)))
    return len(jobs) / (time.perf_counter() - start)


SIGNERS = 40
"""The venue lets one signer place 40 orders a second, so the load is spread."""


async def orders_over_http(url: str, count: int) -> tuple[float, float]:
    """(bare requests a second, signed orders a second) against a running simulator."""
    async with aiohttp.ClientSession(url) as http:
        traders = [Trader(f"{1_000 + number:064x}") for number in range(SIGNERS)]
        for trader in traders:
            await trader.derive(http)
            async with http.post("/control/fund", json={"wallet": trader.address, "amount": 1_000 * ONE}) as reply:
                assert reply.status == 200, await reply.text()
        async with http.post("/control/advance", json={"ms": 4_000}) as reply:
            assert reply.status == 200, await reply.text()
        async with http.get("/gamma/markets", params={"limit": "1"}) as reply:
            market = (await reply.json())[0]
        neg_risk, version = market["negRisk"], "3" if market["version"] == "v2" else "2"
        name = "ExchangeV3" if version == "3" else "NegRisk CTFExchangeV2" if neg_risk else "CTFExchangeV2"
        token = int(json.loads(market["clobTokenIds"])[0])
        signed = [
            (each, each.body(token, contract(name), version, number))
            for number in range(count // SIGNERS)
            for each in traders
        ]

        async def bare() -> int:
            async with http.get("/time") as reply:
                await reply.read()
                return reply.status

        def order(trader: Trader, body: bytes) -> Callable[[], Awaitable[int]]:
            async def send() -> int:
                async with http.post("/order", data=body, headers=trader.headers("POST", "/order", body)) as reply:
                    await reply.read()
                    return reply.status

            return send

        return await per_second([bare] * count), await per_second([order(*each) for each in signed])


def bench_http(count: int = 1_000) -> list[Row]:
    """Signed orders a second over HTTP against `tieout sim serve` with its crowd, the client on the other core."""
    command = [sys.executable, "-m", "tieout", "sim", "serve", "--port", "0", "--markets", "10", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            bare, orders = asyncio.run(orders_over_http(read_address(server), count))
        finally:
            server.terminate()
    return [
        ("bare GET /time over HTTP", f"{bare:,.0f} requests/s", "1", ""),
        (
            "signed orders over HTTP, verified, booked, announced",
            f"{orders:,.0f} orders/s",
            f"{orders / bare:.2f}",
            "200/s",
        ),
    ]


def read_address(server: subprocess.Popen[str]) -> str:
    """The address that the server prints when it starts."""
    assert server.stdout is not None
    for line in server.stdout:
        if line.split()[:1] == ["CLOB"]:
            return line.split()[1]
    raise RuntimeError("the simulator ended before it said where it is")
