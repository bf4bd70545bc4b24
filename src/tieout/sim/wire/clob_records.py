"""What the CLOB remembers beside the engine: trades by signer, last prices, price history, notifications.

Everything follows from the announcements of the world, so it is complete from the first request on as long as it is
made before the first trade.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from tieout.sim.engine.amounts import ONE
from tieout.sim.events import Event, LevelChanged, MarketResolved, OrderChanged, TradeChanged
from tieout.sim.model import Market, Order, Side, Trade, TradeStatus
from tieout.sim.wire.clob_notices import market_payload, order_payload
from tieout.sim.world import World

KEPT_NOTIFICATIONS = 1000
"""The newest ones of each signer; ours, the venue's bound is not published."""

CANCELLATION, FILL, RESOLVED, FILL_FAILED = 1, 2, 4, 8
"""Kinds of notification: `polymarket-client` 0.14.0, `models/clob/notifications.py`."""


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The last trade of a token: price in micro, the taker's side."""

    price: int
    side: Side


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of `/notifications`; `at_s` is unix seconds."""

    id: int
    owner: str
    at_s: int
    kind: int
    payload: dict[str, Any]


class Records:
    """Listens to one world from the moment it is made; trades that are there already are taken over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: set[str] = set()
        self._next_id = 1
        self.trades: dict[str, list[Trade]] = {}
        """Trades by signer, oldest first; a trade with oneself is there once."""
        self.by_market: dict[str, list[Trade]] = {}
        """Trades by condition id, oldest first."""
        self.last: dict[str, dict[int, LastTrade]] = {}
        """The last trade by condition id and outcome."""
        self.prices: dict[str, list[tuple[int, int]]] = {}
        """(unix seconds, micro price of outcome 0) by condition id, at most one a minute."""
        self.changed_ms: dict[str, int] = {}
        """When the book of a condition last changed."""
        self.notifications: dict[str, deque[Notification]] = {}
        for trade in world.exchange.trades.values():
            self._take(trade)
        world.hub.listen(self._on_event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged):
            self.changed_ms[event.market.condition_id] = self._world.scheduler.now_ms
        elif isinstance(event, TradeChanged):
            self._take(event.trade)
            self._notify_trade(event.trade)
        elif isinstance(event, OrderChanged):
            if event.kind == "CANCELLATION":
                self._notify(event.order, CANCELLATION, None)
        elif isinstance(event, MarketResolved):
            self._notify_resolved(event.market)

    # trades

    def _take(self, trade: Trade) -> None:
        if trade.id in self._seen:
            return
        self._seen.add(trade.id)
        for signer in trade.signers:
            self.trades.setdefault(signer, []).append(trade)
        self.by_market.setdefault(trade.market.condition_id, []).append(trade)
        self._note_price(trade)

    def _note_price(self, trade: Trade) -> None:
        condition, outcome = trade.market.condition_id, trade.taker.outcome
        last = self.last.setdefault(condition, {})
        last[outcome] = LastTrade(trade.price, trade.taker.side)
        other = Side.SELL if trade.taker.side is Side.BUY else Side.BUY
        last[1 - outcome] = LastTrade(ONE - trade.price, other)
        points = self.prices.setdefault(condition, [])
        point = trade.match_ms // 1000, last[0].price
        if points and points[-1][0] // 60 == point[0] // 60:
            points[-1] = point
        else:
            points.append(point)

    # notifications

    def _notify_trade(self, trade: Trade) -> None:
        if trade.status is TradeStatus.MINED:
            kind = FILL
        elif trade.status is TradeStatus.FAILED:
            kind = FILL_FAILED
        else:
            return
        for order in trade.orders:
            self._notify(order, kind, trade)

    def _notify(self, order: Order, kind: int, trade: Trade | None) -> None:
        owner = order.request.owner
        if self._world.keys.get(owner) is not None:
            self._add(order.request.signer, owner, kind, order_payload(order, trade))

    def _notify_resolved(self, market: Market) -> None:
        payload = market_payload(market)
        signers: dict[str, None] = {}
        for trade in self.by_market.get(market.condition_id, []):
            signers.update(dict.fromkeys(trade.signers))
        for signer in signers:
            for key in self._world.keys.of(signer)[:1]:
                self._add(signer, key.key, RESOLVED, payload)

    def _add(self, signer: str, owner: str, kind: int, payload: dict[str, Any]) -> None:
        kept = self.notifications.setdefault(signer, deque(maxlen=KEPT_NOTIFICATIONS))
        kept.append(Notification(self._next_id, owner, self._world.scheduler.now_s, kind, payload))
        self._next_id += 1

    def drop(self, signer: str, ids: set[int]) -> None:
        """Forget these notifications of a signer."""
        kept = self.notifications.get(signer)
        if kept:
            self.notifications[signer] = deque(
                (entry for entry in kept if entry.id not in ids), maxlen=KEPT_NOTIFICATIONS
            )
