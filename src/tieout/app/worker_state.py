"""What a worker shows of itself while it runs. For people only: nothing is decided by it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from tieout.app.fill_latency import FillLatency
from tieout.app.readiness import UNSEEN_MS
from tieout.app.waking import Hearing
from tieout.client.markets import MarketInfo
from tieout.jobs.job import Ended
from tieout.quoting.views import BookView, Quote, Resting
from tieout.store.controls import Control
from tieout.store.quotes import QuoteEvent
from tieout.store.runs import Job

LATENCIES_MAX = 2_000
EVENTS_MAX = 200


@dataclass(slots=True)
class MarketState:
    """One market after its last round. `why_not` is why nothing is placed, "" when it is."""

    market: MarketInfo
    book: BookView | None = None
    fair: int | None = None
    quotes: tuple[Quote, ...] = ()
    resting: tuple[Resting, ...] = ()
    why_not: str = ""
    reasons: tuple[str, ...] = ()
    merge: int = 0
    """Full sets that could be merged."""


@dataclass(slots=True)
class AlertFigures:
    """What became of alerts; each destination counts."""

    sent: int = 0
    """Messages that arrived."""
    failed: int = 0
    """Deliveries that did not; they are tried again."""
    dropped: int = 0
    """Alerts that nobody will hear of."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why the last delivery failed, by destination; one that succeeds takes it away."""

    @property
    def problem(self) -> str:
        """The latest of them, "" when there is none."""
        return next(reversed(self.problems.values()), "")


@dataclass(slots=True)
class WorkerState:
    """The whole worker. Times are milliseconds of Unix time."""

    wallet: str
    is_live: bool
    """Orders are really sent."""
    started_ms: int = 0
    unseen_ms: int = UNSEEN_MS
    """Without one comparison in so long nobody can tell whether the books are right."""
    phase: str = "starting"
    why_not: str = "starting"
    """Why nothing is placed anywhere, "" when it is."""
    feed_live: bool = False
    away: dict[str, str] = field(default_factory=dict)
    """Services that are left alone because they failed again and again, and how they failed last."""
    heads: Hearing = Hearing.OFF
    """Whether new heads of the chain arrive."""
    alerts: AlertFigures = field(default_factory=AlertFigures)
    markets: dict[str, MarketState] = field(default_factory=dict)
    controls: dict[str, Control] = field(default_factory=dict)
    jobs: dict[Job, Ended] = field(default_factory=dict)
    runs: Counter[Job] = field(default_factory=Counter)
    ended: deque[Ended] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    """The last runs of all jobs, in their order."""
    tied_out_since_ms: int = 0
    """Since when every comparison with the chain held; 0: the last one did not, or there was none."""
    events: deque[QuoteEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    latencies_ms: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_MAX))
    """From the socket to committed books, the last frames."""
    fill_latency: FillLatency = field(default_factory=FillLatency)
    """The same of each fill (T4)."""
    frames: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    """placed, rejected, cancelled, unknown."""
    cash: int | None = None
    pnl: int = 0
    pnl_at_day_start: int = 0
    left_open: tuple[str, ...] = ()
    """Orders that may rest still after the last cancel; empty is good."""
    problem: str = ""
    """The last trouble with the venue, "" when the last round had none."""
