"""What the built-in strategy quotes, as a trader would note it down."""

from __future__ import annotations

import msgspec
import pytest

from quoting.notes import NOON, book, holding, market, noted, orders
from tieout.ledger.units import micro
from tieout.quoting.fair import FairModel
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.strategy import Situation, Strategy, Wanted
from tieout.quoting.views import BookView, Holding, MarketView, without

EVEN = "0.48x100 0.47x300 | 0.52x100 0.53x200"
ONE_TIER = Params(tiers=1)


def wanted(
    note: str | BookView = EVEN,
    params: Params = ONE_TIER,
    held: Holding | None = None,
    listed: MarketView | None = None,
    strategy: Strategy | None = None,
) -> Wanted:
    situation = Situation(
        market=listed or market(),
        book=book(note) if isinstance(note, str) else note,
        holding=held or holding(),
        params=params,
        now_ms=NOON,
    )
    return (strategy or Ladder()).wanted(situation)


def with_params(**changes: object) -> Params:
    return msgspec.structs.replace(ONE_TIER, **changes).checked()


# flat: both sides are bought, a cent from fair


def test_flat_in_an_even_book_buys_both_outcomes_a_cent_below_fair() -> None:
    answer = wanted()
    assert answer.fair == micro("0.5")
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.49", "BUY NO 20 @ 0.49"]
    assert answer.reason == ""


def test_the_default_ladder_has_three_tiers_a_cent_apart_inner_ones_first() -> None:
    answer = wanted(params=Params())
    assert noted(answer.quotes) == [
        "BUY YES 20 @ 0.49",
        "BUY NO 20 @ 0.49",
        "BUY YES 20 @ 0.48",
        "BUY NO 20 @ 0.48",
        "BUY YES 20 @ 0.47",
        "BUY NO 20 @ 0.47",
    ]
    assert [quote.tier for quote in answer.quotes] == [0, 0, 1, 1, 2, 2]


def test_off_the_grid_prices_are_rounded_away_from_fair() -> None:
    # micro-price 0.48 + 0.04 * 100/400 = 0.49; wanted 0.475 and 0.505
    answer = wanted("0.48x100 | 0.52x300", with_params(half_spread=micro("0.015")))
    assert answer.fair == micro("0.49")
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.47", "BUY NO 20 @ 0.49"]


def test_a_finer_tick_is_used() -> None:
    answer = wanted("0.48x100 | 0.52x300", with_params(half_spread=micro("0.015")), listed=market("0.001"))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.475", "BUY NO 20 @ 0.495"]


def test_a_tier_step_below_the_tick_still_gives_tiers_of_their_own() -> None:
    answer = wanted(params=with_params(tiers=3, tier_step=0))
    assert noted(answer.quotes)[::2] == ["BUY YES 20 @ 0.49", "BUY YES 20 @ 0.48", "BUY YES 20 @ 0.47"]


# never cross


def test_a_quote_stays_a_tick_below_the_ask_of_others() -> None:
    # long NO: the skewed fair price of YES is 0.5845, far above the ask
    tight = "0.48x100 | 0.49x100"
    answer = wanted(tight, with_params(half_spread=0, skew=micro("0.1")), holding(no="200"))
    assert noted(answer.quotes) == ["SELL NO 20 @ 0.52"]  # a bid for YES at 0.48; no more NO is bought


def test_a_lagging_book_of_the_other_outcome_is_minded_too() -> None:
    seen = book(EVEN)
    # somebody bids 0.505 for NO, which the YES book does not show yet: an ask of YES at 0.495
    seen = BookView(bids=(seen.bids[0], ((micro("0.505"), micro("50")), *seen.bids[1])), asks=seen.asks)
    answer = wanted(seen, with_params(half_spread=0, min_spread=1), listed=market("0.005"))
    assert noted(answer.quotes)[0] == "BUY YES 20 @ 0.49"


def test_our_own_orders_do_not_move_our_price() -> None:
    ours = orders("a: BUY YES 20 @ 0.49")
    seen = book("0.49x20 0.48x100 | 0.52x100")
    assert wanted(without(seen, ours)).fair == micro("0.5")
    assert wanted(seen).fair != micro("0.5")


