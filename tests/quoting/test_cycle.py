"""A whole cycle, from the situation to what is sent."""

from __future__ import annotations

import msgspec

from quoting.notes import NOON, book, holding, market, names, noted, orders, quotes
from tieout.ledger.units import micro
from tieout.quoting.cycle import Decision, decide
from tieout.quoting.ladder import Ladder
from tieout.quoting.params import Params
from tieout.quoting.risk import Account, Limits
from tieout.quoting.strategy import Situation, Strategy, Wanted
from tieout.quoting.views import Holding, Resting

RICH = Account(free_collateral=micro("10000"))
PARAMS = Params(tiers=1, skew=0)


class Fixed:
    """A user's own strategy: always the same quotes."""

    def __init__(self, *notes: str, fair: str = "0.5") -> None:
        self._wanted = Wanted(quotes=quotes(*notes), fair=micro(fair))

    def wanted(self, situation: Situation) -> Wanted:
        """The quotes, whatever the situation."""
        return self._wanted


def cycle(
    strategy: Strategy | None = None,
    account: Account = RICH,
    limits: Limits = Limits(),  # noqa: B008 -- frozen
    held: Holding | None = None,
    resting: tuple[Resting, ...] = (),
    tick: str = "0.01",
    **changes: object,
) -> Decision:
    situation = Situation(
        market=market(tick),
        book=book("0.48x100 | 0.52x100"),
        holding=held or holding(),
        resting=resting,
        params=msgspec.structs.replace(PARAMS, **changes),
        now_ms=NOON,
    )
    return decide(strategy or Ladder(), situation, account, limits)


def test_from_nothing_to_two_quotes() -> None:
    made = cycle()
    assert noted(made.plan.places) == noted(made.quotes) == ["BUY YES 20 @ 0.49", "BUY NO 20 @ 0.49"]
    assert made.fair == micro("0.5")
    assert made.reasons == ()
    assert made.merge == 0


def test_reasons_of_strategy_and_risk_are_told_together() -> None:
    made = cycle(held=holding(yes="190"), limits=Limits(market_exposure_max=micro("95")))
    assert noted(made.quotes) == ["SELL YES 20 @ 0.51"]
    assert made.reasons == ("max_shares or max_collateral is reached", "market_exposure_max 95.00 is reached")


def test_out_of_reach_of_truth_orders_are_cancelled_and_nothing_is_merged() -> None:
    degraded = Account(free_collateral=micro("10000"), degraded="the venue is silent")
    resting = orders("a: BUY YES 20 @ 0.49")
    made = cycle(account=degraded, held=holding(yes="100", no="100"), resting=resting)
    assert names(made.plan.cancels) == "a"
    assert made.plan.places == made.plan.places_after_cancel == ()
    assert made.merge == 0
    assert cycle(held=holding(yes="100", no="100"), resting=resting).merge == micro("100")


def test_a_partly_filled_order_is_kept_down_to_requote_size() -> None:
    resting = orders("a: BUY YES 9 @ 0.49", "b: BUY NO 20 @ 0.49")
    assert names(cycle(resting=resting).plan.cancels) == "a"
    assert cycle(resting=resting, requote_size=micro("0.4")).plan.is_empty


def test_an_order_is_kept_within_the_tolerance() -> None:
    resting = orders("a: BUY YES 20 @ 0.486", "b: BUY NO 20 @ 0.49")
    assert cycle(resting=resting, tick="0.001").plan.is_empty
    assert names(cycle(resting=resting, tick="0.001", requote_tolerance=micro("0.003")).plan.cancels) == "a"


def test_a_strategy_of_the_users_own_is_held_to_the_minimum_spread() -> None:
    made = cycle(Fixed("BUY YES 20 @ 0.49", "BUY NO 20 @ 0.5"), min_spread=micro("0.02"))
    assert noted(made.plan.places) == ["BUY YES 20 @ 0.49"]
    assert noted(made.plan.refused) == ["BUY NO 20 @ 0.5"]


def test_a_strategy_of_the_users_own_is_held_to_the_limits_at_the_worst_price_that_may_be_kept() -> None:
    poor = Account(free_collateral=micro("9.9"))
    made = cycle(Fixed("BUY YES 20 @ 0.49"), account=poor, requote_tolerance=micro("0.01"))
    assert noted(made.plan.places) == ["BUY YES 19.8 @ 0.49"]
    assert made.reasons == ("there is no more free collateral",)
