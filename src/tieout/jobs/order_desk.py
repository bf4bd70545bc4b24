"""Orders in two phases: the intent is booked, then sent, then the outcome is booked; an unknown outcome is asked for.

The id of an order is known before it is sent (it is the digest that is signed), so whatever happens in between, the
books know what to ask the venue about, also after the process was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tieout.client.answers import CancelAnswer, Placed
from tieout.client.clob_account import ClobAccount
from tieout.client.clob_orders import PLACE_MAX, ClobOrders
from tieout.client.clock import Clock
from tieout.client.errors import ErrorKind, Rejected, VenueError
from tieout.client.orders import OrderSigner, OrderWanted, SignedOrder
from tieout.jobs.job import BookFacts
from tieout.jobs.order_questions import Answer, OrderQuestions, or_error, says_over, trades_from_s
from tieout.jobs.order_questions import Fate as Fate
from tieout.jobs.own_orders import Sent, unresolved_intents
from tieout.ledger.facts import AnyFact, OrderClosed, OrderIntended, OrderPlaced, OrderRejected

UNMENTIONED = "the venue did not say what became of its cancel"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The order and what became of it; `text` is the venue's word where it said one."""

    order: SignedOrder
    fate: Fate
    text: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order whose outcome was not known."""

    order_id: str
    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class CancelReport:
    """What became of cancels. What is in `resting` stays live in the books: only the venue ends an order (P5)."""

    canceled: tuple[str, ...] = ()
    ended: Mapping[str, str] = field(default_factory=dict)
    """Had ended before (filled, or cancelled otherwise), with the venue's word for it."""
    resting: Mapping[str, str] = field(default_factory=dict)
    """Open still, or nobody could tell, with the reason."""


