"""What came about in many lives, and what never did: a soak that never met something proves nothing about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

from tieout.ledger.facts import AnyFact
from tieout.sim.faults.kinds import KINDS
from tieout.sim.lives.options import Blow
from tieout.sim.lives.verdict import Verdict

ENOUGH = 200
"""Lives after which everything must have come about."""

ELSEWHERE = {
    "balance-stale": "books without a node: with one, collateral is read from the chain",
    "manual": "entries that people make by hand",
    "transfer_cost": "what people say that transfers cost",
    "position_stated": "books without a node",
    "adjustment": "books without a node",
    "trade_reported": "books without a node",
    "transfer": "no source of the worker: what the chain shows is token_moved",
}
"""Kinds of faults and facts that no life brings about, and what does."""

FACTS = tuple(sorted(kind.__struct_config__.tag for kind in get_args(AnyFact)))


class Met(NamedTuple):
    """How often something came about, and in how many lives."""

    times: int
    lives: int


@dataclass
class Coverage:
    """Sums over lives."""

    lives: int = 0
    times: dict[str, Counter[str]] = field(default_factory=lambda: {about: Counter() for about in ABOUT})
    in_lives: dict[str, Counter[str]] = field(default_factory=lambda: {about: Counter() for about in ABOUT})

    def add(self, verdict: Verdict) -> None:
        """One more life."""
        self.lives += 1
        figures = verdict.figures
        for about, found in zip(ABOUT, (figures.struck, figures.blows, figures.facts), strict=True):
            self.times[about].update(found)
            self.in_lives[about].update(found.keys())

    def rows(self, about: str) -> Mapping[str, Met]:
        """Everything that there is, by name."""
        times, lives = self.times[about], self.in_lives[about]
        names = sorted({*ABOUT[about], *times})
        return {name: Met(times[name], lives[name]) for name in names}

    def never(self) -> list[str]:
        """What should have come about and did not."""
        return [
            name for about in ABOUT for name, met in self.rows(about).items() if not met.times and name not in ELSEWHERE
        ]


ABOUT: Mapping[str, Iterable[str]] = {"faults": tuple(KINDS), "blows": tuple(Blow), "facts": FACTS}
"""What is counted, and all there is of it."""
