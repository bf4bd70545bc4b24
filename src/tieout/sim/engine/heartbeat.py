"""The order heartbeat: once a key has sent one, its silence cancels all its orders (`polymarket.md` 1.3)."""

from __future__ import annotations

from tieout.sim.engine.exchange import Exchange
from tieout.sim.rng import Stream, drawn_uuid
from tieout.sim.scheduler import Planned, Scheduler

SILENCE_MS = 10_000
GRACE_MS = 5_000
"""The venue acts up to this much late."""


class WrongHeartbeatError(Exception):
    """The id sent is not the last one given; `expected` is. The deadline stays."""

    def __init__(self, expected: str) -> None:
        super().__init__("Invalid Heartbeat ID")
        self.expected = expected


class Heartbeats:
    """The last id of every key that armed the heartbeat; there is no way to disarm it."""

    def __init__(self, scheduler: Scheduler, exchange: Exchange, stream: Stream) -> None:
        self._scheduler = scheduler
        self._exchange = exchange
        self._stream = stream
        self._last: dict[str, str] = {}
        self._deadline: dict[str, Planned] = {}

    def beat(self, key: str, heartbeat_id: str) -> str:
        """Take a heartbeat of an API key, give the id for the next. Raises WrongHeartbeatError."""
        expected = self._last.get(key, "")
        if heartbeat_id != expected:
            raise WrongHeartbeatError(expected)
        if planned := self._deadline.get(key):
            planned.cancel()
        self._last[key] = drawn_uuid(self._stream)
        wait = SILENCE_MS + self._stream.randrange(GRACE_MS)
        self._deadline[key] = self._scheduler.after(wait, lambda: self._silence(key))
        return self._last[key]

    def _silence(self, key: str) -> None:
        orders = [order for orders in self._exchange.open.values() for order in orders.values()]
        self._exchange.cancel_many(order for order in orders if order.request.owner == key)
