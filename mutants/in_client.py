"""Bugs in talking to the venue, and in what is quoted."""

from __future__ import annotations

from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="first-page-is-all",
        file="client/pages.py",
        old="        cursor = page.next\n",
        new='        cursor = ""\n',
        wrong="Of a list in pages only the first page is read.",
        rows="A7 A6",
        origin=OLDER,
    ),
    Mutant(
        id="success-is-believed",
        file="client/answers.py",
        old='    if error or row.get("success") is False or not 200 <= status < 300:\n',
        new='    if row.get("success") is False or not 200 <= status < 300:\n',
        wrong="An order of a batch that the venue refused counts as placed.",
        rows="O1 P3",
        origin=HERE,
    ),
    Mutant(
        id="balances-of-now",
        file="client/chain.py",
        old='        place = {"blockHash": at} if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        new='        place = "latest" if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        wrong="The books of one block are compared with the balances of a later one.",
        rows="R3 A4 I1",
        origin=OLDER,
    ),
    Mutant(
        id="away-for-good",
        file="client/health.py",
        old="        self._breakers[service] = Breaker()\n",
        new="        self.of(service).failures = 0\n",
        wrong="A service that was away once counts as away for ever.",
        rows="D2 A3",
        origin=HERE,
    ),
    Mutant(
        id="stale-asks-stay",
        file="quoting/diff.py",
        old="(order for order in orders if order.id not in kept_ids)",
        new="(order for order in orders if order.id not in kept_ids and is_bid(order))",
        wrong="Asks that are not wanted any more stay beside those that are.",
        rows="O1",
        origin=HERE,
    ),
)
