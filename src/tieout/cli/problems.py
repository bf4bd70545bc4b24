"""Problem codes in words."""

from __future__ import annotations

from tieout.intake.intake import ERROR_CODES

PROBLEM_WORDS = {
    "undecodable": "could not be read",
    "unknown_kind": "of a kind this version does not know",
    "foreign": "of other wallets",
    "no_own_leg": "without a leg of this wallet",
    "unsupported": "read, but saying nothing that can be booked",
}
"""Code -> what the messages are."""


def problem_style(code: str) -> str:
    """Red where somebody should look, yellow where a sound message books nothing here."""
    return "bold red" if code in ERROR_CODES else "yellow"
