"""What a feed says, as values. After every `Connected` the caller re-reads by REST; until then the feed is not live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is open and subscribed: what happens from now on will come, what happened before may be missing."""

    feed: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came: an object, an array of them, or a word of the venue's. Journal it, then decode it."""

    feed: str
    raw: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages since *since_ms* may be missing: the connection ended, or *dropped* frames found no room in the queue.

    A `Connected` follows when the feed is up again; for dropped frames, at once.
    """

    feed: str
    reason: str
    since_ms: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Silent:
    """The connection lives (PONGs come) and no event has come for *ms*: compare with REST (`polymarket.md` 3.1)."""

    feed: str
    ms: int


Signal: TypeAlias = Connected | Frame | Gap | Silent
