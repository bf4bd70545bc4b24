"""A fault that is switched on: how likely it is, how often, for whom, until when, and how often it struck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tieout.sim.engine.amounts import ONE
from tieout.sim.faults.kinds import Kind, Setting
from tieout.sim.rng import Stream


@dataclass(slots=True, eq=False)
class Switch:
    """`probability` is in micro. `left` None is for ever, as is `until_ms` None. Empty filters fit everything."""

    kind: Kind
    stream: Stream
    probability: int = ONE
    left: int | None = None
    until_ms: int | None = None
    wallet: str = ""
    market: str = ""
    path: str = ""
    settings: dict[str, Setting] = field(default_factory=dict)
    struck: int = 0
    memory: dict[Any, Any] = field(default_factory=dict)
    """What the fault has to remember while it is on."""

    def number(self, name: str) -> int:
        """A setting that is a whole number."""
        return int(self.settings.get(name, self.kind.settings[name]))

    def word(self, name: str) -> str:
        """A setting that is text."""
        return str(self.settings.get(name, self.kind.settings[name]))

    def drawn(self) -> bool:
        """Chance says that the fault strikes now, if it still may."""
        if self.left == 0:
            return False
        return self.probability >= ONE or self.stream.randrange(ONE) < self.probability

    def strike(self) -> None:
        """Count one strike."""
        self.struck += 1
        if self.left is not None:
            self.left -= 1

    def state(self) -> dict[str, object]:
        """The switch as JSON."""
        return {
            "name": self.kind.name,
            "probability": self.probability / ONE,
            "left": self.left,
            "until_ms": self.until_ms,
            "wallet": self.wallet,
            "market": self.market,
            "path": self.path,
            "settings": {**self.kind.settings, **self.settings},
            "struck": self.struck,
        }
