"""The market-making job: what every market may do now, one round over all of them, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg

from tieout.app.config import Config
from tieout.app.readiness import Readiness
from tieout.app.stopping import cancel_everything
from tieout.app.worker_state import MarketState, WorkerState
from tieout.client.clock import Clock
from tieout.client.errors import Meaning, meaning_of
from tieout.client.markets import MarketInfo
from tieout.jobs.foreign_orders import Spared
from tieout.jobs.job import Result
from tieout.jobs.market_books import MarketBooks
from tieout.jobs.market_making import MarketMaking, Purse, Quoted, RoundReport
from tieout.jobs.order_desk import OrderDesk
from tieout.jobs.order_questions import Fate
from tieout.jobs.quote_log import QuoteLog
from tieout.store import controls
from tieout.store.controls import WHOLE_WALLET, Actor, Command, Control, State

WHO = "worker"

_ACCOUNT = frozenset((Meaning.GEOBLOCKED, Meaning.CLOSED_ONLY, Meaning.BANNED))
"""Refusals that hold for the whole account: trying again helps nobody."""


@dataclass(slots=True)
class MarketRound:
    """The work of the job MARKET_MAKING of one wallet. Orders are sent only where `state.is_live`."""

    connection: asyncpg.Connection
    wallet_id: int
    config: Config
    clock: Clock
    books: MarketBooks
    making: MarketMaking
    desk: OrderDesk
    spared: Spared
    history: QuoteLog
    readiness: Readiness
    state: WorkerState
    markets: Mapping[str, MarketInfo]
    purse: Callable[[], Purse]

    async def run(self) -> Result:
        """One round. Raises VenueError only from what it reads."""
        why_not = self.readiness.why_not()
        found = {c.condition_id: c for c in await controls.all_controls(self.connection, self.wallet_id)}
        quoted = [self._quoted(market, found, why_not) for market in self.markets.values()]
        now_ms = self.clock.now_ms()
        report = await self.making.round(quoted, self.purse(), now_ms, dry=not self.state.is_live)
        events = await self.history.note(report, now_ms, dry=not self.state.is_live)
        self.state.events.extend(events)
        self.state.why_not, self.state.controls, self.state.problem = why_not, found, report.problem
        self._show(report)
        await self._mind_refusals(report)
        if self.state.is_live and found.get(WHOLE_WALLET, Control(WHOLE_WALLET)).state is not State.ACTIVE:
            # The round has emptied the markets that are quoted; this is about every order of the wallet, adopted ones
            # in other markets, too.
            await cancel_everything(self.connection, self.wallet_id, self.desk, self.clock, spared=self.spared, tries=1)
        return Result(detail=self._figures(report, why_not))

    def _quoted(self, market: MarketInfo, found: dict[str, Control], why_not: str) -> Quoted:
        """The market as it is known now, and the gravest reason against quoting it."""
        now = self.books.market(market.condition_id) or market
        held = _held(found, market.condition_id)
        drift = self.readiness.drifting.get(market.condition_id, "")
        reason = held or why_not or drift
        book = self.books.view(now)
        if book is None and not reason:
            reason = self.books.stale_reason(now)
        return Quoted(now, self.config.maker_of(now), book, reason)

    def _show(self, report: RoundReport) -> None:
        for made in report.markets:
            market = made.quoted.market
            self.state.markets[market.condition_id] = MarketState(
                market=market,
                book=made.quoted.book,
                fair=made.decision.fair,
                quotes=made.decision.quotes,
                resting=made.resting,
                why_not=made.quoted.why_not,
                reasons=made.decision.reasons,
                merge=made.decision.merge,
            )
            self.state.sent["cancelled"] += len(made.canceled)
            self.state.sent.update(outcome.fate.value for _, outcome in made.outcomes)

    async def _mind_refusals(self, report: RoundReport) -> None:
        """Pause the wallet when the venue refuses the account and not an order."""
        for made in report.markets:
            for _, outcome in made.outcomes:
                meaning = meaning_of(outcome.text)
                if outcome.fate is Fate.REJECTED and meaning in _ACCOUNT:
                    reason = f"the venue refuses the account ({meaning.value}): {outcome.text}"
                    command = Command(WHOLE_WALLET, State.PAUSED, reason, WHO, Actor.INVARIANT)
                    await controls.set_state(self.connection, self.wallet_id, command, self.clock.now_ms())
                    return

    def _figures(self, report: RoundReport, why_not: str) -> dict[str, object]:
        outcomes = [outcome for made in report.markets for _, outcome in made.outcomes]
        figures: dict[str, object] = {
            "markets": len(report.markets),
            "quoted": sum(not made.quoted.why_not for made in report.markets),
            "cancelled": sum(len(made.canceled) for made in report.markets),
            "placed": sum(outcome.fate is Fate.PLACED for outcome in outcomes),
            "rejected": sum(outcome.fate is Fate.REJECTED for outcome in outcomes),
        }
        if why_not:
            figures["why_not"] = why_not
        if report.problem:
            figures["problem"] = report.problem
        return figures


def _held(found: dict[str, Control], condition_id: str) -> str:
    """Who holds the market, and why; "" when nobody does."""
    own = found.get(condition_id, Control(condition_id))
    control = controls.strictest([own, found.get(WHOLE_WALLET, own)])
    return "" if control.state is State.ACTIVE else f"{control.state.value} by {control.who}: {control.reason}"
