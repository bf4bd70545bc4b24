"""How a market's life goes on: its grid changes, it pauses, moves to the other token generation, and is resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.sim.engine.amounts import ONE, TICKS, on_grid
from tieout.sim.events import MarketMigrated, MarketOpened, MarketResolved, TickChanged
from tieout.sim.model import Market, Order, OrderStatus

if TYPE_CHECKING:
    from tieout.sim.engine.exchange import Exchange


def open_market(exchange: Exchange, market: Market) -> None:
    """Let *market* trade from now on."""
    exchange.add_market(market)
    exchange.announce(MarketOpened(market))


def orders_of(exchange: Exchange, market: Market) -> list[Order]:
    """Every open order of the market."""
    return [order for orders in exchange.open.values() for order in orders.values() if order.market is market]


def change_tick(exchange: Exchange, market: Market, tick: int) -> None:
    """Change the price grid; resting orders that are no longer on it are cancelled."""
    if tick not in TICKS:
        raise ValueError(f"tick: expected one of {TICKS}, was {tick}")
    old, market.tick = market.tick, tick
    exchange.announce(TickChanged(market, old, tick))
    off_grid = [order for order in orders_of(exchange, market) if not on_grid(order.price, tick)]
    exchange.cancel_many(off_grid, OrderStatus.INVALID)


def migrate_market(exchange: Exchange, market: Market) -> None:
    """Trade the market as Protocol V2 from now on. Open orders are wiped, as at the cutover of 2026-04-28."""
    _cancel_all(exchange, market, OrderStatus.INVALID)
    market.version = "v2"
    exchange.announce(MarketMigrated(market))


def resolve_market(exchange: Exchange, market: Market, payouts: tuple[int, int]) -> None:
    """Stop trading and set the payouts (micro per share, together 1). The caller reports them on chain."""
    if sum(payouts) != ONE or min(payouts) < 0:
        raise ValueError(f"payouts: expected two that make {ONE} together, were {payouts}")
    market.accepting_orders = False
    market.payouts = payouts
    market.closed_ms = exchange.now_ms
    _cancel_all(exchange, market, OrderStatus.CANCELED_MARKET_RESOLVED)
    exchange.announce(MarketResolved(market))


def _cancel_all(exchange: Exchange, market: Market, status: OrderStatus) -> None:
    for order in orders_of(exchange, market):
        exchange.cancel_order(order, status)
