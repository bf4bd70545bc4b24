"""Whether the worker may quote, and if not, why: truth within reach, and a clean sync since it last was not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tieout.app.config import Intervals
from tieout.client.clock import Clock
from tieout.client.health import Health
from tieout.jobs.account_keeper import AccountKeeper
from tieout.jobs.job import Ended
from tieout.ledger.units import decimal_text
from tieout.store.runs import Action, IssueType, Job

OUTAGE_MS = 30_000
"""A feed that was away for longer is an outage: a full sync comes before the next quote."""

UNSEEN_MS = 60_000
"""Without one comparison with the chain in so long, the books are not known to be right."""

UNREAD_MS = 180_000
"""Without one comparison of a whole list of open orders in so long, nobody knows what rests."""

MISSED = 3
"""Both are longer where the jobs are told to come seldom: so many runs have to be missed."""

STARTING = "no clean full sync since the start"


def unseen_ms(jobs: Intervals) -> int:
    """Without one comparison in so long (milliseconds) the books are not known to be right."""
    return max(UNSEEN_MS, MISSED * jobs.position_sync)


def unread_ms(jobs: Intervals) -> int:
    """Without one reading of the open orders in so long (milliseconds) nobody knows what rests."""
    return max(UNREAD_MS, MISSED * jobs.order_sync)


def orders_compared(ended: Ended) -> bool:
    """Whether the run compared the open orders: a list that did not come whole fails no run, and tells nothing."""
    if ended.problem or ended.job not in (Job.ORDER_SYNC, Job.FULL_SYNC):
        return False
    detail = ended.result.detail
    return "live" in (detail if ended.job is Job.ORDER_SYNC else detail.get("orders", {}))


@dataclass(slots=True)
class Readiness:
    """Looked at in every round; told how each job ended."""

    clock: Clock
    health: Health
    keeper: AccountKeeper
    has_chain: bool
    jobs: Intervals
    wanting: str = STARTING
    """Why a full sync must come first, "" when none has to."""
    drifting: dict[str, str] = field(default_factory=dict)
    """Conditions whose shares do not equal the chain, with words."""
    collateral: str = ""
    """By how much the wallet's collateral is not that of the books, in words; "" when it is, or nearly (C2)."""
    compared_ms: int = 0
    orders_read_ms: int = 0
    not_live_since_ms: int = 0

    def why_not(self) -> str:
        """Why nothing may be placed in any market, "" when it may."""
        now_ms = self.clock.now_ms()
        away = self.health.away().get("clob")
        if away is not None:
            self.wanting = "the order book was away"
            return f"the order book is away: {away.last_error}"
        if not self.keeper.live:
            self.not_live_since_ms = self.not_live_since_ms or now_ms
            if now_ms - self.not_live_since_ms > OUTAGE_MS:
                self.wanting = self.wanting or "the user feed was away"
            return "the user feed is not live"
        self.not_live_since_ms = 0
        if self.orders_read_ms and now_ms - self.orders_read_ms > unread_ms(self.jobs):
            self.wanting = self.wanting or "open orders were out of reach"
            return "open orders could not be read for a while"
        if self.collateral:
            return f"the collateral does not tie out: {self.collateral}"
        if self.wanting:
            return f"a full sync comes first: {self.wanting}"
        if self.has_chain and now_ms - self.compared_ms > unseen_ms(self.jobs):
            return "the books were not compared with the chain for a while"
        return ""

    def note(self, ended: Ended) -> None:
        """How a job ended."""
        read = orders_compared(ended)
        if ended.job is Job.FULL_SYNC and ended.is_clean and read and self.keeper.live and not self.health.away():
            self.wanting = ""
        if read:
            self.orders_read_ms = ended.at_ms
        if ended.job in (Job.POSITION_SYNC, Job.FULL_SYNC) and not ended.problem:
            self.compared_ms = ended.at_ms
            grave = [found for found in ended.result.findings if found.severity.is_grave]
            self.drifting = {
                found.condition_id: found.summary for found in grave if found.type is IssueType.POSITION_DRIFT
            }
            money = (each for each in grave if each.type is IssueType.COLLATERAL_DRIFT)
            standing = [each.evidence["drift"] for each in money if each.action is not Action.CORRECTED]
            # Without the block of the comparison: a reason that is another one every time is told every time.
            self.collateral = f"books and wallet differ by {decimal_text(abs(standing[0]))}" if standing else ""
