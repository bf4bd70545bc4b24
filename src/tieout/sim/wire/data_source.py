"""What both versions of the Data API read: the index, the markets, present prices, and what the index hides."""

from __future__ import annotations

from collections.abc import Iterable

from tieout.sim.index.holdings import Holding
from tieout.sim.index.index import Index
from tieout.sim.index.rows import Row
from tieout.sim.index.seen import Seen
from tieout.sim.model import Market
from tieout.sim.wire.data_shapes import Place, Stated
from tieout.sim.wire.market_shapes import shown_prices
from tieout.sim.world import World


class Source:
    """`unlabeled` and `archived` are condition ids: rows of the first name no outcome, positions of the second hide."""

    def __init__(self, world: World, index: Index) -> None:
        self.world = world
        self.unlabeled: set[str] = set()
        self.archived: set[str] = set()
        self._index = index

    @property
    def now_s(self) -> int:
        """The venue's clock in seconds."""
        return self.world.scheduler.now_s

    def read(self) -> Seen:
        """What shows now."""
        return self._index.read()

    def market(self, condition_id: str) -> Market | None:
        """The market of a condition id, of the CTF or structured (Protocol V2); None for any other text."""
        exchange = self.world.exchange
        return exchange.markets.get(condition_id) or exchange.by_token.get(_structured(condition_id))

    def labeled(self, row: Row) -> bool:
        """The index knows the outcomes of the row's market."""
        return row.condition_id not in self.unlabeled

    def within(self, row: Row, conditions: set[str], events: set[str]) -> bool:
        """The row belongs to one of the markets and one of the events; empty sets hold everything."""
        if not conditions and not events:
            return True
        market = self.market(row.condition_id)
        if market is None:
            return False
        known = row.condition_id in conditions or market.condition_id in conditions or not conditions
        return known and (market.event_id in events or not events)

    def event_of(self, condition_id: str) -> str:
        """The event id of a condition; "" when it is unknown."""
        market = self.market(condition_id)
        return market.event_id if market else ""

    def stated(self, holdings: Iterable[Holding]) -> list[Stated]:
        """Holdings as the index states them."""
        return [self._state(holding) for holding in holdings]

    def price(self, token: int) -> int:
        """The present price of a token in micro: payout, middle of the book, or a half."""
        market = self.world.exchange.by_token[token]
        place = Place.of(market, token)
        return shown_prices(market, self.world.exchange.books[market.condition_id])[place.outcome]

    def open_interest(self, condition_id: str | None) -> int:
        """Full sets that wallets hold of a market, or of all (None): the larger side, both generations together."""
        markets = [self.market(condition_id)] if condition_id else self.world.exchange.markets.values()
        return sum(self._sets(market) for market in markets if market is not None)

    def _sets(self, market: Market) -> int:
        holders = self.read().holders
        sides = zip(market.ctf_tokens, market.position_ids, strict=True)
        return max(sum(h.size for token in side for h in holders.get(token, {}).values()) for side in sides)

    def _state(self, holding: Holding) -> Stated:
        market = self.world.exchange.by_token[holding.token]
        place = Place.of(market, holding.token)
        other = self.read().holdings.get(holding.wallet, {}).get(place.opposite)
        pair = min(holding.size, other.size) if other else 0
        mergeable = pair > 0 and not market.closed
        return Stated(holding, place, self.price(holding.token), mergeable, market.condition_id in self.archived)


def _structured(condition_id: str) -> int:
    """A structured condition id as the token id of its first outcome, which it equals; 0 for any other text."""
    return int(condition_id, 16) if condition_id[:4] in ("0x01", "0x02") and condition_id.endswith("00") else 0
