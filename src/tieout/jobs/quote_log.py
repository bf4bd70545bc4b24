"""Quote history: what a round did, and what was filled since, as events for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import asyncpg

from tieout.client.markets import MarketInfo
from tieout.jobs.market_making import Quoting, RoundReport
from tieout.jobs.order_questions import Fate
from tieout.ledger.facts import Side
from tieout.quoting.views import Quote, Resting
from tieout.store import quotes
from tieout.store.quotes import QuoteEvent, QuoteEventKind

_FILLED_BEFORE = (
    "SELECT order_id, sum(size)::bigint AS size FROM quote_event WHERE wallet_id = $1 AND order_id = ANY ($2) "
    "AND event IN ('FILL', 'PARTIAL_FILL') GROUP BY order_id"
)
_ORDERS = (
    "SELECT order_id, token_id, condition_id, side, price, size, claimed, state FROM orders "
    "WHERE wallet_id = $1 AND order_id = ANY ($2) AND side <> ''"
)


class QuoteLog:
    """Writes the history of one wallet. Orders are followed from when they rest until the venue has closed them."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._followed: dict[str, int] = {}
        """Order id to shares whose fill is in the history."""
        self._tiers: dict[str, int] = {}
        self._last_dry: dict[str, tuple[Quote, ...]] = {}

    async def note(self, report: RoundReport, at_ms: int, *, dry: bool) -> list[QuoteEvent]:
        """Keep what *report* did, and the fills since the last call; returns the events."""
        events = [] if dry else await self._fills(report, at_ms)
        for made in report.markets:
            events += self._dry(made, at_ms) if dry else self._done(made, at_ms)
        await quotes.append(self._connection, self._wallet_id, events)
        return events

    def _done(self, made: Quoting, at_ms: int) -> list[QuoteEvent]:
        """Cancels, then placements. A cancel whose side gets a new quote is a replacement."""
        market = made.quoted.market
        again = {(quote.outcome, quote.side) for quote, outcome in made.outcomes if outcome.fate is Fate.PLACED}
        why = "; ".join(made.decision.reasons)
        events = []
        for order in made.decision.plan.cancels:
            if order.id not in made.canceled:
                continue
            is_replaced = (order.outcome, order.side) in again
            kind = QuoteEventKind.REPLACED if is_replaced else QuoteEventKind.CANCELLED
            reason = "" if is_replaced else why or "not wanted any more"
            events.append(_event(at_ms, market, order, kind, order.id, self._tiers.get(order.id), reason))
        for quote, outcome in made.outcomes:
            order_id = outcome.order.order_id
            if outcome.fate is Fate.PLACED:
                self._followed.setdefault(order_id, 0)
                self._tiers[order_id] = quote.tier
                events.append(_event(at_ms, market, quote, QuoteEventKind.PLACED, order_id, quote.tier, outcome.text))
            elif outcome.fate is not Fate.UNKNOWN:
                text = outcome.text or outcome.fate.value
                events.append(_event(at_ms, market, quote, QuoteEventKind.REJECTED, order_id, quote.tier, text))
        return events

    def _dry(self, made: Quoting, at_ms: int) -> list[QuoteEvent]:
        """What would be sent, told when it changes."""
        market, wanted = made.quoted.market, made.decision.quotes
        if self._last_dry.get(market.condition_id) == wanted:
            return []
        self._last_dry[market.condition_id] = wanted
        why = "; ".join(made.decision.reasons)
        return [_event(at_ms, market, q, QuoteEventKind.PLACED, "", q.tier, why, dry=True) for q in wanted]

    async def _fills(self, report: RoundReport, at_ms: int) -> list[QuoteEvent]:
        await self._follow(order.id for made in report.markets for order in made.resting)
        if not self._followed:
            return []
        markets = {made.quoted.market.condition_id: made.quoted.market for made in report.markets}
        rows = await self._connection.fetch(_ORDERS, self._wallet_id, list(self._followed))
        events = []
        for row in rows:
            event = self._fill(row, markets, at_ms)
            if event is not None:
                events.append(event)
            if row["state"] in ("closed", "rejected"):
                self._followed.pop(row["order_id"])
                self._tiers.pop(row["order_id"], None)
        return events

    async def _follow(self, order_ids: Iterable[str]) -> None:
        new = [order_id for order_id in order_ids if order_id not in self._followed]
        if new:
            rows = await self._connection.fetch(_FILLED_BEFORE, self._wallet_id, new)
            self._followed |= dict.fromkeys(new, 0) | {row["order_id"]: row["size"] for row in rows}

    def _fill(self, row: asyncpg.Record, markets: Mapping[str, MarketInfo], at_ms: int) -> QuoteEvent | None:
        """The shares that were matched since they were last looked at."""
        order_id, market = row["order_id"], markets.get(row["condition_id"])
        more = row["claimed"] - self._followed[order_id]
        if more <= 0 or market is None or row["token_id"] not in market.token_ids:
            return None
        self._followed[order_id] = row["claimed"]
        kind = QuoteEventKind.FILL if row["claimed"] >= row["size"] else QuoteEventKind.PARTIAL_FILL
        outcome = market.token_ids.index(row["token_id"])
        filled = Resting(order_id, outcome, Side(row["side"]), row["price"], more)
        return _event(at_ms, market, filled, kind, order_id, self._tiers.get(order_id), "")


def _event(
    at_ms: int,
    market: MarketInfo,
    order: Quote | Resting,
    kind: QuoteEventKind,
    order_id: str,
    tier: int | None,
    reason: str,
    *,
    dry: bool = False,
) -> QuoteEvent:
    return QuoteEvent(
        at_ms=at_ms,
        condition_id=market.condition_id,
        token_id=market.token_ids[order.outcome],
        outcome_index=order.outcome,
        side=order.side,
        tier=tier,
        price=order.price,
        size=order.size if isinstance(order, Quote) else order.remaining,
        order_id=order_id,
        event=kind,
        dry=dry,
        reason=reason,
    )