class OrderDesk:
    """Places and cancels the orders of one wallet. The venue's answers are booked by the recorder of its client."""

    def __init__(
        self, orders: ClobOrders, account: ClobAccount, signer: OrderSigner, book: BookFacts, clock: Clock
    ) -> None:
        self._orders = orders
        self._signer = signer
        self._questions = OrderQuestions(orders, account, clock)
        self._in_flight: set[str] = set()
        self.account = account
        self.book = book
        self.clock = clock
        self.unknown: dict[str, Sent] = {}
        """Orders sent whose outcome is not booked; `settle_unknown` asks about them."""

    async def place(self, wanted: OrderWanted, condition_id: str) -> Outcome:
        """Place one order. Raises as `place_many`."""
        (outcome,) = await self.place_many([(wanted, condition_id)])
        return outcome

    async def place_many(self, wanted: Sequence[tuple[OrderWanted, str]]) -> list[Outcome]:
        """Place orders (each with its condition): all intents are booked together, then sent in parts of PLACE_MAX.

        The outcomes are in the order of *wanted*. Raises OffGridError before anything is booked, and nothing the venue
        does. When booking an outcome fails, the other parts are still sent and booked before that is raised.
        """
        now_ms = self.clock.now_ms()
        made = [(self._signer.sign(order, now_ms), condition) for order, condition in wanted]
        if made:
            await self.book([OrderIntended(**_terms(order, condition)) for order, condition in made])
        self.unknown |= {order.order_id: _sent(order, condition) for order, condition in made}
        parts = [made[start : start + PLACE_MAX] for start in range(0, len(made), PLACE_MAX)]
        self._in_flight |= {order.order_id for order, _ in made}
        try:
            ended = await asyncio.gather(*(self._send(part) for part in parts), return_exceptions=True)
        finally:
            self._in_flight -= {order.order_id for order, _ in made}
        outcomes: list[Outcome] = []
        for each in ended:
            if isinstance(each, BaseException):
                raise each
            outcomes += each
        return outcomes

    async def _send(self, part: Sequence[tuple[SignedOrder, str]]) -> list[Outcome]:
        """Send up to PLACE_MAX orders, book what became of each together, ask about those of unknown outcome."""
        outcomes: dict[str, Outcome] = {}
        facts: list[AnyFact] = []
        for (order, condition), answer in zip(part, await self._answers([order for order, _ in part]), strict=True):
            if isinstance(answer, Placed):
                # The answer names no terms, and the next cycle must not have to wait for the channel to know of it.
                facts.append(OrderPlaced(**_terms(order, condition), expiration_s=order.wanted.expiration_s))
                outcomes[order.order_id] = Outcome(order, Fate.PLACED, answer.status)
            elif not _may_have_had_effect(answer):
                outcomes[order.order_id] = Outcome(order, Fate.REJECTED, _words(answer))
                facts.append(self._rejection(order, condition, _words(answer)))
        if facts:
            await self.book(facts)
        for order_id in outcomes:
            del self.unknown[order_id]
        found = await self._settle([order.order_id for order, _ in part if order.order_id not in outcomes])
        for order, _ in part:
            if answer_found := found.get(order.order_id):
                outcomes[order.order_id] = Outcome(order, answer_found.fate, answer_found.text)
        return [outcomes[order.order_id] for order, _ in part]

    async def _answers(self, orders: Sequence[SignedOrder]) -> Sequence[Placed | Rejected | VenueError]:
        """The venue's answer to each order; a request without one is the answer to all of its orders."""
        try:
            return [await self._orders.place(orders[0])] if len(orders) == 1 else await self._orders.place_many(orders)
        except VenueError as error:
            return [error] * len(orders)

    def is_in_flight(self, order_id: str) -> bool:
        """Whether the order is being placed at this moment."""
        return order_id in self._in_flight

    async def settle_unknown(self) -> list[Settled]:
        """Ask about every order of unknown outcome, but those that are being placed at this moment."""
        found = await self._settle([order_id for order_id in self.unknown if order_id not in self._in_flight])
        return [Settled(order_id, answer.fate, answer.text) for order_id, answer in found.items()]

    async def resume(self, connection: asyncpg.Connection, wallet_id: int) -> list[Settled]:
        """Find out what became of orders that only have an intent: the process was killed before their answer (D1).

        What rests is in the books afterwards as any other order of ours. What nobody could tell stays in `unknown`.
        """
        for sent in await unresolved_intents(connection, wallet_id):
            self.unknown.setdefault(sent.order_id, sent)
        return await self.settle_unknown()

    async def _settle(self, order_ids: Sequence[str]) -> dict[str, Answer]:
        """Find out by asking; only what the venue denies all along is booked as never arrived.

        Should such an order arrive even later, order sync finds it: open at the venue, closed in the books.
        """
        asked = [self.unknown[order_id] for order_id in order_ids]
        found = await self._questions.find(asked) if asked else {}
        closed = [
            OrderClosed(
                order_id=sent.order_id,
                token_id=sent.token_id,
                condition_id=sent.condition_id,
                reason=found[sent.order_id].text,
                occurred_at_ms=sent.placed_at_ms,
            )
            for sent in asked
            if found[sent.order_id].fate.is_closed
        ]
        if closed:
            await self.book(closed)
        for order_id, answer in found.items():
            if answer.fate is not Fate.UNKNOWN:
                self.unknown.pop(order_id, None)
        return found

    async def cancel(self, order_ids: Sequence[str], condition_id: str = "", since_s: int = 0) -> CancelReport:
        """Cancel any number of orders, and read the trades of the condition ("": of all) from *since_s* on again.

        An answer never says what was filled before it. What it refuses or does not mention is asked for by its id, and
        closed only when the venue calls it over and shows it no more. Raises VenueError when nothing was answered.
        """
        wanted = tuple(dict.fromkeys(order_ids))
        if not wanted:
            return CancelReport()
        answer = await self._cancel_twice(wanted)
        trades = await self.account.trades(market=condition_id, after_s=trades_from_s(since_s * 1000))
        canceled = frozenset(answer.canceled)
        resting = {
            order_id: answer.refused.get(order_id, UNMENTIONED) for order_id in wanted if order_id not in canceled
        }
        over = [
            order_id
            for order_id, reason in resting.items()
            if trades.is_complete and says_over(reason) and order_id not in self.unknown
        ]
        shown = await asyncio.gather(*(or_error(self.account.open_order(order_id)) for order_id in over))
        ended = {order_id: resting.pop(order_id) for order_id, row in zip(over, shown, strict=True) if row is None}
        now_ms = self.clock.now_ms()
        if ended:
            await self.book(
                [OrderClosed(order_id=each, reason=why, occurred_at_ms=now_ms) for each, why in ended.items()]
            )
        return CancelReport(tuple(each for each in wanted if each in canceled), ended, resting)

    async def _cancel_twice(self, wanted: tuple[str, ...]) -> CancelAnswer:
        """Cancel, and once more what the answer did not mention or what got none: a second cancel does no harm."""
        try:
            first = await self._orders.cancel_many(wanted)
        except VenueError as error:
            if error.kind is not ErrorKind.AMBIGUOUS:
                raise
            first = CancelAnswer(failed=((wanted, error),))
        left = first.unmentioned(wanted)
        if not left:
            return first
        try:
            second = await self._orders.cancel_many(left)
        except VenueError:
            if left == wanted:
                raise
            return first
        return CancelAnswer((*first.canceled, *second.canceled), {**first.refused, **second.refused})

    def _rejection(self, order: SignedOrder, condition_id: str, text: str) -> OrderRejected:
        return OrderRejected(
            order_id=order.order_id,
            token_id=order.wanted.token_id,
            condition_id=condition_id,
            reason=text,
            occurred_at_ms=self.clock.now_ms(),
        )


def _sent(order: SignedOrder, condition_id: str) -> Sent:
    return Sent(order.order_id, order.wanted.token_id, condition_id, order.placed_at_ms)


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


def _may_have_had_effect(answer: Rejected | VenueError) -> bool:
    """Whether the order may be at the venue all the same; a duplicate is there from an earlier attempt."""
    return answer.is_duplicate if isinstance(answer, Rejected) else answer.may_have_had_effect


def _words(answer: Rejected | VenueError) -> str:
    if isinstance(answer, VenueError):
        return str(answer)
    return answer.text or f"refused with status {answer.status}"
