"""Bugs in what the worker does, asks and places."""

from __future__ import annotations

from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="list-is-believed",
        file="jobs/order_sync.py",
        old="self._close([row for row, order in zip(asked, orders, strict=True) if order is None])",
        new="self._close(asked)",
        wrong="Orders that two lists do not show are closed though the venue shows them when asked.",
        rows="A1 O1",
        origin=OLDER,
    ),
    Mutant(
        id="intents-forgotten",
        file="jobs/own_orders.py",
        old="""        "WHERE wallet_id = $1 AND state = 'intended' ORDER BY placed_at_ms, order_id",""",
        new="""        "WHERE wallet_id = $1 AND state = 'live' AND FALSE ORDER BY placed_at_ms, order_id",""",
        wrong="After a crash nobody asks what became of the orders that were on their way.",
        rows="P1 P3 D1",
        origin=OLDER,
    ),
    Mutant(
        id="reorganised-for-good",
        file="jobs/provisional.py",
        old='        said = {"version": now.version, "removed": now.is_gone,',
        new='        said = {"version": now.version, "removed": False,',
        wrong="What a reorganisation took off the chain stays in the books.",
        rows="F1 T3",
        origin=HERE,
    ),
    Mutant(
        id="quotes-while-paused",
        file="app/market_round.py",
        old='    return "" if control.state is State.ACTIVE else',
        new='    return "" if control.state is not State.HALTED else',
        wrong="A market that a person paused is quoted.",
        rows="D2",
        origin=OLDER,
    ),
    Mutant(
        id="leaves-its-orders",
        file="app/worker.py",
        old="        if self._is_live:\n            self.state.left_open = await cancel_everything(\n",
        new="        if self._is_live and not self._config.heartbeat:\n"
        "            self.state.left_open = await cancel_everything(\n",
        wrong="A worker with a heartbeat stops, and leaves its orders to the venue.",
        rows="P5 D1",
        origin=OLDER,
    ),
    Mutant(
        id="lost-answer-means-refused",
        file="jobs/order_desk.py",
        old="            elif not _may_have_had_effect(answer):\n",
        new="            elif not (isinstance(answer, Rejected) and answer.is_duplicate):\n",
        wrong="An order whose answer was lost is taken for refused, and placed again.",
        rows="P3 A3",
        origin=OLDER,
    ),
    Mutant(
        id="cancel-is-believed",
        file="jobs/order_desk.py",
        old="        canceled = frozenset(answer.canceled)\n",
        new="        canceled = frozenset(wanted)\n",
        wrong="Orders whose cancel was refused count as gone, and others are placed in their room.",
        rows="P5",
        origin=OLDER,
    ),
    Mutant(
        id="others-orders-cancelled",
        file="jobs/foreign_orders.py",
        old="    if policy is not ForeignOrders.LEAVE or not order_ids:\n",
        new="    if policy is ForeignOrders.LEAVE or not order_ids:\n",
        wrong="Orders of another bot that are to be left are cancelled with ours.",
        rows="E2",
        origin=HERE,
    ),
    Mutant(
        id="blocks-marked-before-read",
        file="jobs/chain_follower.py",
        old="""            try:
                found = await self._read(self.next_block, last)
""",
        new="""            begin, self.next_block = self.next_block, last + 1
            try:
                found = await self._read(begin, last)
""",
        wrong="Blocks count as read before they are, so those of a request that failed are left out.",
        rows="A3 T2",
        origin=OLDER,
    ),
    Mutant(
        id="gap-not-read-again",
        file="jobs/account_keeper.py",
        old="                    await self._until_caught_up()\n",
        new="                    self.live = True\n",
        wrong="After the channel was away nobody reads what it cannot have told.",
        rows="A5 D1",
        origin=OLDER,
    ),
    Mutant(
        id="quotes-before-the-sync",
        file="app/readiness.py",
        old="        if self.wanting:\n            return",
        new="        if self.wanting and not self.compared_ms:\n            return",
        wrong="After an outage quoting goes on without a clean sync.",
        rows="D1 D2",
        origin=OLDER,
    ),
)
