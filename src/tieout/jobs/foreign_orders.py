"""Orders of the wallet that are not ours: another bot with the same key, or the owner by hand (catalog E2).

They are in the books as any other order, because they take money and shares as any other does. The policy says who
looks after them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg

from tieout.client.rows import OpenOrder
from tieout.jobs.foreign_policy import ForeignOrders
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.own_orders import own_order_ids
from tieout.store.runs import Action, Finding, IssueType, Severity


async def untouchable(
    connection: asyncpg.Connection, wallet_id: int, policy: ForeignOrders, order_ids: Sequence[str]
) -> frozenset[str]:
    """Those of *order_ids* that nothing of ours may touch: foreign ones, when they are to be left."""
    if policy is not ForeignOrders.LEAVE or not order_ids:
        return frozenset()
    return frozenset(order_ids) - await own_order_ids(connection, wallet_id, order_ids)


class Spared:
    """Tells which open orders nothing of ours may touch, at any moment: one may be newer than the last sync."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, policy: ForeignOrders) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._policy = policy
        self._ours: frozenset[str] = frozenset()
        """Of those asked for last. Whose an order is never changes: its intent is booked before it is sent."""

    async def among(self, order_ids: Collection[str]) -> frozenset[str]:
        """Those of *order_ids* that are not ours and are to be left."""
        known = self._ours.intersection(order_ids)
        new = [order_id for order_id in order_ids if order_id not in known]
        theirs = await untouchable(self._connection, self._wallet_id, self._policy, new)
        self._ours = known.union(new) - theirs
        return theirs


async def follow_policy(
    connection: asyncpg.Connection, wallet_id: int, policy: ForeignOrders, foreign: Sequence[OpenOrder], desk: OrderDesk
) -> list[Finding]:
    """Deal with the *foreign* orders that are open. An issue for each: once where it stays, each time it is cancelled.

    Raises VenueError when cancels get no answer.
    """
    if not foreign:
        return []
    if policy is ForeignOrders.CANCEL:
        since_s = min(order.created_at_ms for order in foreign) // 1000
        report = await desk.cancel([order.order_id for order in foreign], "", since_s)
        return [_cancelled(order, report.resting.get(order.order_id)) for order in foreign]
    told = await _told(connection, wallet_id, [order.order_id for order in foreign])
    done = "treated as ours" if policy is ForeignOrders.ADOPT else "left alone"
    action = Action.CORRECTED if policy is ForeignOrders.ADOPT else Action.LOGGED
    return [_finding(order, Severity.WARN, action, policy, done) for order in foreign if order.order_id not in told]


async def _told(connection: asyncpg.Connection, wallet_id: int, order_ids: Sequence[str]) -> set[str]:
    """Those of *order_ids* that an issue has told of already, acknowledged or not."""
    rows = await connection.fetch(
        "SELECT DISTINCT order_id FROM sync_issue WHERE wallet_id = $1 AND type = $2 AND order_id = ANY ($3)",
        wallet_id,
        IssueType.ORDER_IN_CLOB_NOT_DB.value,
        list(order_ids),
    )
    return {row["order_id"] for row in rows}


def _cancelled(order: OpenOrder, why_not: str | None) -> Finding:
    if why_not is None:
        return _finding(order, Severity.WARN, Action.CORRECTED, ForeignOrders.CANCEL, "cancelled")
    done = f"could not be cancelled: {why_not}"
    return _finding(order, Severity.ERROR, Action.REQUIRES_MANUAL, ForeignOrders.CANCEL, done)


def _finding(order: OpenOrder, severity: Severity, action: Action, policy: ForeignOrders, done: str) -> Finding:
    return Finding(
        IssueType.ORDER_IN_CLOB_NOT_DB,
        severity,
        action,
        f"an open order that is not ours was {done}"
        if action is not Action.REQUIRES_MANUAL
        else f"an open order that is not ours {done}",
        order.condition_id,
        order.token_id,
        order.order_id,
        {**terms_shown(order), "owner": order.owner, "policy": policy.value},
    )


def terms_shown(order: OpenOrder) -> dict[str, object]:
    """The venue's record of an order, as evidence; amounts are micro-units."""
    return {
        "side": order.side.value,
        "price": order.price,
        "size": order.original_size,
        "size_matched": order.size_matched,
        "status": order.status,
        "created_at_ms": order.created_at_ms,
    }
