"""Circuit breakers: a service that failed again and again is left alone for a while, then asked once to see.

What opens a breaker is silence or a server error, not a refusal: who refuses is there. Cancels always go through:
taking risk away is never held back (catalog A3, D2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tieout.client.clock import Clock
from tieout.client.errors import ErrorKind, Meaning, VenueError

OPENING = frozenset((Meaning.UNREACHABLE, Meaning.NO_ANSWER, Meaning.SERVER, Meaning.RESTARTING))
"""What counts as a failure of the service."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """*failures* in a row open the breaker for *open_ms*, doubled with every failed try up to *open_max_ms*."""

    failures: int = 5
    open_ms: int = 2_000
    open_max_ms: int = 30_000


@dataclass(slots=True)
class Breaker:
    """The state of one service. `open_until_ms` 0: closed; in the past: one request may try."""

    failures: int = 0
    opened: int = 0
    """How often in a row it opened."""
    open_until_ms: int = 0
    open_since_ms: int = 0
    last_error: str = ""
    trying: bool = field(default=False)

    @property
    def is_open(self) -> bool:
        """Whether the service counts as away."""
        return self.open_until_ms > 0


class Health:
    """The breakers of all services, by name."""

    def __init__(self, clock: Clock, settings: BreakerSettings | None = None) -> None:
        self._clock = clock
        self._settings = settings or BreakerSettings()
        self._breakers: dict[str, Breaker] = {}

    def of(self, service: str) -> Breaker:
        """The breaker of *service*."""
        return self._breakers.setdefault(service, Breaker())

    def away(self) -> dict[str, Breaker]:
        """The services whose breaker is open."""
        return {name: breaker for name, breaker in self._breakers.items() if breaker.is_open}

    def admit(self, service: str, operation: str) -> None:
        """Raises VenueError (transient, not sent) while the breaker is open and it is not time to try."""
        breaker = self.of(service)
        wait_ms = breaker.open_until_ms - self._clock.now_ms()
        if breaker.is_open and (wait_ms > 0 or breaker.trying):
            text = f"not sent, {service} failed {breaker.failures} times in a row, last: {breaker.last_error}"
            raise VenueError(
                ErrorKind.TRANSIENT,
                Meaning.UNREACHABLE,
                operation,
                text,
                retry_after_ms=max(wait_ms, 1),
                service=service,
            )
        breaker.trying = breaker.is_open

    def answered(self, service: str) -> None:
        """The service is there."""
        self._breakers[service] = Breaker()

    def failed(self, error: VenueError) -> None:
        """Count a failure of `error.service`, if it is one."""
        if error.meaning not in OPENING:
            return
        breaker, settings, now_ms = self.of(error.service), self._settings, self._clock.now_ms()
        breaker.failures += 1
        breaker.trying = False
        breaker.last_error = str(error)
        if breaker.failures >= settings.failures and breaker.open_until_ms <= now_ms:
            breaker.open_since_ms = breaker.open_since_ms or now_ms
            breaker.open_until_ms = now_ms + min(settings.open_ms << min(breaker.opened, 20), settings.open_max_ms)
            breaker.opened += 1

    def gave_up(self, service: str) -> None:
        """A request ended without an answer of any kind (it was cancelled): the next one may try."""
        self.of(service).trying = False
