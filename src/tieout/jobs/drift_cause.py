"""The likely cause of a drift: what the evidence at hand says best. A guess, shown beside the figures, never booked
as if it were known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SUMS_MAX = 4_096
"""Different holdings looked through for one token; beyond them any between the least and the greatest may have been."""


class Cause(StrEnum):
    """Why the books and the wallet differ (the catalog's last section on drift)."""

    FEED_LAG = "FEED_LAG"
    REDEEMED = "REDEEMED"
    POSITION_MERGED = "POSITION_MERGED"
    TRACKED_SELLS_NOT_SYNCED = "TRACKED_SELLS_NOT_SYNCED"
    EXTERNAL_SALE = "EXTERNAL_SALE"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"
    CONVERTED = "CONVERTED"
    UNTRACKED_REDUCTION = "UNTRACKED_REDUCTION"
    UNTRACKED_INCREASE = "UNTRACKED_INCREASE"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one token that differs. Micro-shares; `books` and `truth` as of the same moment."""

    books: int
    truth: int
    pending: int = 0
    """Signed shares of movements that the truth may not show yet, or that the books may not yet have in place."""
    sibling_drift: int = 0
    """Drift of the other outcome of the same condition."""
    recent_sells: int = 0
    """Shares sold lately, as the books know."""
    is_resolved: bool = False
    """Whether the condition has paid out."""
    gained_elsewhere: bool = False
    """Whether a token of another condition has as many more as this one lacks: neg-risk, NO turned into YES."""
    has_node: bool = False
    """Whether the truth is a node's: then fills are seen, and what is left is no trade."""


def likely_cause(seen: Evidence) -> Cause:
    """The cause that explains the most, the surest first."""
    missing = seen.books - seen.truth
    if seen.pending and missing == seen.pending:
        return Cause.FEED_LAG
    if missing < 0:
        return Cause.TRANSFER_IN if seen.has_node else Cause.UNTRACKED_INCREASE
    if seen.is_resolved and seen.truth == 0:
        return Cause.REDEEMED
    if seen.sibling_drift == missing:
        return Cause.POSITION_MERGED
    if seen.recent_sells == missing:
        return Cause.TRACKED_SELLS_NOT_SYNCED
    if seen.truth == 0 and seen.recent_sells:
        return Cause.EXTERNAL_SALE
    if seen.gained_elsewhere:
        return Cause.CONVERTED
    return Cause.TRANSFER_OUT if seen.has_node else Cause.UNTRACKED_REDUCTION


def may_have_held(shares: int, stated: int, recent: Sequence[int], step: int = 1) -> bool:
    """Whether *shares* without some of the *recent* changes are *stated*, in whatever order those showed.

    A statement is cut to multiples of *step*.
    """
    sums = {shares}
    for change in recent:
        sums |= {total - change for total in sums}
        if len(sums) > SUMS_MAX:
            least = shares - sum(each for each in recent if each > 0)
            return least - step < stated <= shares - sum(each for each in recent if each < 0)
    return any(0 <= total - stated < step for total in sums)
