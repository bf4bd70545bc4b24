"""What holds in every situation, whatever the parameters; in more of them by TIEOUT_SITUATIONS."""

from __future__ import annotations

import os

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting.notes import holding, placed
from quoting.situations import books_with_own, plans_of, situations
from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.quoting import grid
from tieout.quoting.cycle import Decision, decide
from tieout.quoting.diff import Keeping, Plan, plan
from tieout.quoting.fair import FairModel
from tieout.quoting.ladder import Ladder
from tieout.quoting.risk import Account, Limits, buy_cost, holding_value
from tieout.quoting.strategy import Situation
from tieout.quoting.views import NO, YES, Quote, Resting, is_bid, touch, without, yes_price

often = settings(max_examples=int(os.environ.get("TIEOUT_SITUATIONS", "100")), deadline=None)
amounts = st.integers(-100 * MICRO, 1_000 * MICRO)
accounts = st.builds(
    Account,
    exposure_elsewhere=st.integers(0, 500 * MICRO),
    free_collateral=amounts,
    pnl=amounts,
    pnl_at_day_start=amounts,
)
limits = st.builds(
    Limits,
    market_exposure_max=st.integers(0, 500 * MICRO),
    total_exposure_max=st.integers(0, 900 * MICRO),
    daily_loss_max=st.integers(0, 900 * MICRO),
)
RICH = Account(free_collateral=10**15)
NO_LIMITS = Limits(market_exposure_max=10**15, total_exposure_max=10**15, daily_loss_max=10**15)


def after(made: Plan) -> list[Quote | Resting]:
    """Everything of ours that rests when the plan is carried out."""
    return [*made.keeps, *made.places, *made.places_after_cancel]


def size_of(order: Quote | Resting) -> int:
    return order.size if isinstance(order, Quote) else order.remaining


def bought(orders: list[Quote | Resting], outcome: int) -> int:
    return sum(size_of(order) for order in orders if order.side is Side.BUY and order.outcome == outcome)


def sold(orders: list[Quote | Resting], outcome: int) -> int:
    return sum(size_of(order) for order in orders if order.side is Side.SELL and order.outcome == outcome)


def spent(orders: list[Quote | Resting]) -> int:
    return sum(buy_cost(size_of(order), order.price) for order in orders if order.side is Side.BUY)


def narrowest(orders: list[Quote | Resting]) -> int | None:
    """Between our best ask and our best bid."""
    bids = [yes_price(order) for order in orders if is_bid(order)]
    asks = [yes_price(order) for order in orders if not is_bid(order)]
    return min(asks) - max(bids) if bids and asks else None


def decision(situation: Situation) -> Decision:
    return decide(Ladder(), situation, RICH, NO_LIMITS)


def nudged(situation: Situation, ticks: int) -> Situation:
    """The situation in which orders rest as wanted but for *ticks* of price that they are better for the taker."""
    shift = ticks * situation.market.tick
    quotes = Ladder().wanted(situation).quotes
    moved = (
        msgspec.structs.replace(q, price=q.price + (shift if q.side is Side.BUY else -shift))
        for q in quotes
        if 0 < q.price + (shift if q.side is Side.BUY else -shift) < MICRO
    )
    return msgspec.structs.replace(situation, resting=placed(tuple(moved)))


@often
@given(situations())
def test_quotes_are_on_the_grid_large_enough_and_inside_the_bounds(situation: Situation) -> None:
    market, params = situation.market, situation.params
    for quote in Ladder().wanted(situation).quotes:
        assert grid.on_grid(quote.price, market.tick)
        assert quote.size % grid.SIZE_STEP == 0
        assert quote.size >= max(market.min_size, 1)
        assert params.price_min <= yes_price(quote) <= params.price_max


@often
@given(situations())
def test_quotes_never_cross_the_book_of_others(situation: Situation) -> None:
    bid, ask = touch(situation.book)
    for quote in Ladder().wanted(situation).quotes:
        assert yes_price(quote) < ask if is_bid(quote) else yes_price(quote) > bid


@often
@given(situations())
def test_filling_both_sides_never_loses(situation: Situation) -> None:
    quotes = list(Ladder().wanted(situation).quotes)
    gap = narrowest(quotes)
    assert gap is None or gap >= situation.params.min_spread
    buys = {outcome: [q.price for q in quotes if q.side is Side.BUY and q.outcome == outcome] for outcome in (YES, NO)}
    if buys[YES] and buys[NO]:
        assert max(buys[YES]) + max(buys[NO]) <= MICRO - situation.params.min_spread


@often
@given(situations(), st.integers(-3, 3))
def test_neither_does_it_with_what_is_kept(situation: Situation, ticks: int) -> None:
    gap = narrowest(after(decision(nudged(situation, ticks)).plan))
    assert gap is None or gap >= situation.params.min_spread


@often
@given(situations(), st.integers(-3, 3))
def test_caps_hold_even_if_everything_fills(situation: Situation, ticks: int) -> None:
    held, params = situation.holding, situation.params
    resting = after(decision(nudged(situation, ticks)).plan)
    for outcome in (YES, NO):
        assert bought(resting, outcome) <= max(0, params.max_shares - held.shares[outcome])
        assert sold(resting, outcome) <= held.shares[outcome]
    assert spent(resting) <= max(0, params.max_collateral - sum(held.cost))


