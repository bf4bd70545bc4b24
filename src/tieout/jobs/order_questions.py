"""Asking the venue what became of orders whose answer was lost (catalog P3). Nothing is assumed.

Each order is asked for by its id and looked for in the trades of its market, again and again. What is denied all along
is cancelled, in case it rests after all, and asked for once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from tieout.client.clob_account import ClobAccount
from tieout.client.clob_orders import ClobOrders
from tieout.client.clock import Clock
from tieout.client.errors import VenueError
from tieout.client.rows import Trade
from tieout.jobs.own_orders import Sent

T = TypeVar("T")

ASK_AGAIN_MS = (250, 1_000, 4_000)
"""When to ask about an order of unknown outcome: a request may still be on its way when its answer was given up."""

READ_BACK_S = 60
"""Trades are read from so long before the order: the two clocks are not the same."""

ABSENT = "not at the venue: neither open nor traded after its answer was lost"
"""The venue's word for it does not always tell an order that never arrived from one that is over."""

_UNKNOWN = ("can't be found", "not found")
_OVER = ("already cancel", "already filled", "already matched", *_UNKNOWN)


def trades_from_s(at_ms: int) -> int:
    """Unix seconds from which trades are to be read, so that those of *at_ms* are among them."""
    return max(at_ms // 1000 - READ_BACK_S, 0)


class Fate(StrEnum):
    """What became of a placement."""

    PLACED = "placed"
    REJECTED = "rejected"
    ABSENT = "absent"
    """Neither open nor traded, and not known to cancel: it never arrived, or nothing of it is left."""
    OVER = "over"
    """It was there and rests no more, in the venue's words."""
    UNKNOWN = "unknown"

    @property
    def is_closed(self) -> bool:
        """Whether nothing of it can rest at the venue."""
        return self in (Fate.ABSENT, Fate.OVER)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one order, and how that is known; of an UNKNOWN one, why it is not."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """One round of questions: orders the venue showed, and those it gave no clear answer about, with the reason.

    Those in neither were denied.
    """

    shown: frozenset[str]
    unclear: Mapping[str, str]


class OrderQuestions:
    """Asks about any number of orders together. The client's recorder books what the venue shows on the way."""

    def __init__(self, orders: ClobOrders, account: ClobAccount, clock: Clock) -> None:
        self._orders = orders
        self._account = account
        self._clock = clock

    async def find(self, wanted: Iterable[Sent]) -> dict[str, Answer]:
        """What became of each of *wanted*, by order id. Raises nothing of the venue."""
        left = {sent.order_id: sent for sent in wanted}
        found: dict[str, Answer] = {}
        told = Told(frozenset(), {})
        for wait_ms in ASK_AGAIN_MS if left else ():
            await self._clock.sleep(wait_ms)
            told = await self.ask(left.values())
            found |= {order_id: Answer(Fate.PLACED, "found by asking") for order_id in told.shown}
            left = {order_id: sent for order_id, sent in left.items() if order_id not in told.shown}
            if not left:
                return found
        found |= {
            order_id: Answer(Fate.UNKNOWN, told.unclear[order_id]) for order_id in left if order_id in told.unclear
        }
        denied = [sent for order_id, sent in left.items() if order_id not in told.unclear]
        return found | (await self._cancel(denied) if denied else {})

    async def _cancel(self, denied: Sequence[Sent]) -> dict[str, Answer]:
        """Cancel what the venue denies; what it does not know to cancel either, and denies once more, is absent.

        A refusal that calls an order canceled or filled, without saying that it cannot be found, proves it was there.
        """
        ids = tuple(sent.order_id for sent in denied)
        try:
            answer = await self._orders.cancel_many(ids)
        except VenueError as error:
            return {order_id: Answer(Fate.UNKNOWN, str(error)) for order_id in ids}
        told = await self.ask(denied)
        found: dict[str, Answer] = {}
        for order_id in ids:
            reason = answer.refused.get(order_id, "the answer to its cancel does not mention it")
            if order_id in answer.canceled or order_id in told.shown:
                found[order_id] = Answer(Fate.PLACED, "found by cancelling")
            elif order_id in told.unclear:
                found[order_id] = Answer(Fate.UNKNOWN, told.unclear[order_id])
            elif says_unknown(reason):
                found[order_id] = Answer(Fate.ABSENT, ABSENT)
            else:
                found[order_id] = Answer(Fate.OVER if says_over(reason) else Fate.UNKNOWN, reason)
        return found

    async def ask(self, wanted: Iterable[Sent]) -> Told:
        """Ask about each order once: by its id, and by one reading of the trades of each market."""
        asked = list(wanted)
        since: dict[str, int] = {}
        for sent in asked:
            at_s = trades_from_s(sent.placed_at_ms)
            since[sent.condition_id] = min(since.get(sent.condition_id, at_s), at_s)
        listings = await asyncio.gather(
            *(or_error(self._account.trades(market=condition, after_s=at_s)) for condition, at_s in since.items())
        )
        opens = await asyncio.gather(*(or_error(self._account.open_order(sent.order_id)) for sent in asked))
        traded: set[str] = set()
        silent: dict[str, str] = {}
        for condition, listing in zip(since, listings, strict=True):
            if isinstance(listing, VenueError):
                silent[condition] = str(listing)
                continue
            traded |= {order_id for trade in listing.rows for order_id in orders_of(trade)}
            if not listing.is_complete:
                silent[condition] = f"the trades did not come whole: {listing.flaw or 'a row is unreadable'}"
        shown: set[str] = set()
        unclear: dict[str, str] = {}
        for sent, row in zip(asked, opens, strict=True):
            if sent.order_id in traded or not (row is None or isinstance(row, VenueError)):
                shown.add(sent.order_id)
            elif isinstance(row, VenueError):
                unclear[sent.order_id] = str(row)
            elif sent.condition_id in silent:
                unclear[sent.order_id] = silent[sent.condition_id]
        return Told(frozenset(shown), unclear)


async def or_error(question: Awaitable[T]) -> T | VenueError:
    """The answer, or the error of the venue as a value, so that one question does not end its neighbors."""
    try:
        return await question
    except VenueError as error:
        return error


def orders_of(trade: Trade) -> tuple[str, ...]:
    """Every order that took part in *trade*."""
    return (trade.taker_order_id, *(leg.order_id for leg in trade.legs))


def says_over(reason: str) -> bool:
    """Whether the refusal of a cancel says that there is nothing left to cancel (`polymarket.md` 1.3).

    The texts are free; one that is not known, such as that of an order in its delay, says nothing.
    """
    return _has(reason, _OVER)


def says_unknown(reason: str) -> bool:
    """Whether the refusal of a cancel says that the venue has no such order among those it still looks up."""
    return _has(reason, _UNKNOWN)


def _has(reason: str, texts: Iterable[str]) -> bool:
    return any(text in reason.lower() for text in texts)
