"""The venue's second layer of limits: two token buckets for each signer, one for orders and one for cancels.

In warning mode since 2026-07-24 (`polymarket.md` 1.5). The venue reports the balance with every answer, and what it
says counts: another process of the same signer may have taken from the same bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tieout.client.clock import Clock
from tieout.client.errors import retry_after_ms
from tieout.client.limits import Bucket, wait_for
from tieout.client.transport import HttpResponse

Purse = Literal["orders", "cancels"]


@dataclass(frozen=True, slots=True)
class Tier:
    """Tokens per second, and how many can be saved."""

    order_rate: int
    order_burst: int
    cancel_rate: int
    cancel_burst: int


TIERS: Mapping[str, Tier] = {
    "Standard": Tier(40, 60, 80, 120),
    "Copper": Tier(60, 90, 120, 180),
    "Bronze": Tier(80, 120, 160, 240),
    "Silver": Tier(200, 300, 400, 600),
    "Gold": Tier(400, 600, 800, 1_200),
    "Platinum": Tier(450, 675, 900, 1_350),
    "Diamond": Tier(525, 787, 1_050, 1_575),
    "Elite": Tier(600, 900, 1_200, 1_800),
}
"""docs.polymarket.com/trading-rate-limits, as fetched on 2026-07-27."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the last answer said of a bucket; None where it said nothing. `reset_ms` is Unix time."""

    remaining: int | None
    reset_ms: int | None
    tier: str
    warned: bool


class SignerLimiter:
    """The two buckets of one signer, kept in step with what the venue reports."""

    def __init__(
        self,
        clock: Clock,
        tier: str = "Standard",
        *,
        tiers: Mapping[str, Tier] = TIERS,
        wait_max_ms: int = 30_000,
    ) -> None:
        self._clock = clock
        self._tiers = tiers
        self._wait_max_ms = wait_max_ms
        self.tier = tier
        self.warnings = 0
        """Answers that said: under enforcement this request would have been refused."""
        now_ms, rates = clock.now_ms(), tiers[tier]
        self._buckets: dict[Purse, Bucket] = {
            "orders": Bucket(rates.order_burst, rates.order_rate, 1000, now_ms),
            "cancels": Bucket(rates.cancel_burst, rates.cancel_rate, 1000, now_ms),
        }

    def most_at_once(self, purse: Purse) -> int:
        """The largest batch that can ever be admitted: batches go all or nothing."""
        return self._buckets[purse].burst

    async def take(self, purse: Purse, cost: int = 1) -> None:
        """Return when *cost* tokens are there. Raises VenueError when the wait would be too long."""
        if cost > self.most_at_once(purse):
            raise ValueError(f"{purse}: expected at most {self.most_at_once(purse)} at once, was {cost}")
        await wait_for([self._buckets[purse]], cost, self._clock, self._wait_max_ms, f"signer {purse}")

    def observe(self, purse: Purse, response: HttpResponse) -> Reported:
        """Take in the headers of an answer: a lower balance, a time to wait for, another tier."""
        now_ms, bucket, told = self._clock.now_ms(), self._buckets[purse], reported(response)
        self.warnings += told.warned
        if told.tier in self._tiers and told.tier != self.tier:
            self._change_tier(told.tier)
        bucket.advance(now_ms)
        if told.remaining is not None:
            bucket.parts = min(bucket.parts, told.remaining * bucket.window_ms)
        if told.reset_ms is not None and told.remaining is not None and told.remaining <= 0:
            bucket.closed_until_ms = max(bucket.closed_until_ms, told.reset_ms)
        if response.status == 429:
            bucket.closed_until_ms = max(bucket.closed_until_ms, now_ms + retry_after_ms(response))
        return told

    def _change_tier(self, tier: str) -> None:
        rates, now_ms = self._tiers[tier], self._clock.now_ms()
        self.tier = tier
        sizes: dict[Purse, tuple[int, int]] = {
            "orders": (rates.order_burst, rates.order_rate),
            "cancels": (rates.cancel_burst, rates.cancel_rate),
        }
        for purse, (burst, rate) in sizes.items():
            bucket = self._buckets[purse]
            bucket.advance(now_ms)
            bucket.parts = min(bucket.parts, burst * bucket.window_ms)
            bucket.burst, bucket.refill = burst, rate


def reported(response: HttpResponse) -> Reported:
    """The Poly-RateLimit-* headers of an answer."""
    reset_s = _whole(response.header("poly-ratelimit-reset"))
    return Reported(
        remaining=_whole(response.header("poly-ratelimit-remaining")),
        reset_ms=None if reset_s is None else reset_s * 1000,
        tier=response.header("poly-ratelimit-tier"),
        warned=response.header("poly-ratelimit-warning").lower() in ("true", "1"),
    )


def _whole(text: str) -> int | None:
    """The whole number of a header, a fraction cut off; None when there is none."""
    digits = text.strip().split(".", 1)[0]
    return int(digits) if digits.lstrip("-").isdecimal() and len(digits) <= 15 else None
