"""Caps, stops, full sets and parameters."""

from __future__ import annotations

import msgspec
import pytest

from quoting.notes import holding, noted, orders, quotes
from tieout.ledger.units import micro
from tieout.quoting.merging import sets_to_merge
from tieout.quoting.params import Params, ParamsError
from tieout.quoting.risk import Account, Exposure, Limits, allowed, holding_value, open_exposure

LIMITS = Limits(market_exposure_max=micro("100"), total_exposure_max=micro("500"), daily_loss_max=micro("50"))
RICH = Account(free_collateral=micro("10000"))
BOTH = quotes("BUY YES 100 @ 0.5", "SELL YES 20 @ 0.6", "BUY NO 100 @ 0.4")


def checked(held: str = "0", account: Account = RICH, **more: int) -> tuple[list[str], list[str]]:
    passed, reasons = allowed(BOTH, Exposure(held=micro(held), account=account), LIMITS, **more)
    return noted(passed), reasons


def test_within_all_limits_nothing_changes() -> None:
    assert checked() == (noted(BOTH), [])


def test_the_markets_cap_reduces_the_later_buy_and_leaves_sells() -> None:
    assert checked("40") == (
        ["BUY YES 100 @ 0.5", "SELL YES 20 @ 0.6", "BUY NO 25 @ 0.4"],
        ["market_exposure_max 100.00 is reached"],
    )


def test_a_market_beyond_its_cap_only_sells() -> None:
    assert checked("101") == (["SELL YES 20 @ 0.6"], ["market_exposure_max 100.00 is reached"])


def test_the_total_counts_what_is_open_elsewhere() -> None:
    account = msgspec.structs.replace(RICH, exposure_elsewhere=micro("440"))
    assert checked(account=account) == (
        ["BUY YES 100 @ 0.5", "SELL YES 20 @ 0.6", "BUY NO 25 @ 0.4"],
        ["total_exposure_max 500.00 is reached"],
    )


def test_buys_end_with_the_free_collateral() -> None:
    assert checked(account=Account(free_collateral=micro("30"))) == (
        ["BUY YES 60 @ 0.5", "SELL YES 20 @ 0.6"],
        ["there is no more free collateral"],
    )


def test_what_is_left_under_the_minimum_is_dropped() -> None:
    kept, _ = checked("99", min_size=micro("5"))
    assert kept == ["SELL YES 20 @ 0.6"]
    kept, _ = checked("97.5", min_size=micro("5"))
    assert kept == ["BUY YES 5 @ 0.5", "SELL YES 20 @ 0.6"]


def test_buys_count_at_the_worst_price_that_may_be_kept() -> None:
    kept, _ = checked(account=Account(free_collateral=micro("51")), price_slack=micro("0.01"))
    assert kept[0] == "BUY YES 100 @ 0.5"
    kept, _ = checked(account=Account(free_collateral=micro("50.9")), price_slack=micro("0.01"))
    assert kept[0] == "BUY YES 99.8 @ 0.5"


def test_the_daily_loss_stops_sells_too() -> None:
    account = Account(free_collateral=micro("10000"), pnl=micro("-20"), pnl_at_day_start=micro("30"))
    assert checked(account=account) == ([], ["daily_loss_max 50.00 is reached: the day stands at -50.00"])
    assert checked(account=msgspec.structs.replace(account, pnl=micro("-19.999999")))[1] == []


def test_a_daily_loss_of_zero_stops_at_the_first_loss_and_not_before() -> None:
    none = msgspec.structs.replace(LIMITS, daily_loss_max=0)
    assert allowed(BOTH, Exposure(held=0, account=RICH), none)[0] == BOTH
    lost = msgspec.structs.replace(RICH, pnl=-1)
    assert allowed(BOTH, Exposure(held=0, account=lost), none)[0] == ()


def test_out_of_reach_of_truth_only_cancels() -> None:
    account = msgspec.structs.replace(RICH, degraded="the order book is 12 s old")
    assert checked(account=account) == ([], ["cancels only: the order book is 12 s old"])


def test_a_holding_is_worth_its_fair_price_and_at_most_one_a_set_without_it() -> None:
    held = holding(yes="30", no="10")
    assert holding_value(held, micro("0.6")) == micro("22")
    assert holding_value(held, None) == micro("30")
    assert holding_value(holding(yes="0.000001"), micro("0.5")) == 1  # never rounded to nothing


def test_open_exposure_adds_the_open_buys() -> None:
    resting = orders("a: BUY YES 20 @ 0.5", "b: SELL YES 20 @ 0.7", "c: BUY NO 10 @ 0.3")
    assert open_exposure(holding(yes="30"), micro("0.6"), resting) == micro("31")
    assert open_exposure(holding(yes="30"), micro("0.6"), BOTH) == micro("108")


# merging


@pytest.mark.parametrize(
    ("yes", "no", "resting", "sets"),
    [
        ("50", "30", (), "30"),
        ("50", "19.999999", (), "0"),  # under the threshold
        ("50", "20", (), "20"),
        ("50.123456", "40.654321", (), "40.654321"),  # to the micro-unit
        ("50", "30", ("a: SELL YES 25 @ 0.6",), "25"),
        ("50", "30", ("a: SELL NO 5 @ 0.6", "b: SELL NO 6 @ 0.7"), "0"),
        ("50", "30", ("a: BUY YES 40 @ 0.4",), "30"),  # buys need no shares
        ("10", "30", ("a: SELL YES 25 @ 0.6",), "0"),
    ],
)
def test_full_sets_to_merge(yes: str, no: str, resting: tuple[str, ...], sets: str) -> None:
    assert sets_to_merge(holding(yes=yes, no=no), orders(*resting), micro("20")) == micro(sets)


def test_nothing_is_merged_without_a_set() -> None:
    assert sets_to_merge(holding(yes="50"), (), 1) == 0


# parameters


def test_the_defaults_are_sound() -> None:
    assert Params().checked() == Params()
    assert Limits().checked() == Limits()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tiers": 0}, "tiers: expected 1 to 20, was 0; set it inside"),
        ({"min_spread": 0}, "min_spread: expected 1 to 500000, was 0; set it inside"),
        (
            {"price_min": 600_000, "price_max": 400_000},
            "price_min: expected less than price_max 0.400000, was 0.600000; widen the two",
        ),
        (
            {"tier_size": micro("300")},
            "tier_size: expected at most max_shares 200.00, was 300.00; lower tier_size or raise max_shares",
        ),
        (
            {"inventory_target": micro("-300")},
            "inventory_target: expected within max_shares 200.00, was -300.00; lower it or raise max_shares",
        ),
    ],
)
def test_parameters_that_cannot_work_are_named(changes: dict[str, int], problem: str) -> None:
    with pytest.raises(ParamsError) as raised:
        Params(**changes).checked()
    assert raised.value.problems == (problem,)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ParamsError) as raised:
        Params(tiers=0, skew=-1, price_min=micro("1"), price_max=0).checked()
    assert len(raised.value.problems) == 3


def test_negative_limits_are_refused() -> None:
    with pytest.raises(ParamsError, match="daily_loss_max: expected zero or more"):
        Limits(daily_loss_max=-1).checked()
