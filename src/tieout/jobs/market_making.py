"""One market-making round: inventory, resting orders and order books to decisions, decisions to cancels and orders.

Inventory and resting orders are those in the database: what a quote rests on is exactly what can be audited. A market
that may not be quoted is decided all the same: what rests in it is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import asyncpg

from tieout.client.books import BookShown
from tieout.client.errors import VenueError
from tieout.client.markets import MarketInfo
from tieout.client.orders import OrderWanted
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.inventory import Inventory
from tieout.jobs.order_desk import OrderDesk, Outcome
from tieout.jobs.order_questions import Fate
from tieout.quoting.cycle import Decision, decide
from tieout.quoting.params import Params
from tieout.quoting.risk import Account, Limits, open_exposure
from tieout.quoting.strategy import Situation, Strategy
from tieout.quoting.views import BookView, Holding, MarketView, Quote, Resting, without

NO_BOOK = "its order book is not known now"
NOT_KNOWN = "the outcome of an order is not known"


@dataclass(frozen=True, slots=True)
class Maker:
    """What a market is quoted with."""

    strategy: Strategy
    params: Params
    limits: Limits
    collateral: int
    """Micro-units that this market may have in open buys."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A market as one round sees it: its book, None when it is not known now, and why it may not be quoted, if so."""

    market: MarketInfo
    maker: Maker
    book: BookView | None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Purse:
    """The wallet beyond single markets, in micro-units. `cash` None: not known."""

    cash: int | None = None
    pnl: int = 0
    pnl_at_day_start: int = 0


@dataclass(slots=True)
class Quoting:
    """What one round decided for a market, and what came of it."""

    quoted: Quoted
    decision: Decision
    resting: tuple[Resting, ...]
    canceled: tuple[str, ...] = ()
    gone: int = 0
    """How many of its cancels leave nothing resting: done now, or not needed any more."""
    outcomes: list[tuple[Quote, Outcome]] = field(default_factory=list)


@dataclass(slots=True)
class RoundReport:
    """A round over all markets. `problem` is why its cancels or orders did not all get an answer, "" when they did."""

    markets: list[Quoting] = field(default_factory=list)
    problem: str = ""


class MarketMaking:
    """Rounds over the markets of one wallet. It keeps the last fair prices, and nothing the database does not have."""

    def __init__(self, connection: asyncpg.Connection, wallet_id: int, desk: OrderDesk, spared: Spared) -> None:
        """*spared* tells which resting orders are to be left alone."""
        self._holdings = Inventory(connection, wallet_id, spared)
        self._desk = desk
        self._fair: dict[str, int | None] = {}

    async def round(self, quoted: Sequence[Quoted], purse: Purse, now_ms: int, *, dry: bool = False) -> RoundReport:
        """Decide on every market, then cancel, then place. With *dry* nothing is sent.

        Every market is decided with what the ones before it in this round have taken. While the outcome of an order of
        a market is not known, nothing is placed in it: it could be placed twice.
        """
        if self._desk.unknown and not dry:
            await self._desk.settle_unknown()
        unknown = {sent.condition_id for sent in self._desk.unknown.values()}
        inventory = await self._holdings.of([each.market for each in quoted])
        report = RoundReport()
        exposures = {
            each.market.condition_id: open_exposure(holding, self._fair.get(each.market.condition_id), resting)
            for each, (holding, resting) in zip(quoted, inventory, strict=True)
        }
        reserved = {
            each.market.condition_id: _reserved(resting) for each, (_, resting) in zip(quoted, inventory, strict=True)
        }
        total, total_reserved = sum(exposures.values()), sum(reserved.values())
        for each, (holding, resting) in zip(quoted, inventory, strict=True):
            condition = each.market.condition_id
            total -= exposures[condition]
            total_reserved -= reserved[condition]
            if condition in unknown and not each.why_not:
                each = replace(each, why_not=NOT_KNOWN)
            account = _account(each, purse, total, total_reserved)
            decision = _decide(each, holding, resting, account, now_ms)
            self._fair[condition] = decision.fair
            # Until its cancels are confirmed, what rests and what is wanted may both be filled.
            wanted: list[Quote | Resting] = [*resting, *decision.plan.places]
            total += max(
                open_exposure(holding, decision.fair, wanted), open_exposure(holding, decision.fair, decision.quotes)
            )
            total_reserved += max(_reserved(wanted), _reserved(decision.quotes))
            report.markets.append(Quoting(each, decision, resting))
        if not dry:
            await self._cancel(report)
            await self._place(report)
        return report

    async def _cancel(self, report: RoundReport) -> None:
        cancels = [order for made in report.markets for order in made.decision.plan.cancels]
        if not cancels:
            return
        since_s = min(order.placed_ms for order in cancels) // 1000
        conditions = {made.quoted.market.condition_id for made in report.markets if made.decision.plan.cancels}
        condition = next(iter(conditions)) if len(conditions) == 1 else ""
        try:
            answer = await self._desk.cancel([order.id for order in cancels], condition, since_s)
        except VenueError as error:
            report.problem = str(error)
            return
        canceled = frozenset(answer.canceled)
        for made in report.markets:
            ids = [order.id for order in made.decision.plan.cancels]
            made.canceled = tuple(order_id for order_id in ids if order_id in canceled)
            made.gone = sum(order_id in canceled or order_id in answer.ended for order_id in ids)

    async def _place(self, report: RoundReport) -> None:
        """What could not be cancelled still rests, so nothing may be placed that counts on its going."""
        wanted: list[tuple[Quoting, Quote]] = []
        for made in report.markets:
            plan = made.decision.plan
            is_free = made.gone == len(plan.cancels)
            if made.quoted.why_not or (plan.cancels and report.problem):
                continue
            wanted += [(made, quote) for quote in (*plan.places, *(plan.places_after_cancel if is_free else ()))]
        if not wanted:
            return
        orders = [(order_of(made.quoted.market, quote), made.quoted.market.condition_id) for made, quote in wanted]
        outcomes = await self._desk.place_many(orders)
        for (made, quote), outcome in zip(wanted, outcomes, strict=True):
            made.outcomes.append((quote, outcome))
            if outcome.fate is Fate.UNKNOWN:
                report.problem = outcome.text


def _account(each: Quoted, purse: Purse, elsewhere: int, reserved_elsewhere: int) -> Account:
    free = each.maker.collateral
    if purse.cash is not None:
        free = min(free, max(purse.cash - reserved_elsewhere, 0))
    return Account(
        exposure_elsewhere=elsewhere,
        free_collateral=free,
        pnl=purse.pnl,
        pnl_at_day_start=purse.pnl_at_day_start,
        degraded=each.why_not or ("" if each.book is not None else NO_BOOK),
    )


def _reserved(orders: Iterable[Quote | Resting]) -> int:
    """Collateral of the open buys among *orders*."""
    return open_exposure(Holding(), None, orders)


def _decide(each: Quoted, holding: Holding, resting: tuple[Resting, ...], account: Account, now_ms: int) -> Decision:
    book = each.book or BookView(bids=((), ()), asks=((), ()))
    situation = Situation(
        market=market_view(each.market),
        book=without(book, resting),
        holding=holding,
        resting=resting,
        params=each.maker.params,
        now_ms=now_ms,
    )
    return decide(each.maker.strategy, situation, account, each.maker.limits)


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
        reward_min_size=market.rewards.min_size,
        reward_max_spread=market.rewards.max_spread,
        fee_rate=market.fees.rate if market.fees else 0,
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
