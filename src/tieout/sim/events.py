"""What the simulated venue announces, and the hub that hands it on. Listeners read the objects at once: they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tieout.sim.model import Market, Order, Side, Trade


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """`kind` is PLACEMENT, UPDATE or CANCELLATION, as on the user channel."""

    order: Order
    kind: str


@dataclass(frozen=True, slots=True)
class TradeChanged:
    """A new trade, or one whose status or hash changed."""

    trade: Trade


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The new total of one price level of one outcome's book (as a client sees it, mirrored orders included)."""

    market: Market
    outcome: int
    side: Side
    price: int
    size: int


@dataclass(frozen=True, slots=True)
class BookTraded:
    """A match changed the book of the market."""

    trade: Trade


@dataclass(frozen=True, slots=True)
class TickChanged:
    """The price grid of a market changed."""

    market: Market
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class MarketOpened:
    """A market began to trade."""

    market: Market


@dataclass(frozen=True, slots=True)
class MarketMigrated:
    """A market moved to the other token generation; its orders are gone."""

    market: Market


@dataclass(frozen=True, slots=True)
class MarketResolved:
    """The venue announced the resolution of a market; `market.payouts` are set."""

    market: Market


@dataclass(frozen=True, slots=True)
class KeyDeleted:
    """An API key is valid no longer."""

    key: str


Event = (
    OrderChanged
    | TradeChanged
    | LevelChanged
    | BookTraded
    | TickChanged
    | MarketOpened
    | MarketMigrated
    | MarketResolved
    | KeyDeleted
)


class Hub:
    """Hands every announcement to every listener, at once and in order."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call *listener* for everything announced from now on."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Event], None]) -> None:
        """Stop calling *listener*."""
        self._listeners.remove(listener)

    def announce(self, event: Event) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            listener(event)
