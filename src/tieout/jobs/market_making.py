"""One market-making cycle: books and venue to a decision, the decision to cancels and orders.

The books are the ones in the database: what a quote rests on is exactly what can be audited. Quotes are sent only while
the keeper is live; otherwise a cycle only cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from tieout.client.books import BookShown
from tieout.client.clob_public import ClobPublic
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.markets import MarketInfo
from tieout.client.orders import OrderWanted
from tieout.jobs.order_desk import Fate, OrderDesk, Outcome
from tieout.ledger.facts import Side
from tieout.quoting.cycle import Decision, decide
from tieout.quoting.params import Params
from tieout.quoting.risk import Account, Limits
from tieout.quoting.strategy import Situation, Strategy
from tieout.quoting.views import BookView, Holding, MarketView, Quote, Resting, without

NOT_LIVE = "the feed is not live"
NOT_KNOWN = "the outcome of an order is not known"


@dataclass(frozen=True, slots=True)
class Maker:
    """What a market is quoted with."""

    strategy: Strategy
    params: Params
    limits: Limits
    collateral: int
    """Micro-units that this market may have in open buys."""


@dataclass(slots=True)
class CycleReport:
    """What a cycle did. `unknown` are orders whose outcome nobody could tell."""

    decision: Decision
    canceled: tuple[str, ...] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    problem: str = ""


class MarketMaking:
    """Cycles over the markets of one wallet, one after the other."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, public: ClobPublic, desk: OrderDesk) -> None:
        self._connection = connection
        self._wallet_id = wallet_id
        self._public = public
        self._desk = desk

    async def cycle(self, market: MarketInfo, maker: Maker, clock: Clock, *, live: bool, dry: bool) -> CycleReport:
        """Decide and act on one market. With *dry* nothing is sent. Raises VenueError when its book cannot be read.

        While the outcome of an order of the market is not known, nothing is placed: it could be placed twice.
        """
        why_not = "" if live else NOT_LIVE
        if any(condition == market.condition_id for _, condition in self._desk.unknown.values()):
            await self._desk.settle_unknown()
            if any(condition == market.condition_id for _, condition in self._desk.unknown.values()):
                why_not = NOT_KNOWN
        books = await self._public.books(market.token_ids)
        situation = await self._situation(market, maker, books.rows, clock.now_ms())
        account = Account(free_collateral=maker.collateral, degraded=why_not)
        report = CycleReport(decide(maker.strategy, situation, account, maker.limits))
        if not dry:
            await self._carry_out(market, report, place=not why_not)
        return report

    async def _situation(self, market: MarketInfo, maker: Maker, books: Sequence[BookShown], now_ms: int) -> Situation:
        resting = await self._resting(market)
        return Situation(
            market=market_view(market),
            book=without(book_view(market, books), resting),
            holding=await self._holding(market),
            resting=resting,
            params=maker.params,
            now_ms=now_ms,
        )

    async def _resting(self, market: MarketInfo) -> tuple[Resting, ...]:
        """Live orders in the books; what their claims have matched is no longer there."""
        rows = await self._connection.fetch(
            "SELECT order_id, token_id, side, price, size - claimed AS remaining, placed_at_ms FROM orders "
            "WHERE wallet_id = $1 AND token_id = ANY ($2) AND state = 'live' AND size > claimed ORDER BY order_id",
            self._wallet_id,
            list(market.token_ids),
        )
        return tuple(
            Resting(
                row["order_id"],
                market.token_ids.index(row["token_id"]),
                Side(row["side"]),
                row["price"],
                row["remaining"],
                row["placed_at_ms"],
            )
            for row in rows
        )

    async def _holding(self, market: MarketInfo) -> Holding:
        rows = await self._connection.fetch(
            "SELECT token_id, shares, cost_basis FROM positions WHERE wallet_id = $1 AND token_id = ANY ($2)",
            self._wallet_id,
            list(market.token_ids),
        )
        held = {row["token_id"]: (row["shares"], row["cost_basis"]) for row in rows}
        yes, no = (held.get(token, (0, 0)) for token in market.token_ids)
        return Holding(shares=(yes[0], no[0]), cost=(yes[1], no[1]))

    async def _carry_out(self, market: MarketInfo, report: CycleReport, *, place: bool) -> None:
        plan = report.decision.plan
        try:
            if plan.cancels:
                since_s = min(order.placed_ms for order in plan.cancels) // 1000
                answer = await self._desk.cancel([o.id for o in plan.cancels], market.condition_id, since_s)
                report.canceled = answer.canceled
        except VenueError as error:
            # What could not be cancelled still rests, so nothing may be placed that counts on its going.
            report.problem = str(error)
            return
        gone = set(report.canceled) >= {order.id for order in plan.cancels}
        wanted = [*plan.places, *(plan.places_after_cancel if gone else ())]
        for quote in wanted if place else ():
            report.outcomes.append(await self._desk.place(order_of(market, quote), market.condition_id))
            if report.outcomes[-1].fate is Fate.UNKNOWN:
                report.problem = report.outcomes[-1].text
                return


def order_of(market: MarketInfo, quote: Quote) -> OrderWanted:
    """The post-only order of a quote."""
    return OrderWanted(
        token_id=market.token_ids[quote.outcome],
        side=quote.side,
        price=quote.price,
        size=quote.size,
        tick=market.tick,
        neg_risk=market.neg_risk,
        post_only=True,
    )


def market_view(market: MarketInfo) -> MarketView:
    """The market as quoting sees it. Raises ValueError for one that is not binary."""
    yes, no = market.token_ids
    return MarketView(
        condition_id=market.condition_id,
        tokens=(yes, no),
        tick=market.tick,
        min_size=market.min_size,
        neg_risk=market.neg_risk,
        end_ms=market.end_at_ms or None,
        accepting=market.accepting_orders,
        closed=market.closed,
    )


def book_view(market: MarketInfo, books: Iterable[BookShown]) -> BookView:
    """Both outcomes' levels, best first; a token whose book did not come has none."""
    shown = {book.token_id: book for book in books}
    yes, no = (shown.get(token) for token in market.token_ids)
    return BookView(
        bids=(tuple(yes.bids) if yes else (), tuple(no.bids) if no else ()),
        asks=(tuple(yes.asks) if yes else (), tuple(no.asks) if no else ()),
        time_ms=max((book.at_ms for book in shown.values()), default=0),
    )
