"""What is sent to get from what rests to what is wanted."""

from __future__ import annotations

import itertools

from quoting.notes import names, noted, orders, quotes
from tieout.ledger.units import MICRO, micro
from tieout.quoting.diff import Keeping, plan

CENT = Keeping(tick=micro("0.01"), size_part=MICRO // 2)
FINE = Keeping(tick=micro("0.001"), tolerance=micro("0.005"), size_part=MICRO // 2)


def test_everything_is_placed_into_nothing() -> None:
    made = plan(quotes("BUY YES 20 @ 0.49", "BUY NO 20 @ 0.49"), (), CENT)
    assert noted(made.places) == ["BUY YES 20 @ 0.49", "BUY NO 20 @ 0.49"]
    assert made.cancels == made.keeps == made.places_after_cancel == ()


def test_nothing_wanted_cancels_everything() -> None:
    made = plan((), orders("a: BUY YES 20 @ 0.49", "b: SELL NO 20 @ 0.52"), CENT)
    assert names(made.cancels) == "a b"
    assert made.places == made.places_after_cancel == ()


def test_an_order_at_its_price_keeps_its_place_in_the_queue() -> None:
    made = plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY YES 20 @ 0.49"), CENT)
    assert names(made.keeps) == "a"
    assert made.is_empty


def test_a_partly_filled_order_is_kept_until_too_little_is_left() -> None:
    assert plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY YES 10 @ 0.49"), CENT).is_empty
    made = plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY YES 9.99 @ 0.49"), CENT)
    assert names(made.cancels) == "a"
    assert noted(made.places_after_cancel) == ["BUY YES 20 @ 0.49"]


def test_an_order_larger_than_wanted_is_replaced_since_a_cap_asked_for_less() -> None:
    made = plan(quotes("BUY YES 15 @ 0.49"), orders("a: BUY YES 20 @ 0.49"), CENT)
    assert names(made.cancels) == "a"
    assert noted(made.places_after_cancel) == ["BUY YES 15 @ 0.49"]


def test_only_the_tier_that_moved_is_replaced() -> None:
    resting = orders("a: BUY YES 20 @ 0.49", "b: BUY YES 20 @ 0.48", "c: BUY NO 20 @ 0.47")
    made = plan(quotes("BUY YES 20 @ 0.49", "BUY YES 20 @ 0.47", "BUY NO 20 @ 0.47"), resting, CENT)
    assert names(made.keeps) == "a c"
    assert names(made.cancels) == "b"


def test_within_the_tolerance_the_nearest_is_kept() -> None:
    resting = orders("far: BUY YES 20 @ 0.485", "near: BUY YES 20 @ 0.491")
    made = plan(quotes("BUY YES 20 @ 0.49"), resting, FINE)
    assert names(made.keeps) == "near"
    assert names(made.cancels) == "far"
    assert plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY YES 20 @ 0.4849"), FINE).keeps == ()


def test_an_equal_price_goes_before_a_near_one() -> None:
    resting = orders("a: BUY YES 20 @ 0.488", "b: BUY YES 20 @ 0.49")
    made = plan(quotes("BUY YES 20 @ 0.489", "BUY YES 20 @ 0.488"), resting, FINE)
    assert names(made.keeps) == "b a"
    assert made.is_empty


def test_one_order_stands_for_one_quote() -> None:
    made = plan(quotes("BUY YES 20 @ 0.49", "BUY YES 20 @ 0.487"), orders("a: BUY YES 20 @ 0.489"), FINE)
    assert names(made.keeps) == "a"
    assert noted(made.places) == ["BUY YES 20 @ 0.487"]


def test_an_order_off_the_new_grid_is_not_kept_for_being_near() -> None:
    coarse = Keeping(tick=micro("0.01"), tolerance=micro("0.005"))
    made = plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY YES 20 @ 0.491"), coarse)
    assert names(made.cancels) == "a"


def test_of_duplicates_the_oldest_stays() -> None:
    resting = orders("a: BUY YES 20 @ 0.49", "b: BUY YES 20 @ 0.49", "c: BUY YES 20 @ 0.49")
    made = plan(quotes("BUY YES 20 @ 0.49"), resting, CENT)
    assert names(made.keeps) == "a"
    assert names(made.cancels) == "b c"
    assert made.places == made.places_after_cancel == ()


def test_a_buy_waits_for_a_cancelled_buy_of_either_outcome_since_it_needs_the_collateral() -> None:
    made = plan(quotes("BUY YES 20 @ 0.49"), orders("a: BUY NO 20 @ 0.45"), CENT)
    assert noted(made.places_after_cancel) == ["BUY YES 20 @ 0.49"]
    assert made.places == ()


def test_a_sell_waits_for_a_cancelled_sell_of_the_same_outcome_only() -> None:
    resting = orders("a: SELL YES 20 @ 0.55", "b: BUY NO 20 @ 0.40")
    made = plan(quotes("SELL YES 20 @ 0.54", "SELL NO 20 @ 0.52"), resting, CENT)
    assert noted(made.places_after_cancel) == ["SELL YES 20 @ 0.54"]
    assert noted(made.places) == ["SELL NO 20 @ 0.52"]


def test_a_place_waits_for_the_cancel_it_could_trade_with() -> None:
    made = plan(quotes("BUY YES 20 @ 0.52"), orders("a: SELL YES 20 @ 0.52"), CENT)
    assert noted(made.places_after_cancel) == ["BUY YES 20 @ 0.52"]
    # a BUY of NO at 0.49 and a SELL of NO at 0.49 are not the only pair: two SELLs match as a merge, too
    made = plan(quotes("SELL NO 20 @ 0.48"), orders("a: SELL YES 20 @ 0.52"), CENT)
    assert noted(made.places_after_cancel) == ["SELL NO 20 @ 0.48"]
    made = plan(quotes("SELL NO 20 @ 0.49"), orders("a: SELL YES 20 @ 0.52"), CENT)
    assert noted(made.places) == ["SELL NO 20 @ 0.49"]


def test_quotes_that_could_trade_with_each_other_are_refused_later_ones_first() -> None:
    made = plan(quotes("BUY YES 20 @ 0.52", "BUY NO 20 @ 0.48", "BUY NO 20 @ 0.47"), (), CENT)
    assert noted(made.places) == ["BUY YES 20 @ 0.52", "BUY NO 20 @ 0.47"]
    assert noted(made.refused) == ["BUY NO 20 @ 0.48"]


def test_quotes_off_the_grid_twice_or_of_nothing_are_refused() -> None:
    made = plan(quotes("BUY YES 20 @ 0.495", "BUY YES 20 @ 0.49", "BUY YES 9 @ 0.49", "BUY YES 0 @ 0.4"), (), CENT)
    assert noted(made.places) == ["BUY YES 20 @ 0.49"]
    assert noted(made.refused) == ["BUY YES 20 @ 0.495", "BUY YES 9 @ 0.49", "BUY YES 0 @ 0.4"]


def test_a_near_order_is_not_kept_where_it_would_come_too_close_to_the_other_side() -> None:
    keeping = Keeping(tick=micro("0.001"), tolerance=micro("0.005"), gap=micro("0.01"))
    wanted = quotes("BUY YES 20 @ 0.49", "BUY NO 20 @ 0.5")
    made = plan(wanted, orders("a: BUY YES 20 @ 0.491"), keeping)
    assert names(made.cancels) == "a"
    made = plan(wanted, orders("a: BUY YES 20 @ 0.489"), keeping)
    assert names(made.keeps) == "a"


def test_two_near_orders_are_not_both_kept_where_they_would_come_too_close_to_each_other() -> None:
    keeping = Keeping(tick=micro("0.001"), tolerance=micro("0.005"), gap=micro("0.01"))
    wanted = quotes("BUY YES 20 @ 0.49", "BUY NO 20 @ 0.496")
    made = plan(wanted, orders("a: BUY YES 20 @ 0.493", "b: BUY NO 20 @ 0.499"), keeping)
    assert names(made.keeps) == "a"
    assert names(made.cancels) == "b"


def test_the_plan_does_not_depend_on_the_order_in_which_the_venue_lists_orders() -> None:
    resting = orders("a: BUY YES 20 @ 0.49", "b: BUY YES 20 @ 0.49", "c: BUY YES 20 @ 0.485", "d: BUY NO 20 @ 0.488")
    wanted = quotes("BUY YES 20 @ 0.49", "BUY YES 20 @ 0.483", "BUY NO 20 @ 0.49")
    assert len({plan(wanted, shuffled, FINE) for shuffled in itertools.permutations(resting)}) == 1
