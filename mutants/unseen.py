"""Bugs that no life sees yet, though each does harm. Above each: what would have to be looked at.

They are no part of the others; `python -m mutants.run --unseen` hunts them. One that is caught belongs to the others.
"""

from __future__ import annotations

from mutants.life import Life, directed
from mutants.mutant import HERE, OLDER, Mutant

UNSEEN: tuple[Mutant, ...] = (
    # A blow ends the process while orders are on their way (crash-placing). The order sync asks for what is missing by
    # its id, intents, too, and so heals it within minutes; nothing looks at how long an intent stays one.
    Mutant(
        id="intents-forgotten",
        file="jobs/own_orders.py",
        old="""        "WHERE wallet_id = $1 AND state = 'intended' ORDER BY placed_at_ms, order_id",""",
        new="""        "WHERE wallet_id = $1 AND state = 'live' AND FALSE ORDER BY placed_at_ms, order_id",""",
        wrong="After a crash nobody asks what became of the orders that were on their way.",
        rows="P1 P3 D1",
        origin=OLDER,
        known=(Life(50), Life(49), Life(57), Life(99)),
    ),
    # The user channel tells of the order within a second, the order sync within minutes, and what was placed twice is
    # within the caps. The witness would see it, but looks every two minutes (sim/oracle/witness.py).
    Mutant(
        id="lost-answer-means-refused",
        file="jobs/order_desk.py",
        old="            elif not _may_have_had_effect(answer):\n",
        new="            elif not (isinstance(answer, Rejected) and answer.is_duplicate):\n",
        wrong="An order whose answer was lost is taken for refused, and placed again.",
        rows="P3 A3",
        origin=OLDER,
        known=(directed(4, "timeout-after"), directed(17, "timeout-after"), directed(1, "timeout-after")),
    ),
    # Every block is read again ten to twenty minutes later. What a fill cost would have to be right before.
    Mutant(
        id="receipts-not-asked-for",
        file="jobs/position_sync.py",
        old="        if asked and self._receipts is not None and await",
        new="        if not asked and self._receipts is not None and await",
        wrong="A fill whose logs a node left out keeps no place in its block, and cost goes by its time.",
        rows="C1 F1",
        origin=HERE,
        known=(Life(546),),
    ),
    # Nothing may be placed between an outage and the next clean sync (sim/lives/invariants.py knows pauses and leases).
    Mutant(
        id="quotes-before-the-sync",
        file="app/readiness.py",
        old="        if self.wanting:\n            return",
        new="        if self.wanting and not self.compared_ms:\n            return",
        wrong="After an outage quoting goes on without a clean sync.",
        rows="D1 D2",
        origin=OLDER,
    ),
    # A drift that is told must be so at its block (sim/lives/settling.py), but a difference that comes and goes is read
    # for again before anything is told.
    Mutant(
        id="balances-of-now",
        file="client/chain.py",
        old='        place = {"blockHash": at} if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        new='        place = "latest" if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        wrong="The books of one block are compared with the balances of a later one.",
        rows="R3 A4 I1",
        origin=OLDER,
        known=(directed(4, "human-transfer"), directed(17, "human-transfer", "late-fill"), directed(1, "human-trade")),
    ),
    # Other jobs find the same within a minute: what an order claims would have to be equal soon after a reconnect.
    Mutant(
        id="gap-not-read-again",
        file="jobs/account_keeper.py",
        old="                    await self._until_caught_up()\n",
        new="                    self.live = True\n",
        wrong="After the channel was away nobody reads what it cannot have told.",
        rows="A5 D1",
        origin=OLDER,
    ),
)
