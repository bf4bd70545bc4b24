"""What one life is made of: drawn from its seed alone, by swarm, and written down so that it can be made smaller.

By swarm: each life has its own choice of what can go wrong at all, so that some faults are met alone, some in crowds.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tieout.jobs.foreign_policy import ForeignOrders
from tieout.sim.faults import kinds
from tieout.sim.faults.kinds import KINDS, Place, Setting
from tieout.sim.rng import Chance, Stream

MINUTE_MS = 60_000
SHARE = 1_000_000

PACES = (2, 4, 5, 6)
"""How far apart the jobs of a life are: some are dense, most are cheap, and many are lived."""

START_MS = 2 * MINUTE_MS
"""Nothing goes wrong before: the worker gets to quote first, in most lives."""


class Blow(StrEnum):
    """What happens to the worker itself."""

    AWAIT = "crash-await"
    """The process is gone, between two steps of any of its tasks."""
    BEFORE = "crash-before-statement"
    """The process is gone as it sends a statement: the database never gets it."""
    AFTER = "crash-after-statement"
    """The process is gone as the database has done a statement: it never hears of it."""
    PLACING = "crash-placing"
    """The process is gone while orders are on their way: before the venue has them, or after, and never hears of it."""
    DATABASE = "database-restart"
    """Every connection ends, as when the server shuts down; none is taken for a while."""
    LEASE = "lease-loss"
    """Another writer takes the wallet over, and lets go of it after a while."""
    CLOCK = "clock-jump"
    """The worker's clock is put forward or back; the venue's goes on."""
    TWO = "two-workers"
    """A second worker is started beside the first, to take over or not."""
    PAUSE = "pause"
    """A person pauses the wallet, and lets it go on after a while."""


class Strike(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One time a fault is on. Times are milliseconds, *at_ms* since the life began; the probability is in micro."""

    name: str
    at_ms: int
    for_ms: int
    probability: int = 1_000_000
    count: int | None = None
    settings: dict[str, Setting] = {}


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One blow. *steps*: that many steps, statements or placements of the worker later.

    *away_ms*: how long until it starts again. *size*: of a clock jump, milliseconds. *take_over*: whoever starts next
    does not wait for the lease.
    """

    blow: Blow
    at_ms: int
    steps: int = 0
    away_ms: int = 0
    size: int = 0
    take_over: bool = False
    is_before: bool = False
    """Whether the venue does not get what is on its way."""


class LifeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one life. Milliseconds, micro-shares and micro-units."""

    seed: int
    safety_ms: int
    markets: int
    intensity: int
    """Decisions of the crowd a second and market, in thousandths."""
    lifetime_ms: int | None
    operators: bool
    heartbeat: bool
    foreign_orders: ForeignOrders
    data_api: str
    tiers: int
    tier_size: int
    half_spread: int
    requote_tolerance: int
    max_shares: int
    max_collateral: int
    market_making: int
    position_sync: int
    order_sync: int
    settle: int
    reconcile: int
    full_sync: int
    strikes: tuple[Strike, ...]
    hits: tuple[Hit, ...]
    first_market: int = 1
    """By which the kinds of the markets go: with neg-risk events, of Protocol V2, or neither."""


def drawn(seed: int, *, hours: float = 1.0, markets: int = 5) -> LifeOptions:
    """The life of *seed*. Raises ValueError for a time that is too short for anything to happen."""
    safety_ms = round(hours * 60) * MINUTE_MS
    if safety_ms <= 2 * START_MS:
        raise ValueError(f"hours: expected more than {2 * START_MS / 3_600_000:.2f}, was {hours}")
    chance = Chance(seed)
    draw = chance.stream("life/settings")
    tier_size = draw.choice((5, 10, 20, 50)) * SHARE
    pace = draw.choice(PACES)
    return LifeOptions(
        seed=seed,
        safety_ms=safety_ms,
        markets=markets,
        intensity=draw.choice((8, 15, 30)),
        lifetime_ms=draw.choice((None, None, None, None, 40 * MINUTE_MS)),
        operators=draw.random() < 0.3,
        heartbeat=draw.random() < 0.3,
        foreign_orders=draw.choice(list(ForeignOrders)),
        data_api=draw.choice(("v1", "v2")),
        tiers=draw.randint(1, 3),
        tier_size=tier_size,
        half_spread=draw.choice((5_000, 10_000, 20_000)),
        requote_tolerance=draw.choice((5_000, 10_000, 20_000)),
        max_shares=max(tier_size, draw.choice((50, 200, 1_000)) * SHARE),
        max_collateral=draw.choice((50, 200, 1_000)) * SHARE,
        market_making=30_000 * pace,
        position_sync=draw.choice((20_000, 30_000)) * min(pace, 4),
        order_sync=60_000 * min(pace, 3),
        settle=draw.choice((20_000, 30_000)) * pace,
        reconcile=120_000 * min(pace, 3),
        full_sync=draw.choice((900_000, 3_600_000)),
        strikes=_strikes(chance.stream("life/faults"), safety_ms),
        hits=_hits(chance.stream("life/blows"), safety_ms),
        first_market=chance.stream("life/kinds of markets").choice((1, 3, 4, 6)),
    )


