"""Orders in two phases over the wire: whatever becomes of the request, the books and the venue agree in the end."""

from __future__ import annotations

import pytest

from jobs.account import MILLION, House, house
from support.database import in_loop
from tieout.client.orders import OrderWanted
from tieout.jobs.order_desk import Fate
from tieout.ledger.facts import Side

PRICE = 10_000


def wanted(kept: House, price: int = PRICE, **more: object) -> OrderWanted:
    market = kept.market
    terms = {"price": price, "size": 10 * MILLION, "tick": market.tick, "neg_risk": market.neg_risk, **more}
    return OrderWanted(token_id=market.token_ids[0], side=Side.BUY, **terms)  # type: ignore[arg-type]


def on_the_book(kept: House) -> set[str]:
    orders = kept.scenario.world.exchange.orders.values()
    return {order.id for order in orders if order.request.wallet == kept.wallet and order.open}


def test_an_order_is_intended_before_it_is_sent_and_placed_after(dsn: str) -> None:
    @in_loop
    async def run() -> None:
        async with house(dsn) as kept:
            outcome = await kept.orders.place(wanted(kept), kept.market.condition_id)
            assert (outcome.fate, outcome.text) == (Fate.PLACED, "live")
            assert on_the_book(kept) == {outcome.order.order_id}
            assert set(await kept.order_rows()) == on_the_book(kept)
            first = "SELECT fact FROM log WHERE wallet_id = $1 AND seq = 1"
            assert '"kind":"order_intended"' in await kept.connection.fetchval(first, kept.wallet_id)

    run()


LOST = [("timeout-after", Fate.PLACED), ("timeout-before", Fate.NEVER_ARRIVED), ("cut", Fate.PLACED)]


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
            assert on_the_book(kept) == ({outcome.order.order_id} if fate is Fate.PLACED else set())
            (row,) = (await kept.order_rows()).values()
            assert row["order_id"] == outcome.order.order_id
            assert row["state"] == ("closed" if fate is Fate.NEVER_ARRIVED else "live")

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
            assert (outcome.fate, on_the_book(kept)) == (Fate.PLACED, set())
            kept.run(60)
            await kept.keeper.catch_up()
            assert await kept.shares() == kept.truth() != {}

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
            assert on_the_book(kept) == set()

    run()
