"""How ids and spans of time are said to people, on every screen alike."""

from __future__ import annotations


def short(name: str, head: int = 8, tail: int = 6) -> str:
    """A long id with its middle left out; `tieout explain` takes ids in this form, too."""
    return name if len(name) <= head + tail + 1 else f"{name[:head]}…{name[-tail:]}"


def age(ms: int) -> str:
    """How long, in the largest unit that says enough; rounded down."""
    seconds = max(ms, 0) // 1_000
    if seconds < 100:
        return f"{seconds} s"
    if seconds < 6_000:
        return f"{seconds // 60} min"
    hours = seconds // 3_600
    return f"{hours} h {seconds % 3_600 // 60:02} min" if hours < 48 else f"{hours // 24} days"
