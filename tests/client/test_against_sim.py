"""The client end to end against the simulated venue over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

import pytest

from support.database import in_loop
from tieout.client.answers import Placed
from tieout.client.chain import Chain
from tieout.client.clob import Clob, Desk
from tieout.client.clock import LoopClock
from tieout.client.data_api import DataApi
from tieout.client.endpoints import Endpoints
from tieout.client.errors import Meaning, Rejected
from tieout.client.feed import FeedNet
from tieout.client.gamma import Gamma
from tieout.client.keys import PrivateKey
from tieout.client.limits import Limiter
from tieout.client.market_feed import MarketFeed
from tieout.client.markets import MarketInfo
from tieout.client.net import Net
from tieout.client.orders import OrderSigner, OrderWanted
from tieout.client.rpc import Rpc
from tieout.client.signals import Connected, Frame
from tieout.client.signer_limits import SignerLimiter
from tieout.client.sockets import WebSocketCarrier
from tieout.client.transport import HttpCarrier, RawBody
from tieout.client.user_feed import UserFeed
from tieout.ledger.facts import MatchClaimed, OrderPlaced, Side
from tieout.sim.scenario import Account, Options, Scenario, build
from tieout.sim.serve.server import running
from tieout.venue.addresses import CTF, P_USD
from tieout.venue.decode import Identity, decode

DOLLAR = 1_000_000


@dataclass
class Visit:
    """A client of the venue that acts for its one account."""

    scenario: Scenario
    account: Account
    net: Net
    endpoints: Endpoints
    clob: Clob
    desk: Desk
    signer: OrderSigner
    market: MarketInfo
    recorded: list[RawBody]

    def order(self, side: Side, price: int, size: int, **more: object) -> OrderWanted:
        market = self.market
        token = market.token_ids[0]
        kept = {"neg_risk": market.neg_risk, "tick": market.tick, **more}
        return OrderWanted(token_id=token, side=side, price=price, size=size, **kept)  # type: ignore[arg-type]

    @property
    def identity(self) -> Identity:
        return Identity(self.signer.wallet.lower(), frozenset((self.desk.session.credentials.key,)))


@asynccontextmanager
async def visiting(*, deposit: bool = False, intensity: float = 0.0, speed: float = 1.0) -> AsyncIterator[Visit]:
    scenario = build(Options(seed=4, markets=6, intensity=intensity, cash=10_000 * DOLLAR))
    account = scenario.accounts[0]
    recorded: list[RawBody] = []

    async def record(raw: RawBody) -> None:
        recorded.append(raw)

    async with running(scenario.site, speed=speed) as server, HttpCarrier() as carrier:
        clock = LoopClock(lambda: scenario.world.scheduler.now_ms)
        net = Net(carrier, clock, Limiter(clock), record)
        endpoints = Endpoints.of(server.http_url)
        key = PrivateKey(account.private_key)
        clob = Clob.of(net, endpoints, key.scrub)
        credentials = await clob.keys.derive_or_create(key)
        desk = Desk.of(net, endpoints, credentials, key.address, SignerLimiter(clock))
        wallet = account.deposit_wallet if deposit else account.address
        markets = await Gamma(net.service("gamma", endpoints.gamma)).markets()
        assert markets.is_complete
        market = next(m for m in markets.rows if m.version == "v1" and m.accepting_orders)
        signer = OrderSigner(key, wallet, count(1).__next__)
        yield Visit(scenario, account, net, endpoints, clob, desk, signer, market, recorded)


@pytest.mark.parametrize("deposit", [False, True])
def test_an_order_is_placed_under_the_id_known_before_listed_and_cancelled(deposit: bool) -> None:
    @in_loop
    async def run() -> None:
        async with visiting(deposit=deposit) as visit:
            signed = visit.signer.sign(visit.order(Side.BUY, visit.market.tick, 10 * DOLLAR), visit.net.clock.now_ms())
            assert await visit.desk.account.open_order(signed.order_id) is None
            placed = await visit.desk.orders.place(signed)
            assert isinstance(placed, Placed)
            assert (placed.order_id, placed.status) == (signed.order_id, "live")
            again = await visit.desk.orders.place(signed)
            assert isinstance(again, Rejected)
            assert again.is_duplicate
            found = await visit.desk.account.open_order(signed.order_id)
            listing = await visit.desk.account.open_orders()
            assert listing.is_complete
            assert [order.order_id for order in listing.rows] == [signed.order_id]
            assert listing.rows[0] == found
            assert (listing.rows[0].price, listing.rows[0].original_size) == (visit.market.tick, 10 * DOLLAR)
            answer = await visit.desk.orders.cancel(signed.order_id)
            assert answer.canceled == (signed.order_id,)
            assert (await visit.desk.orders.cancel(signed.order_id)).refused.keys() == {signed.order_id}
            facts = [decode(raw.body, visit.identity, raw.kind) for raw in visit.recorded if raw.source == "clob"]
            kinds = {type(fact) for decoded in facts for fact in decoded.facts}
            assert OrderPlaced in kinds

    run()


@in_loop
async def test_many_orders_are_placed_paged_and_cancelled_by_ids_market_and_all() -> None:
    async with visiting() as visit:
        now_ms = visit.net.clock.now_ms()
        orders = [visit.signer.sign(visit.order(Side.BUY, visit.market.tick, 10 * DOLLAR), now_ms) for _ in range(12)]
        placed = await visit.desk.orders.place_many(orders)
        assert [order.order_id for order in placed if isinstance(order, Placed)] == [o.order_id for o in orders]
        listing = await visit.desk.account.open_orders(market=visit.market.condition_id)
        assert {order.order_id for order in listing.rows} == {order.order_id for order in orders}
        answer = await visit.desk.orders.cancel_many([order.order_id for order in orders[:5]])
        assert len(answer.canceled) == 5
        assert len((await visit.desk.orders.cancel_market(visit.market.condition_id)).canceled) == 7
        assert (await visit.desk.orders.cancel_all()).canceled == ()
        assert (await visit.desk.account.open_orders()).rows == ()


@in_loop
async def test_a_refused_order_is_a_value_with_the_venues_words() -> None:
    async with visiting() as visit:
        dear = visit.order(Side.BUY, 1_000_000 - visit.market.tick, 1_000_000 * DOLLAR)
        refused = await visit.desk.orders.place(visit.signer.sign(dear, visit.net.clock.now_ms()))
        assert isinstance(refused, Rejected)
        assert "not enough balance" in refused.text
        assert (refused.status, refused.meaning) == (400, Meaning.REFUSED)


@in_loop
async def test_public_answers_account_and_heartbeat() -> None:
    async with visiting() as visit:
        token = visit.market.token_ids[0]
        assert abs(await visit.clob.public.time_s() - visit.net.clock.now_ms() // 1000) <= 1
        assert await visit.clob.public.version() == 2
        book = await visit.clob.public.book(token)
        assert (book.token_id, book.tick, book.condition_id) == (token, visit.market.tick, visit.market.condition_id)
        assert [shown.token_id for shown in (await visit.clob.public.books(visit.market.token_ids)).rows] == list(
            visit.market.token_ids
        )
        long = await visit.clob.public.market(visit.market.condition_id)
        compact = await visit.clob.public.compact_market(visit.market.condition_id)
        for told in (long, compact):
            assert told.token_ids == visit.market.token_ids
            assert (told.tick, told.min_size, told.neg_risk) == (
                visit.market.tick,
                visit.market.min_size,
                visit.market.neg_risk,
            )
        assert compact.fees is not None
        assert visit.market.fees is not None
        assert (compact.fees.rate, compact.fees.exponent) == (visit.market.fees.rate, visit.market.fees.exponent)
        assert await visit.clob.public.condition_of(token) == visit.market.condition_id
        assert await visit.desk.account.closed_only() is False
        assert (await visit.desk.account.balance_allowance("COLLATERAL", 0)).balance == 10_000 * DOLLAR
        await visit.desk.account.refresh_balance_allowance("COLLATERAL", 0)
        assert (await visit.desk.account.notifications(0)).bad_rows == ()
        first = await visit.desk.account.heartbeat()
        assert first.accepted
        wrong = await visit.desk.account.heartbeat("something else")
        assert (wrong.accepted, wrong.heartbeat_id) == (False, first.heartbeat_id)
        assert (await visit.desk.account.heartbeat(wrong.heartbeat_id)).accepted
        assert await visit.clob.keys.key_ids(visit.desk.session) == (visit.desk.session.credentials.key,)


@in_loop
async def test_a_fill_comes_by_both_feeds_by_trades_by_the_data_api_and_the_chain() -> None:
    async with visiting(intensity=2.0, speed=20.0) as visit:
        book = await visit.clob.public.book(visit.market.token_ids[0])
        net = FeedNet(WebSocketCarrier(), visit.net.clock, lambda most: most // 2)
        async with (
            UserFeed(visit.endpoints.user_ws, visit.desk.session.credentials, net) as user,
            MarketFeed(visit.endpoints.market_ws, net) as market,
        ):
            await market.subscribe(visit.market.token_ids)
            signals = aiter(user)
            assert isinstance(await anext(signals), Connected)
            heard = aiter(market)
            assert isinstance(await anext(heard), Connected)
            first = await anext(heard)
            assert isinstance(first, Frame)
            assert b'"book"' in first.raw
            best = book.asks[-1][0]
            signed = visit.signer.sign(visit.order(Side.BUY, best, 20 * DOLLAR), visit.net.clock.now_ms())
            placed = await visit.desk.orders.place(signed)
            assert isinstance(placed, Placed), placed
            claimed = False
            while not claimed:
                frame = await anext(signals)
                assert isinstance(frame, Frame)
                facts = decode(frame.raw, visit.identity).facts
                claimed = any(isinstance(fact, MatchClaimed) and fact.size_matched for fact in facts)
        trades = await visit.desk.account.trades(market=visit.market.condition_id)
        assert trades.is_complete
        assert {trade.taker_order_id for trade in trades.rows} == {signed.order_id}
        assert {trade.trade_id for trade in trades.rows} >= set(placed.trade_ids)
        one = await visit.desk.account.trades(trade_id=trades.rows[0].trade_id)
        assert [trade.trade_id for trade in one.rows] == [trades.rows[0].trade_id]
        await _on_chain(visit, sum(trade.size for trade in trades.rows))


async def _on_chain(visit: Visit, bought: int) -> None:
    """The chain holds what was bought, exactly; both versions of the Data API say so in the end."""
    wallet, token = visit.account.address, visit.market.token_ids[0]
    chain = Chain(Rpc(visit.net, visit.endpoints.rpc))
    while await chain.token_balance(CTF, wallet, token, "latest") != bought:
        pass
    head = await chain.block("latest")
    assert head is not None
    assert await chain.block(head.hash) == head
    for at in (head.number, head.hash):
        assert await chain.token_balances(CTF, wallet, visit.market.token_ids, at) == (bought, 0)
        assert await chain.balance(P_USD, wallet, at) < 10_000 * DOLLAR
    assert await chain.is_approved(CTF, wallet, P_USD, "latest") is False
    for version in ("v1", "v2"):
        api = DataApi(visit.net.service("data_api", visit.endpoints.data_api), version)  # type: ignore[arg-type]
        while not (positions := await api.positions(wallet)).rows:
            pass
        assert positions.is_complete
        assert [(row.token_id, row.shares) for row in positions.rows] == [(token, bought)]
        rows = (await api.trades(wallet)).rows
        assert sum(row.shares for row in rows) == bought
        assert (await api.activity(wallet)).is_complete
    hashes = list(dict.fromkeys(row.tx_hash for row in rows))
    assert await chain.receipts([*hashes, "0x" + "00" * 32]) == (*(True for _ in hashes), None)
