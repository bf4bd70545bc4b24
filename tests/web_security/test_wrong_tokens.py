"""Wrong tokens: whoever guesses is not listened to for a while, and keeps nobody else out."""

from __future__ import annotations

import pytest

from tieout.web.sessions import ADDRESSES_MAX, TRIES, WAIT_MS, Sessions, TooManyTriesError

RIGHT = "a-token-of-some-length"


def test_an_address_that_guesses_keeps_no_other_out() -> None:
    sessions = Sessions(RIGHT, lambda: 0)
    for _ in range(TRIES):
        assert not sessions.is_token("guess", "198.51.100.7")
    with pytest.raises(TooManyTriesError, match="5 seconds"):
        sessions.is_token(RIGHT, "198.51.100.7")
    assert sessions.is_token(RIGHT, "192.0.2.1")


def test_the_right_token_makes_earlier_wrong_ones_forgotten() -> None:
    sessions = Sessions(RIGHT, lambda: 0)
    for _ in range(3):
        for _ in range(TRIES - 1):
            assert not sessions.is_token("guess", "192.0.2.1")
        assert sessions.is_token(RIGHT, "192.0.2.1")


def test_addresses_that_guess_do_not_pile_up_and_the_last_ones_are_remembered() -> None:
    now_ms = 0
    sessions = Sessions(RIGHT, lambda: now_ms)
    for number in range(ADDRESSES_MAX + 1):
        for _ in range(TRIES):
            assert not sessions.is_token("guess", f"address {number}")
    with pytest.raises(TooManyTriesError):
        sessions.is_token(RIGHT, f"address {ADDRESSES_MAX}")
    assert sessions.is_token(RIGHT, "address 0")
    now_ms = WAIT_MS
    assert sessions.is_token(RIGHT, f"address {ADDRESSES_MAX}")
