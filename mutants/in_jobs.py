"""Bugs in what the worker does, asks and places."""

from __future__ import annotations

from mutants.life import Life, directed
from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="list-is-believed",
        file="jobs/order_sync.py",
        old='taken = [row for row in rows if not row["side"]]',
        new="taken = rows",
        wrong="Orders that two lists do not show are closed though the venue shows them when asked.",
        rows="A1 O1",
        origin=OLDER,
        known=(directed(15, "half-page", "empty-list"),),
    ),
    Mutant(
        id="errors-unheard",
        file="jobs/account_keeper.py",
        old="booking.create_task(self._hear(signal))",
        new="asyncio.create_task(self._hear(signal))",
        wrong="What goes wrong while a message of the user channel is booked is noticed by nobody.",
        rows="D2",
        origin=HERE,
        known=(Life(3),),
    ),
    Mutant(
        id="reorganised-for-good",
        file="jobs/provisional.py",
        old='        said = {"version": now.version, "removed": now.is_gone,',
        new='        said = {"version": now.version, "removed": False,',
        wrong="What a reorganisation took off the chain stays in the books.",
        rows="F1 T3",
        origin=HERE,
        known=(Life(11),),
    ),
    Mutant(
        id="quotes-while-paused",
        file="app/market_round.py",
        old='    return "" if control.state is State.ACTIVE else',
        new='    return "" if control.state is not State.HALTED else',
        wrong="A market that a person paused is quoted.",
        rows="D2",
        origin=OLDER,
        known=(directed(29), directed(137)),
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
        known=(Life(2),),
    ),
    Mutant(
        id="cancel-is-believed",
        file="jobs/order_desk.py",
        old="        canceled = frozenset(answer.canceled)\n",
        new="        canceled = frozenset(wanted)\n",
        wrong="Orders whose cancel was refused count as gone, and others are placed in their room.",
        rows="P5",
        origin=OLDER,
        known=(directed(15, "cancel-refused"), directed(12, "cancel-refused")),
    ),
    Mutant(
        id="others-orders-cancelled",
        file="jobs/foreign_orders.py",
        old="    if policy is not ForeignOrders.LEAVE or not order_ids:\n",
        new="    if policy is ForeignOrders.LEAVE or not order_ids:\n",
        wrong="Orders of another bot that are to be left are cancelled with ours.",
        rows="E2",
        origin=HERE,
        known=(directed(3, "foreign-orders"), directed(7, "foreign-orders"), directed(12, "foreign-orders")),
    ),
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
