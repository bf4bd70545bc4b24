"""How long each fill took from the socket to committed books (T4)."""

from __future__ import annotations

from typing import Any

from tieout.venue.wire import WireError, parse

KEPT = 2_000


class FillLatency:
    """The last fills by trade id, each with what its first frame took. Milliseconds."""

    def __init__(self) -> None:
        self._by_trade: dict[str, int] = {}

    def note(self, raw: bytes, ms: int) -> None:
        """A frame of the user channel is in the books *ms* after the socket brought it."""
        for trade_id in _trades(raw):
            if trade_id not in self._by_trade:
                self._by_trade[trade_id] = ms
        while len(self._by_trade) > KEPT:
            del self._by_trade[next(iter(self._by_trade))]

    def of(self, trade_id: str) -> int | None:
        """What that trade's first frame took; None when no frame told it."""
        return self._by_trade.get(trade_id)

    def quantile(self, per_mille: int) -> int | None:
        """The smallest latency that so many per mille of the fills did not exceed; None without fills."""
        ordered = sorted(self._by_trade.values())
        return ordered[max(-(-len(ordered) * per_mille // 1_000), 1) - 1] if ordered else None


def _trades(raw: bytes) -> list[str]:
    """The ids of the trades that a frame tells; a frame that cannot be read tells none."""
    try:
        value: Any = parse(raw)
    except WireError:
        return []
    rows = value if isinstance(value, list) else [value]
    return [
        row["id"]
        for row in rows
        if isinstance(row, dict) and row.get("event_type") == "trade" and isinstance(row.get("id"), str)
    ]