# inventory


def test_long_yes_sells_yes_and_both_quotes_are_lower() -> None:
    answer = wanted(held=holding(yes="100"), listed=market("0.001"))
    # half of max_shares: skewed by half a cent
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.485", "SELL YES 20 @ 0.505"]


def test_long_no_is_the_mirror_image() -> None:
    answer = wanted(held=holding(no="100"), listed=market("0.001"))
    assert noted(answer.quotes) == ["SELL NO 20 @ 0.505", "BUY NO 20 @ 0.485"]


def test_what_is_held_for_less_than_a_tier_is_sold_and_the_rest_bought_on_the_other_side() -> None:
    answer = wanted(params=with_params(skew=0), held=holding(yes="12.34"))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.49", "SELL YES 12.34 @ 0.51", "BUY NO 7.66 @ 0.49"]


def test_less_than_the_minimum_cannot_be_sold() -> None:
    answer = wanted(params=with_params(skew=0), held=holding(yes="4.99"))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.49", "BUY NO 20 @ 0.49"]


def test_a_rest_under_the_minimum_is_not_placed() -> None:
    answer = wanted(params=with_params(skew=0), held=holding(yes="16"))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.49", "SELL YES 16 @ 0.51"]


def test_shares_are_sold_once_over_all_tiers() -> None:
    answer = wanted(params=with_params(tiers=2, skew=0), held=holding(yes="30"))
    assert [note for note in noted(answer.quotes) if "BUY YES" not in note] == [
        "SELL YES 20 @ 0.51",
        "SELL YES 10 @ 0.52",
        "BUY NO 10 @ 0.48",
    ]


def test_the_target_is_where_there_is_no_skew() -> None:
    params = with_params(inventory_target=micro("100"))
    answer = wanted(params=params, held=holding(yes="100"), listed=market("0.001"))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.49", "SELL YES 20 @ 0.51"]


def test_skew_ends_at_max_shares() -> None:
    full, more = (wanted(held=holding(yes=shares), listed=market("0.001")) for shares in ("200", "900"))
    assert noted(full.quotes) == noted(more.quotes) == ["SELL YES 20 @ 0.5"]


# caps


def test_buys_end_at_max_shares_and_the_last_is_smaller() -> None:
    answer = wanted(params=with_params(tiers=2, skew=0), held=holding(yes="170.5"))
    assert [note for note in noted(answer.quotes) if "BUY YES" in note] == ["BUY YES 20 @ 0.49", "BUY YES 9.5 @ 0.48"]
    assert answer.reason == "max_shares or max_collateral is reached"


def test_buys_end_at_max_collateral_counted_at_the_worst_price_that_may_be_kept() -> None:
    params = with_params(max_collateral=micro("9.9"), requote_tolerance=micro("0.01"))
    answer = wanted(params=params)
    # 0.50 each: 9.90 for 19.8 shares of YES, nothing left for NO
    assert noted(answer.quotes) == ["BUY YES 19.8 @ 0.49"]
    assert answer.reason == "max_shares or max_collateral is reached"


def test_what_was_paid_for_the_holding_counts() -> None:
    answer = wanted(params=with_params(skew=0), held=holding(yes="40", cost_yes="200"))
    assert noted(answer.quotes) == ["SELL YES 20 @ 0.51"]


# liquidity rewards


def test_a_quote_moves_in_and_grows_to_earn_the_reward() -> None:
    paying = market(reward_max_spread=micro("0.03"), reward_min_size=micro("50"))
    params = with_params(half_spread=micro("0.06"), max_collateral=micro("1000"))
    assert noted(wanted(params=params).quotes) == ["BUY YES 20 @ 0.44", "BUY NO 20 @ 0.44"]
    assert noted(wanted(params=params, listed=paying).quotes) == ["BUY YES 50 @ 0.47", "BUY NO 50 @ 0.47"]


