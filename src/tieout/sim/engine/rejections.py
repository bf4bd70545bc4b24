"""Why the engine refuses an order. The wire gives each reason the venue's own words."""

from __future__ import annotations

from enum import StrEnum

from tieout.sim.model import Order


class Reason(StrEnum):
    """One value per rule; the names are ours."""

    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 (an outcome token)
    MARKET_CLOSED = "market_closed"
    MARKET_NOT_READY = "market_not_ready"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY_MODE = "post_only_mode"
    CLOSED_ONLY = "closed_only"
    DUPLICATED = "duplicated"
    AMOUNTS = "amounts"
    ACCURACY = "accuracy"
    TICK = "tick"
    PRICE_RANGE = "price_range"
    MIN_SIZE = "min_size"
    MIN_MARKETABLE = "min_marketable"
    EXPIRATION = "expiration"
    POST_ONLY_KIND = "post_only_kind"
    POST_ONLY_CROSSES = "post_only_crosses"
    BALANCE = "balance"
    FOK_NOT_FILLED = "fok_not_filled"
    FAK_NO_MATCH = "fak_no_match"


class Rejected(Exception):  # noqa: N818 (the four kinds of error: a rejection is an answer)
    """An order was refused; it has no effect.

    *facts* are whole numbers that the message shows, by rule: TICK and PRICE_RANGE (price, tick), MIN_SIZE (size,
    min_size), MIN_MARKETABLE (cash), BALANCE (balance, matched, amount). *order* is set for a FOK or FAK order that
    was taken in and killed.
    """

    def __init__(self, reason: Reason, *, order: Order | None = None, **facts: int) -> None:
        super().__init__(f"{reason}: {facts}" if facts else str(reason))
        self.reason = reason
        self.order = order
        self.facts = facts
