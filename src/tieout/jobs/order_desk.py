"""Orders in two phases: the intent is booked, then sent, then the outcome is booked; an unknown outcome is asked for.

The id of an order is known before it is sent (it is the digest that is signed), so whatever happens in between, the
books know what to ask the venue about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg

from tieout.client.answers import CancelAnswer, Placed
from tieout.client.clob_account import ClobAccount
from tieout.client.clob_orders import PLACE_MAX, ClobOrders
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


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that has to be asked for: what is enough to find it at the venue, also after a restart."""

    order_id: str
    token_id: str
    condition_id: str
    placed_at_ms: int


@dataclass(frozen=True, slots=True)
class Found:
    """What asking for an order came to."""

    asked: Asked
    fate: Fate
    text: str = ""


_INTENDED = (
    "SELECT order_id, token_id, condition_id, placed_at_ms FROM orders WHERE wallet_id = $1 AND state = 'intended' "
    "ORDER BY placed_at_ms, order_id"
)


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
        self.unknown: dict[str, Asked] = {}
        """Orders whose outcome nobody could tell yet; `settle_unknown` asks again."""

    async def place(self, wanted: OrderWanted, condition_id: str) -> Outcome:
        """Book the intent, send it, resolve what became of it. Raises OffGridError, and nothing the venue does."""
        return (await self.place_many([(wanted, condition_id)]))[0]

    async def place_many(self, wanted: Sequence[tuple[OrderWanted, str]]) -> list[Outcome]:
        """Place orders (each with its condition): all intents are booked first, then sent in parts of PLACE_MAX.

        Raises OffGridError before anything is booked, and nothing the venue does.
        """
        now_ms = self._clock.now_ms()
        orders = [(self._signer.sign(order, now_ms), condition) for order, condition in wanted]
        await self._book([OrderIntended(**_terms(order, condition)) for order, condition in orders])
        outcomes: list[Outcome] = []
        for start in range(0, len(orders), PLACE_MAX):
            outcomes += await self._send_part(orders[start : start + PLACE_MAX])
        return outcomes

    async def _send_part(self, orders: Sequence[tuple[SignedOrder, str]]) -> list[Outcome]:
        """Send up to PLACE_MAX orders; what became of each is booked together."""
        answers: Sequence[Placed | Rejected | VenueError]
        try:
            answers = await self._orders.place_many([order for order, _ in orders])
        except VenueError as error:
            answers = [error] * len(orders)
        outcomes: list[Outcome | None] = []
        facts: list[AnyFact] = []
        for (order, condition), answer in zip(orders, answers, strict=True):
            if isinstance(answer, Placed):
                facts.append(OrderPlaced(**_terms(order, condition), expiration_s=order.wanted.expiration_s))
                outcomes.append(Outcome(order, Fate.PLACED, answer.status))
            elif _is_unknown(answer):
                self.unknown[order.order_id] = _asked(order, condition)
                outcomes.append(None)
            else:
                text = str(answer) if isinstance(answer, VenueError) else _words(answer)
                facts.append(self._rejection(order, condition, text))
                outcomes.append(Outcome(order, Fate.REJECTED, text))
        if facts:
            await self._book(facts)
        return [
            outcome if outcome is not None else await self._outcome(order)
            for (order, _), outcome in zip(orders, outcomes, strict=True)
        ]

    async def cancel(self, order_ids: Sequence[str], condition_id: str = "", since_s: int = 0) -> CancelAnswer:
        """Cancel, and read the trades again: an answer never says what was filled before it. Raises VenueError."""
        answer = await self._orders.cancel_many(order_ids)
        await self._account.trades(market=condition_id, after_s=max(since_s - READ_BACK_S, 0))
        return answer

    async def settle_unknown(self) -> list[Found]:
        """Ask about every order of unknown outcome once more."""
        return [await self._resolve(asked) for asked in list(self.unknown.values())]

    async def resume(self, connection: asyncpg.Connection, wallet_id: int) -> list[Found]:
        """Ask about every intent without an outcome: the process may have died between sending and hearing (D1, P3).

        What cannot be told yet stays in `unknown`.
        """
        for row in await connection.fetch(_INTENDED, wallet_id):
            self.unknown[row["order_id"]] = Asked(
                row["order_id"], row["token_id"], row["condition_id"], row["placed_at_ms"]
            )
        return await self.settle_unknown()

    async def _outcome(self, order: SignedOrder) -> Outcome:
        found = await self._resolve(self.unknown[order.order_id])
        return Outcome(order, found.fate, found.text)

    async def _resolve(self, asked: Asked) -> Found:
        """Find out by reading; only when the venue denies it again and again is it booked as never arrived.

        Before that it is cancelled, in case it rests after all. Should the request arrive even later, the order is
        found by the comparison of open orders, as one that the books call closed.
        """
        for wait_ms in ASK_AGAIN_MS:
            await self._clock.sleep(wait_ms)
            try:
                if await self._is_known(asked):
                    del self.unknown[asked.order_id]
                    return Found(asked, Fate.PLACED, "found by asking")
            except VenueError as error:
                return Found(asked, Fate.UNKNOWN, str(error))
        try:
            answer = await self._orders.cancel(asked.order_id)
            known = bool(answer.canceled) or await self._is_known(asked)
        except VenueError as error:
            return Found(asked, Fate.UNKNOWN, str(error))
        del self.unknown[asked.order_id]
        if known:
            return Found(asked, Fate.PLACED, "found by cancelling")
        reason = "never arrived: neither open nor traded after its answer was lost"
        await self._book([_closed(asked, reason)])
        return Found(asked, Fate.NEVER_ARRIVED, reason)

    async def _is_known(self, asked: Asked) -> bool:
        """The venue shows the order: open, or in a trade. What it shows is booked on the way."""
        if await self._account.open_order(asked.order_id) is not None:
            return True
        after_s = max(asked.placed_at_ms // 1000 - READ_BACK_S, 0)
        trades = await self._account.trades(market=asked.condition_id, after_s=after_s)
        return any(
            asked.order_id in (trade.taker_order_id, *(leg.order_id for leg in trade.legs)) for trade in trades.rows
        )

    def _rejection(self, order: SignedOrder, condition_id: str, text: str) -> OrderRejected:
        return OrderRejected(
            order_id=order.order_id,
            token_id=order.wanted.token_id,
            condition_id=condition_id,
            reason=text,
            occurred_at_ms=self._clock.now_ms(),
        )


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


def _asked(order: SignedOrder, condition_id: str) -> Asked:
    return Asked(order.order_id, order.wanted.token_id, condition_id, order.placed_at_ms)


def _closed(asked: Asked, reason: str) -> OrderClosed:
    return OrderClosed(
        order_id=asked.order_id,
        token_id=asked.token_id,
        condition_id=asked.condition_id,
        reason=reason,
        occurred_at_ms=asked.placed_at_ms,
    )


def _is_unknown(answer: Rejected | VenueError) -> bool:
    """Whether the order may be at the venue all the same."""
    if isinstance(answer, Rejected):
        return answer.is_duplicate
    return answer.kind is ErrorKind.AMBIGUOUS


def _words(rejection: Rejected) -> str:
    return rejection.text or f"refused with status {rejection.status}"