RARE = kinds.RARE | {"hash-replaced": 2, "foreign-orders": 4}
"""How often a fault strikes at most while it is on."""

EVERY_SECOND = (Place.CHAIN, Place.ENGINE, Place.HUMAN)
"""Faults that act by themselves ask chance each second."""

BY_TRADE = ("settlement-failed", "settlement-retried")

SELDOM_ASKED = ("null-order",)
"""What they spoil is asked for only when the outcome of an order is unknown: long on, they always strike."""

LONG_MS = 20 * MINUTE_MS


def _strikes(draw: Stream, safety_ms: int) -> tuple[Strike, ...]:
    """A random part of all kinds, each at random times; how large a part is drawn first."""
    part = draw.choice((0.08, 0.2, 0.45))
    found = [
        _strike(draw, name, safety_ms)
        for name in sorted(KINDS)
        if draw.random() < part
        for _ in range(draw.randint(1, 2))
    ]
    return tuple(sorted(found, key=lambda strike: (strike.at_ms, strike.name)))


def _strike(draw: Stream, name: str, safety_ms: int) -> Strike:
    for_ms = round(15_000 * 24 ** draw.random())
    place = KINDS[name].place
    often = draw.random()
    if place in EVERY_SECOND and name not in BY_TRADE:
        probability = 0.02 + 0.2 * often
    elif place is Place.HTTP:
        probability = 0.02 + 0.6 * often**2
    else:
        probability = 0.05 + 0.95 * often
    if name in SELDOM_ASKED:
        probability, for_ms = 1.0, max(for_ms, LONG_MS)
    return Strike(
        name=name,
        at_ms=draw.randrange(START_MS, safety_ms - MINUTE_MS),
        for_ms=for_ms,
        probability=round(probability * 1_000_000),
        count=RARE.get(name),
        settings=_settings(draw, name),
    )


def _settings(draw: Stream, name: str) -> dict[str, Setting]:
    """What is not left at its default."""
    choices: dict[str, dict[str, tuple[Setting, ...]]] = {
        "timeout-before": {"delay_ms": (1_000, 10_000, 40_000)},
        "timeout-after": {"delay_ms": (1_000, 10_000, 40_000)},
        "delay": {"delay_ms": (200, 2_000, 8_000)},
        "server-error": {"status": (500, 502, 503)},
        "wrong-cursor": {"mode": ("repeat", "skip", "endless")},
        "data-repeat": {"offset": (0, 20)},
        "node-lag": {"blocks": (1, 5, 30)},
        "ws-delay": {"delay_ms": (500, 3_000, 20_000)},
        "ws-reorder": {"delay_ms": (200, 1_500, 5_000)},
        "reorg": {"depth": (1, 3, 10), "shuffle": (0, 1)},
        "reward": {"kind": ("reward", "maker_rebate")},
        "slow-settlement": {"delay_ms": (20_000, 60_000, 180_000)},
        "late-fill": {"delay_ms": (500, 2_000, 10_000)},
        "market-resolved": {"payouts": ("1/0", "0/1", "0.5/0.5")},
        "human-split": {"amount": (1_000_001, 25_000_000)},
        "human-cash": {"amount": (1, 25_000_000)},
    }
    return {setting: draw.choice(values) for setting, values in choices.get(name, {}).items()}


MOST = {
    Blow.AWAIT: 3,
    Blow.BEFORE: 2,
    Blow.AFTER: 2,
    Blow.PLACING: 2,
    Blow.DATABASE: 2,
    Blow.LEASE: 1,
    Blow.CLOCK: 2,
    Blow.TWO: 1,
    Blow.PAUSE: 2,
}
"""How often a blow comes at most in an hour of a life that has it at all."""


MOST_STEPS = {Blow.AWAIT: 3_000, Blow.PLACING: 4}


def _hits(draw: Stream, safety_ms: int) -> tuple[Hit, ...]:
    hours = max(1, safety_ms // 3_600_000)
    found = [
        _hit(draw, blow, safety_ms)
        for blow in Blow
        if draw.random() < 0.3
        for _ in range(draw.randint(1, MOST[blow] * hours))
    ]
    return tuple(sorted(found, key=lambda hit: (hit.at_ms, hit.blow)))


def _hit(draw: Stream, blow: Blow, safety_ms: int) -> Hit:
    """Any moment; one in five falls into the start of the worker."""
    at_ms = draw.randrange(1_000, START_MS) if draw.random() < 0.2 else draw.randrange(START_MS, safety_ms - MINUTE_MS)
    steps = round(MOST_STEPS.get(blow, 200) ** draw.random())
    size = draw.choice((-1, 1)) * round(500 * 400 ** draw.random()) if blow is Blow.CLOCK else 0
    away_ms = round(1_000 * 180 ** draw.random())
    return Hit(
        blow=blow,
        at_ms=at_ms,
        steps=steps,
        away_ms=away_ms,
        size=size,
        take_over=draw.random() < 0.5,
        is_before=blow is Blow.PLACING and draw.random() < 0.3,
    )
