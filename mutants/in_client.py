"""Bugs in talking to the venue, and in what is quoted."""

from __future__ import annotations

from mutants.life import directed
from mutants.mutant import HERE, Mutant

MUTANTS = (
    Mutant(
        id="away-for-good",
        file="client/health.py",
        old="        self._breakers[service] = Breaker()\n",
        new="        self.of(service).failures = 0\n",
        wrong="A service that was away once counts as away for ever.",
        rows="D2 A3",
        origin=HERE,
        known=(directed(14, "server-error"),),
    ),
    Mutant(
        id="stale-asks-stay",
        file="quoting/diff.py",
        old="(order for order in orders if order.id not in kept_ids)",
        new="(order for order in orders if order.id not in kept_ids and is_bid(order))",
        wrong="Asks that are not wanted any more stay beside those that are.",
        rows="O1",
        origin=HERE,
        known=(directed(7),),
    ),
)
