"""What a market is worth: the price that informed participants believe in, as a walk in whole micro-units.

A step moves the log-odds, so it is weighted by p(1-p); near 0 and 1 the price moves little, as prices do. Only whole
numbers are used: the same seed gives the same prices on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from tieout.sim.engine.amounts import ONE
from tieout.sim.rng import Stream, below

STEP_MS = 1_000
"""Simulated time between two steps."""

LOWEST, HIGHEST = 3_000, 997_000
"""Prices stay inside this range until the resolution."""


@dataclass(frozen=True, slots=True)
class Temper:
    """How a price moves. Sizes are in micro log-odds a step, pulls and chances in micro a step."""

    volatility: int = 20_000
    pull: int = 200
    """Share of the distance to the anchor that is taken back."""
    jump_chance: int = 2_000
    jump: int = 150_000
    news_chance: int = 150
    news: int = 1_200_000
    """News moves the price and the anchor with it."""


class PriceProcess:
    """The believed price of outcome 0 of one market; `at` must be asked with times that do not go back."""

    def __init__(self, stream: Stream, start_ms: int, *, temper: Temper | None = None) -> None:
        self._stream = stream
        self._temper = temper or Temper()
        self._now_ms = start_ms
        self.price = stream.randrange(45_000, 955_000)
        self.anchor = self.price

    def at(self, now_ms: int) -> int:
        """The price in micro at *now_ms*."""
        while self._now_ms + STEP_MS <= now_ms:
            self._now_ms += STEP_MS
            self._step()
        return self.price

    def _step(self) -> None:
        temper, stream = self._temper, self._stream
        self.price += (self.anchor - self.price) * temper.pull // ONE
        width = 2 * temper.volatility + 1
        move = below(stream, width) + below(stream, width) + below(stream, width) - 3 * temper.volatility
        if below(stream, ONE) < temper.jump_chance:
            move += stream.choice((-1, 1)) * stream.randrange(temper.jump // 3, temper.jump)
        self.price = moved(self.price, move)
        if below(stream, ONE) < temper.news_chance:
            shock = stream.choice((-1, 1)) * stream.randrange(temper.news // 3, temper.news)
            self.price = moved(self.price, shock)
            self.anchor = self.price


def moved(price: int, log_odds: int) -> int:
    """The price after its log-odds changed by *log_odds* micro, to first order, kept in range."""
    return min(max(price + price * (ONE - price) // ONE * log_odds // ONE, LOWEST), HIGHEST)