@often
@given(situations(), accounts, limits, st.integers(-3, 3))
def test_limits_hold_even_if_everything_fills(
    situation: Situation, account: Account, bounds: Limits, ticks: int
) -> None:
    made = decide(Ladder(), nudged(situation, ticks), account, bounds)
    resting = after(made.plan)
    cost = spent(resting)
    held = holding_value(situation.holding, made.fair)
    assert cost <= max(0, account.free_collateral)
    assert cost <= max(0, bounds.market_exposure_max - held)
    assert cost <= max(0, bounds.total_exposure_max - held - account.exposure_elsewhere)
    if account.pnl_at_day_start - account.pnl > bounds.daily_loss_max:
        assert resting == []


@often
@given(situations(), st.integers(0, 300 * MICRO))
def test_the_longer_yes_the_lower_both_quotes(situation: Situation, more: int) -> None:
    open_wide = msgspec.structs.replace(
        situation.params,
        price_min=0,
        price_max=MICRO,
        max_collateral=10**15,
        tier_size=20 * MICRO,
        max_shares=500 * MICRO,
    )
    best: list[tuple[int, int]] = []
    for yes in (0, more):
        held = msgspec.structs.replace(holding(), shares=(yes, 0))
        quotes = Ladder().wanted(msgspec.structs.replace(situation, params=open_wide, holding=held)).quotes
        bids = [yes_price(quote) for quote in quotes if is_bid(quote)]
        asks = [yes_price(quote) for quote in quotes if not is_bid(quote)]
        # a side without a quote has run out of the grid: bids at its lower end, asks at its upper
        best.append((max(bids, default=0), min(asks, default=MICRO)))
    (bid, ask), (bid_longer, ask_longer) = best
    assert bid_longer <= bid
    assert ask_longer <= ask


@often
@given(situations())
def test_yes_and_no_are_treated_alike(situation: Situation) -> None:
    book, held = situation.book, situation.holding
    fair_is_exact = msgspec.structs.replace(
        situation.params,
        fair_model=FairModel.MID,
        price_max=MICRO - situation.params.price_min,
        max_collateral=10**15,  # who comes first under a common cap is the one thing that differs
    )
    here = msgspec.structs.replace(situation, params=fair_is_exact)
    swapped = msgspec.structs.replace(
        here,
        book=msgspec.structs.replace(book, bids=book.bids[::-1], asks=book.asks[::-1]),
        holding=msgspec.structs.replace(held, shares=held.shares[::-1], cost=held.cost[::-1]),
        params=msgspec.structs.replace(fair_is_exact, inventory_target=-fair_is_exact.inventory_target),
    )
    mirror = {msgspec.structs.replace(quote, outcome=1 - quote.outcome) for quote in Ladder().wanted(swapped).quotes}
    assert mirror == set(Ladder().wanted(here).quotes)


@often
@given(situations())
def test_the_same_situation_gives_the_same_decision(situation: Situation) -> None:
    backwards = msgspec.structs.replace(situation, resting=situation.resting[::-1])
    assert decision(situation) == decision(situation) == decision(backwards)


@often
@given(situations())
def test_a_decision_carried_out_leaves_nothing_to_do(situation: Situation) -> None:
    made = decision(situation).plan
    resting = made.keeps + placed(made.places + made.places_after_cancel)
    assert decision(msgspec.structs.replace(situation, resting=resting)).plan.is_empty


@often
@given(books_with_own())
def test_a_book_without_own_orders_is_the_book_of_others(drawn: tuple) -> None:  # type: ignore[type-arg]
    others, shown, own = drawn
    assert without(shown, own) == others


# plans for any strategy, careless ones too


@often
@given(plans_of(), st.integers(0, 30_000), st.integers(0, MICRO), st.integers(1, 50_000))
def test_plans(drawn: tuple, tolerance: int, part: int, gap: int) -> None:  # type: ignore[type-arg]
    tick, wanted, resting = drawn
    keeping = Keeping(tick=tick, tolerance=tolerance, size_part=part, gap=gap)
    made = plan(wanted, resting, keeping)

    # every order is kept or cancelled, every quote stands, is placed or refused
    assert sorted(order.id for order in made.keeps + made.cancels) == sorted(order.id for order in resting)
    stands = len(made.keeps) + len(made.places) + len(made.places_after_cancel)
    assert stands + len(made.refused) == len(wanted)

    # own orders cannot trade with each other, neither afterwards nor while the cancels are under way
    apart = narrowest(after(made))
    assert apart is None or apart >= gap
    for place in made.places:
        meanwhile = narrowest([place, *made.cancels, *made.keeps])
        before = narrowest([*made.cancels, *made.keeps])
        assert meanwhile is None or meanwhile > 0 or meanwhile == before

    # what a cancel frees is not spent before
    if any(order.side is Side.BUY for order in made.cancels):
        assert not any(quote.side is Side.BUY for quote in made.places)
    for outcome in (YES, NO):
        if sold(list(made.cancels), outcome):
            assert not sold(list(made.places), outcome)

    # once carried out, nothing is left to do
    assert plan(wanted, made.keeps + placed(made.places + made.places_after_cancel), keeping).is_empty
    # an order that is exactly what is wanted is never given up
    exact = {(quote.outcome, quote.side, quote.price, quote.size) for quote in wanted if quote not in made.refused}
    gone = {(order.outcome, order.side, order.price, order.remaining) for order in made.cancels}
    kept = {(order.outcome, order.side, order.price) for order in made.keeps}
    assert all(order[:3] in kept for order in exact & gone)
