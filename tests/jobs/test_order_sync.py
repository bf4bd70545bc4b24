"""Order sync over the wire: closed only after proof, foreign orders booked, lies of the lists survived."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

import pytest

from jobs.account import MILLION, House, house
from support.database import in_loop, until
from tieout.client.clob import Desk
from tieout.client.errors import VenueError
from tieout.client.keys import PrivateKey
from tieout.client.orders import OrderSigner, OrderWanted
from tieout.client.signer_limits import SignerLimiter
from tieout.client.withheld import WITHHELD
from tieout.jobs.denied_orders import DENIED_MS, GONE
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.order_desk import Fate, OrderDesk
from tieout.jobs.order_questions import ABSENT
from tieout.jobs.order_sync import YOUNG_MS, OrderSync, OrderSyncReport
from tieout.ledger.facts import OrderClosed, OrderIntended, Side
from tieout.sim.model import Order, OrderStatus
from tieout.store.runs import Action, Finding, IssueType, Severity

PRICE = 10_000

NOTHING_TO_CANCEL = "already canceled or matched"
"""The venue's word of an order that is over."""


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


def sync_of(
    kept: House, *, quoted: bool = True, policy: ForeignOrders = ForeignOrders.LEAVE, desk: OrderDesk | None = None
) -> OrderSync:
    return OrderSync(kept.connection, kept.wallet_id, desk or kept.orders, lambda _: quoted, policy)


async def synced(kept: House) -> OrderSyncReport:
    return await sync_of(kept).run()


def at_venue(kept: House, order_id: str) -> Order:
    return kept.scenario.world.exchange.orders[order_id]


def said(findings: tuple[Finding, ...]) -> list[tuple[IssueType, Severity, Action, str]]:
    return [(found.type, found.severity, found.action, found.order_id) for found in findings]


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
            assert (await kept.order_rows())[first]["reason"] == NOTHING_TO_CANCEL
            assert said(report.findings) == [(IssueType.ORDER_IN_DB_NOT_CLOB, Severity.WARN, Action.CORRECTED, first)]
            assert report.result().detail == {"live": 3, "closed": 1, "foreign": 0}
            again = await synced(kept)
            assert (again.closed, again.findings) == ((), ())

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
                assert {(found.type, found.action) for found in report.findings} == {
                    (IssueType.ORDER_IN_DB_NOT_CLOB, Action.LOGGED)
                }
                assert set(report.denied_by_list) <= set(ids)
                assert set((await states(kept)).values()) == {"live"}

    run()


def everything_read_lies(kept: House) -> None:
    kept.scenario.faults.on("empty-list", path="/data/orders")
    kept.scenario.faults.on("null-order")


def test_A1_an_order_that_all_answers_deny_is_cancelled_before_it_is_closed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            resting, gone = await placed(kept, 2)
            kept.scenario.world.exchange.cancel_order(at_venue(kept, gone), OrderStatus.CANCELED)
            everything_read_lies(kept)
            report = await synced(kept)
            assert (report.closed, report.rested) == ((gone,), (resting,))
            assert not at_venue(kept, resting).open
            assert set((await states(kept)).values()) == {"closed"}
            assert (await kept.order_rows())[gone]["reason"] == NOTHING_TO_CANCEL
            assert {found.order_id: found.action for found in report.findings} == dict.fromkeys(
                (resting, gone), Action.CORRECTED
            )

    run()