def test_tiers_outside_the_band_keep_their_size() -> None:
    paying = market(reward_max_spread=micro("0.015"), reward_min_size=micro("50"))
    answer = wanted(params=with_params(tiers=2), listed=paying)
    assert noted(answer.quotes)[::2] == ["BUY YES 50 @ 0.49", "BUY YES 20 @ 0.48"]


def test_a_reward_for_more_than_we_show_is_left_alone() -> None:
    paying = market(reward_max_spread=micro("0.03"), reward_min_size=micro("500"))
    answer = wanted(params=with_params(half_spread=micro("0.06")), listed=paying)
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.44", "BUY NO 20 @ 0.44"]


def test_the_reward_never_costs_the_minimum_spread() -> None:
    paying = market(reward_max_spread=micro("0.01"), reward_min_size=micro("20"))
    params = with_params(half_spread=micro("0.06"), min_spread=micro("0.06"))
    assert noted(wanted(params=params, listed=paying).quotes) == ["BUY YES 20 @ 0.47", "BUY NO 20 @ 0.47"]


# bounds and stops


def test_tiers_outside_the_price_bounds_are_left_out() -> None:
    answer = wanted("0.05x100 | 0.09x100", Params())
    assert [note for note in noted(answer.quotes) if "BUY YES" in note] == ["BUY YES 20 @ 0.06", "BUY YES 20 @ 0.05"]
    assert answer.reason == "tiers outside the price bounds are left out"


def test_bounds_are_prices_of_yes_for_both_outcomes() -> None:
    answer = wanted(params=with_params(tiers=4, price_min=micro("0.47"), price_max=micro("0.52")))
    assert noted(answer.quotes) == [
        "BUY YES 20 @ 0.49",
        "BUY NO 20 @ 0.49",
        "BUY YES 20 @ 0.48",
        "BUY NO 20 @ 0.48",
        "BUY YES 20 @ 0.47",
    ]


def test_the_minimum_spread_goes_before_the_half_spread() -> None:
    answer = wanted(params=with_params(half_spread=micro("0.01"), min_spread=micro("0.05")))
    assert noted(answer.quotes) == ["BUY YES 20 @ 0.47", "BUY NO 20 @ 0.47"]


def test_the_last_tick_is_a_bound_whatever_the_operator_allows() -> None:
    params = with_params(tiers=3, price_min=0, price_max=micro("1"))
    answer = wanted("0.02x100 | 0.04x100", params)
    assert [note for note in noted(answer.quotes) if "YES" in note] == ["BUY YES 20 @ 0.02", "BUY YES 20 @ 0.01"]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (market(closed=True), "the market is closed"),
        (market(accepting=False), "the market accepts no orders"),
        (market(end_ms=NOON + 3_599_999), "the market resolves in less than min_time_to_resolution"),
        (market(end_ms=NOON - 1), "the market resolves in less than min_time_to_resolution"),
        (market("0.02"), "the market's tick is not one the venue is known to use"),
        (market(min_size="25"), "tier_size is below the market's minimum order size"),
    ],
)
def test_markets_that_are_not_quoted(listed: MarketView, reason: str) -> None:
    answer = wanted(listed=listed)
    assert answer.quotes == ()
    assert answer.reason == reason


def test_an_hour_before_the_end_is_time_enough() -> None:
    assert wanted(listed=market(end_ms=NOON + 3_600_000)).quotes


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("|", "the book is empty"),
        ("0.48x100 |", "the book has one side only"),
        ("| 0.52x100", "the book has one side only"),
        ("0.52x100 | 0.48x100", "the book is crossed"),
        ("0.03x100 | 0.04x100", "the fair price is outside price_min and price_max"),
        ("0.96x100 | 0.97x100", "the fair price is outside price_min and price_max"),
    ],
)
def test_books_that_are_not_quoted(note: str, reason: str) -> None:
    answer = wanted(note)
    assert answer.quotes == ()
    assert answer.reason == reason


def test_the_fair_model_is_a_choice() -> None:
    uneven = "0.48x100 | 0.52x300"
    assert wanted(uneven, with_params(fair_model=FairModel.MID)).fair == micro("0.5")
    assert wanted(uneven, with_params(fair_model=FairModel.MICRO)).fair == micro("0.49")
