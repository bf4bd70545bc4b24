"""What the control API shows: the world as it knows itself, without lag, floors or rounding, in micro-units."""

from __future__ import annotations

from typing import Any

from tieout.sim.chain.state import TOKENS
from tieout.sim.engine.book import Book
from tieout.sim.model import Leg, Market, Order, Side, Trade
from tieout.sim.world import World


def state_view(world: World) -> dict[str, Any]:
    """The clock, the chain and how much there is of everything."""
    exchange, chain = world.exchange, world.chain
    return {
        "seed": world.chance.seed,
        "now_ms": world.scheduler.now_ms,
        "block": {"number": chain.head.number, "hash": chain.head.hash, "finalized": chain.finalized},
        "pending_transactions": len(chain.pending),
        "orders": len(exchange.orders),
        "open_orders": sum(map(len, exchange.open.values())),
        "trades": len(exchange.trades),
        "modes": {
            "cancel_only": exchange.modes.cancel_only,
            "post_only": exchange.modes.post_only,
            "closed_only": sorted(exchange.modes.closed_only),
        },
        "markets": [market_view(market, exchange.books[market.condition_id]) for market in exchange.markets.values()],
    }


def market_view(market: Market, book: Book) -> dict[str, Any]:
    """A market with its best prices of outcome 0."""
    return {
        "number": market.number,
        "condition_id": market.condition_id,
        "slug": market.slug,
        "question": market.question,
        "outcomes": list(market.outcomes),
        "tokens": [str(token) for token in market.tokens],
        "version": market.version,
        "neg_risk": market.neg_risk,
        "tick": market.tick,
        "min_size": market.min_size,
        "best_bid": book.best(0, Side.BUY),
        "best_ask": book.best(0, Side.SELL),
        "accepting_orders": market.accepting_orders,
        "end_ms": market.end_ms,
        "payouts": list(market.payouts) if market.payouts else None,
    }


def book_view(market: Market, book: Book, now_ms: int) -> dict[str, Any]:
    """Both outcomes' bids and asks, best first, as (price, size)."""
    sides = [
        {"bids": book.side(outcome, Side.BUY), "asks": book.side(outcome, Side.SELL)}
        for outcome in range(len(market.outcomes))
    ]
    return {"now_ms": now_ms, "market": market_view(market, book), "books": sides}


def truth_view(world: World, wallet: str) -> dict[str, Any]:
    """What is true of one wallet: balances at the head, open orders, every fill of its own with its last status."""
    chain = world.chain
    balances = [
        {"ledger": str(slot[1]), "token_id": str(slot[3]), "shares": shares}
        for slot, shares in chain.state.of_kind(TOKENS)
        if slot[2] == wallet and shares
    ]
    orders = [order for order in world.exchange.orders.values() if order.request.wallet == wallet]
    fills = [fill for trade in world.exchange.trades.values() for fill in fills_of(trade, wallet)]
    return {
        "wallet": wallet,
        "now_ms": world.scheduler.now_ms,
        "block": {"number": chain.head.number, "hash": chain.head.hash},
        "cash": chain.cash(wallet),
        "tokens": balances,
        "open_orders": [order_view(order) for order in orders if order.open],
        "closed_orders": [order_view(order) for order in orders if not order.open],
        "fills": fills,
    }


def order_view(order: Order) -> dict[str, Any]:
    """One order."""
    return {
        "order_id": order.id,
        "condition_id": order.market.condition_id,
        "token_id": str(order.request.token),
        "side": order.side.name,
        "kind": str(order.request.kind),
        "price": order.price,
        "size": order.size,
        "matched": order.matched,
        "spent": order.spent,
        "status": str(order.status),
        "note": order.note,
        "trades": list(order.trades),
    }


def fills_of(trade: Trade, wallet: str) -> list[dict[str, Any]]:
    """The parts of a trade that are the wallet's: as taker, as maker of some legs, or both."""
    fills = []
    if trade.taker.request.wallet == wallet:
        fills.append(_fill(trade, trade.taker, "TAKER", trade.shares, trade.cash, trade.fee))
    fills += [_maker_fill(trade, leg) for leg in trade.legs if leg.maker.request.wallet == wallet]
    return fills


def _maker_fill(trade: Trade, leg: Leg) -> dict[str, Any]:
    return _fill(trade, leg.maker, "MAKER", leg.shares, leg.cash, 0) | {"match": str(leg.kind)}


def _fill(trade: Trade, order: Order, role: str, shares: int, cash: int, fee: int) -> dict[str, Any]:
    return {
        "trade_id": trade.id,
        "order_id": order.id,
        "condition_id": order.market.condition_id,
        "token_id": str(order.request.token),
        "side": order.side.name,
        "role": role,
        "shares": shares,
        "cash": cash,
        "fee": fee,
        "status": str(trade.status),
        "tx_hash": trade.tx_hash,
        "match_ms": trade.match_ms,
        "error": trade.error,
    }
