"""Frames of the market channel as small values, read for control flow only (`polymarket.md` 3.2, samples ws_market_*).

Decoded straight into these: there are thousands a second, and a book needs few of their fields.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias, get_args

import msgspec

from tieout.ledger.units import MICRO
from tieout.venue import fields
from tieout.venue.wire import WireError, shown

Sizes = dict[int, int]
"""Levels of one side: price to size, both micro; none of size 0."""


class Change(msgspec.Struct, gc=False):
    """The new total at one price, 0 when the level is gone, and the best prices of the token after the frame."""

    asset_id: str
    price: str
    size: str
    side: str
    best_bid: str | None = None
    best_ask: str | None = None


class PriceChange(msgspec.Struct, gc=False, tag_field="event_type", tag="price_change"):
    """Changes of one market, as a rule of both its tokens."""

    price_changes: list[Change]
    timestamp: int


class Level(msgspec.Struct, gc=False):
    """One price of a snapshot."""

    price: str
    size: str


class Snapshot(msgspec.Struct, gc=False, tag_field="event_type", tag="book"):
    """The whole book of one token: on subscription, and after each trade."""

    asset_id: str
    bids: list[Level]
    asks: list[Level]
    timestamp: int


class TickChange(msgspec.Struct, gc=False, tag_field="event_type", tag="tick_size_change"):
    """The price grid of a token's market changed."""

    asset_id: str
    new_tick_size: str


class Resolved(msgspec.Struct, gc=False, tag_field="event_type", tag="market_resolved"):
    """A market has its outcome: it trades no more."""

    market: str


class NewMarket(msgspec.Struct, gc=False, tag_field="event_type", tag="new_market"):
    """A market began to trade."""


class LastTrade(msgspec.Struct, gc=False, tag_field="event_type", tag="last_trade_price"):
    """A trade happened; the snapshots after it say what it left."""


class BestPrices(msgspec.Struct, gc=False, tag_field="event_type", tag="best_bid_ask"):
    """The best prices of a token; each price change has them as well."""


Event: TypeAlias = PriceChange | Snapshot | TickChange | Resolved | NewMarket | LastTrade | BestPrices

FACTS = (TickChange, Resolved, NewMarket)
"""What is booked; the others are prices, which nobody books."""

_KNOWN = frozenset(kind.__struct_config__.tag for kind in get_args(Event))

# Not strict: times are whole numbers in text.
_decoder = msgspec.json.Decoder(Event | list[Event], strict=False)
_name_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MARKET = re.compile(rb'"market"\s*:\s*"(0x[0-9a-fA-F]{62,64})"')


def events_of(raw: bytes) -> list[Event]:
    """The events of a frame, which is one of them or an array. Raises WireError for one that cannot be read whole."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"frame: {shown(str(error), quoted=False)}") from None
    return found if isinstance(found, list) else [found]


def unknown_event(raw: bytes) -> str:
    """The event type of a frame that `events_of` refused, when it is one that nobody knows; "" otherwise."""
    try:
        name = msgspec.json.decode(_name_decoder.decode(raw).get("event_type", b"null"))
    except msgspec.DecodeError:
        return ""
    return shown(name, quoted=False) if isinstance(name, str) and name not in _KNOWN else ""


def ms_of(timestamp: int) -> int:
    """The time of a frame in milliseconds; seconds were seen in such fields too (`polymarket.md` 3.1)."""
    return timestamp if timestamp >= 10**11 else timestamp * 1000


def condition_of(event: Resolved) -> str:
    """The condition that was resolved. Raises WireError."""
    return fields.condition({"market": event.market})


def market_named(raw: bytes) -> str:
    """The condition id in a frame that cannot be read, if it is of one market; "" when nobody can tell."""
    found = _MARKET.search(raw) if raw[:1] == b"{" else None
    return fields.condition({"market": found[1].decode()}) if found else ""


@lru_cache(maxsize=16_384)
def price_of(text: str) -> int:
    """A price in micro, strictly between 0 and 1. Raises WireError."""
    return fields.price({"price": text})


@lru_cache(maxsize=65_536)
def size_of(text: str) -> int:
    """A size in micro, 0 or more. Raises WireError."""
    return fields.amount({"size": text}, "size")


def sizes_of(levels: list[Level]) -> Sizes:
    """One side of a snapshot. Raises WireError."""
    return {price_of(level.price): size for level in levels if (size := size_of(level.size))}


@lru_cache(maxsize=16_384)
def best_bid_of(text: str) -> int:
    """A best bid in micro, 0 where no one bids. Raises WireError."""
    return size_of(text) if text else 0


@lru_cache(maxsize=16_384)
def best_ask_of(text: str) -> int:
    """A best ask in micro, 1 where no one asks: the venue says 1 or 0. Raises WireError."""
    return (size_of(text) if text else 0) or MICRO


def is_bid(change: Change) -> bool:
    """Whether the level is on the side of the bids. Raises WireError for a side that is none."""
    if change.side == "BUY":
        return True
    if change.side == "SELL":
        return False
    raise WireError(f"side: expected BUY or SELL, was {shown(change.side)}")
