"""The one protocol a strategy implements: from a situation to the quotes it wants. Write your own like `Ladder`.

A strategy is a pure function: the same situation gives the same answer. It reads no clock, keeps nothing between calls
and sends nothing; risk caps and the difference to what rests are applied to whatever it says.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from tieout.quoting.params import Params
from tieout.quoting.views import BookView, Holding, MarketView, Quote, Resting


class Situation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything a strategy may know. `book` is without our own orders; they are in `resting`."""

    market: MarketView
    book: BookView
    holding: Holding
    resting: tuple[Resting, ...] = ()
    params: Params
    now_ms: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The quotes to have, the most important first; `reason` says why there are none or fewer, else is empty.

    `fair` is the YES price they were made from, None when there is none.
    """

    quotes: tuple[Quote, ...] = ()
    reason: str = ""
    fair: int | None = None


class Strategy(Protocol):
    """Decides what to quote."""

    def wanted(self, situation: Situation) -> Wanted:
        """The quotes to have in this situation."""
        ...
