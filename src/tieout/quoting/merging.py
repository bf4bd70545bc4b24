"""Full sets back to collateral: one YES and one NO share are worth exactly 1 together."""

from __future__ import annotations

from collections.abc import Iterable

from tieout.ledger.facts import Side
from tieout.quoting.views import NO, YES, Holding, Resting


def sets_to_merge(holding: Holding, resting: Iterable[Resting], threshold: int) -> int:
    """Micro-sets to merge: all that no resting sell needs; 0 when that is less than *threshold*.

    A sell whose shares are merged away would be refused or cancelled by the venue when it is matched.
    """
    free = list(holding.shares)
    for order in resting:
        if order.side is Side.SELL:
            free[order.outcome] -= order.remaining
    sets = min(free[YES], free[NO])
    return sets if sets >= threshold else 0
