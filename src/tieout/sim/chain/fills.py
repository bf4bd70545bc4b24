"""What a match consists of, and the three logs that the exchanges of both generations write alike."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.sim.chain.log import Emit
from tieout.sim.chain.state import Revert, State
from tieout.sim.model import BYTES32_ZERO, Side
from tieout.venue.topics import FEE_CHARGED, ORDER_FILLED, ORDERS_MATCHED

PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Fill:
    """One order's part. It gives `making` and receives `taking`: cash for shares in a BUY, shares for cash in a SELL.

    The fee is in cash: on top of `making` in a BUY, out of `taking` in a SELL.
    """

    order_hash: str
    wallet: str
    side: Side
    token: int
    making: int
    taking: int
    fee: int = 0
    builder: str = BYTES32_ZERO
    metadata: str = BYTES32_ZERO


def validate(state: State, exchange: str, tokens: tuple[int, int], taker: Fill, makers: tuple[Fill, ...]) -> None:
    """Refuse paused users, tokens of another condition, and makers that fit no match type."""
    if not makers:
        raise Revert("NoMakerOrders")
    for fill in (taker, *makers):
        if fill.token not in tokens:
            raise Revert("MismatchedTokenIds")
        paused_at = state.get((PAUSED, exchange, fill.wallet))
        if paused_at and state.block_number >= paused_at:
            raise Revert("UserIsPaused")
        if fill.side is Side.SELL and fill.fee > fill.taking:
            raise Revert("FeeExceedsProceeds")
    for maker in makers:
        if (maker.token == taker.token) == (maker.side == taker.side):
            raise Revert("MismatchedTokenIds")


def order_filled(emit: Emit, exchange: str, fill: Fill, taker: str, making: int, taking: int) -> None:
    """OrderFilled of one order; *taker* is the taker's wallet, or the exchange in the taker's own."""
    emit(
        exchange,
        ORDER_FILLED,
        (fill.order_hash, fill.wallet, taker),
        (int(fill.side), fill.token, making, taking, fill.fee, fill.builder, fill.metadata),
    )


def taker_filled(emit: Emit, exchange: str, taker: Fill, making: int, taking: int) -> None:
    """The taker's own OrderFilled, and OrdersMatched directly behind it."""
    order_filled(emit, exchange, taker, exchange, making, taking)
    emit(
        exchange,
        ORDERS_MATCHED,
        (taker.order_hash, taker.wallet),
        (int(taker.side), taker.token, making, taking),
    )


def fee_charged(emit: Emit, exchange: str, receiver: str, fee: int) -> None:
    """FeeCharged, nothing for a fee of 0."""
    if fee:
        emit(exchange, FEE_CHARGED, (receiver,), (fee,))
