"""One quoting cycle of one market: situation to quotes, to what risk allows, to what is to be sent."""

from __future__ import annotations

import msgspec

from tieout.quoting.diff import Keeping, Plan, plan
from tieout.quoting.merging import sets_to_merge
from tieout.quoting.risk import Account, Exposure, Limits, allowed, holding_value
from tieout.quoting.strategy import Situation, Strategy
from tieout.quoting.views import Quote


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to do, and why there is less than there could be."""

    plan: Plan
    quotes: tuple[Quote, ...]
    """What should rest once the plan is carried out, kept orders by the quote they stand for."""
    fair: int | None
    reasons: tuple[str, ...]
    merge: int
    """Micro-sets to merge."""


def decide(strategy: Strategy, situation: Situation, account: Account, limits: Limits) -> Decision:
    """The whole cycle. `situation.book` is already without our own orders (`views.without`)."""
    market, params = situation.market, situation.params
    wanted = strategy.wanted(situation)
    exposure = Exposure(held=holding_value(situation.holding, wanted.fair), account=account)
    quotes, reasons = allowed(
        wanted.quotes, exposure, limits, min_size=market.min_size, price_slack=params.requote_tolerance
    )
    keeping = Keeping(
        tick=market.tick,
        tolerance=params.requote_tolerance,
        size_part=params.requote_size,
        gap=params.min_spread,
    )
    merge = 0 if account.degraded else sets_to_merge(situation.holding, situation.resting, params.merge_threshold)
    return Decision(
        plan=plan(quotes, situation.resting, keeping),
        quotes=quotes,
        fair=wanted.fair,
        reasons=((wanted.reason,) if wanted.reason else ()) + tuple(reasons),
        merge=merge,
    )
