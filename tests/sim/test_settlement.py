"""Settlement under reorganisations: a trade settles once, whatever comes back with the blocks that were taken away."""

from __future__ import annotations

from tieout.sim.chain.calls import Split, TransferCash
from tieout.sim.chain.chain import Condition
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market
from tieout.sim.model import OrderRequest, Side, TradeStatus
from tieout.sim.rng import drawn_address, drawn_hash
from tieout.sim.world import World


def test_an_attempt_that_reverted_does_not_come_back_beside_the_one_after_it():
    world = World(3)
    draw = world.chance.stream("test")
    market = make_market(draw, 1, world.scheduler.now_ms, category="geopolitics")
    world.open_market(market)
    maker, taker, friend = (drawn_address(draw) for _ in range(3))
    for wallet in (maker, taker, friend):
        world.fund(wallet, 100 * ONE)
    world.scheduler.run_for(2_000)
    world.chain.submit(Split(maker, Condition.of(market), 50 * ONE))
    world.scheduler.run_for(2_000)
    world.settler.pace.submit_ms, world.settler.pace.retry_ms = (0, 0), (2_500, 2_500)

    away = world.chain.submit(TransferCash(taker, friend, 100 * ONE))
    for wallet, side in ((maker, Side.SELL), (taker, Side.BUY)):
        amounts = (20 * ONE, 10 * ONE) if side is Side.SELL else (10 * ONE, 20 * ONE)
        world.exchange.place(OrderRequest(drawn_hash(draw), "key", wallet, wallet, market.tokens[0], side, *amounts))
    (trade,) = world.exchange.trades.values()
    world.scheduler.run_for(2_000)
    assert trade.status is TradeStatus.RETRYING
    world.chain.submit(TransferCash(friend, taker, 100 * ONE))
    world.scheduler.run_for(4_000)
    assert trade.status is TradeStatus.MINED

    world.chain.reorg(3, drop={away})
    world.scheduler.run_for(60_000)
    assert trade.status is TradeStatus.CONFIRMED
    assert world.chain.tokens(world.ledger(market), taker, market.tokens[0]) == 20 * ONE
    assert not world.exchange.funds.matched
