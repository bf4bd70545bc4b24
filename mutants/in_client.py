"""Bugs in talking to the venue, and in what is quoted."""

from __future__ import annotations

from mutants.life import Life, directed
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
        known=(directed(11, "server-error"), directed(15, "server-error")),
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
    Mutant(
        id="one-exchange-for-all",
        file="client/signing.py",
        old="    return PRODUCTION_CONFIG.neg_risk_exchange if neg_risk else PRODUCTION_CONFIG.standard_exchange\n",
        new="    return PRODUCTION_CONFIG.standard_exchange\n",
        wrong="Orders of neg-risk markets are signed for the other exchange, and every one of them is refused.",
        rows="D2",
        origin=HERE,
        known=(
            Life(2),
            directed(4),
            directed(14),
        ),
    ),
)
