"""Quiet hours: from when to when by the clock on a wall somewhere, and which alerts they do not hold back.

What the wall clock shows decides, also on the two days a year on which it is changed: an hour that it shows twice is
quiet twice, one that it leaves out is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tieout.app.alert import rank
from tieout.store.runs import Severity

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Quiet:
    """Minutes of the day: quiet from `begins` up to, not including, `ends`, over midnight where that is smaller."""

    begins: int
    ends: int
    zone: ZoneInfo
    below: Severity = Severity.CRITICAL
    """An alert as grave as this is told at any time."""

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise ValueError("quiet hours that end when they begin: expected two different times")

    def holds(self, severity: Severity) -> bool:
        """Whether an alert of *severity* waits for their end."""
        return rank(severity) < rank(self.below)

    @property
    def hours(self) -> str:
        """As the file writes them."""
        return f"{_hour(self.begins)}-{_hour(self.ends)}"

    def __str__(self) -> str:
        return f"{self.hours} {self.zone.key}"


def is_quiet(quiet: Quiet, at_ms: int) -> bool:
    """Whether it is quiet at *at_ms*."""
    return _is_quiet(quiet, at_ms // MINUTE_MS)


def quiet_until_ms(quiet: Quiet, at_ms: int) -> int:
    """When the quiet hours end that are on at *at_ms*; 0 when none are."""
    minute = at_ms // MINUTE_MS
    return _end(quiet, minute) * MINUTE_MS if _is_quiet(quiet, minute) else 0


def _is_quiet(quiet: Quiet, minute: int) -> bool:
    wall = datetime.fromtimestamp(minute * 60, quiet.zone)
    shown = wall.hour * 60 + wall.minute
    if quiet.begins < quiet.ends:
        return quiet.begins <= shown < quiet.ends
    return shown >= quiet.begins or shown < quiet.ends


@lru_cache(maxsize=64)
def _end(quiet: Quiet, minute: int) -> int:
    """The first minute after *minute* that is not quiet.

    Looked for minute by minute, a millisecond of work in a night: no arithmetic on wall time is right through every
    change of the clock that zones have.
    """
    while _is_quiet(quiet, minute):
        minute += 1
    return minute


def _hour(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
