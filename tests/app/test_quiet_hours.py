"""Quiet hours: what the clock on the wall shows decides, over midnight and through every change of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.app.quiet_hours import MINUTE_MS, Quiet, is_quiet, quiet_until_ms
from tieout.store.runs import Severity

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str) -> int:
    """Of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def quiet(hours: str, zone: ZoneInfo = BERLIN) -> Quiet:
    begins, _, ends = hours.partition("-")
    return Quiet(minutes(begins), minutes(ends), zone)


@given(
    hours=st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    at_ms=st.integers(ms("2026-01-01"), ms("2028-01-01")),
)
def test_they_end_at_the_first_minute_whose_wall_clock_is_outside(
    hours: tuple[int, int], zone: ZoneInfo, at_ms: int
) -> None:
    hush = Quiet(*hours, zone)
    wall = datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M")
    begins, ends = (f"{minute // 60:02}:{minute % 60:02}" for minute in hours)
    inside = begins <= wall < ends if begins < ends else not ends <= wall < begins
    assert is_quiet(hush, at_ms) is inside
    until = quiet_until_ms(hush, at_ms)
    assert (until > at_ms) is inside, "0 when it is not quiet"
    if inside:
        assert not is_quiet(hush, until)
        assert is_quiet(hush, until - 1), "no minute earlier"
        # A quarter of an hour is shorter than any hour that a clock skips, so nothing can hide between two looks.
        assert all(is_quiet(hush, moment) for moment in range(at_ms, until, 15 * MINUTE_MS))
        assert until - at_ms <= 25 * 60 * MINUTE_MS


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        # Over midnight, and within a day; the end is not quiet any more.
        ("22:00-07:00", "2026-11-10T22:30", "2026-11-11T06:00"),
        ("22:00-07:00", "2026-11-11T05:59", "2026-11-11T06:00"),
        ("22:00-07:00", "2026-11-11T06:00", ""),
        ("12:00-13:00", "2026-11-11T11:30", "2026-11-11T12:00"),
        # On 29 March 2026 the clock goes from 02:00 to 03:00: the night is an hour shorter, an end in the hour that is
        # left out is when the clock shows 03:00, and a beginning in it too.
        ("22:00-07:00", "2026-03-28T22:00", "2026-03-29T05:00"),
        ("22:00-02:30", "2026-03-28T22:00", "2026-03-29T01:00"),
        ("02:30-06:00", "2026-03-29T00:59", ""),
        ("02:30-06:00", "2026-03-29T01:00", "2026-03-29T04:00"),
        # On 25 October 2026 it goes from 03:00 back to 02:00: the night is an hour longer, and an end within that hour
        # is met twice.
        ("22:00-07:00", "2026-10-24T22:00", "2026-10-25T06:00"),
        ("22:00-02:30", "2026-10-24T22:00", "2026-10-25T00:30"),
        ("22:00-02:30", "2026-10-25T00:45", ""),
        ("22:00-02:30", "2026-10-25T01:00", "2026-10-25T01:30"),
    ],
)
def test_nights_in_berlin(hours: str, at: str, until: str) -> None:
    found = quiet_until_ms(quiet(hours), ms(at))
    assert (utc(found) if found else "") == until


def test_what_is_grave_enough_is_not_held() -> None:
    held = [severity.value for severity in Severity if quiet("22:00-07:00").holds(severity)]
    assert held == ["INFO", "WARN", "ERROR"]
    assert str(quiet("22:00-07:05")) == "22:00-07:05 Europe/Berlin"
    with pytest.raises(ValueError, match="two different times"):
        quiet("22:00-22:00")
