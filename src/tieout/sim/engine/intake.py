"""What the engine asks of a new order before the book sees it: amounts, grid, sizes, dates."""

from __future__ import annotations

from tieout.sim.engine.amounts import AMOUNT_DECIMALS, CENT, ONE, on_grid
from tieout.sim.engine.rejections import Reason, Rejected
from tieout.sim.model import Market, Order, OrderKind, OrderRequest, Side

GTD_MARGIN_S = 60
"""A GTD order must outlive now by this much; it leaves the book that much before its date (`polymarket.md` 1.3)."""


def read_order(request: OrderRequest, market: Market, now_ms: int) -> Order:
    """The order a request describes. Raises Rejected when its amounts, price, size or date are not allowed."""
    making, taking = request.maker_amount, request.taker_amount
    if making <= 0 or taking <= 0:
        raise Rejected(Reason.AMOUNTS)
    market_order = request.kind in (OrderKind.FOK, OrderKind.FAK)
    buying = request.side is Side.BUY
    cash, size = (making, taking) if buying else (taking, making)
    price = _price(cash, size, market.tick, market_order=market_order)
    _check_dates(request, now_ms)
    if request.post_only and market_order:
        raise Rejected(Reason.POST_ONLY_KIND)
    if not market.tick <= price <= ONE - market.tick:
        raise Rejected(Reason.PRICE_RANGE, price=price, tick=market.tick)
    if not on_grid(price, market.tick):
        raise Rejected(Reason.TICK, price=price, tick=market.tick)
    _check_accuracy(request, cash, size, market.tick, market_order=market_order)
    if not market_order and size < market.min_size:
        raise Rejected(Reason.MIN_SIZE, size=size, min_size=market.min_size)
    budget = cash if market_order and buying else None
    return Order(request, market, market.tokens.index(request.token), price, size, budget, now_ms)


def _price(cash: int, size: int, tick: int, *, market_order: bool) -> int:
    """The limit price in micro.

    A resting order states it exactly. A market order has rounded one of its amounts to some decimals, so its price is
    the nearest one on the grid if the rounding of either amount explains the difference.
    """
    exact = (2 * cash * ONE + size) // (2 * size)
    if not market_order:
        return exact
    nearest = (exact + tick // 2) // tick * tick
    slack = ONE * CENT // size + 1
    return nearest if abs(nearest - exact) <= slack else exact


def _check_dates(request: OrderRequest, now_ms: int) -> None:
    dated = request.expiration > 0
    if dated != (request.kind is OrderKind.GTD):
        raise Rejected(Reason.EXPIRATION)
    if dated and request.expiration <= now_ms // 1000 + GTD_MARGIN_S:
        raise Rejected(Reason.EXPIRATION)


def _check_accuracy(request: OrderRequest, cash: int, size: int, tick: int, *, market_order: bool) -> None:
    """Sizes have two decimals; of a market BUY the cash has two and the shares those of the tick (four for 0.01)."""
    if market_order and request.side is Side.BUY:
        if cash % CENT or size % 10 ** (6 - AMOUNT_DECIMALS[tick]):
            raise Rejected(Reason.ACCURACY, cash=cash, size=size)
    elif size % CENT:
        raise Rejected(Reason.ACCURACY, cash=cash, size=size)
