"""Orders in two phases over the wire: whatever becomes of the request, the books and the venue agree in the end."""

from __future__ import annotations

import pytest

from jobs.account import MILLION, House, WorldClock, house
from support.database import in_loop
from tieout.client.errors import VenueError
from tieout.client.keys import PrivateKey
from tieout.client.orders import OrderSigner, OrderWanted
from tieout.jobs.order_desk import CancelReport, Fate, OrderDesk
from tieout.jobs.own_orders import Salts
from tieout.ledger.facts import Side
from tieout.sim.model import OrderStatus

PRICE = 10_000


def wanted(kept: House, price: int = PRICE, **more: object) -> OrderWanted:
    market = kept.market
    terms = {"price": price, "size": 10 * MILLION, "tick": market.tick, "neg_risk": market.neg_risk, **more}
    return OrderWanted(token_id=market.token_ids[0], side=Side.BUY, **terms)  # type: ignore[arg-type]


def batch(kept: House, count: int) -> list[tuple[OrderWanted, str]]:
    """Orders that differ in nothing but their salt."""
    return [(wanted(kept), kept.market.condition_id)] * count


async def states(kept: House) -> dict[str, str]:
    return {order_id: row["state"] for order_id, row in (await kept.order_rows()).items()}


def test_an_order_is_intended_before_it_is_sent_and_placed_after(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, outcome.text) == (Fate.PLACED, "live")
            assert kept.open_orders() == {outcome.order.order_id}
            assert set(await kept.order_rows()) == kept.open_orders()
            first = "SELECT fact FROM log WHERE wallet_id = $1 AND seq = 1"
            assert '"kind":"order_intended"' in await kept.connection.fetchval(first, kept.wallet_id)

    run()


LOST = [("timeout-after", Fate.PLACED), ("timeout-before", Fate.ABSENT), ("cut", Fate.PLACED)]


@pytest.mark.parametrize(("fault", "fate"), LOST)
def test_P3_an_order_whose_answer_is_lost_is_asked_for(dsn: str, fault: str, fate: Fate) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            settings = {} if fault == "cut" else {"delay_ms": 0}
            kept.scenario.faults.on(fault, count=1, path="/order", settings=settings)
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert kept.scenario.faults.struck(fault) == 1
            assert outcome.fate is fate
            assert not kept.orders.unknown
            assert kept.open_orders() == ({outcome.order.order_id} if fate is Fate.PLACED else set())
            (row,) = (await kept.order_rows()).values()
            assert row["order_id"] == outcome.order.order_id
            assert row["state"] == ("closed" if fate is Fate.ABSENT else "live")

    run()


