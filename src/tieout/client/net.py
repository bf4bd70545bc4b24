"""What all services share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tieout.client.clock import Clock
from tieout.client.health import Health
from tieout.client.limits import Limiter
from tieout.client.service import Service
from tieout.client.transport import Carrier, Recorder, no_recorder


@dataclass(frozen=True, slots=True)
class Net:
    """The way out, time, the limits of the address, and who keeps the answers."""

    carrier: Carrier
    clock: Clock
    limiter: Limiter
    recorder: Recorder = no_recorder
    health: Health | None = None
    """Breakers that all services share, None: each has its own."""

    def service(self, name: str, base: str, scrub: Callable[[str], str] = str, *, alone: bool = False) -> Service:
        """The service at *base*; *name* is the source in the journal. *alone*: with a breaker of its own."""
        return Service(
            name,
            base,
            self.carrier,
            clock=self.clock,
            limiter=self.limiter,
            recorder=self.recorder,
            health=None if alone else self.health,
            scrub=scrub,
        )
