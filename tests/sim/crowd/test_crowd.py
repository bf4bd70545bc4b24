"""A crowd makes the same world from the same seed, and a world in which everything happens that should."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from tieout.sim.chain import conservation
from tieout.sim.chain.calls import Redeem
from tieout.sim.crowd.crowd import Crowd, Population
from tieout.sim.crowd.prices import HIGHEST, LOWEST, PriceProcess, Temper, moved
from tieout.sim.engine.amounts import ONE, on_grid
from tieout.sim.events import OrderChanged, TickChanged
from tieout.sim.markets import make_markets
from tieout.sim.model import MatchKind, OrderStatus
from tieout.sim.rng import Chance
from tieout.sim.world import World

PROBE = """
import hashlib
from sim.crowd.test_crowd import crowded
heard = hashlib.sha256()
world = crowded(11, heard=lambda event: heard.update(type(event).__name__.encode()))
for trade in world.exchange.trades.values():
    heard.update(f"{trade.id} {trade.shares} {trade.cash} {trade.tx_hash} {trade.status}".encode())
print(len(world.exchange.orders), heard.hexdigest(), world.chain.head.hash)
"""


def crowded(seed, *, minutes=3, heard=None, **more):
    world = World(seed)
    if heard:
        world.hub.listen(heard)
    markets = list(make_markets(world.chance.stream("markets"), 8, world.scheduler.now_ms))
    for market in markets:
        world.open_market(market)
    Crowd(world, markets, intensity=2.0, lifetime_ms=more.pop("lifetime_ms", 100_000), **more).start()
    world.scheduler.run_for(minutes * 60_000)
    return world


@pytest.fixture(scope="module")
def world():
    return crowded(3, minutes=6)


def test_two_processes_with_other_hash_seeds_see_the_same_events_and_the_same_head():
    found = set()
    for hash_seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert int(found.pop().split()[0]) > 300


def test_another_seed_is_another_world():
    assert crowded(1, minutes=1).chain.head.hash != crowded(2, minutes=1).chain.head.hash


def test_moving_the_clock_in_other_steps_changes_nothing():
    whole = crowded(5, minutes=1)
    steps = crowded(5, minutes=0)
    while steps.scheduler.now_ms < whole.scheduler.now_ms:
        steps.scheduler.run_for(min(137, whole.scheduler.now_ms - steps.scheduler.now_ms))
    assert steps.chain.head.hash == whole.chain.head.hash
    assert list(steps.exchange.orders) == list(whole.exchange.orders)


def test_every_kind_of_match_and_of_end_occurs(world):
    kinds = {leg.kind for trade in world.exchange.trades.values() for leg in trade.legs}
    assert kinds == set(MatchKind)
    ends = {order.status for order in world.exchange.orders.values()}
    assert ends >= {OrderStatus.LIVE, OrderStatus.MATCHED, OrderStatus.CANCELED, OrderStatus.CANCELED_MARKET_RESOLVED}
    kinds_of_order = Counter(str(order.request.kind) for order in world.exchange.orders.values())
    assert set(kinds_of_order) == {"GTC", "GTD", "FOK", "FAK"}


def test_orders_are_on_the_grid_they_met(world):
    assert all(on_grid(order.price, 1_000) for order in world.exchange.orders.values())


def test_markets_end_are_paid_out_and_followed_by_others(world):
    markets = list(world.exchange.markets.values())
    ended = [market for market in markets if market.closed]
    assert len(ended) >= 6
    assert len(markets) > 8
    assert all(sum(market.payouts) == ONE for market in ended)
    events = Counter(m.neg_risk_market_id for m in ended if m.neg_risk and m.payouts == (ONE, 0))
    assert events
    assert set(events.values()) == {1}  # one market of an event comes true
    numbers = range(world.chain.head.number - 150, world.chain.head.number + 1)
    receipts = [receipt for number in numbers for receipt in world.chain.block(number).receipts]
    redeems = [receipt for receipt in receipts if isinstance(receipt.transaction.call, Redeem)]
    assert redeems
    assert all(receipt.status == 1 for receipt in redeems)


def test_nothing_is_made_or_lost(world):
    assert conservation.check(world.chain) == []


def test_grids_change_near_the_edges():
    ticks = []
    listen = lambda event: ticks.append((event.old, event.new)) if isinstance(event, TickChanged) else None  # noqa: E731
    crowded(3, minutes=8, lifetime_ms=3_600_000, temper=Temper(volatility=150_000), heard=listen)
    assert set(ticks) == {(10_000, 1_000), (1_000, 10_000)}


def test_refusals_are_a_part_of_life():
    world = World(9)
    markets = list(make_markets(world.chance.stream("markets"), 4, world.scheduler.now_ms))
    for market in markets:
        world.open_market(market)
    crowd = Crowd(world, markets, intensity=4.0, population=Population(providers=2, noise=4, informed=1))
    crowd.start()
    world.scheduler.run_for(120_000)
    assert sum(trader.rejected for trader in crowd.everybody) > 5
    assert len(world.exchange.trades) > 50


def test_intensity_scales_the_flow():
    def placed(intensity):
        world = World(4)
        count = Counter()
        world.hub.listen(lambda e: count.update([e.kind]) if isinstance(e, OrderChanged) else None)
        markets = list(make_markets(world.chance.stream("markets"), 3, world.scheduler.now_ms))
        for market in markets:
            world.open_market(market)
        Crowd(world, markets, intensity=intensity).start()
        world.scheduler.run_for(60_000)
        return count["PLACEMENT"]

    assert placed(8.0) > 4 * placed(1.0) > 0


def test_an_intensity_of_nothing_is_refused():
    with pytest.raises(ValueError, match="intensity: expected more than 0, was 0"):
        Crowd(World(1), [], intensity=0)


def test_prices_stay_in_range_and_move_both_ways():
    process = PriceProcess(Chance(1).stream("p"), 0)
    seen = [process.at(second * 1000) for second in range(20_000)]
    assert min(seen) >= LOWEST
    assert max(seen) <= HIGHEST
    moves = [b - a for a, b in pairwise(seen)]
    assert any(move > 20_000 for move in moves)
    assert any(move < -20_000 for move in moves)


def test_asking_for_a_price_seldom_or_often_gives_the_same():
    often, seldom = (PriceProcess(Chance(2).stream("p"), 0) for _ in range(2))
    for at_ms in range(0, 100_000, 333):
        often.at(at_ms)
    assert often.at(100_000) == seldom.at(100_000)


def test_a_move_near_the_edge_is_small():
    assert moved(500_000, 100_000) == 525_000
    assert moved(990_000, 100_000) == 990_990
