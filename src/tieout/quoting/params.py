"""Parameters of the built-in strategy for one market: plain data, checked before use."""

from __future__ import annotations

import msgspec

from tieout.ledger.units import MICRO, decimal_text
from tieout.quoting.fair import FairModel


class ParamsError(ValueError):
    """Settings that cannot work together; the operator is at fault. `problems` says what, where and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Params(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """How one market is quoted. Prices and spreads in micro-collateral a share, sizes in micro-shares.

    The defaults suit a market with a tick of 0.01 and a minimum of 5 shares.
    """

    tiers: int = 3
    """Quotes on each side."""
    tier_step: int = 10_000
    """Between one tier and the next; a tick at least."""
    tier_size: int = 20_000_000
    half_spread: int = 10_000
    """From the skewed fair price to the first tier."""
    min_spread: int = 10_000
    """What a BUY of YES and a BUY of NO leave of 1 at least, so that filling both never loses."""
    inventory_target: int = 0
    """YES less NO shares that we are content to hold."""
    skew: int = 10_000
    """How far both quotes move when the holding is off its target by `max_shares`; in proportion below."""
    max_shares: int = 200_000_000
    """Of one outcome, held and bought by open orders together."""
    max_collateral: int = 200_000_000
    """Cost basis of what is held and the collateral of open buys together."""
    reward_size_max: int = 100_000_000
    """A quote is made this large at most, and moved, to earn liquidity rewards; 0: rewards are not looked at."""
    min_time_to_resolution_ms: int = 3_600_000
    price_min: int = 50_000
    price_max: int = 950_000
    """YES prices between which there are quotes; nothing is quoted while the fair price is outside."""
    requote_tolerance: int = 5_000
    """A resting order this near to its wanted price is left alone; on a coarse grid a tick or more has an effect."""
    requote_size: int = 500_000
    """The part of its wanted size, in micro, below which a resting order is replaced."""
    merge_threshold: int = 20_000_000
    """Full sets worth a transaction."""
    fair_model: FairModel = FairModel.MICRO
    fair_depth: int = 5
    """Levels of each side that the depth model reads."""
    fair_dust: int = 5_000_000
    """Levels smaller than this do not move the fair price."""

    def checked(self) -> Params:
        """These parameters. Raises ParamsError that names everything wrong with them."""
        problems = [
            f"{name}: expected {low} to {high}, was {getattr(self, name)}; set it inside"
            for name, (low, high) in RANGES.items()
            if not low <= getattr(self, name) <= high
        ]
        problems += _contradictions(self)
        if problems:
            raise ParamsError(problems)
        return self


_SHARES_MAX = 10**15
_DAY_MS = 86_400_000
RANGES: dict[str, tuple[int, int]] = {
    "tiers": (1, 20),
    "tier_step": (0, MICRO),
    "tier_size": (10_000, _SHARES_MAX),
    "half_spread": (0, MICRO // 2),
    "min_spread": (1, MICRO // 2),
    "inventory_target": (-_SHARES_MAX, _SHARES_MAX),
    "skew": (0, MICRO // 2),
    "max_shares": (10_000, _SHARES_MAX),
    "max_collateral": (0, _SHARES_MAX),
    "reward_size_max": (0, _SHARES_MAX),
    "min_time_to_resolution_ms": (0, 366 * _DAY_MS),
    "price_min": (0, MICRO),
    "price_max": (0, MICRO),
    "requote_tolerance": (0, MICRO // 10),
    "requote_size": (0, MICRO),
    "merge_threshold": (1, _SHARES_MAX),
    "fair_depth": (1, 1_000),
    "fair_dust": (0, _SHARES_MAX),
}
"""What each number may be, both ends included."""


def _contradictions(params: Params) -> list[str]:
    found = []
    if params.price_min >= params.price_max:
        found.append(
            f"price_min: expected less than price_max {decimal_text(params.price_max)}, "
            f"was {decimal_text(params.price_min)}; widen the two"
        )
    if params.tier_size > params.max_shares:
        found.append(
            f"tier_size: expected at most max_shares {decimal_text(params.max_shares, 2)}, "
            f"was {decimal_text(params.tier_size, 2)}; lower tier_size or raise max_shares"
        )
    if abs(params.inventory_target) > params.max_shares:
        found.append(
            f"inventory_target: expected within max_shares {decimal_text(params.max_shares, 2)}, "
            f"was {decimal_text(params.inventory_target, 2)}; lower it or raise max_shares"
        )
    return found
