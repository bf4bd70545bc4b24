"""The simulated venue's speed: matches in process, orders over HTTP; each beside something bare in the same run."""

from __future__ import annotations

import heapq
import time
from collections import Counter

from tieout.sim.chain.calls import Split
from tieout.sim.chain.chain import Condition
from tieout.sim.engine.amounts import CENT, ONE
from tieout.sim.markets import make_market
from tieout.sim.model import OrderRequest, Side
from tieout.sim.rng import Chance, drawn_address, drawn_hash
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
