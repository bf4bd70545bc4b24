"""Rate limits in simulated time: windows by IP address and path, token buckets by signer.

The numbers are docs.polymarket.com/api-reference/rate-limits and /trading-rate-limits as fetched on 2026-07-27. They
moved three times in 2026 (`polymarket.md` 1.5), so all of them are configuration.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tieout.sim.scheduler import Scheduler

SLICES = 20
"""A sliding window moves in this many steps: exact to a twentieth of its length."""

BURST_MS, SUSTAINED_MS = 10_000, 600_000


@dataclass(frozen=True, slots=True)
class IpRule:
    """At most *limit* requests of one address in *window_ms*; *route* is matched against "METHOD /path"."""

    route: re.Pattern[str]
    limit: int
    window_ms: int = BURST_MS


def _rules(*rows: tuple[str, int] | tuple[str, int, int]) -> tuple[IpRule, ...]:
    return tuple(IpRule(re.compile(row[0]), *row[1:]) for row in rows)


IP_RULES = _rules(
    (r"\S+ /.*", 9_000),
    (r"GET /ok", 100),
    (r"GET /balance-allowance", 200),
    (r"GET /balance-allowance/update", 50),
    (r"GET /(book|price|midpoint)", 1_500),
    (r"POST /(books|prices|midpoints)", 500),
    (r"GET /prices-history", 1_000),
    (r"GET /tick-size(/.*)?", 200),
    (r"\S+ /(data/.*|notifications)", 900),
    (r"GET /data/orders", 500),
    (r"GET /data/trades", 500),
    (r"\S+ /notifications", 125),
    (r"\S+ /auth/.*", 100),
    (r"(POST|DELETE) /order", 5_000),
    (r"(POST|DELETE) /order", 120_000, SUSTAINED_MS),
    (r"(POST|DELETE) /orders", 2_000),
    (r"POST /orders", 21_000, SUSTAINED_MS),
    (r"DELETE /orders", 15_000, SUSTAINED_MS),
    (r"DELETE /cancel-all", 250),
    (r"DELETE /cancel-all", 6_000, SUSTAINED_MS),
    (r"DELETE /cancel-market-orders", 1_500),
    (r"DELETE /cancel-market-orders", 21_000, SUSTAINED_MS),
)


class _Window:
    """A count over the last *length_ms*, kept in slices."""

    def __init__(self, length_ms: int) -> None:
        self._slice_ms = max(length_ms // SLICES, 1)
        self._slices: deque[list[int]] = deque()
        self._total = 0

    def count(self, now_ms: int) -> int:
        """How many fell into the window that ends now."""
        current = now_ms // self._slice_ms
        while self._slices and self._slices[0][0] <= current - SLICES:
            self._total -= self._slices.popleft()[1]
        return self._total

    def add(self, now_ms: int) -> None:
        """One more."""
        current = now_ms // self._slice_ms
        if self._slices and self._slices[-1][0] == current:
            self._slices[-1][1] += 1
        else:
            self._slices.append([current, 1])
        self._total += 1


class IpLimits:
    """The outer layer: every request of an address counts in every rule that its route matches."""

    def __init__(self, scheduler: Scheduler, rules: Sequence[IpRule] = IP_RULES) -> None:
        self._scheduler = scheduler
        self.rules: Sequence[IpRule] = rules
        self._windows: dict[tuple[str, IpRule], _Window] = {}
        self._matching: dict[str, tuple[IpRule, ...]] = {}

    def replace(self, rules: Sequence[IpRule]) -> None:
        """Use other rules from now on; counts begin anew."""
        self.rules = rules
        self._windows.clear()
        self._matching.clear()

    def admits(self, ip: str, method: str, path: str) -> bool:
        """Count the request; False when it is one too many, which then does not count."""
        now = self._scheduler.now_ms
        windows = [(rule, self._window(ip, rule)) for rule in self._rules_of(f"{method} {path}")]
        if any(window.count(now) >= rule.limit for rule, window in windows):
            return False
        for _, window in windows:
            window.add(now)
        return True

    def _rules_of(self, route: str) -> tuple[IpRule, ...]:
        # only routes without an id repeat; the others would fill the memory
        found = self._matching.get(route)
        if found is None:
            found = tuple(rule for rule in self.rules if rule.route.fullmatch(route))
            if len(route) < 40:
                self._matching[route] = found
        return found

    def _window(self, ip: str, rule: IpRule) -> _Window:
        window = self._windows.get((ip, rule))
        if window is None:
            window = self._windows[ip, rule] = _Window(rule.window_ms)
        return window


@dataclass(frozen=True, slots=True)
class Tier:
    """Tokens per second and burst of both buckets; `debt` lets a mass cancel leave the balance negative."""

    name: str
    order_rate: int
    order_burst: int
    cancel_rate: int
    cancel_burst: int
    debt: bool = True


TIERS: Mapping[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier("Standard", 40, 60, 80, 120),
        Tier("Copper", 60, 90, 120, 180),
        Tier("Bronze", 80, 120, 160, 240),
        Tier("Silver", 200, 300, 400, 600),
        Tier("Gold", 400, 600, 800, 1_200),
        Tier("Platinum", 450, 675, 900, 1_350, debt=False),
        Tier("Diamond", 525, 787, 1_050, 1_575, debt=False),
        Tier("Elite", 600, 900, 1_200, 1_800, debt=False),
    )
}


@dataclass(slots=True)
class _Bucket:
    """Tokens in thousandths, so that a rate per second is a whole number per millisecond."""

    rate: int
    burst: int
    tokens: int
    at_ms: int

    def refill(self, now_ms: int) -> None:
        self.tokens = min(self.tokens + (now_ms - self.at_ms) * self.rate, self.burst * 1000)
        self.at_ms = now_ms

    def wait_ms(self, cost: int) -> int:
        """How long until *cost* tokens are there."""
        missing = cost * 1000 - self.tokens
        return max(-(-missing // self.rate), 0)


@dataclass(frozen=True, slots=True)
class Admission:
    """What the limiter says of a request: go or not, and the headers of the answer."""

    admitted: bool
    headers: Mapping[str, str]


@dataclass(slots=True)
class SignerLimits:
    """Two token buckets a signer. Not enforced, an excess is only marked: "warning mode" since 2026-07-24."""

    scheduler: Scheduler
    enforced: bool = False
    default: Tier = field(default_factory=lambda: TIERS["Standard"])
    tiers: dict[str, Tier] = field(default_factory=dict)
    _buckets: dict[tuple[str, str, Tier], _Bucket] = field(default_factory=dict)

    def order(self, signer: str, cost: int = 1) -> Admission:
        """Take *cost* order tokens, all or nothing."""
        return self._take(signer, "order", cost)

    def cancel(self, signer: str, cost: int = 1) -> Admission:
        """Take *cost* cancel tokens, all or nothing."""
        return self._take(signer, "cancel", cost)

    def cancelled(self, signer: str, count: int) -> Mapping[str, str]:
        """Debit what a mass cancel cancelled, after the fact; the balance may go below zero in tiers with debt."""
        tier = self.tiers.get(signer, self.default)
        bucket = self._bucket(signer, "cancel", tier)
        left = bucket.tokens - count * 1000
        bucket.tokens = left if tier.debt else max(left, 0)
        return self._headers(tier, bucket, 1)

    def _take(self, signer: str, kind: str, cost: int) -> Admission:
        tier = self.tiers.get(signer, self.default)
        bucket = self._bucket(signer, kind, tier)
        enough = bucket.tokens >= cost * 1000
        if enough:
            bucket.tokens -= cost * 1000
            return Admission(admitted=True, headers=self._headers(tier, bucket, 0))
        headers = self._headers(tier, bucket, cost)
        if not self.enforced:
            return Admission(admitted=True, headers={**headers, "poly-ratelimit-warning": "true"})
        if cost <= bucket.burst:
            headers["retry-after"] = str(-(-bucket.wait_ms(cost) // 1000))
        return Admission(admitted=False, headers=headers)

    def _bucket(self, signer: str, kind: str, tier: Tier) -> _Bucket:
        now = self.scheduler.now_ms
        bucket = self._buckets.get((signer, kind, tier))
        if bucket is None:
            rate, burst = (
                (tier.order_rate, tier.order_burst) if kind == "order" else (tier.cancel_rate, tier.cancel_burst)
            )
            bucket = self._buckets[signer, kind, tier] = _Bucket(rate, burst, burst * 1000, now)
        bucket.refill(now)
        return bucket

    def _headers(self, tier: Tier, bucket: _Bucket, cost: int) -> dict[str, str]:
        reset_ms = self.scheduler.now_ms + bucket.wait_ms(cost)
        return {
            "poly-ratelimit-remaining": str(bucket.tokens // 1000),
            "poly-ratelimit-reset": str(-(-reset_ms // 1000)),
            "poly-ratelimit-tier": tier.name,
        }
