"""What order sync finds, as issues for the person who reads them; amounts in their evidence are micro-units."""

from __future__ import annotations

import asyncpg

from tieout.client.pages import Listing
from tieout.client.rows import OpenOrder
from tieout.jobs.foreign_orders import terms_shown
from tieout.ledger.facts import OrderIntended
from tieout.store.runs import Action, Finding, IssueType, Severity


def incomplete(listing: Listing[OpenOrder]) -> Finding:
    """The venue's list cannot be relied on."""
    return Finding(
        IssueType.SYNC_FAILED,
        Severity.WARN,
        Action.LOGGED,
        "the list of open orders did not come whole, nothing was concluded from it",
        evidence={"flaw": listing.flaw, "pages": listing.pages, "unreadable_rows": len(listing.bad_rows)},
    )


def gone(row: asyncpg.Record, reason: str) -> Finding:
    """An order of the books that the venue does not have."""
    return Finding(
        IssueType.ORDER_IN_DB_NOT_CLOB,
        Severity.WARN,
        Action.CORRECTED,
        "an order that the books held as open is not open at the venue; its trades were read and it was closed",
        row["condition_id"],
        row["token_id"],
        row["order_id"],
        {"state": row["state"], "placed_at_ms": row["placed_at_ms"], "reason": reason},
    )


def denied_by_list(row: asyncpg.Record) -> Finding:
    """An order that two lists do not have and that is open."""
    summary = "two lists of open orders miss an order that is open when asked for by its id; it stays open in the books"
    return _denied(row, Action.LOGGED, summary)


def denied_by_all(row: asyncpg.Record) -> Finding:
    """An order that two lists and the answer by its id deny, and that could be cancelled."""
    summary = "two lists and the answer by its id deny an order that rested all the same; it was cancelled to make sure"
    return _denied(row, Action.CORRECTED, summary)


def _denied(row: asyncpg.Record, action: Action, summary: str) -> Finding:
    return Finding(
        IssueType.ORDER_IN_DB_NOT_CLOB,
        Severity.WARN,
        action,
        summary,
        row["condition_id"],
        row["token_id"],
        row["order_id"],
        {"state": row["state"], "placed_at_ms": row["placed_at_ms"]},
    )


def undead(order: OpenOrder, reason: str, resting: str | None) -> Finding:
    """An order that the books call closed and the venue shows as open: it arrived later than anybody waited for."""
    done = "it was cancelled" if resting is None else f"it could not be cancelled: {resting}"
    return Finding(
        IssueType.ORDER_IN_CLOB_NOT_DB,
        Severity.ERROR,
        Action.CORRECTED if resting is None else Action.REQUIRES_MANUAL,
        f"an order of ours that the books call closed is open at the venue; {done}",
        order.condition_id,
        order.token_id,
        order.order_id,
        {**terms_shown(order), "closed_because": reason},
    )


def orphan(order: OpenOrder, resting: str | None) -> Finding:
    """An order of ours that nobody looks after."""
    done = "it was cancelled" if resting is None else f"it could not be cancelled: {resting}"
    return Finding(
        IssueType.ORPHAN_ORDER,
        Severity.WARN if resting is None else Severity.ERROR,
        Action.CORRECTED if resting is None else Action.REQUIRES_MANUAL,
        f"an order of ours rests in a market that is not quoted; {done}",
        order.condition_id,
        order.token_id,
        order.order_id,
        terms_shown(order),
    )


def differing(order: OpenOrder, intent: OrderIntended) -> dict[str, dict[str, object]]:
    """The terms in which the venue's record is not what was signed."""
    pairs: dict[str, tuple[object, object]] = {
        "token_id": (intent.token_id, order.token_id),
        "side": (intent.side.value, order.side.value),
        "price": (intent.price, order.price),
        "size": (intent.size, order.original_size),
    }
    return {name: {"signed": ours, "venue": theirs} for name, (ours, theirs) in pairs.items() if ours != theirs}


def mismatch(order: OpenOrder, intent: OrderIntended, terms: dict[str, dict[str, object]]) -> Finding:
    """An order whose terms at the venue are not those that were signed. Nothing is corrected."""
    return Finding(
        IssueType.ORDER_MISMATCH,
        Severity.ERROR,
        Action.REQUIRES_MANUAL,
        f"the venue's record of an order of ours differs from what was signed in {', '.join(terms)}",
        intent.condition_id,
        intent.token_id,
        order.order_id,
        terms,
    )
