"""How wide the windows of the chain are, without a chain."""

from __future__ import annotations

from tieout.jobs.window_width import STEADY, TRANSACTIONS_MAX, WIDTHS, WindowWidth


def test_sparse_windows_widen_at_once_to_the_widest() -> None:
    width = WindowWidth()
    for _ in WIDTHS:
        width.answered(width.blocks, 1)
    assert width.blocks == WIDTHS[0]


def test_a_window_that_would_hold_too_much_is_not_tried() -> None:
    width = WindowWidth()
    begun = width.blocks
    width.answered(begun, TRANSACTIONS_MAX)
    assert width.blocks == begun
    width.answered(begun, TRANSACTIONS_MAX + 1)
    assert width.blocks < begun


def test_a_refused_width_is_tried_again_once_in_a_while() -> None:
    width = WindowWidth()
    refused = requests = 0
    while requests < 1_000:
        requests += 1
        if width.blocks > 500:
            refused += 1
            width.refused(width.blocks)
        else:
            assert width.blocks == 500
            width.answered(width.blocks, 1)
    assert 1 < refused <= 2 + requests // STEADY


def test_a_short_last_window_says_nothing_of_wider_ones() -> None:
    width = WindowWidth()
    begun = width.blocks
    for _ in range(STEADY):
        width.answered(begun - 1, 0)
    assert width.blocks == begun


def test_a_refused_short_window_becomes_shorter_than_it_was() -> None:
    width = WindowWidth()
    width.refused(7)
    assert width.blocks == 5
    width.refused(2)
    assert width.blocks == 1
