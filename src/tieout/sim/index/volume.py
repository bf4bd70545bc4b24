"""What was traded in each market, by hour of simulated time: what Gamma and the Data API show as volume."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tieout.sim.events import BookTraded, Event
from tieout.sim.world import World

HOUR_MS = 3_600_000
HOURS_PER_YEAR = 24 * 365


@dataclass(slots=True)
class Volume:
    """The matches of one market: taker shares by hour (micro), their sum, and the taker's last price of outcome 0."""

    by_hour: Counter[int] = field(default_factory=Counter)
    total: int = 0
    last_price: int = 0

    def since(self, hour: int) -> int:
        """Micro-shares traded in *hour* and after."""
        return sum(shares for at, shares in self.by_hour.items() if at >= hour)


class Volumes:
    """Counts every match at the moment of it, settled or not, as the venue's own service does."""

    def __init__(self, world: World) -> None:
        self._scheduler = world.scheduler
        self._of: dict[str, Volume] = {}
        world.hub.listen(self._hear)

    def of(self, condition_id: str) -> Volume:
        """The volume of one market."""
        return self._of.get(condition_id) or Volume()

    def last_hours(self, condition_id: str, hours: int) -> int:
        """Micro-shares of the last *hours* hours, the running one included."""
        return self.of(condition_id).since(self._scheduler.now_ms // HOUR_MS - hours + 1)

    def _hear(self, event: Event) -> None:
        if not isinstance(event, BookTraded):
            return
        trade = event.trade
        volume = self._of.setdefault(trade.market.condition_id, Volume())
        volume.by_hour[trade.match_ms // HOUR_MS] += trade.shares
        volume.total += trade.shares
        volume.last_price = trade.price if trade.taker.outcome == 0 else 1_000_000 - trade.price
