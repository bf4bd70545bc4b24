"""The official polymarket-client 0.14.0: the user and the market stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from polymarket import AsyncPublicClient
from polymarket.streams import MarketSpec, UserSpec

from support.database import in_loop
from support.endpoints import BUY, SELL, eoa, heard, serving
from tieout.sim.engine import lifecycle
from tieout.sim.engine.amounts import ONE
from tieout.sim.markets import make_market

CENT = ONE // 100


def order(kind: str) -> Any:
    return lambda event: event.type == "order" and event.payload.order_event_type == kind


def trade(status: str) -> Any:
    return lambda event: event.type == "trade" and event.payload.status == status


@in_loop
async def test_the_life_of_a_maker_order_on_the_user_stream():
    async with serving() as venue, await venue.client() as client, await client.subscribe(UserSpec()) as stream:
        await venue.subscribed("/ws/user")
        token = str(venue.market.tokens[0])
        placed = await client.place_limit_order(asset_id=token, price="0.40", size=10, side="BUY")
        placement = (await heard(stream, order("PLACEMENT"), "the placement")).payload
        assert (placement.id, placement.price, placement.status) == (placed.order_id, Decimal("0.4"), "LIVE")
        venue.crowd(venue.market, BUY, 1, 65 * CENT, 6)
        update = (await heard(stream, order("UPDATE"), "the update")).payload
        assert (update.id, update.size_matched) == (placed.order_id, 6)
        matched = (await heard(stream, trade("MATCHED"), "the match")).payload
        assert update.associate_trades == (matched.id,)
        assert matched.trader_side == "MAKER"
        (leg,) = matched.maker_orders
        assert (leg.order_id, leg.owner, leg.matched_amount) == (placed.order_id, client.credentials.key, 6)
        assert (leg.side, leg.asset_id) == ("BUY", token)
        venue.settle()
        mined = (await heard(stream, trade("MINED"), "the mined trade")).payload
        confirmed = (await heard(stream, trade("CONFIRMED"), "the confirmed trade")).payload
        assert (mined.id, confirmed.id) == (matched.id, matched.id)
        assert mined.transaction_hash == confirmed.transaction_hash
        assert len(confirmed.transaction_hash) == 66
        await client.cancel_order(order_id=placed.order_id)
        cancelled = (await heard(stream, order("CANCELLATION"), "the cancellation")).payload
        assert (cancelled.id, cancelled.size_matched, cancelled.status) == (placed.order_id, 6, "CANCELED")
        assert client._user_manager.dropped_events == 0


@in_loop
async def test_a_taker_hears_its_fill_and_a_failed_one_too():
    async with serving() as venue, await venue.client() as client, await client.subscribe(UserSpec()) as stream:
        await venue.subscribed("/ws/user")
        venue.world.settler.reverts = lambda _trade: True
        venue.crowd(venue.v2, SELL, 0, 40 * CENT, 10)
        placed = await client.place_limit_order(asset_id=str(venue.v2.tokens[0]), price="0.45", size=10, side="BUY")
        matched = (await heard(stream, trade("MATCHED"), "the match")).payload
        assert (matched.id, matched.trader_side) == (placed.trade_ids[0], "TAKER")
        assert (matched.price, matched.size) == (Decimal("0.4"), 10)
        venue.world.scheduler.run_for(30_000)
        await heard(stream, trade("RETRYING"), "the retry")
        failed = (await heard(stream, trade("FAILED"), "the failure")).payload
        assert failed.id == matched.id
        assert client._user_manager.dropped_events == 0


@in_loop
async def test_a_user_stream_of_some_markets_hears_only_them():
    async with serving() as venue, await venue.client() as client:
        stream = await client.subscribe(UserSpec(markets=[venue.free.condition_id]))
        await venue.subscribed("/ws/user")
        for market in (venue.market, venue.free):
            await client.place_limit_order(asset_id=str(market.tokens[0]), price="0.40", size=10, side="BUY")
        event = await heard(stream, order("PLACEMENT"), "the placement in the market it asked for")
        assert event.payload.market == venue.free.condition_id
        await stream.close()


@in_loop
async def test_a_lost_user_stream_comes_back_by_itself():
    async with serving() as venue, await venue.client() as client, await client.subscribe(UserSpec()) as stream:
        await venue.subscribed("/ws/user")
        venue.drop_sockets()
        await venue.subscribed("/ws/user", 2)
        placed = await client.place_limit_order(asset_id=str(venue.market.tokens[0]), price="0.40", size=10, side="BUY")
        event = await heard(stream, order("PLACEMENT"), "a placement on the new connection")
        assert event.payload.id == placed.order_id


@in_loop
async def test_the_market_stream_tells_of_books_changes_trades_and_the_market_itself():
    async with serving() as venue, AsyncPublicClient(environment=venue.environment()) as client:
        market = venue.market
        yes, no = (str(token) for token in market.tokens)
        venue.crowd(market, BUY, 0, 40 * CENT, 60)
        async with await client.subscribe(MarketSpec(asset_ids=[yes, no], custom_feature_enabled=True)) as stream:
            books = [await heard(stream, lambda event: event.type == "book", "the first books") for _ in range(2)]
            levels = {book.payload.asset_id: (book.payload.bids, book.payload.asks) for book in books}
            assert [(level.price, level.size) for level in levels[yes][0]] == [(Decimal("0.4"), 60)]
            assert [(level.price, level.size) for level in levels[no][1]] == [(Decimal("0.6"), 60)]
            venue.crowd(market, SELL, 0, 45 * CENT, 30)
            change = (await heard(stream, lambda event: event.type == "price_change", "the change")).payload
            changes = {entry.asset_id: entry for entry in change.price_changes}
            assert (changes[yes].side, changes[yes].price, changes[yes].size) == ("SELL", Decimal("0.45"), 30)
            assert (changes[no].side, changes[no].price, changes[no].best_bid) == (
                "BUY",
                Decimal("0.55"),
                Decimal("0.55"),
            )
            best = (await heard(stream, lambda event: event.type == "best_bid_ask", "the best prices")).payload
            assert best.best_ask - best.best_bid == best.spread
            venue.crowd(market, BUY, 0, 45 * CENT, 10, wallet=rich(venue))
            last = (await heard(stream, lambda event: event.type == "last_trade_price", "the trade")).payload
            assert (last.asset_id, last.price, last.size, last.side) == (yes, Decimal("0.45"), 10, "BUY")
            lifecycle.change_tick(venue.world.exchange, market, ONE // 1000)
            tick = (await heard(stream, lambda event: event.type == "tick_size_change", "the tick")).payload
            assert (tick.old_tick_size, tick.new_tick_size) == (Decimal("0.01"), Decimal("0.001"))
            newer = make_market(venue.world.chance.stream("newer"), 99, venue.world.scheduler.now_ms)
            venue.world.open_market(newer)
            opened = (await heard(stream, lambda event: event.type == "new_market", "the new market")).payload
            assert opened.market == newer.condition_id
            venue.world.resolve(market, (0, ONE))
            resolved = (await heard(stream, lambda event: event.type == "market_resolved", "the result")).payload
            assert (resolved.winning_asset_id, resolved.winning_outcome) == (no, "No")


def rich(venue: Any) -> str:
    venue.fund(eoa(8), 1000 * ONE)
    return eoa(8)
