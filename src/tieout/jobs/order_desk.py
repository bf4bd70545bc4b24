"""Orders in two phases: the intent is booked, then sent, then the outcome is booked; an unknown outcome is asked for.

The id of an order is known before it is sent (it is the digest that is signed), so whatever happens in between, the
books know what to ask the venue about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tieout.client.answers import CancelAnswer, Placed
from tieout.client.clob_account import ClobAccount
from tieout.client.clob_orders import ClobOrders
from tieout.client.clock import Clock
from tieout.client.errors import ErrorKind, Rejected, VenueError
from tieout.client.orders import OrderSigner, OrderWanted, SignedOrder
from tieout.ledger.facts import AnyFact, OrderClosed, OrderIntended, OrderPlaced, OrderRejected

BookFacts = Callable[[Sequence[AnyFact]], Awaitable[None]]
"""Books facts of our own; returns when they are committed."""

ASK_AGAIN_MS = (250, 1_000, 4_000)
"""When to ask about an order of unknown outcome: a request may still be on its way when its answer was given up."""

READ_BACK_S = 60
"""Trades are read from so long before the order: the two clocks are not the same."""


class Fate(StrEnum):
    """What became of a placement."""

    PLACED = "placed"
    REJECTED = "rejected"
    NEVER_ARRIVED = "never arrived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The order and what became of it; `text` is the venue's word where it said one."""

    order: SignedOrder
    fate: Fate
    text: str = ""


class OrderDesk:
    """Places and cancels the orders of one wallet. The venue's answers are booked by the recorder of its client."""

    def __init__(
        self, orders: ClobOrders, account: ClobAccount, signer: OrderSigner, book: BookFacts, clock: Clock
    ) -> None:
        self._orders = orders
        self._account = account
        self._signer = signer
        self._book = book
        self._clock = clock
        self.unknown: dict[str, tuple[SignedOrder, str]] = {}
        """Orders (and their condition) whose outcome nobody could tell yet; `settle_unknown` asks again."""

    async def place(self, wanted: OrderWanted, condition_id: str) -> Outcome:
        """Book the intent, send it, resolve what became of it. Raises OffGridError, and nothing the venue does."""
        order = self._signer.sign(wanted, self._clock.now_ms())
        await self._book([OrderIntended(**_terms(order, condition_id))])
        try:
            answer = await self._orders.place(order)
        except VenueError as error:
            if error.kind is not ErrorKind.AMBIGUOUS:
                return await self._rejected(order, condition_id, str(error))
            self.unknown[order.order_id] = (order, condition_id)
            return await self._resolve(order, condition_id)
        if isinstance(answer, Placed):
            # The answer names no terms, and the next cycle must not have to wait for the channel to know of the order.
            await self._book([OrderPlaced(**_terms(order, condition_id), expiration_s=wanted.expiration_s)])
            return Outcome(order, Fate.PLACED, answer.status)
        if answer.is_duplicate:
            self.unknown[order.order_id] = (order, condition_id)
            return await self._resolve(order, condition_id)
        return await self._rejected(order, condition_id, _words(answer))

    async def cancel(self, order_ids: Sequence[str], condition_id: str = "", since_s: int = 0) -> CancelAnswer:
        """Cancel, and read the trades again: an answer never says what was filled before it. Raises VenueError."""
        answer = await self._orders.cancel_many(order_ids)
        await self._account.trades(market=condition_id, after_s=max(since_s - READ_BACK_S, 0))
        return answer

    async def settle_unknown(self) -> list[Outcome]:
        """Ask about every order of unknown outcome once more."""
        return [await self._resolve(order, condition_id) for order, condition_id in list(self.unknown.values())]

    async def _resolve(self, order: SignedOrder, condition_id: str) -> Outcome:
        """Find out by reading; only when the venue denies it again and again is it booked as never arrived.

        Before that it is cancelled, in case it rests after all. Should the request arrive even later, the order is
        found by the comparison of open orders, as one that the books call closed.
        """
        for wait_ms in ASK_AGAIN_MS:
            await self._clock.sleep(wait_ms)
            try:
                if await self._is_known(order, condition_id):
                    del self.unknown[order.order_id]
                    return Outcome(order, Fate.PLACED, "found by asking")
            except VenueError as error:
                return Outcome(order, Fate.UNKNOWN, str(error))
        try:
            answer = await self._orders.cancel(order.order_id)
            known = bool(answer.canceled) or await self._is_known(order, condition_id)
        except VenueError as error:
            return Outcome(order, Fate.UNKNOWN, str(error))
        del self.unknown[order.order_id]
        if known:
            return Outcome(order, Fate.PLACED, "found by cancelling")
        reason = "never arrived: neither open nor traded after its answer was lost"
        await self._book([_closed(order, condition_id, reason)])
        return Outcome(order, Fate.NEVER_ARRIVED, reason)

    async def _is_known(self, order: SignedOrder, condition_id: str) -> bool:
        """The venue shows the order: open, or in a trade. What it shows is booked on the way."""
        if await self._account.open_order(order.order_id) is not None:
            return True
        after_s = max(order.placed_at_ms // 1000 - READ_BACK_S, 0)
        trades = await self._account.trades(market=condition_id, after_s=after_s)
        return any(
            order.order_id in (trade.taker_order_id, *(leg.order_id for leg in trade.legs)) for trade in trades.rows
        )

    async def _rejected(self, order: SignedOrder, condition_id: str, text: str) -> Outcome:
        await self._book(
            [
                OrderRejected(
                    order_id=order.order_id,
                    token_id=order.wanted.token_id,
                    condition_id=condition_id,
                    reason=text,
                    occurred_at_ms=self._clock.now_ms(),
                )
            ]
        )
        return Outcome(order, Fate.REJECTED, text)


def _terms(order: SignedOrder, condition_id: str) -> dict[str, Any]:
    """What the intent and the placement of an order both say."""
    wanted = order.wanted
    return {
        "order_id": order.order_id,
        "token_id": wanted.token_id,
        "condition_id": condition_id,
        "side": wanted.side,
        "price": wanted.price,
        "size": order.shares,
        "order_type": wanted.order_type,
        "occurred_at_ms": order.placed_at_ms,
    }


def _closed(order: SignedOrder, condition_id: str, reason: str) -> OrderClosed:
    return OrderClosed(
        order_id=order.order_id,
        token_id=order.wanted.token_id,
        condition_id=condition_id,
        reason=reason,
        occurred_at_ms=order.placed_at_ms,
    )


def _words(rejection: Rejected) -> str:
    return rejection.text or f"refused with status {rejection.status}"
