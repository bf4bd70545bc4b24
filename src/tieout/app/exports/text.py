"""Amounts and times as text that loses nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from tieout.ledger.units import MICRO

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exact_text(amount: int) -> str:
    """A micro-unit *amount* as a decimal with six places; nothing between the digits."""
    whole, fraction = divmod(abs(amount), MICRO)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:06d}"


def moment_of(at_ms: int) -> datetime:
    """A time in UTC. Exact: no float is between the two."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def moment_text(at_ms: int) -> str:
    """A time as ISO 8601 in UTC, to the millisecond where it has some."""
    return moment_of(at_ms).isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace("+00:00", "Z")


def day_of(at_ms: int) -> date:
    """The day of UTC it is in."""
    return moment_of(at_ms).date()
