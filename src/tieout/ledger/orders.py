"""Orders: what the venue claims of each, what our fills cover, and the gap between the two.

The gap rule: `claimed = max(size_matched)`. What the order's identified fills do not cover is a *provisional fill* at
the limit price: a view, not a record, so it closes by itself when the trade arrives. FAILED fills cover their part
too, because the venue does not take a failed match out of `size_matched` (`polymarket.md` 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tieout.ledger.facts import (
    CancelRefused,
    ClaimRejected,
    MatchClaimed,
    OrderClosed,
    OrderFact,
    OrderIntended,
    OrderPlaced,
    OrderRejected,
)
from tieout.ledger.fills import OVERFILL, ChainFill, Fill, fill_key
from tieout.ledger.units import cash_of

CLAIM_BITS: Final = 60
"""Bits of a packed claim that hold the size."""


class OrderRecord:
    """One order, merged from every fact about it. Merging is idempotent and does not depend on the order of facts."""

    # Defaults of the class: most orders never have most of these, and there are many orders.
    token_id: str = ""
    condition_id: str = ""
    intended: bool = False
    placed: bool = False
    terms: tuple[str, int, int, str, int, int] | None = None
    """(side, price, size, order type, expiration in s, placed at in ms) as the venue, else the intent, says."""
    claimed: int = 0
    claims: tuple[int, ...] = ()
    """Claims that carry a time, to notice a decrease: observed at in ms << 60 | size matched, sorted."""
    missing: tuple[str, ...] = ()
    """Trades that the venue associates with the order and of which no fill is known."""
    closed_reason: str = ""
    rejected_reason: str = ""
    cancel_refused: str = ""
    rejected_shares: int = 0
    chain_fills: tuple[ChainFill, ...] = ()
    covered: int = 0
    """Shares of identified fills, FAILED ones included; kept by the book."""
    failed: int = 0
    """Shares of the fills that FAILED."""
    counted: tuple[str, int] = ("", 0)
    """(token, signed provisional shares) as the book's sum holds it now."""

    def __init__(self, order_id: str, fills_known: Mapping[str, Fill]) -> None:
        self.order_id = order_id
        self.fills: list[Fill] = []
        self._fills_known = fills_known

    def merge(self, fact: OrderFact) -> bool:
        """Take in *fact* but for its token and condition; returns whether it said anything new."""
        news = False
        if isinstance(fact, MatchClaimed):
            return self._merge_claim(fact)
        if isinstance(fact, OrderPlaced):
            terms = (fact.side.value, fact.price, fact.size, fact.order_type, fact.expiration_s, fact.occurred_at_ms)
            news |= not self.placed or (self.terms is not None and terms > self.terms)
            self.terms = terms if self.terms is None or not self.placed else max(self.terms, terms)
            self.placed = True
            return news
        if isinstance(fact, OrderIntended):
            terms = (fact.side.value, fact.price, fact.size, fact.order_type, 0, fact.occurred_at_ms)
            news |= not self.intended
            self.intended = True
            if not self.placed:
                self.terms = terms if self.terms is None else max(self.terms, terms)
            return news
        return self._merge_end(fact)

    def place(self, token_id: str, condition_id: str) -> bool:
        """Note the order's token and condition; returns whether that is news."""
        news = token_id > self.token_id or condition_id > self.condition_id
        self.token_id = max(self.token_id, token_id)
        self.condition_id = max(self.condition_id, condition_id)
        return news

    def _merge_claim(self, fact: MatchClaimed) -> bool:
        news = fact.size_matched > self.claimed
        self.claimed = max(self.claimed, fact.size_matched)
        if fact.observed_at_ms:
            claim = fact.observed_at_ms << CLAIM_BITS | fact.size_matched
            if claim not in self.claims:
                self.claims = tuple(sorted((*self.claims, claim)))
                news = True
        for trade_id in fact.trade_ids:
            if trade_id not in self.missing and fill_key(trade_id, self.order_id) not in self._fills_known:
                self.missing = tuple(sorted((*self.missing, trade_id)))
                news = True
        return news

    def add_fill(self, fill: Fill, trade_id: str) -> None:
        """Note a fill of the order, the first time it is seen."""
        self.fills.append(fill)
        if trade_id in self.missing:
            self.missing = tuple(missing for missing in self.missing if missing != trade_id)

    def _merge_end(self, fact: OrderFact) -> bool:
        before = (self.closed_reason, self.rejected_reason, self.cancel_refused, self.rejected_shares)
        if isinstance(fact, OrderClosed):
            self.closed_reason = max(self.closed_reason, fact.reason)
        elif isinstance(fact, OrderRejected):
            self.rejected_reason = max(self.rejected_reason, fact.reason)
        elif isinstance(fact, CancelRefused):
            self.cancel_refused = max(self.cancel_refused, fact.reason)
        elif isinstance(fact, ClaimRejected):
            self.rejected_shares = max(self.rejected_shares, fact.shares)
        return before != (self.closed_reason, self.rejected_reason, self.cancel_refused, self.rejected_shares)

    @property
    def provisional(self) -> int:
        """Micro-shares the venue claims that no identified fill covers and no rejection closed."""
        gap = self.claimed - self.covered - self.rejected_shares
        return max(0, gap)

    @property
    def provisional_signed(self) -> int:
        """The gap as the position would move by it: positive for a BUY."""
        if self.terms is not None and self.terms[0] == "SELL":
            return -self.provisional
        return self.provisional

    @property
    def provisional_collateral(self) -> int:
        """The gap's collateral at the limit price, rounded down."""
        return cash_of(self.provisional, self.terms[1]) if self.terms is not None else 0

    @property
    def state(self) -> str:
        """intended, live, closing (the venue ended it, fills of it are still unbooked: O3), closed, or rejected."""
        if self.rejected_reason and not self.placed and not self.covered:
            return "rejected"
        if self.closed_reason:
            return "closing" if self.provisional else "closed"
        if self.placed or self.claimed or self.covered:
            return "live"
        return "intended" if self.intended else "unknown"

    @property
    def has_decreased(self) -> bool:
        """Whether a later message claimed less than an earlier one (O2)."""
        highest = 0
        for packed in self.claims:
            claim = packed & ((1 << CLAIM_BITS) - 1)
            if claim < highest:
                return True
            highest = max(highest, claim)
        return False

    @property
    def is_overmatched(self) -> bool:
        """Whether more is claimed than the order's size allows (O2)."""
        return self.terms is not None and self.placed and self.claimed > self.terms[2] + OVERFILL
