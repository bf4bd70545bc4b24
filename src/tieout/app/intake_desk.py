"""The one way into the books for everything a worker hears: answers of the venue, frames, facts of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tieout.client.transport import RawBody
from tieout.intake.intake import Incoming, IntakeQueue, own
from tieout.ledger.facts import AnyFact
from tieout.store.errors import StoreError

BOOKED: Mapping[str, frozenset[str]] = {
    "clob": frozenset(("open_order", "clob_trade", "order_answer", "cancel_answer")),
    "chain": frozenset(("receipt", "chain_window", "chain_version")),
    "data-api": frozenset(("activity", "data_trade", "position")),
    "gamma": frozenset(("gamma_market",)),
}
"""Kinds of answers that say something of the wallet or its markets, by service; books and prices are not kept."""


def is_empty_window(raw: RawBody) -> bool:
    """Whether it is an answer for blocks in which nothing of the wallet happened: most are, and nobody needs them."""
    return raw.kind == "chain_window" and b'"topics"' not in raw.body


class IntakeDesk:
    """Hands messages to the queue and waits until they are committed. Nothing can come before it is open."""

    def __init__(self) -> None:
        self._open: IntakeQueue | None = None

    def open(self, queue: IntakeQueue) -> None:
        """From now on *queue* takes them."""
        self._open = queue

    @property
    def _queue(self) -> IntakeQueue:
        if self._open is None:
            raise StoreError("the intake is not open yet")
        return self._open

    async def put(self, message: Incoming) -> None:
        """Journal and book a message."""
        await self._queue.put(message)

    async def record(self, raw: RawBody) -> None:
        """Journal and book an answer, if its kind is one of BOOKED and it says anything."""
        if raw.kind in BOOKED.get(raw.source, ()) and not is_empty_window(raw):
            await self._queue.put(Incoming(raw.body, raw.source, raw.origin, raw.kind))

    async def book(self, facts: Sequence[AnyFact]) -> None:
        """Book facts of our own, in one transaction where they come together."""
        if len(facts) == 1:
            await self._queue.put(own(facts[0], "worker"))
        else:
            await asyncio.gather(*(self._queue.put(own(fact, "worker")) for fact in facts))
