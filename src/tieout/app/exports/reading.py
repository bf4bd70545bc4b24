"""What every part of an export works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from tieout.app.exports.request import ExportRequest
from tieout.store.streams import Window
from tieout.store.wallets import Head

Progress = Callable[[str, int, int], None]
"""(what is being done, how far, of how many)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One export under way: whose books, up to which entry of the log, and what was asked."""

    connection: asyncpg.Connection
    wallet: str
    wallet_id: int
    head: Head
    request: ExportRequest
    progress: Progress

    @property
    def window(self) -> Window:
        """The part of the time that was asked for."""
        return (self.request.since_ms, self.request.until_ms)

    def in_window(self, at_ms: int) -> bool:
        """Whether a row of that time was asked for."""
        since_ms, until_ms = self.window
        return (since_ms is None or at_ms >= since_ms) and (until_ms is None or at_ms < until_ms)
