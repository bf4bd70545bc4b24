"""Order sync over the wire: closed only after proof, foreign orders booked, lies of the lists survived."""

from __future__ import annotations

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop
from tieout.client.orders import OrderWanted
from tieout.jobs.order_desk import Fate
from tieout.jobs.order_sync import GONE, YOUNG_MS, OrderSync, OrderSyncReport
from tieout.ledger.facts import OrderIntended, Side
from tieout.sim.model import OrderStatus

PRICE = 10_000


async def placed(kept: House, count: int = 3) -> list[str]:
    """Resting orders that are known to the books, old enough to be missed."""
    market = kept.market
    ids = []
    for number in range(count):
        price = PRICE * (number + 1)
        wanted = OrderWanted(
            token_id=market.token_ids[0], side=Side.BUY, price=price, size=10 * MILLION, tick=market.tick
        )
        outcome = await kept.orders.place(wanted, market.condition_id)
        assert outcome.fate is Fate.PLACED
        ids.append(outcome.order.order_id)
    kept.run(YOUNG_MS // 1_000 + 1)
    return ids


async def synced(kept: House) -> OrderSyncReport:
    clock = WorldClock(kept.scenario)
    return await OrderSync(kept.connection, kept.wallet_id, kept.desk.account, kept.book, clock).run()


async def states(kept: House) -> dict[str, str]:
    return {order_id: row["state"] for order_id, row in (await kept.order_rows()).items()}


def test_O1_an_order_the_venue_no_longer_has_is_closed_with_its_reason(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            first, *others = await placed(kept)
            order = kept.scenario.world.exchange.orders[first]
            kept.scenario.world.exchange.cancel_order(order, OrderStatus.CANCELED)
            report = await synced(kept)
            assert (report.is_complete, report.live, report.closed) == (True, 3, (first,))
            assert await states(kept) == {first: "closed", **dict.fromkeys(others, "live")}
            assert (await kept.order_rows())[first]["reason"] == GONE
            assert (await synced(kept)).closed == ()

    run()


def test_R4_an_order_that_filled_unheard_is_closed_with_its_fill(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (order_id,) = await placed(kept, 1)
            crowd = kept.scenario.world.exchange
            order = crowd.orders[order_id]
            seller = next(o for o in crowd.orders.values() if o.open and o.side == 1 and o.market is order.market)
            request = seller.request
            for other in [o for o in crowd.orders.values() if o.open and o.market is order.market and o is not order]:
                crowd.cancel_order(other, OrderStatus.CANCELED)
            request.id, request.token = "0x" + "5" * 64, order.request.token
            request.maker_amount, request.taker_amount = 10 * MILLION, 10 * PRICE
            crowd.place(request)
            kept.run(60)
            assert order.matched
            assert (await synced(kept)).closed == (order_id,)
            row = (await kept.order_rows())[order_id]
            assert (row["state"], row["filled"]) == ("closed", order.matched)
            assert await kept.shares() == kept.truth() != {}

    run()


def test_A1_empty_and_short_lists_close_nothing(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = await placed(kept)
            for fault in ("empty-list", "half-page"):
                kept.scenario.faults.on(fault, path="/data/orders")
                report = await synced(kept)
                kept.scenario.faults.off(fault)
                assert kept.scenario.faults.struck(fault) == 2
                assert report.closed == ()
                assert report.denied_by_list
                assert set(report.denied_by_list) <= set(ids)
                assert set((await states(kept)).values()) == {"live"}

    run()


def test_D1_an_intent_that_was_never_sent_is_closed_and_an_open_foreign_order_is_booked(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            crashed = OrderIntended(
                order_id="0x" + "c" * 64,
                token_id=kept.market.token_ids[0],
                condition_id=kept.market.condition_id,
                side=Side.BUY,
                price=PRICE,
                size=10 * MILLION,
                order_type="GTC",
                occurred_at_ms=kept.scenario.world.scheduler.now_ms,
            )
            await kept.book([crashed])
            assert (await synced(kept)).closed == ()  # too young to be missed
            (own,) = await placed(kept, 1)
            kept.scenario.faults.on("foreign-orders", count=1)
            kept.run(5)
            theirs = {
                o.id
                for o in kept.scenario.world.exchange.orders.values()
                if o.request.wallet == kept.wallet and o.open and o.id != own
            }
            report = await synced(kept)
            assert report.closed == (crashed.order_id,)
            assert set(report.foreign) == theirs != set()
            assert theirs <= (await kept.order_rows()).keys()

    run()
