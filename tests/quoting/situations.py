"""Random markets, books, holdings, parameters and orders that could really be."""

from __future__ import annotations

from hypothesis import strategies as st

from quoting.notes import NOON, mirrored
from tieout.ledger.facts import Side
from tieout.ledger.units import MICRO
from tieout.quoting import grid
from tieout.quoting.fair import FairModel
from tieout.quoting.params import Params
from tieout.quoting.strategy import Situation
from tieout.quoting.views import BookView, Holding, Levels, MarketView, Quote, Resting

SHARE = MICRO
ticks = st.sampled_from(sorted(grid.TICKS))
sizes = st.one_of(st.integers(500, 50_000), st.integers(1, 50_000)).map(lambda hundredths: hundredths * grid.SIZE_STEP)


@st.composite
def level_sides(draw: st.DrawFn, tick: int) -> tuple[Levels, Levels]:
    """(bids, asks) of YES on the tick, not crossed, both with a level at least."""
    last = MICRO // tick - 1
    best_ask = draw(st.one_of(st.integers(last // 4 + 2, last * 3 // 4 + 1), st.integers(2, last)))
    best_bid = draw(st.integers(max(1, best_ask - 12), best_ask - 1))
    below = draw(st.sets(st.integers(max(1, best_bid - 20), best_bid), max_size=6)) | {best_bid}
    above = draw(st.sets(st.integers(best_ask, min(last, best_ask + 20)), max_size=6)) | {best_ask}
    bids, asks = (tuple((place * tick, draw(sizes)) for place in sorted(side)) for side in (below, above))
    return bids, asks


@st.composite
def params(draw: st.DrawFn) -> Params:
    max_shares = draw(st.integers(60, 1_000)) * SHARE
    spreads = st.sampled_from([1, 999, 5_000, 10_000, 20_000, 33_333, 80_000])
    price_min = draw(st.sampled_from([0, 0, 50_000, 323_456]))
    return Params(
        tiers=draw(st.integers(1, 6)),
        tier_step=draw(st.integers(0, 60_000)),
        tier_size=draw(st.one_of(st.integers(15 * SHARE, 60 * SHARE), st.integers(grid.SIZE_STEP, 60 * SHARE))),
        half_spread=draw(spreads),
        min_spread=draw(spreads),
        inventory_target=draw(st.integers(-max_shares, max_shares)),
        skew=draw(st.integers(0, 200_000)),
        max_shares=max_shares,
        max_collateral=draw(st.one_of(st.just(10_000 * SHARE), st.integers(0, 400 * SHARE))),
        reward_size_max=draw(st.sampled_from([0, 100 * SHARE])),
        price_min=price_min,
        price_max=MICRO - draw(st.sampled_from([0, 0, 50_000, 323_456])),
        requote_tolerance=draw(st.integers(0, 30_000)),
        requote_size=draw(st.integers(0, MICRO)),
        fair_model=draw(st.sampled_from(FairModel)),
        fair_dust=draw(st.sampled_from([0, 0, 5 * SHARE])),
    ).checked()


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    amounts = st.one_of(st.just(0), st.integers(0, 60 * SHARE), st.integers(0, 1_200 * SHARE))
    return Holding(shares=(draw(amounts), draw(amounts)), cost=(draw(amounts) // 3, draw(amounts) // 3))


@st.composite
def markets(draw: st.DrawFn, tick: int) -> MarketView:
    return MarketView(
        condition_id="0xc0",
        tokens=("11", "22"),
        tick=tick,
        min_size=draw(st.sampled_from([0, SHARE, 5 * SHARE, 15 * SHARE])),
        reward_min_size=draw(st.sampled_from([0, 50 * SHARE, 200 * SHARE])),
        reward_max_spread=draw(st.sampled_from([0, 15_000, 45_000])),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """A market that is open, with a book of others."""
    tick = draw(ticks)
    bids, asks = draw(level_sides(tick))
    return Situation(
        market=draw(markets(tick)),
        book=mirrored(bids, asks),
        holding=draw(holdings()),
        resting=draw(orders_for(tick)),
        params=draw(params()),
        now_ms=NOON,
    )


@st.composite
def quotes_for(draw: st.DrawFn, tick: int) -> tuple[Quote, ...]:
    """What a careless strategy might want: off the grid, crossing itself, twice the same."""
    prices = st.one_of(st.integers(1, MICRO // tick - 1).map(lambda place: place * tick), st.integers(0, MICRO))
    if draw(st.booleans()):
        near = draw(st.integers(1, MICRO // tick - 1))
        prices = st.integers(max(1, near - 4), min(MICRO // tick - 1, near + 4)).map(lambda place: place * tick)
    some = st.tuples(st.integers(0, 1), st.sampled_from(Side), prices, sizes)
    return tuple(Quote(*drawn, 0) for drawn in draw(st.lists(some, max_size=8)))


@st.composite
def orders_for(draw: st.DrawFn, tick: int) -> tuple[Resting, ...]:
    found = draw(quotes_for(tick))
    ages = draw(st.lists(st.integers(0, 3), min_size=len(found), max_size=len(found)))
    return tuple(
        Resting(f"old-{place}", q.outcome, q.side, q.price, q.size, NOON - age)
        for place, (q, age) in enumerate(zip(found, ages, strict=True))
    )


@st.composite
def plans_of(draw: st.DrawFn) -> tuple[int, tuple[Quote, ...], tuple[Resting, ...]]:
    """(tick, wanted, resting); half of the time the orders are what is left of nearly the same quotes."""
    tick = draw(ticks)
    wanted = draw(quotes_for(tick))
    resting = list(draw(orders_for(tick)))
    if draw(st.booleans()):
        for place, quote in enumerate(wanted):
            price = min(max(quote.price + draw(st.integers(-2, 2)) * tick, tick), MICRO - tick)
            left = quote.size * draw(st.integers(1, 4)) // 4
            resting.append(Resting(f"near-{place}", quote.outcome, quote.side, price, left, NOON))
    return tick, wanted, tuple(resting)


@st.composite
def books_with_own(draw: st.DrawFn) -> tuple[BookView, BookView, tuple[Resting, ...]]:
    """(the book of others, the book the venue shows, our orders in it)."""
    tick = draw(ticks)
    bids, asks = draw(level_sides(tick))
    levels: tuple[dict[int, int], dict[int, int]] = (dict(bids), dict(asks))
    best_bid, best_ask = max(levels[0]), min(levels[1])
    own = []
    for place in range(draw(st.integers(0, 5))):
        bid = draw(st.booleans())
        spots = st.integers(1, (best_ask - 1) // tick) if bid else st.integers(best_bid // tick + 1, MICRO // tick - 1)
        price, size, outcome = draw(spots) * tick, draw(sizes), draw(st.integers(0, 1))
        side = levels[0] if bid else levels[1]
        side[price] = side.get(price, 0) + size
        buys = bid == (outcome == 0)
        own_price = price if outcome == 0 else MICRO - price
        own.append(Resting(f"own-{place}", outcome, Side.BUY if buys else Side.SELL, own_price, size, NOON))
    shown = mirrored(tuple(levels[0].items()), tuple(levels[1].items()))
    return mirrored(bids, asks), shown, tuple(own)
