"""Bugs that no life sees yet, though each does harm. Above each: what would have to be looked at.

They are no part of the thirty; `python -m mutants.run --unseen` hunts them. One that is caught belongs to the others.
"""

from __future__ import annotations

from mutants.life import directed
from mutants.mutant import HERE, OLDER, Mutant

UNSEEN: tuple[Mutant, ...] = (
    # LIVE asks whether the worker says that it may quote, never whether an order of it rests: a life in which every
    # order is refused passes (sim/lives/settling.py, quotes_again).
    Mutant(
        id="one-exchange-for-all",
        file="client/signing.py",
        old="    return PRODUCTION_CONFIG.neg_risk_exchange if neg_risk else PRODUCTION_CONFIG.standard_exchange\n",
        new="    return PRODUCTION_CONFIG.standard_exchange\n",
        wrong="Orders of neg-risk markets are signed for the other exchange, and every one of them is refused.",
        rows="D2",
        origin=HERE,
    ),
    # Seen only where the process ends between the intent and the answer: no blow aims there (sim/lives/options.py).
    Mutant(
        id="intents-forgotten",
        file="jobs/own_orders.py",
        old="""        "WHERE wallet_id = $1 AND state = 'intended' ORDER BY placed_at_ms, order_id",""",
        new="""        "WHERE wallet_id = $1 AND state = 'live' AND FALSE ORDER BY placed_at_ms, order_id",""",
        wrong="After a crash nobody asks what became of the orders that were on their way.",
        rows="P1 P3 D1",
        origin=OLDER,
    ),
    # An open order that the books call rejected is not asked about, only one they call closed (sim/oracle/witness.py).
    Mutant(
        id="lost-answer-means-refused",
        file="jobs/order_desk.py",
        old="            elif not _may_have_had_effect(answer):\n",
        new="            elif not (isinstance(answer, Rejected) and answer.is_duplicate):\n",
        wrong="An order whose answer was lost is taken for refused, and placed again.",
        rows="P3 A3",
        origin=OLDER,
    ),
    # The record of the next job refuses the loser, too. While the lease is lost the log must not grow at all
    # (sim/lives/keeper.py, _take_lease).
    Mutant(
        id="lease-not-checked",
        file="store/migrations/versions/0001_books.sql",
        old="        WHERE wallet_id = p_wallet AND head_seq = p_seq AND epoch = p_epoch;",
        new="        WHERE wallet_id = p_wallet AND head_seq = p_seq;",
        wrong="A worker whose wallet was taken over books until its next job ends it.",
        rows="R1 R2",
        origin=OLDER,
    ),
    # A foreign order that is to be left must never be cancelled by a request of the worker (sim/lives/house.py hears
    # placements alone).
    Mutant(
        id="others-orders-cancelled",
        file="jobs/foreign_orders.py",
        old="    if policy is not ForeignOrders.LEAVE or not order_ids:\n",
        new="    if policy is ForeignOrders.LEAVE or not order_ids:\n",
        wrong="Orders of another bot that are to be left are cancelled with ours.",
        rows="E2",
        origin=HERE,
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
    # An issue that says POSITION_DRIFT must be true at its block: a false alarm costs no life anything.
    Mutant(
        id="balances-of-now",
        file="client/chain.py",
        old='        place = {"blockHash": at} if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        new='        place = "latest" if isinstance(at, str) and len(at) == 66 else _place(at)\n',
        wrong="The books of one block are compared with the balances of a later one.",
        rows="R3 A4 I1",
        origin=OLDER,
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
    # What the venue claims and nobody traded may be provisional at the end, however long ago it was claimed
    # (sim/oracle/verdict.py, _order), and nothing waits until its time must be over.
    Mutant(
        id="claims-never-rejected",
        file="jobs/settle.py",
        old="        due = await self._due(await self._gaps()) if fresh else []\n",
        new="        due = await self._due(await self._gaps()) if not fresh else []\n",
        wrong="A match that the venue claims and no trade proves stays provisional for ever.",
        rows="T1 A2",
        origin=OLDER,
        known=(directed(1, "phantom-match"),),
    ),
)
