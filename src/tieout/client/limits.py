"""Keeping below the venue's rate limits by waiting, never by being refused. All numbers are configuration.

The venue counts requests of an address in sliding windows (`polymarket.md` 1.5). A bucket of a fifth of a window's
requests that refills with the other four within it never lets more through in any window than the window allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tieout.client.clock import Clock
from tieout.client.errors import ErrorKind, Meaning, VenueError

BURST_MS, SUSTAINED_MS = 10_000, 600_000


@dataclass(frozen=True, slots=True)
class Window:
    """At most *requests* within any *window_ms* milliseconds."""

    requests: int
    window_ms: int = BURST_MS


@dataclass(frozen=True, slots=True)
class Rule:
    """The windows of a group, and the wider groups that every request of it counts in as well."""

    windows: tuple[Window, ...]
    within: tuple[str, ...] = ()


def _rules(*rows: tuple[str, tuple[str, ...], int] | tuple[str, tuple[str, ...], int, int]) -> dict[str, Rule]:
    """Rules of (group, wider groups, requests per 10 s, requests per 10 min)."""
    return {
        name: Rule((Window(burst), *(Window(most, SUSTAINED_MS) for most in sustained)), within)
        for name, within, burst, *sustained in rows
    }


DEFAULT_RULES: Mapping[str, Rule] = _rules(
    ("clob", (), 9_000),
    ("clob.ledger", ("clob",), 900),
    ("clob.orders.read", ("clob.ledger",), 500),
    ("clob.trades.read", ("clob.ledger",), 500),
    ("clob.notifications", ("clob.ledger",), 125),
    ("clob.order.post", ("clob",), 3_500, 36_000),
    ("clob.orders.post", ("clob",), 1_000, 15_000),
    ("clob.order.cancel", ("clob",), 3_500, 36_000),
    ("clob.orders.cancel", ("clob",), 1_000, 15_000),
    ("clob.cancel_all", ("clob",), 250, 6_000),
    ("clob.cancel_market", ("clob",), 1_000, 15_000),
    ("clob.balance", ("clob",), 200),
    ("clob.balance.update", ("clob",), 50),
    ("clob.book", ("clob",), 1_500),
    ("clob.books", ("clob",), 500),
    ("clob.keys", ("clob",), 100),
    ("gamma", (), 4_000),
    ("gamma.markets", ("gamma",), 300),
    ("gamma.events", ("gamma",), 500),
    ("data_api", (), 1_000),
    ("data_api.positions", ("data_api",), 150),
    ("data_api.trades", ("data_api",), 200),
    ("rpc", (), 250),
)
"""The lowest of the numbers that the venue published in 2026; the node's is ours."""


@dataclass(slots=True)
class Bucket:
    """Tokens in parts of 1/window_ms, so that refilling is exact. May be in debt: whoever takes then waits it off."""

    burst: int
    refill: int
    window_ms: int
    at_ms: int
    parts: int = field(init=False)
    closed_until_ms: int = 0

    def __post_init__(self) -> None:
        self.parts = self.burst * self.window_ms

    @classmethod
    def of(cls, window: Window, now_ms: int) -> Bucket:
        """A bucket that keeps *window*: a fifth of it at once, the rest in the course of it."""
        burst = max(window.requests // 5, 1)
        return cls(burst, max(window.requests - burst, 1), window.window_ms, now_ms)

    def advance(self, now_ms: int) -> None:
        """Refill up to now."""
        self.parts = min(self.parts + max(now_ms - self.at_ms, 0) * self.refill, self.burst * self.window_ms)
        self.at_ms = max(self.at_ms, now_ms)

    def wait_ms(self, cost: int, now_ms: int) -> int:
        """How long until *cost* tokens are there."""
        self.advance(now_ms)
        missing = cost * self.window_ms - self.parts
        refilled = -(-missing // self.refill) if missing > 0 else 0
        return max(refilled, self.closed_until_ms - now_ms)

    def take(self, cost: int) -> None:
        """Take *cost* tokens, there or not."""
        self.parts -= cost * self.window_ms


class Limiter:
    """Buckets by group. Who comes first goes first; a wait longer than `wait_max_ms` is refused instead."""

    def __init__(self, clock: Clock, rules: Mapping[str, Rule] = DEFAULT_RULES, *, wait_max_ms: int = 30_000) -> None:
        self._clock = clock
        self._wait_max_ms = wait_max_ms
        now_ms = clock.now_ms()
        own = {name: [Bucket.of(window, now_ms) for window in rule.windows] for name, rule in rules.items()}
        self._buckets = {name: [bucket for group in _with_wider(name, rules) for bucket in own[group]] for name in own}
        self._own = own

    async def take(self, group: str, cost: int = 1) -> None:
        """Return when *cost* requests of *group* may go. Raises VenueError when that is too far off, and KeyError."""
        await wait_for(self._buckets[group], cost, self._clock, self._wait_max_ms, group)

    def close(self, group: str, until_ms: int) -> None:
        """Let nothing of *group* go before *until_ms*: the venue said so."""
        for bucket in self._own[group]:
            bucket.closed_until_ms = max(bucket.closed_until_ms, until_ms)


def _with_wider(name: str, rules: Mapping[str, Rule]) -> list[str]:
    """*name* and all groups that it counts in."""
    found = [name]
    for wider in rules[name].within:
        found += [group for group in _with_wider(wider, rules) if group not in found]
    return found


async def wait_for(buckets: Iterable[Bucket], cost: int, clock: Clock, wait_max_ms: int, group: str) -> None:
    """Take *cost* from each bucket and wait until all had it; who gives up in the wait gives it back.

    Raises VenueError (transient, nothing was sent) when the wait would be longer than *wait_max_ms*.
    """
    kept = list(buckets)
    now_ms = clock.now_ms()
    wait_ms = max((bucket.wait_ms(cost, now_ms) for bucket in kept), default=0)
    if wait_ms > wait_max_ms:
        text = f"{wait_ms} ms until the limit allows it, not sent"
        raise VenueError(ErrorKind.TRANSIENT, Meaning.RATE_LIMITED, group, text, retry_after_ms=wait_ms)
    for bucket in kept:
        bucket.take(cost)
    if wait_ms:
        try:
            await clock.sleep(wait_ms)
        except BaseException:
            for bucket in kept:
                bucket.take(-cost)
            raise