def test_P3_an_order_that_filled_before_its_answer_was_lost_is_found_by_its_trade(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            market = kept.scenario.world.exchange.by_token[int(kept.market.token_ids[0])]
            best = kept.scenario.world.exchange.books[market.condition_id].best(0, 1)
            assert best is not None
            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            outcome = await kept.orders.place(wanted(kept, best, order_type="FAK"), kept.market.condition_id)
            assert (outcome.fate, kept.open_orders()) == (Fate.PLACED, set())
            kept.run(60)
            await kept.keeper.catch_up()
            assert await kept.shares() == kept.truth() != {}

    run()


def test_P3_an_order_that_was_there_and_is_over_is_not_called_absent(dsn: str) -> None:
    """The answer is lost, somebody cancels the order, and only the refusal of our cancel still tells of it."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            exchange = kept.scenario.world.exchange

            def cancelled() -> None:
                for order_id in kept.open_orders():
                    exchange.cancel_order(exchange.orders[order_id], OrderStatus.CANCELED)

            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            kept.scenario.world.scheduler.after(100, cancelled)
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, outcome.text) == (Fate.OVER, "already canceled or matched")
            (row,) = (await kept.order_rows()).values()
            assert (row["state"], row["reason"], kept.orders.unknown) == ("closed", "already canceled or matched", {})

    run()


def test_P3_A1_an_order_whose_trade_is_listed_late_is_not_called_lost(dsn: str) -> None:
    """Three readings of the trades are empty by mistake; the one after the cancel is not."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            market = kept.scenario.world.exchange.by_token[int(kept.market.token_ids[0])]
            best = kept.scenario.world.exchange.books[market.condition_id].best(0, 1)
            assert best is not None
            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            kept.scenario.faults.on("empty-list", count=3, path="/data/trades")
            outcome = await kept.orders.place(wanted(kept, best, order_type="FAK"), kept.market.condition_id)
            assert kept.scenario.faults.struck("empty-list") == 3
            assert (outcome.fate, kept.orders.unknown) == (Fate.PLACED, {})

    run()


def test_a_refusal_is_booked_in_the_venues_words(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            dear = wanted(kept, 900_000, size=100_000 * MILLION)
            outcome = await kept.orders.place(dear, kept.market.condition_id)
            assert (outcome.fate, "not enough balance" in outcome.text) == (Fate.REJECTED, True)
            (row,) = (await kept.order_rows()).values()
            assert "not enough balance" in row["reason"]

    run()


def test_P3_while_the_venue_is_away_the_outcome_stays_unknown(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data")
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, set(kept.orders.unknown)) == (Fate.UNKNOWN, {outcome.order.order_id})
            kept.scenario.faults.off("server-error")
            (settled,) = await kept.orders.settle_unknown()
            assert (settled.fate, kept.orders.unknown) == (Fate.PLACED, {})

    run()


def test_R4_a_cancel_reads_the_fills_that_came_before_it(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            placed = await kept.orders.place(wanted(kept), kept.market.condition_id)
            answer = await kept.orders.cancel([placed.order.order_id], kept.market.condition_id)
            assert answer.canceled == (placed.order.order_id,)
            (row,) = (await kept.order_rows()).values()
            assert row["state"] == "closed"
            assert kept.open_orders() == set()

    run()


def test_P3_a_batch_books_every_intent_before_anything_is_sent(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            outcomes = await kept.orders.place_many(batch(kept, 35))
            ids = [outcome.order.order_id for outcome in outcomes]
            assert {outcome.fate for outcome in outcomes} == {Fate.PLACED}
            assert (len(set(ids)), set(ids), kept.orders.unknown) == (35, kept.open_orders(), {})
            assert await states(kept) == dict.fromkeys(ids, "live")
            log = await kept.connection.fetch(
                "SELECT seq, source, received_at_ms, fact FROM log WHERE wallet_id = $1 ORDER BY seq", kept.wallet_id
            )
            assert all('"kind":"order_intended"' in row["fact"] for row in log[:35])
            assert not any('"kind":"order_intended"' in row["fact"] for row in log[35:])

    run()


@pytest.mark.parametrize(("fault", "fate"), LOST)
def test_P3_a_part_whose_answer_is_lost_is_asked_for_order_by_order(dsn: str, fault: str, fate: Fate) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            settings = {} if fault == "cut" else {"delay_ms": 0}
            kept.scenario.faults.on(fault, count=1, path="/orders", settings=settings)
            outcomes = await kept.orders.place_many(batch(kept, 20))
            assert kept.scenario.faults.struck(fault) == 1
            fates = [outcome.fate for outcome in outcomes]
            assert fates.count(fate) >= 5
            assert set(fates) <= {fate, Fate.PLACED}
            placed = {outcome.order.order_id for outcome in outcomes if outcome.fate is Fate.PLACED}
            assert (kept.open_orders(), kept.orders.unknown) == (placed, {})
            assert await states(kept) == {
                outcome.order.order_id: "live" if outcome.fate is Fate.PLACED else "closed" for outcome in outcomes
            }

    run()


def test_P3_a_part_stays_unknown_while_the_venue_is_away_and_the_other_is_placed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", count=1, path="/orders", settings={"delay_ms": 0})
            kept.scenario.faults.on("server-error", path="/data/trades")
            kept.scenario.faults.on("null-order")
            outcomes = await kept.orders.place_many(batch(kept, 20))
            unknown = {outcome.order.order_id for outcome in outcomes if outcome.fate is Fate.UNKNOWN}
            assert unknown == set(kept.orders.unknown) != set()
            assert {outcome.fate for outcome in outcomes} == {Fate.UNKNOWN, Fate.PLACED}
            for fault in ("server-error", "null-order"):
                kept.scenario.faults.off(fault)
            assert {settled.fate for settled in await kept.orders.settle_unknown()} == {Fate.PLACED}
            assert (kept.orders.unknown, len(kept.open_orders())) == ({}, 20)
            assert set((await states(kept)).values()) == {"live"}

    run()


def test_P3_A1_an_open_order_that_the_venue_denies_all_along_is_cancelled_rather_than_forgotten(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            kept.scenario.faults.on("null-order")
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, outcome.text, kept.open_orders()) == (Fate.PLACED, "found by cancelling", set())
            assert (await states(kept), kept.orders.unknown) == ({outcome.order.order_id: "closed"}, {})

    run()


def test_P3_a_denied_order_whose_cancel_is_refused_stays_unknown(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            kept.scenario.faults.on("timeout-after", count=1, path="/order", settings={"delay_ms": 0})
            for fault in ("null-order", "cancel-refused"):
                kept.scenario.faults.on(fault)
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, set(kept.orders.unknown)) == (Fate.UNKNOWN, kept.open_orders())
            assert await states(kept) == {outcome.order.order_id: "intended"}

    run()


def test_one_refused_order_of_a_batch_takes_none_with_it(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            dear = wanted(kept, 900_000, size=100_000 * MILLION)
            good = batch(kept, 2)
            outcomes = await kept.orders.place_many([good[0], (dear, kept.market.condition_id), good[1]])
            assert [outcome.fate for outcome in outcomes] == [Fate.PLACED, Fate.REJECTED, Fate.PLACED]
            assert "not enough balance" in outcomes[1].text
            ids = [outcome.order.order_id for outcome in outcomes]
            assert await states(kept) == {ids[0]: "live", ids[1]: "rejected", ids[2]: "live"}

    run()


def test_P3_an_order_the_venue_calls_a_duplicate_is_found_and_not_doubled(dsn: str) -> None:
    """Two desks with one salt sign the same order in the same millisecond."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            account = kept.scenario.accounts[0]
            signer = OrderSigner(PrivateKey(account.private_key), account.address, lambda: 7)
            desk = OrderDesk(kept.desk.orders, kept.desk.account, signer, kept.book, WorldClock(kept.scenario))
            first = await desk.place(wanted(kept), kept.market.condition_id)
            second = await desk.place(wanted(kept), kept.market.condition_id)
            assert first.order.order_id == second.order.order_id
            assert (second.fate, second.text) == (Fate.PLACED, "found by asking")
            assert await states(kept) == {first.order.order_id: "live"}

    run()


def test_P5_an_order_whose_cancel_is_refused_stays_live(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = [outcome.order.order_id for outcome in await kept.orders.place_many(batch(kept, 4))]
            kept.scenario.faults.on("cancel-refused", count=1)
            report = await kept.orders.cancel(ids, kept.market.condition_id)
            assert (len(report.canceled), len(report.resting), report.ended) == (2, 2, {})
            assert kept.open_orders() == set(report.resting)
            assert await states(kept) == {
                **dict.fromkeys(report.canceled, "closed"),
                **dict.fromkeys(report.resting, "live"),
            }

    run()


def test_P5_A1_a_refused_order_that_is_answered_with_null_stays_live(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            placed = await kept.orders.place(wanted(kept), kept.market.condition_id)
            for fault in ("cancel-refused", "null-order"):
                kept.scenario.faults.on(fault)
            report = await kept.orders.cancel([placed.order.order_id])
            assert set(report.resting) == kept.open_orders() == {placed.order.order_id}
            assert await states(kept) == {placed.order.order_id: "live"}

    run()


def test_O3_an_order_that_ended_is_not_closed_while_its_trades_do_not_come_whole(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            placed = await kept.orders.place(wanted(kept), kept.market.condition_id)
            kept.run(5)
            kept.scenario.faults.on("sweep", count=1)
            kept.run(60)
            assert not kept.open_orders()
            kept.scenario.faults.on("malformed-row", path="/data/trades")
            assert set((await kept.orders.cancel([placed.order.order_id])).resting) == {placed.order.order_id}
            assert await states(kept) == {placed.order.order_id: "live"}
            kept.scenario.faults.off("malformed-row")
            assert set((await kept.orders.cancel([placed.order.order_id])).ended) == {placed.order.order_id}
            assert await kept.shares() == kept.truth() != {}

    run()


@pytest.mark.parametrize("fault", ["timeout-after", "timeout-before", "cut"])
def test_P5_a_cancel_whose_answer_is_lost_is_repeated_and_ends_on_the_venues_word(dsn: str, fault: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = [outcome.order.order_id for outcome in await kept.orders.place_many(batch(kept, 3))]
            kept.scenario.faults.on(fault, count=1, settings={} if fault == "cut" else {"delay_ms": 0})
            report = await kept.orders.cancel(ids)
            assert kept.scenario.faults.struck(fault) == 1
            assert {*report.canceled, *report.ended} == set(ids)
            assert (kept.open_orders(), report.resting) == (set(), {})
            rows = await kept.order_rows()
            assert {row["state"] for row in rows.values()} == {"closed"}
            reason = "CANCELED" if fault == "timeout-before" else "already canceled or matched"
            assert {row["reason"] for row in rows.values()} == {reason}

    run()


def test_P5_cancels_that_are_never_answered_leave_every_order_live(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            ids = [outcome.order.order_id for outcome in await kept.orders.place_many(batch(kept, 3))]
            kept.scenario.faults.on("timeout-before", path="/orders", settings={"delay_ms": 0})
            with pytest.raises(VenueError):
                await kept.orders.cancel(ids)
            assert await states(kept) == dict.fromkeys(ids, "live")

    run()


def test_P5_a_refusal_closes_nothing_that_the_venue_still_shows(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order in the middle of a match is refused in such words ("measured 2026-07-06", `polymarket.md` 1.3)."""

    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            placed = await kept.orders.place(wanted(kept), kept.market.condition_id)
            order_id = placed.order.order_id
            refusal = "order can't be found - already canceled or matched"
            monkeypatch.setattr(kept.scenario.world.exchange, "cancel", lambda *_: refusal)
            report = await kept.orders.cancel([order_id])
            assert report == CancelReport(resting={order_id: refusal})
            assert await states(kept) == {order_id: "live"}

    run()


def test_E2_orders_of_many_markets_are_cancelled_together_and_what_somebody_else_cancelled_is_closed(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            markets = [m for m in kept.scenario.world.exchange.markets.values() if m.accepting_orders]
            orders = [
                (
                    OrderWanted(
                        token_id=str(market.tokens[0]),
                        side=Side.BUY,
                        price=market.tick,
                        size=10 * MILLION,
                        tick=market.tick,
                        neg_risk=market.neg_risk,
                    ),
                    market.condition_id,
                )
                for market in markets
                if market.version == "v1"
            ]
            ids = [outcome.order.order_id for outcome in await kept.orders.place_many(orders)]
            assert len(ids) > 2
            theirs = kept.scenario.world.exchange.orders[ids[0]]
            kept.scenario.world.exchange.cancel_order(theirs, OrderStatus.CANCELED)
            report = await kept.orders.cancel([*ids, ids[0]])
            assert (set(report.canceled), set(report.ended)) == (set(ids[1:]), {ids[0]})
            assert await states(kept) == dict.fromkeys(ids, "closed")

    run()


def test_R4_a_fill_that_the_venue_tells_after_the_cancel_is_booked(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            large = wanted(kept, size=400 * MILLION)
            placed = await kept.orders.place(large, kept.market.condition_id)
            kept.scenario.faults.on("late-fill", count=1)
            kept.run(5)
            report = await kept.orders.cancel([placed.order.order_id], kept.market.condition_id)
            assert kept.scenario.faults.struck("late-fill") == 1
            assert report.canceled == (placed.order.order_id,)
            kept.run(60)
            await kept.keeper.catch_up()
            (row,) = (await kept.order_rows()).values()
            matched = kept.scenario.world.exchange.orders[placed.order.order_id].matched
            assert (row["state"], row["filled"]) == ("closed", matched)
            assert await kept.shares() == kept.truth() != {}

    run()


def test_salts_rise_within_a_millisecond_and_over_a_restart() -> None:
    class Stopped:
        at = 1_787_000_000_000

        def now_ms(self) -> int:
            return self.at

        async def sleep(self, ms: int) -> None:
            self.at += ms

    clock = Stopped()
    before = Salts(clock)
    drawn = [before() for _ in range(3_000)]
    clock.at += 1
    after = Salts(clock)
    drawn += [after() for _ in range(3_000)]
    assert drawn == sorted(set(drawn))
    assert max(drawn) < 1 << 53
    clock.at -= 60_000
    assert after() == drawn[-1] + 1
