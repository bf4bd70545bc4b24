"""The official polymarket-client 0.14.0: what the Data API's index shows of a wallet, after its lag."""

from __future__ import annotations

from decimal import Decimal

from support.database import in_loop
from support.endpoints import BUY, CROWD, SELL, Venue, eoa, items, serving
from tieout.sim.chain.calls import Merge, Redeem
from tieout.sim.chain.chain import Condition
from tieout.sim.engine.amounts import ONE

CENT = ONE // 100
WALLET = eoa(1)


def traded(venue: Venue) -> None:
    """20 yes bought as a maker at 0.40, 10 of them sold at 0.50 to a bid."""
    venue.fund(WALLET, 1000 * ONE)
    venue.crowd(venue.market, BUY, 0, 40 * CENT, 20, wallet=WALLET)
    venue.crowd(venue.market, SELL, 0, 40 * CENT, 20)
    venue.settle()
    venue.crowd(venue.market, BUY, 0, 50 * CENT, 10)
    venue.crowd(venue.market, SELL, 0, 50 * CENT, 10, wallet=WALLET)
    venue.settle()


@in_loop
async def test_nothing_shows_before_the_lag_and_everything_after():
    async with serving() as venue, await venue.client(cash=0) as client:
        traded(venue)
        assert await items(client.list_positions()) == []
        assert await items(client.list_trades(taker_only=False)) == []
        venue.world.scheduler.run_for(71_000)
        (position,) = await items(client.list_positions())
        assert (position.asset_id, position.current_size) == (str(venue.market.tokens[0]), 10)
        assert position.avg_price == Decimal("0.4")
        trades = await items(client.list_trades(taker_only=False, page_size=1))
        assert {(trade.side, trade.size, trade.price) for trade in trades} == {
            ("BUY", 20, Decimal("0.4")),
            ("SELL", 10, Decimal("0.5")),
        }
        (taken,) = await items(client.list_trades(taker_only=True))
        assert taken.side == "SELL"


@in_loop
async def test_activity_positions_and_value_after_merges_and_a_resolution():
    async with serving(lag_ms=(0, 0)) as venue, await venue.client(shares=100 * ONE) as client:
        market, other = venue.market, venue.free
        venue.world.chain.submit(Merge(WALLET, Condition.of(market), 40 * ONE, "v1"))
        venue.mine()
        pairs = await items(client.list_positions(status="MERGEABLE"))
        assert {position.current_size for position in pairs if position.condition_id == market.condition_id} == {60}
        value = await client.get_portfolio_value()
        assert value.value == 60 + 100 * (len(venue.markets) - 1)
        venue.world.resolve(other, (ONE, 0))
        venue.mine()
        redeemable = await items(client.list_positions(condition_id=other.condition_id, status="REDEEMABLE"))
        assert {position.redeemable for position in redeemable} == {True}
        venue.world.chain.submit(Redeem(WALLET, Condition.of(other), "v1"))
        venue.mine()
        rows = await items(client.list_activity(page_size=3))
        kinds = [row.type for row in rows]
        assert kinds.count("SPLIT") == len(venue.markets)
        assert kinds.count("MERGE") == 1
        assert kinds.count("REDEEM") == 2
        assert "DEPOSIT" in kinds
        (resolution,) = await client.get_resolutions(condition_ids=[other.condition_id])
        assert resolution.condition_id == other.condition_id


@in_loop
async def test_tokens_history_holders_and_statistics():
    async with serving(lag_ms=(0, 0)) as venue, await venue.client(cash=0) as client:
        traded(venue)
        yes, no = (str(token) for token in venue.market.tokens)
        references = await client.get_token_references(asset_ids=[yes, no])
        assert {reference.condition_id for reference in references} == {venue.market.condition_id}
        holders = await items(client.list_market_holders(condition_ids=venue.market.condition_id))
        assert CROWD in {entry.wallet.lower() for holder in holders for entry in holder.holders}
        assert await client.get_open_interests(condition_ids=[venue.market.condition_id])
        volume = await client.get_user_volume()
        assert volume is not None
        await client.get_user_pnl()
        await client.get_user_stats()
        await items(client.list_price_history(asset_id=yes, interval="1d"))
        await client.get_event_live_volume(event_ids=[int(venue.market.event_id)])