def test_P5_an_order_that_all_answers_deny_and_that_cannot_be_cancelled_stays_open(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (resting,) = await placed(kept, 1)
            everything_read_lies(kept)
            kept.scenario.faults.on("cancel-refused")
            report = await synced(kept)
            assert (report.closed, report.rested, report.findings) == ((), (), ())
            assert await states(kept) == {resting: "live"}

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


def test_D1_an_intent_whose_order_the_venue_had_and_cancelled_is_closed_and_told(dsn: str) -> None:
    """The process ended before the answer, and somebody cancelled the order before the next one looked."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", path="/order", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data")
            market = kept.market
            wanted = OrderWanted(
                token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=10 * MILLION, tick=market.tick
            )
            order_id = (await kept.orders.place(wanted, market.condition_id)).order.order_id
            for fault in ("timeout-after", "server-error"):
                kept.scenario.faults.off(fault)
            assert await states(kept) == {order_id: "intended"}
            kept.scenario.world.exchange.cancel_order(at_venue(kept, order_id), OrderStatus.CANCELED)
            kept.run(120)
            report = await synced(kept)
            assert (report.closed, await states(kept)) == ((order_id,), {order_id: "closed"})
            assert said(report.findings) == [
                (IssueType.ORDER_IN_DB_NOT_CLOB, Severity.WARN, Action.CORRECTED, order_id)
            ]

    run()


def test_A1_what_one_list_misses_and_the_next_has_is_nothing_to_tell(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            await placed(kept)
            kept.scenario.faults.on("empty-list", path="/data/orders", count=1)
            report = await synced(kept)
            assert kept.scenario.faults.struck("empty-list") == 1
            assert (report.is_complete, report.closed, report.denied_by_list, report.findings) == (True, (), (), ())

    run()


def test_D2_while_single_orders_cannot_be_asked_for_none_is_closed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (order_id,) = await placed(kept, 1)
            kept.scenario.world.exchange.cancel_order(at_venue(kept, order_id), OrderStatus.CANCELED)
            kept.scenario.faults.on("server-error", path="/data/order/")
            with pytest.raises(VenueError):
                await synced(kept)
            assert await states(kept) == {order_id: "live"}

    run()


def test_D2_what_was_found_before_the_venue_went_away_is_told(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            gone, larger = await placed(kept, 2)
            kept.scenario.world.exchange.cancel_order(at_venue(kept, gone), OrderStatus.CANCELED)
            at_venue(kept, larger).size += MILLION
            kept.scenario.faults.on("server-error", path="/data/order/")
            report = await synced(kept)
            assert not report.is_complete
            assert [found.type for found in report.findings] == [
                IssueType.ORDER_MISMATCH,
                IssueType.CLOB_UNAVAILABLE,
            ]
            assert await states(kept) == {gone: "live", larger: "live"}

    run()


def test_O1_a_list_that_is_late_by_a_cancel_raises_nothing(dsn: str) -> None:
    """The list still has the order, the venue asked for it by its id has not."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (order_id,) = await placed(kept, 1)
            closed = OrderClosed(order_id=order_id, reason="CANCELED")
            await kept.book([closed])
            kept.scenario.faults.on("null-order")
            assert (await synced(kept)).findings == ()

    run()


@pytest.mark.parametrize("fault", ["wrong-cursor", "malformed-row"])
def test_A1_a_list_that_does_not_come_whole_concludes_nothing(dsn: str, fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            first, *_ = await placed(kept)
            kept.scenario.world.exchange.cancel_order(at_venue(kept, first), OrderStatus.CANCELED)
            settings = {"mode": "endless"} if fault == "wrong-cursor" else {}
            kept.scenario.faults.on(fault, path="/data/orders", settings=settings)
            report = await synced(kept)
            assert not report.is_complete
            assert said(report.findings) == [(IssueType.SYNC_FAILED, Severity.WARN, Action.LOGGED, "")]
            assert set((await states(kept)).values()) == {"live"}
            kept.scenario.faults.off(fault)
            assert (await synced(kept)).closed == (first,)

    run()


def test_O3_an_order_stays_open_in_the_books_while_its_trades_do_not_come_whole(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (order_id,) = await placed(kept, 1)
            kept.scenario.faults.on("sweep", count=1)
            kept.run(60)
            assert not at_venue(kept, order_id).open
            kept.scenario.faults.on("malformed-row", path="/data/trades")
            assert (await synced(kept)).closed == ()
            assert await states(kept) == {order_id: "live"}
            kept.scenario.faults.off("malformed-row")
            assert (await synced(kept)).closed == (order_id,)
            assert (await kept.order_rows())[order_id]["filled"] == at_venue(kept, order_id).matched

    run()


def test_A7_more_orders_than_a_page_are_compared_both_ways(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            market = kept.market
            wanted = OrderWanted(
                token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=5 * MILLION, tick=market.tick
            )
            outcomes = await kept.orders.place_many([(wanted, market.condition_id)] * 130)
            assert {outcome.fate for outcome in outcomes} == {Fate.PLACED}
            kept.run(YOUNG_MS // 1_000 + 1)
            gone = sorted(outcome.order.order_id for outcome in outcomes[::13])
            for order_id in gone:
                kept.scenario.world.exchange.cancel_order(at_venue(kept, order_id), OrderStatus.CANCELED)
            report = await synced(kept)
            assert (report.live, report.closed, report.foreign) == (130, tuple(gone), ())

    run()


@pytest.mark.parametrize("quoted", [True, False])
def test_O1_an_order_that_arrives_after_it_was_given_up_is_found_and_cancelled(dsn: str, quoted: bool) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-before", count=1, path="/order", settings={"delay_ms": 0})
            market = kept.market
            wanted = OrderWanted(
                token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=10 * MILLION, tick=market.tick
            )
            lost = await kept.orders.place(wanted, market.condition_id)
            order_id = lost.order.order_id
            assert (lost.fate, await states(kept)) == (Fate.ABSENT, {order_id: "closed"})
            await kept.desk.orders.place(lost.order)  # the request, hours later
            assert at_venue(kept, order_id).open
            report = await sync_of(kept, quoted=quoted).run()
            assert said(report.findings) == [
                (IssueType.ORDER_IN_CLOB_NOT_DB, Severity.ERROR, Action.CORRECTED, order_id)
            ]
            assert report.findings[0].evidence["closed_because"] == ABSENT
            assert not at_venue(kept, order_id).open
            assert (await synced(kept)).findings == ()

    run()


def test_O1_a_late_order_that_cannot_be_cancelled_is_for_a_person(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-before", count=1, path="/order", settings={"delay_ms": 0})
            market = kept.market
            wanted = OrderWanted(
                token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=10 * MILLION, tick=market.tick
            )
            lost = await kept.orders.place(wanted, market.condition_id)
            await kept.desk.orders.place(lost.order)
            kept.scenario.faults.on("cancel-refused")
            (finding,) = (await synced(kept)).findings
            assert (finding.severity, finding.action) == (Severity.ERROR, Action.REQUIRES_MANUAL)
            assert "can't be canceled" in finding.summary

    run()


def test_an_order_whose_terms_are_not_those_signed_is_told_and_nothing_is_corrected(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            cheaper, larger, _ = await placed(kept)
            at_venue(kept, cheaper).price += 10_000
            at_venue(kept, larger).size += MILLION
            signed = {each: (row["price"], row["size"]) for each, row in (await kept.order_rows()).items()}
            report = await synced(kept)
            found = {finding.order_id: finding for finding in report.findings}
            assert found.keys() == {cheaper, larger}
            assert {(f.type, f.severity, f.action) for f in found.values()} == {
                (IssueType.ORDER_MISMATCH, Severity.ERROR, Action.REQUIRES_MANUAL)
            }
            price, size = signed[cheaper][0], signed[larger][1]
            assert found[cheaper].evidence == {"price": {"signed": price, "venue": price + 10_000}}
            assert found[larger].evidence == {"size": {"signed": size, "venue": size + MILLION}}
            assert {f.order_id for f in (await synced(kept)).findings} == {cheaper, larger}

    run()


def test_an_order_of_ours_in_a_market_that_is_not_quoted_is_cancelled(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = await placed(kept, 2)
            report = await sync_of(kept, quoted=False).run()
            assert said(report.findings) == [
                (IssueType.ORPHAN_ORDER, Severity.WARN, Action.CORRECTED, each) for each in sorted(ids)
            ]
            assert not any(at_venue(kept, each).open for each in ids)
            assert set((await states(kept)).values()) == {"closed"}

    run()


def dry(kept: House) -> OrderDesk:
    """A desk that reads the venue and sends it nothing."""
    session = kept.desk.session
    limiter = SignerLimiter(kept.orders.clock)
    dry = Desk.of(kept.net, kept.endpoints, session.credentials, session.address, limiter, is_live=False)
    account = kept.scenario.accounts[0]
    signer = OrderSigner(PrivateKey(account.private_key), account.address, count(9).__next__)
    return OrderDesk(dry.orders, dry.account, signer, kept.book, kept.orders.clock)


def test_O1_a_dry_run_closes_an_order_once_it_was_denied_for_two_minutes(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            (order_id,) = await placed(kept, 1)
            kept.scenario.faults.on("sweep", count=1)
            kept.run(60)
            assert not at_venue(kept, order_id).open
            sync = sync_of(kept, desk=dry(kept))
            assert (await sync.run()).closed == ()
            kept.run(DENIED_MS // 1_000 - 1)
            assert (await sync.run()).closed == ()
            kept.run(1)
            kept.scenario.faults.on("malformed-row", path="/data/trades")
            assert (await sync.run()).closed == ()  # O3: its trades did not come whole
            kept.scenario.faults.off("malformed-row")
            assert (await sync.run()).closed == (order_id,)
            assert (await kept.order_rows())[order_id]["reason"] == GONE

    run()


def test_E5_orders_open_at_resolution_are_closed_with_the_venues_reason(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept, kept.feed as feed:
            keeping = asyncio.create_task(kept.keeper.run(feed))

            async def live() -> bool:
                return kept.keeper.live

            async def closed() -> bool:
                return set((await states(kept)).values()) == {"closed"}

            await until(live, "the feed is live")
            await placed(kept)
            kept.scenario.faults.on("market-resolved", count=1, market=kept.market.condition_id)
            kept.run(1)
            await until(closed, "the orders are closed")
            rows = (await kept.order_rows()).values()
            assert {row["reason"] for row in rows} == {"CANCELED_MARKET_RESOLVED"}
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    run()


def test_E5_orders_whose_resolution_nobody_heard_are_closed_after_proof(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = await placed(kept)
            kept.scenario.faults.on("market-resolved", count=1, market=kept.market.condition_id)
            kept.run(1)
            assert (await synced(kept)).closed == tuple(sorted(ids))
            assert {row["reason"] for row in (await kept.order_rows()).values()} == {NOTHING_TO_CANCEL}

    run()


def test_P3_an_order_that_is_being_placed_is_neither_asked_for_nor_missed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-before", count=1, path="/order", settings={"delay_ms": 60_000})
            market = kept.market
            wanted = OrderWanted(
                token_id=market.token_ids[0], side=Side.BUY, price=PRICE, size=10 * MILLION, tick=market.tick
            )
            placing = asyncio.create_task(kept.orders.place(wanted, market.condition_id))

            async def sent() -> bool:
                return kept.scenario.faults.struck("timeout-before") == 1

            await until(sent, "the request is on its way")
            kept.run(YOUNG_MS // 1_000 + 1)
            assert await kept.orders.settle_unknown() == []
            report = await synced(kept)
            assert (report.live, report.closed, list((await states(kept)).values())) == (0, (), ["intended"])
            assert not placing.done()
            kept.run(60)
            assert (await placing).fate is Fate.ABSENT

    run()


def test_a_dry_run_takes_no_order_off_the_book_and_says_why(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn, intensity=0.0) as kept:
            orders = await placed(kept, 2)
            token, tick = kept.market.token_ids[0], kept.market.tick
            wanted = OrderWanted(token_id=token, side=Side.BUY, price=PRICE, size=10 * MILLION, tick=tick)
            desk = dry(kept)
            findings = (await sync_of(kept, quoted=False, desk=desk).run()).findings
            assert said(findings) == [
                (IssueType.ORPHAN_ORDER, Severity.ERROR, Action.REQUIRES_MANUAL, order_id)
                for order_id in sorted(orders)
            ]
            assert all(found.summary.endswith(f"could not be cancelled: {WITHHELD}") for found in findings)
            outcomes = await desk.place_many([(wanted, kept.market.condition_id)] * 2)
            assert [(each.fate, each.text) for each in outcomes] == [(Fate.REJECTED, WITHHELD)] * 2
            assert (await desk.place(wanted, kept.market.condition_id)).fate is Fate.REJECTED
            for work in (desk._orders.cancel_all, lambda: desk._orders.cancel(orders[0])):
                with pytest.raises(VenueError, match=WITHHELD):
                    await work()
            assert {at_venue(kept, order_id).status for order_id in orders} == {OrderStatus.LIVE}
            placed_ever = [o for o in kept.scenario.world.exchange.orders.values() if o.request.wallet == kept.wallet]
            assert len(placed_ever) == 2

    run()
