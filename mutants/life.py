"""Which life: the one that a seed draws, or one in which certain things go wrong again and again.

A drawn life is another one as soon as a new kind of fault exists. A directed one has the settings and the blows of its
seed, which new kinds do not change, and the faults are those named, for five minutes out of every nine.
"""

from __future__ import annotations

import msgspec

from tieout.sim.faults.kinds import KINDS, Place
from tieout.sim.lives.options import (
    BY_TRADE,
    EVERY_SECOND,
    MINUTE_MS,
    RARE,
    LifeOptions,
    Strike,
    drawn,
)

HOURS = 0.5
"""Of a directed life."""

AT_MINUTES = (3, 12, 21)
FOR_MS = 5 * MINUTE_MS

OFTEN, SOMETIMES, A_SECOND = 0.7, 0.3, 0.05
"""How likely a fault strikes: at each chance, at each request, in each second."""


class Life(msgspec.Struct, frozen=True):
    """One life. `faults` None: whatever the seed draws; else exactly these."""

    seed: int
    faults: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """For people."""
        if self.faults is None:
            return str(self.seed)
        return "+".join((str(self.seed), *(self.faults or ("calm",))))

    def options(self) -> LifeOptions:
        """What it is made of."""
        if self.faults is None:
            return drawn(self.seed)
        options = drawn(self.seed, hours=HOURS)
        strikes = [_strike(name, minute * MINUTE_MS) for minute in AT_MINUTES for name in self.faults]
        return msgspec.structs.replace(options, strikes=tuple(strikes))


def directed(seed: int, *faults: str) -> Life:
    """The settings and blows of *seed*, in which only *faults* go wrong."""
    return Life(seed, faults)


def _strike(name: str, at_ms: int) -> Strike:
    place = KINDS[name].place
    likely = SOMETIMES if place is Place.HTTP else OFTEN
    if place in EVERY_SECOND and name not in BY_TRADE:
        likely = A_SECOND
    return Strike(name=name, at_ms=at_ms, for_ms=FOR_MS, probability=round(likely * 1_000_000), count=RARE.get(name))
